//! The packet engine's face: frames in, splits out.
//!
//! A frame goes through `link_layer` and `segment` to the `flow` of its connection; when a call
//! has ended, `exchange` reads the split from the flow, at the boundaries that the agent's markers
//! name. Only watched ports are kept, each within a fixed amount of memory.

use std::{collections::HashMap, net::SocketAddr, ops::Range, time::Duration};

use crate::{
    exchange,
    flow::Flow,
    frame::{Frame, LinkType},
    segment::Segment,
    split::Split,
    time::Timestamp,
};

/// What the agent noted about one exchange of its own: exact boundaries, so that nothing about
/// TLS records has to be guessed.
///
/// Stream positions count TCP payload bytes from the first byte after the SYN, TLS included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markers {
    /// This machine's end of the connection.
    pub client: SocketAddr,
    /// The provider's end.
    pub server: SocketAddr,
    /// When the agent began to open the connection; tells streams on a reused port apart.
    pub opened_at: Timestamp,
    /// Whether this is the connection's first exchange, to which the handshakes belong.
    pub first: bool,
    /// Client bytes of the TLS handshake, ClientHello to Finished; empty on plain TCP.
    pub handshake: Range<u64>,
    /// The request's bytes in the client's stream.
    pub request: Range<u64>,
    /// The response's bytes in the server's stream; its end is as far as the agent read.
    pub response: Range<u64>,
    /// Whether the agent read the response to its end.
    pub complete: bool,
}

/// The most connections of one local port that are kept; a port that many servers or many
/// generations share loses its oldest.
const MOST_FLOWS: usize = 16;

/// Turns frames of live connections into splits; a push state machine without I/O.
#[derive(Debug)]
pub struct Splitter {
    link_type: LinkType,
    /// The flows of each watched port, oldest first.
    watched: HashMap<u16, Vec<Flow>>,
}

impl Splitter {
    /// A splitter for frames of this link type, watching no connection yet.
    pub fn new(link_type: LinkType) -> Self {
        Self { link_type, watched: HashMap::new() }
    }

    /// Keeps what it sees of connections from this local port; call it before connecting.
    pub fn watch(&mut self, local_port: u16) {
        self.watched.entry(local_port).or_default();
    }

    /// Forgets the connections of this local port; call it after closing.
    pub fn unwatch(&mut self, local_port: u16) {
        self.watched.remove(&local_port);
    }

    /// Takes one frame; frames of connections that are not watched leave no trace.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let Some(segment) = Segment::read(self.link_type, frame) else { return };
        if let Some(flows) = self.watched.get_mut(&segment.source.port()) {
            if let Some(flow) = sending_flow(flows, &segment) {
                flow.send(&segment);
            }
        } else if let Some(flows) = self.watched.get_mut(&segment.destination.port())
            && let Some(flow) = receiving_flow(flows, &segment)
        {
            flow.receive(&segment);
        }
    }

    /// Whether every byte of the request and the response that the markers name has been seen,
    /// with the request acknowledged. It stays false where the capture has a gap or the response
    /// came before the request was complete, so ask until a deadline only.
    pub fn has_seen(&self, markers: &Markers) -> bool {
        let flows = self.watched.get(&markers.client.port()).map_or(&[][..], Vec::as_slice);
        let Some(flow) = generation(flows, markers).and_then(|index| flows.get(index)) else {
            return false;
        };
        let request = flow.locate_request(&markers.request);
        let response = flow.locate_response(&markers.response);
        request.zip(response).is_some_and(|(request, response)| flow.has_seen(&request, &response))
    }

    /// The split of a finished exchange, forgetting all of its connection up to its end; `None`
    /// where no frame of the connection was seen.
    pub fn resolve(&mut self, markers: &Markers) -> Option<Split> {
        let flows = self.watched.get_mut(&markers.client.port())?;
        let index = generation(flows, markers)?;
        let flow = flows.get_mut(index)?;
        let request = flow.locate_request(&markers.request);
        let response = flow.locate_response(&markers.response);
        let split = exchange::split(flow, markers, request.as_ref(), response.as_ref());
        let end = |range: Option<Range<u64>>| range.map_or(0, |range| range.end);
        flow.forget(end(request), end(response));
        Some(split)
    }
}

/// The flow that a segment of the client belongs to, begun where it is the first of one.
fn sending_flow<'f>(flows: &'f mut Vec<Flow>, segment: &Segment<'_>) -> Option<&'f mut Flow> {
    let (client, server) = (segment.source, segment.destination);
    let known = flows.iter().rposition(|flow| {
        flow.connects(client, server) && (!segment.syn || flow.is_opened_by(segment))
    });
    known_or_begun(flows, known, segment, (client, server))
}

/// The flow that a segment of the server belongs to, begun where it is the first of one.
fn receiving_flow<'f>(flows: &'f mut Vec<Flow>, segment: &Segment<'_>) -> Option<&'f mut Flow> {
    let (client, server) = (segment.destination, segment.source);
    let known = flows.iter().rposition(|flow| {
        flow.connects(client, server) && (!segment.syn || flow.is_accepted_by(segment))
    });
    known_or_begun(flows, known, segment, (client, server))
}

/// A segment begins a flow where it opens or accepts one, or carries bytes; what else is seen of
/// an unknown connection is the end of one that is over.
fn known_or_begun<'f>(
    flows: &'f mut Vec<Flow>,
    known: Option<usize>,
    segment: &Segment<'_>,
    (client, server): (SocketAddr, SocketAddr),
) -> Option<&'f mut Flow> {
    if let Some(index) = known {
        return flows.get_mut(index);
    }
    if !segment.syn && segment.payload == 0 {
        return None;
    }
    if flows.len() == MOST_FLOWS {
        flows.remove(0);
    }
    flows.push(Flow::new(client, server, segment.timestamp));
    flows.last_mut()
}

/// Which flow the markers speak of: of those between their ends that are not older than the
/// agent's decision to connect, the one that began nearest to it, openings that were seen first.
fn generation(flows: &[Flow], markers: &Markers) -> Option<usize> {
    let (client, server) = (canonical(markers.client), canonical(markers.server));
    let earliest = markers.opened_at.minus(OPENING_TOLERANCE);
    flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.connects(client, server) && flow.first_seen() >= earliest)
        .min_by_key(|(_, flow)| {
            let distance = flow.first_seen().unix_ns().abs_diff(markers.opened_at.unix_ns());
            (flow.opening().began().is_none(), distance)
        })
        .map(|(index, _)| index)
}

/// A SYN may seem to be earlier than the decision to send it: frames may be stamped more coarsely,
/// and by a clock that the agent's has drifted from.
const OPENING_TOLERANCE: Duration = Duration::from_millis(500);

/// The address as a frame has it: without a scope, and IPv4 as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
