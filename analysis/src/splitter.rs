//! The packet engine's face: frames in, splits out.
//!
//! A frame goes through `link_layer` and `segment` to the `flow` of its connection; when a call
//! has ended, `exchange` reads the split from the flow, at the boundaries that the agent's markers
//! name. Only watched ports are kept, each with a fixed number of connections, and all of them
//! within a fixed amount of memory: a splitter may run for months.

mod port;

use std::{collections::HashMap, net::SocketAddr, ops::Range, time::Duration};

use self::port::Port;
use crate::{
    exchange,
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

/// A round of looking for connections that expire, by the frames' own time. They are counted, so
/// that a clock that is stepped forward ends one round and no connection.
const ROUND: Duration = Duration::from_mins(1);

/// Turns frames of live connections into splits; a push state machine without I/O.
#[derive(Debug)]
pub struct Splitter {
    link_type: LinkType,
    watched: HashMap<u16, Port>,
    /// The memory that the watched ports' flows take beside themselves.
    held: usize,
    most_held: usize,
    round_began: Option<Timestamp>,
}

impl Splitter {
    /// The most memory that is kept of all connections, in bytes, beside a few hundred for each,
    /// where nothing else is said. One connection holds 5 MB at the most.
    pub const MOST_HELD: usize = 128 << 20;

    /// A splitter for frames of this link type, watching no connection yet.
    pub fn new(link_type: LinkType) -> Self {
        Self {
            link_type,
            watched: HashMap::new(),
            held: 0,
            most_held: Self::MOST_HELD,
            round_began: None,
        }
    }

    /// The splitter with another bound on the memory of all connections. Where they would hold
    /// more, the one that holds most loses what happened on it, and an exchange that is under way
    /// there has a gap.
    #[must_use]
    pub fn holding_at_most(self, bytes: usize) -> Self {
        Self { most_held: bytes, ..self }
    }

    /// Keeps what it sees of connections from this local port; call it before connecting. Those of
    /// which nothing is seen for an hour are forgotten, and two minutes after they were closed.
    pub fn watch(&mut self, local_port: u16) {
        let port = self.watched.entry(local_port).or_default();
        port.watches = port.watches.saturating_add(1);
    }

    /// Forgets the connections of this local port, once it was called as often as [`Self::watch`];
    /// call it after closing.
    pub fn unwatch(&mut self, local_port: u16) {
        let Some(port) = self.watched.get_mut(&local_port) else { return };
        port.watches = port.watches.saturating_sub(1);
        if port.watches == 0 {
            self.held -= port.held_bytes();
            self.watched.remove(&local_port);
        }
    }

    /// Takes one frame; frames of connections that are not watched leave no trace.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let Some(segment) = Segment::read(self.link_type, frame) else { return };
        self.note_time(segment.timestamp);
        let (source, destination) = (segment.source.port(), segment.destination.port());
        let (local_port, by_client) =
            if self.watched.contains_key(&source) { (source, true) } else { (destination, false) };
        let Some(port) = self.watched.get_mut(&local_port) else { return };
        let before = port.held_bytes();
        port.take(&segment, by_client);
        self.held = self.held - before + port.held_bytes();
        if self.held > self.most_held {
            self.forget_largest();
        }
    }

    /// Whether every byte of the request and the response that the markers name has been seen,
    /// with the request acknowledged. It stays false where the capture has a gap or the response
    /// came before the request was complete, so ask until a deadline only.
    pub fn has_seen(&self, markers: &Markers) -> bool {
        let port = self.watched.get(&markers.client.port());
        let Some(flow) = port.and_then(|port| port.flow(generation(port, markers)?)) else {
            return false;
        };
        let request = flow.locate_request(&markers.request);
        let response = flow.locate_response(&markers.response);
        request.zip(response).is_some_and(|(request, response)| flow.has_seen(&request, &response))
    }

    /// The split of a finished exchange, forgetting all of its connection up to its end; `None`
    /// where no frame of the connection was seen, or none for so long that it is forgotten.
    pub fn resolve(&mut self, markers: &Markers) -> Option<Split> {
        let port = self.watched.get_mut(&markers.client.port())?;
        let index = generation(port, markers)?;
        let flow = port.flow_mut(index)?;
        let request = flow.locate_request(&markers.request);
        let response = flow.locate_response(&markers.response);
        let split = exchange::split(flow, markers, request.as_ref(), response.as_ref());
        // Of an exchange that cannot be found nothing is left to be asked for.
        let (sent, received) = flow.reached();
        let end = |range: Option<Range<u64>>, reached| range.map_or(reached, |range| range.end);
        let before = flow.held_bytes();
        flow.forget(end(request, sent), end(response, received));
        self.held = self.held - before + flow.held_bytes();
        Some(split)
    }

    /// How many connections are kept.
    pub fn connections(&self) -> usize {
        self.watched.values().map(|port| port.flows().count()).sum()
    }

    /// The memory that is kept of all connections, in bytes, beside a few hundred for each.
    pub const fn held_bytes(&self) -> usize {
        self.held
    }

    fn note_time(&mut self, now: Timestamp) {
        let began = *self.round_began.get_or_insert(now);
        match now.since(began) {
            Some(length) if length < ROUND => {}
            // Where time runs backwards the round begins anew.
            None => self.round_began = Some(now),
            Some(_) => {
                self.round_began = Some(now);
                self.watched.values_mut().for_each(Port::end_round);
                self.held = self.watched.values().map(Port::held_bytes).sum();
            }
        }
    }

    fn forget_largest(&mut self) {
        let flows = self.watched.iter().flat_map(|(number, port)| {
            let flows = port.flows().enumerate();
            flows.map(|(index, flow)| (flow.held_bytes(), *number, index))
        });
        let Some((held, number, index)) = flows.max() else { return };
        let port = self.watched.get_mut(&number);
        if let Some(flow) = port.and_then(|port| port.flow_mut(index)) {
            flow.forget_log();
            self.held = self.held - held + flow.held_bytes();
        }
    }
}

/// Which flow the markers speak of: of those between their ends that are not older than the
/// agent's decision to connect, the one that began nearest to it, openings that were seen first.
fn generation(port: &Port, markers: &Markers) -> Option<usize> {
    let (client, server) = (canonical(markers.client), canonical(markers.server));
    let earliest = markers.opened_at.minus(OPENING_TOLERANCE);
    port.flows()
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
