//! Exchanges found in captures that nobody annotated.
//!
//! Frames of any connections go in; exchanges and streams come out as soon as they are over: an
//! exchange when the next one begins or its stream ends, a stream when it is silent for long. Which
//! bytes are a request and which its response is read from plain HTTP/1.1 heads or inferred from
//! TLS record headers; the split is then made by the same code as for the agent's own exchanges.
//! Memory is bounded: streams that are closed or idle expire by the frames' own time, and where all
//! together hold too much the largest is ended.

mod conversation;
mod http;
mod published_rule;
mod row;
mod server_name;
mod stream;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use self::stream::Stream;
pub use self::{
    published_rule::{PublishedLag, PublishedRule, published_terms},
    row::ExchangeRow,
};
use crate::{
    datagram,
    frame::{Frame, LinkType},
    segment::Segment,
    split::{Split, SplitFlags},
    time::Timestamp,
    tls_record::RecordCounts,
};

/// The most streams that are followed at once; beyond, the longest idle are ended.
const MOST_STREAMS: usize = 16_384;
/// How many of them are ended together.
const ENDED_TOGETHER: usize = MOST_STREAMS / 8;
/// How long a stream may be silent, and one that both sides have closed.
const IDLE: Duration = Duration::from_mins(15);
const CLOSED: Duration = Duration::from_mins(1);
/// How often, in the frames' time, silent streams are looked for.
const SWEEP: Duration = Duration::from_secs(10);
/// At how many of them such a sweep may look for each segment that came since the last.
const LOOKS_A_SEGMENT: usize = 16;
/// The most addresses whose names are kept, and pairs of ends whose generations are counted; with
/// more of them all are forgotten.
const MOST_NAMES: usize = 16_384;
const MOST_GENERATIONS: usize = 65_536;
/// Ports from here on are taken by clients (Linux's default range).
const EPHEMERAL: u16 = 32_768;

/// Which streams are of interest; empty lists are of no restriction.
#[derive(Clone, Debug, Default)]
pub struct StreamFilter {
    /// The servers' ports.
    pub server_ports: Vec<u16>,
    /// The servers' addresses.
    pub servers: Vec<IpAddr>,
}

impl StreamFilter {
    /// Whether streams of this server are of interest.
    pub fn wants(&self, server: SocketAddr) -> bool {
        (self.server_ports.is_empty() || self.server_ports.contains(&server.port()))
            && (self.servers.is_empty() || self.servers.contains(&server.ip()))
    }
}

/// Something that is over.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A request that was answered.
    Exchange(Box<FoundExchange>),
    /// A stream.
    Stream(Box<StreamSummary>),
}

/// One request and its response, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundExchange {
    /// The end that asked.
    pub client: SocketAddr,
    /// The end that answered.
    pub server: SocketAddr,
    /// How many streams between these ends came before this one.
    pub generation: u32,
    /// The exchange's place on its stream, from 0.
    pub index: u32,
    /// What the server is called; `None` where neither its client nor DNS said so.
    pub server_name: Option<Arc<str>>,
    /// How its boundaries are known.
    pub quality: Quality,
    /// Its times.
    pub split: Split,
}

/// How the boundaries of an exchange are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Read from HTTP heads in clear text.
    Read,
    /// Inferred from the order, direction, size and time of TLS records.
    Inferred,
}

impl Quality {
    /// The word for tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Inferred => "inferred",
        }
    }
}

/// What went over one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// The end that opened it, as far as can be told.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// How many streams between these ends came before this one.
    pub generation: u32,
    /// What the server is called, where that is known.
    pub server_name: Option<Arc<str>>,
    /// When its first and last frame were captured.
    pub span: (Timestamp, Timestamp),
    /// SYN to SYN-ACK, where it is plain which SYN was answered.
    pub handshake_round_trip: Option<Duration>,
    /// From client to server.
    pub up: DirectionSummary,
    /// From server to client.
    pub down: DirectionSummary,
    /// The exchanges that were found on it.
    pub exchanges: u32,
}

/// What went one way on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionSummary {
    /// TCP segments, or super-frames of several.
    pub packets: u64,
    /// Their payload, what was sent twice counted twice.
    pub payload_bytes: u64,
    /// Segments that carried bytes again.
    pub retransmissions: u64,
    /// TLS records of type 23 that were seen to their end.
    pub application_records: u64,
    /// TLS records of type 22 that were seen to their end.
    pub handshake_records: u64,
}

impl DirectionSummary {
    const fn with_records(mut self, counts: RecordCounts) -> Self {
        self.application_records = counts.application;
        self.handshake_records = counts.handshake;
        self
    }
}

/// Which bytes are an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bounds {
    request: Range<u64>,
    response: Range<u64>,
    /// What was odd about finding them.
    flags: SplitFlags,
    /// Whether the response was seen to its end.
    complete: bool,
}

/// The ends of a stream, the lesser first.
type Ends = (SocketAddr, SocketAddr);

/// Finds exchanges in frames; a push state machine without I/O.
///
/// # Examples
/// ```
/// use armol_analysis::{
///     frame::LinkType,
///     offline::{ExchangeFinder, Finding, StreamFilter},
///     testing::{Connection, client, server},
/// };
///
/// let frames = Connection::ipv4().frames(&[client(0).syn(), server(40_000).syn().acknowledges(0)]);
/// let mut finder = ExchangeFinder::new(StreamFilter::default());
/// let mut streams = 0;
/// let mut count = |finding: Finding| streams += usize::from(matches!(finding, Finding::Stream(_)));
/// for frame in &frames {
///     finder.push(LinkType::Ethernet, &frame.as_frame(), &mut count);
/// }
/// finder.finish(&mut count);
/// assert_eq!(streams, 1);
/// ```
#[derive(Debug)]
pub struct ExchangeFinder {
    filter: StreamFilter,
    streams: HashMap<Ends, Stream>,
    generations: HashMap<Ends, u32>,
    names: HashMap<IpAddr, Arc<str>>,
    begun: u64,
    swept_at: Option<Timestamp>,
    /// How many segments came since then.
    since_sweep: usize,
    /// The memory that the streams take beside themselves, in bytes, and the most that they may.
    held: usize,
    most_held: usize,
}

impl ExchangeFinder {
    /// The most memory that is kept of all streams, in bytes, beside about 2 KB for each, where
    /// nothing else is said. One stream holds 8 MB at the most.
    pub const MOST_HELD: usize = 256 << 20;

    /// A finder that has seen nothing.
    pub fn new(filter: StreamFilter) -> Self {
        Self {
            filter,
            streams: HashMap::new(),
            generations: HashMap::new(),
            names: HashMap::new(),
            begun: 0,
            swept_at: None,
            since_sweep: 0,
            held: 0,
            most_held: Self::MOST_HELD,
        }
    }

    /// The finder with another bound on the memory of all streams. Where they would hold more, the
    /// one that holds most is ended; what still comes of it is another stream, without a handshake.
    #[must_use]
    pub fn holding_at_most(self, bytes: usize) -> Self {
        Self { most_held: bytes, ..self }
    }

    /// Takes one frame and hands on what it shows to be over.
    pub fn push(&mut self, link_type: LinkType, frame: &Frame<'_>, sink: &mut impl FnMut(Finding)) {
        let Some(segment) = Segment::read(link_type, frame) else {
            self.note_names(link_type, frame);
            return;
        };
        self.sweep(segment.timestamp, sink);
        let ends = ends(&segment);
        let known = self.streams.get(&ends);
        if known.is_none_or(|stream| stream.is_replaced_by(&segment)) {
            self.end_one(&ends, sink);
            if !self.begin(ends, &segment, sink) {
                return;
            }
        }
        if let Some(stream) = self.streams.get_mut(&ends) {
            self.held -= stream.held_bytes();
            stream.push(&segment, sink);
            self.held += stream.held_bytes();
        }
        if self.held > self.most_held {
            self.end_largest(sink);
        }
    }

    /// Ends all streams, in the order in which they began.
    pub fn finish(&mut self, sink: &mut impl FnMut(Finding)) {
        self.end_where(|_| true, sink);
    }

    /// How many streams are followed.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The memory that is kept of all streams, in bytes, beside about 2 KB for each.
    pub const fn held_bytes(&self) -> usize {
        self.held
    }

    /// Begins a stream; returns whether it is of interest.
    fn begin(&mut self, ends: Ends, segment: &Segment<'_>, sink: &mut impl FnMut(Finding)) -> bool {
        let (client, server) = roles(&self.filter.server_ports, segment);
        if !self.filter.wants(server) {
            return false;
        }
        if self.streams.len() >= MOST_STREAMS {
            self.end_longest_idle(sink);
        }
        let generation = self.generations.get(&ends).map_or(0, |last| last + 1);
        if self.generations.len() >= MOST_GENERATIONS {
            self.generations.clear();
        }
        self.generations.insert(ends, generation);
        let name = self.names.get(&server.ip()).map(Arc::clone);
        let stream =
            Stream::new(client, server, segment.timestamp).numbered(generation, self.begun);
        self.streams.insert(ends, stream.named(name));
        self.begun += 1;
        true
    }

    fn note_names(&mut self, link_type: LinkType, frame: &Frame<'_>) {
        let Some(message) = datagram::dns_answer(link_type, frame) else { return };
        for (address, name) in server_name::of_dns_response(message) {
            if self.names.len() >= MOST_NAMES {
                self.names.clear();
            }
            self.names.insert(address, name.into());
        }
    }

    fn sweep(&mut self, now: Timestamp, sink: &mut impl FnMut(Finding)) {
        let swept_at = *self.swept_at.get_or_insert(now);
        self.since_sweep += 1;
        // Where time runs backwards the sweeps begin anew. Where it does so again and again, as in
        // captures of two clocks, not every segment may cost a look at all streams.
        if now.since(swept_at).is_some_and(|length| length < SWEEP)
            || self.since_sweep < self.streams.len() / LOOKS_A_SEGMENT
        {
            return;
        }
        (self.swept_at, self.since_sweep) = (Some(now), 0);
        let silent = |stream: &Stream| {
            let limit = if stream.is_closed() { CLOSED } else { IDLE };
            now.since(stream.last_seen()).is_some_and(|length| length > limit)
        };
        self.end_where(silent, sink);
    }

    fn end_longest_idle(&mut self, sink: &mut impl FnMut(Finding)) {
        let mut seen: Vec<Timestamp> = self.streams.values().map(Stream::last_seen).collect();
        seen.sort_unstable();
        let Some(limit) = seen.get(ENDED_TOGETHER).copied() else { return };
        self.end_where(|stream| stream.last_seen() <= limit, sink);
    }

    fn end_where(&mut self, over: impl Fn(&Stream) -> bool, sink: &mut impl FnMut(Finding)) {
        let mut ended: Vec<(Ends, Stream)> =
            self.streams.extract_if(|_, stream| over(stream)).collect();
        ended.sort_unstable_by_key(|(_, stream)| stream.number());
        for (_, stream) in ended {
            self.end(stream, sink);
        }
    }

    fn end_largest(&mut self, sink: &mut impl FnMut(Finding)) {
        let sizes = self.streams.iter();
        let largest = sizes.max_by_key(|(_, stream)| (stream.held_bytes(), stream.number()));
        if let Some(ends) = largest.map(|(ends, _)| *ends) {
            self.end_one(&ends, sink);
        }
    }

    fn end_one(&mut self, ends: &Ends, sink: &mut impl FnMut(Finding)) {
        if let Some(stream) = self.streams.remove(ends) {
            self.end(stream, sink);
        }
    }

    fn end(&mut self, mut stream: Stream, sink: &mut impl FnMut(Finding)) {
        self.held -= stream.held_bytes();
        stream.finish(sink);
        sink(Finding::Stream(Box::new(stream.summary())));
    }
}

/// Who is the client and who the server. Without a SYN the server is the end with a port of interest
/// or else one that no client is given; failing that, who speaks first is the client.
fn roles(server_ports: &[u16], segment: &Segment<'_>) -> (SocketAddr, SocketAddr) {
    let (source, destination) = (segment.source, segment.destination);
    let client_speaks = if segment.syn {
        segment.acknowledgment.is_none()
    } else {
        let wanted = |end: SocketAddr| server_ports.contains(&end.port());
        let low = |end: SocketAddr| end.port() < EPHEMERAL;
        match (wanted(source), wanted(destination)) {
            (true, false) => false,
            (false, true) => true,
            _ => low(destination) || !low(source),
        }
    };
    if client_speaks { (source, destination) } else { (destination, source) }
}

fn ends(segment: &Segment<'_>) -> Ends {
    let (source, destination) = (segment.source, segment.destination);
    (source.min(destination), source.max(destination))
}
