//! One stream of a foreign capture, from its segments to its exchanges.
//!
//! The flow keeps times by byte positions; beside it each direction's bytes are put in order and
//! read by the protocol that the first of them speak. What the protocol calls an exchange is split
//! by the code that splits the agent's own.

use std::{mem::size_of, net::SocketAddr, sync::Arc, time::Duration};

use crate::{
    assembly::{Assembly, Piece},
    exchange,
    flow::{Flow, Taken},
    offline::{
        Bounds, DirectionSummary, Finding, FoundExchange, Quality, StreamSummary,
        conversation::Conversation,
        http::{HttpConnection, looks_like_http},
        server_name,
    },
    segment::Segment,
    split::{SplitFlags, SplitTimes},
    splitter::Markers,
    time::Timestamp,
    tls_record::{Found, RecordWalker},
};

/// A log with more events than this is cut where no exchange is under way, and thinned where a
/// response is.
const LONG_LOG: usize = 1024;
/// No service lets its caller wait longer for an answer that still comes.
const LONGEST_INFERENCE: Duration = Duration::from_secs(20);

/// A stream while it lasts.
#[derive(Debug)]
pub(super) struct Stream {
    number: u64,
    generation: u32,
    client: SocketAddr,
    server: SocketAddr,
    name: Option<Arc<str>>,
    flow: Flow,
    span: (Timestamp, Timestamp),
    up: Side,
    down: Side,
    protocol: Protocol,
    exchanges: u32,
    /// The log's length from which on it is worth shortening.
    long_log: usize,
    /// The memory that all of this takes beside itself, in bytes.
    held: usize,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    assembly: Option<Assembly>,
    total: DirectionSummary,
    closed: bool,
}

/// What is spoken.
#[derive(Debug)]
enum Protocol {
    Unknown,
    Tls(Box<Tls>),
    Http(Box<HttpConnection>),
}

#[derive(Debug)]
struct Tls {
    up: RecordWalker,
    down: RecordWalker,
    conversation: Conversation,
}

impl Stream {
    /// A stream of which nothing has been seen before this moment.
    pub(super) fn new(client: SocketAddr, server: SocketAddr, at: Timestamp) -> Self {
        Self {
            number: 0,
            generation: 0,
            client,
            server,
            name: None,
            flow: Flow::new(client, server, at),
            span: (at, at),
            up: Side::default(),
            down: Side::default(),
            protocol: Protocol::Unknown,
            exchanges: 0,
            long_log: LONG_LOG,
            held: 0,
        }
    }

    /// The stream with its place among those between its ends, and among all.
    pub(super) fn numbered(self, generation: u32, number: u64) -> Self {
        Self { number, generation, ..self }
    }

    /// The stream with what its server is called.
    pub(super) fn named(self, name: Option<Arc<str>>) -> Self {
        Self { name, ..self }
    }

    /// Its place among all streams.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// When its last frame was captured.
    pub(super) const fn last_seen(&self) -> Timestamp {
        self.span.1
    }

    /// The memory that it takes beside itself, in bytes, about.
    pub(super) const fn held_bytes(&self) -> usize {
        self.held
    }

    /// Whether both sides have closed it.
    pub(super) const fn is_closed(&self) -> bool {
        self.up.closed && self.down.closed
    }

    /// Whether a segment between its ends opens another stream.
    pub(super) fn is_replaced_by(&self, segment: &Segment<'_>) -> bool {
        if !segment.syn {
            return false;
        }
        if segment.acknowledgment.is_some() {
            segment.source != self.server || !self.flow.is_accepted_by(segment)
        } else {
            segment.source != self.client || !self.flow.is_opened_by(segment)
        }
    }

    /// Takes a segment between its ends.
    pub(super) fn push(&mut self, segment: &Segment<'_>, sink: &mut impl FnMut(Finding)) {
        self.span.1 = segment.timestamp;
        let by_client = segment.source == self.client;
        let side = if by_client { &mut self.up } else { &mut self.down };
        side.total.packets += 1;
        side.total.payload_bytes += u64::from(segment.payload);
        side.closed |= segment.closes;
        if segment.resets {
            (self.up.closed, self.down.closed) = (true, true);
        }
        if by_client {
            let taken = self.flow.send(segment);
            self.up.total.retransmissions += u64::from(taken.repeated);
            self.read_client(segment, &taken, sink);
        } else {
            let taken = self.flow.receive(segment);
            self.down.total.retransmissions += u64::from(taken.repeated);
            self.read_server(segment, &taken, sink);
        }
        if self.flow.events().len() >= self.long_log {
            self.shorten_log();
            self.long_log = LONG_LOG.max(self.flow.events().len() * 2);
        }
        let protocol = self.protocol.held_bytes();
        self.held =
            self.flow.held_bytes() + self.up.held_bytes() + self.down.held_bytes() + protocol;
    }
}

impl Side {
    fn held_bytes(&self) -> usize {
        self.assembly.as_ref().map_or(0, Assembly::held_bytes)
    }
}

impl Stream {
    fn read_client(
        &mut self,
        segment: &Segment<'_>,
        taken: &Taken,
        sink: &mut impl FnMut(Finding),
    ) {
        let mut over = Vec::new();
        if let (Some(position), Some(assembly)) = (taken.acknowledged, &mut self.down.assembly) {
            let (protocol, flow) = (&mut self.protocol, &self.flow);
            assembly.acknowledge(position, &mut |piece| protocol.server(piece, flow));
        }
        if let Some(range) = &taken.range {
            let (from_start, _) = self.flow.starts_seen();
            let piece = piece(segment, range.start, 0);
            let assembly = self.up.assembly.get_or_insert_with(|| assembly(from_start));
            let (protocol, flow) = (&mut self.protocol, &self.flow);
            assembly.push(&piece, &mut |piece| protocol.client(piece, flow, &mut over));
            if let (true, Protocol::Tls(tls)) = (taken.repeated, &mut self.protocol) {
                tls.conversation.sent_again(range);
            }
            self.read_name();
        }
        self.hand_on(over, sink);
    }

    fn read_server(
        &mut self,
        segment: &Segment<'_>,
        taken: &Taken,
        sink: &mut impl FnMut(Finding),
    ) {
        let mut over = Vec::new();
        let (protocol, flow) = (&mut self.protocol, &self.flow);
        if let Some(position) = taken.acknowledged {
            protocol.acknowledged(position, segment.timestamp);
            if let (Some(next), None) = (taken.next, &taken.range) {
                protocol.announced(next, segment.timestamp);
            }
            if let Some(assembly) = &mut self.up.assembly {
                assembly.acknowledge(position, &mut |piece| {
                    protocol.client(piece, flow, &mut over);
                });
            }
        }
        if let Some(range) = &taken.range {
            let (_, from_start) = flow.starts_seen();
            let piece = piece(segment, range.start, taken.acknowledged.unwrap_or_default());
            let assembly = self.down.assembly.get_or_insert_with(|| assembly(from_start));
            assembly.push(&piece, &mut |piece| protocol.server(piece, flow));
        }
        self.hand_on(over, sink);
    }

    /// Ends the stream and hands on what was under way.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Finding)) {
        let mut over = Vec::new();
        let (protocol, flow) = (&mut self.protocol, &self.flow);
        if let Some(assembly) = &mut self.up.assembly {
            assembly.finish(&mut |piece| protocol.client(piece, flow, &mut over));
        }
        if let Some(assembly) = &mut self.down.assembly {
            assembly.finish(&mut |piece| protocol.server(piece, flow));
        }
        match protocol {
            Protocol::Unknown => {}
            Protocol::Tls(tls) => over.extend(tls.conversation.finish()),
            Protocol::Http(http) => http.finish(),
        }
        self.hand_on(over, sink);
    }

    /// What went over it.
    pub(super) fn summary(&self) -> StreamSummary {
        let (mut up, mut down) = (self.up.total, self.down.total);
        if let Protocol::Tls(tls) = &self.protocol {
            (up, down) = (up.with_records(tls.up.counts()), down.with_records(tls.down.counts()));
        }
        StreamSummary {
            client: self.client,
            server: self.server,
            generation: self.generation,
            server_name: self.name.as_ref().map(Arc::clone),
            span: self.span,
            handshake_round_trip: self.flow.opening().round_trip(),
            up,
            down,
            exchanges: self.exchanges,
        }
    }

    fn hand_on(&mut self, over: Vec<Bounds>, sink: &mut impl FnMut(Finding)) {
        for bounds in over {
            sink(Finding::Exchange(Box::new(self.resolve(&bounds))));
        }
        while let Protocol::Http(http) = &mut self.protocol
            && let Some(bounds) = http.next_exchange()
        {
            sink(Finding::Exchange(Box::new(self.resolve(&bounds))));
        }
    }

    fn resolve(&mut self, bounds: &Bounds) -> FoundExchange {
        let Bounds { request, response, .. } = bounds;
        let markers = Markers {
            client: self.client,
            server: self.server,
            opened_at: self.span.0,
            first: self.exchanges == 0,
            handshake: 0..0,
            request: request.clone(),
            response: response.clone(),
            complete: bounds.complete,
        };
        let mut split = exchange::split(&self.flow, &markers, Some(request), Some(response));
        self.flow.forget(request.end, response.end);
        split.flags |= bounds.flags;
        let slow = |times: SplitTimes| times.inference() > LONGEST_INFERENCE;
        if split.times.is_some_and(slow) {
            split.flags |= SplitFlags::IMPLAUSIBLE;
        }
        let mut quality = Quality::Read;
        if let Protocol::Tls(tls) = &self.protocol {
            quality = Quality::Inferred;
            if markers.first && !split.flags.contains(SplitFlags::CLOCK_STEPPED) {
                split.tls = tls.conversation.handshake_length();
            }
        }
        let index = self.exchanges;
        self.exchanges += 1;
        let server_name = self.name.as_ref().map(Arc::clone);
        let Self { client, server, generation, .. } = *self;
        FoundExchange { client, server, generation, index, server_name, quality, split }
    }

    /// Takes the server's name from the ClientHello, once that is whole.
    fn read_name(&mut self) {
        let Protocol::Tls(tls) = &mut self.protocol else { return };
        if tls.up.hello().is_empty() {
            return;
        }
        let whole = tls.up.counts().handshake > 0;
        if let Some(name) = server_name::of_client_hello(tls.up.hello()) {
            self.name = Some(name.into());
            tls.up.forget_hello();
        } else if whole {
            tls.up.forget_hello();
        }
    }

    /// Where no exchange is under way nothing of the log will be asked for; of a response only its
    /// ends and what is odd about it.
    fn shorten_log(&mut self) {
        let (idle, response) = match &self.protocol {
            Protocol::Unknown => (true, None),
            Protocol::Tls(tls) => (tls.conversation.is_idle(), tls.conversation.response()),
            Protocol::Http(http) => (http.is_idle(), http.response()),
        };
        let (sent, received) = self.flow.reached();
        if idle {
            self.flow.forget(sent, received);
        } else if let Some(response) = response {
            self.flow.thin(&(response.start..response.end.min(received)));
        }
    }
}

fn assembly(from_start: bool) -> Assembly {
    if from_start { Assembly::from_position(0) } else { Assembly::default() }
}

fn piece<'a>(segment: &Segment<'a>, position: u64, acknowledged: u64) -> Piece<'a> {
    Piece {
        position,
        length: u64::from(segment.payload),
        bytes: segment.bytes,
        at: segment.timestamp,
        acknowledged,
        after_gap: false,
    }
}

impl Protocol {
    fn held_bytes(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Tls(tls) => size_of::<Tls>() + tls.up.held_bytes() + tls.down.held_bytes(),
            Self::Http(http) => size_of::<HttpConnection>() + http.held_bytes(),
        }
    }

    /// Takes the client's next bytes; adds the exchanges that they show to be over.
    fn client(&mut self, piece: &Piece<'_>, flow: &Flow, over: &mut Vec<Bounds>) {
        match self.decided(piece, flow) {
            Self::Unknown => {}
            Self::Http(http) => http.client(piece),
            Self::Tls(tls) => {
                let Tls { up, conversation, .. } = &mut **tls;
                up.walk(piece, &mut |found| {
                    if found.start() > piece.position {
                        conversation.sent(piece.at);
                    }
                    over.extend(match found {
                        Found::Record(record) => conversation.client(&record),
                        Found::Opaque(record) => conversation.client_opaque(&record),
                    });
                });
                conversation.sent(piece.at);
            }
        }
    }

    /// Takes the server's next bytes.
    fn server(&mut self, piece: &Piece<'_>, flow: &Flow) {
        let least = || flow.round_trips().least_without(None);
        match self.decided(piece, flow) {
            Self::Unknown => {}
            Self::Http(http) => http.server(piece),
            Self::Tls(tls) => {
                let Tls { down, conversation, .. } = &mut **tls;
                down.walk(piece, &mut |found| {
                    if found.start() > piece.position {
                        conversation.arrived(piece.at);
                    }
                    match found {
                        Found::Record(record) => conversation.server(&record, least),
                        Found::Opaque(record) => conversation.server_opaque(&record, least),
                    }
                });
                conversation.arrived(piece.at);
            }
        }
    }

    fn acknowledged(&mut self, position: u64, at: Timestamp) {
        if let Self::Tls(tls) = self {
            tls.conversation.acknowledged(position, at);
        }
    }

    fn announced(&mut self, position: u64, at: Timestamp) {
        if let Self::Tls(tls) = self {
            tls.conversation.announced(position, at);
        }
    }

    /// The protocol, which the first bytes of either side decide.
    fn decided(&mut self, piece: &Piece<'_>, flow: &Flow) -> &mut Self {
        if matches!(self, Self::Unknown) {
            *self = if looks_like_http(piece.bytes) {
                Self::Http(Box::new(HttpConnection::new()))
            } else {
                let (up, down) = flow.starts_seen();
                Self::Tls(Box::new(Tls {
                    up: RecordWalker::new(up),
                    down: RecordWalker::new(down).without_hello(),
                    conversation: Conversation::new(),
                }))
            };
        }
        self
    }
}
