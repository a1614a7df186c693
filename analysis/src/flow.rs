//! One TCP connection as seen from the client's machine: what was sent, what arrived, when.
//!
//! A flow is a pair of ends plus a generation: a SYN with another sequence number on the same
//! ends begins another flow. It keeps a log of the events that the boundaries of an exchange are
//! read from, forgets what lies before the last resolved exchange, and is bounded.

mod coverage;
mod direction;
mod identification;
mod numbering;
mod opening;
mod round_trips;
mod server_clock;

use std::{collections::VecDeque, mem::size_of, net::SocketAddr, ops::Range, time::Duration};

use self::{
    coverage::Added,
    direction::Direction,
    identification::{Identifications, Step},
    numbering::Numbering,
    server_clock::ServerClock,
};
pub(crate) use self::{
    coverage::Coverage,
    opening::Opening,
    round_trips::{RoundTrips, Sample, overlap},
    server_clock::Hold,
};
use crate::{
    segment::{Segment, TcpStamps},
    time::Timestamp,
};

/// The most events of one flow that are kept, about 4 MB; a stream that is never resolved loses
/// its oldest, and the exchange that they belong to is flagged as a gap of the capture. An upload
/// of 40 MB in full segments, each acknowledged, stays below.
pub(crate) const MOST_EVENTS: usize = 1 << 16;

/// How many places a queue keeps once what filled it is resolved.
const KEPT_ROOM: usize = 1 << 6;

/// Stamps of neighbouring frames may run backwards by this much, because several processors take
/// them; more is a stepped clock.
const STAMP_JITTER: Duration = Duration::from_millis(1);

/// One connection's generation.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    first_seen: Timestamp,
    last_seen: Timestamp,
    opening: Opening,
    client_isn: Option<u32>,
    sent: Direction,
    received: Direction,
    identifications: Identifications,
    server_clock: ServerClock,
    round_trips: RoundTrips,
    events: VecDeque<Event>,
}

/// What happened on a connection, in the order in which it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The client sent bytes.
    Sent(Data),
    /// Bytes of the server arrived, perhaps with an acknowledgement.
    Arrived(Data, Option<u64>),
    /// The server acknowledged up to here, without sending bytes: more than before, or the same
    /// again while it lacked some.
    Acknowledged(Arrival, u64),
    /// The server reported that these bytes of the client came twice.
    Duplicate(Range<u64>),
    /// So many packets of the server that it sent before the next one have not arrived.
    Missing(u16),
    /// The next packet is one that was missing.
    Overtaken,
    /// Stamps ran backwards here.
    ClockStepped,
}

/// When a packet of the server came, and what its clock showed when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it was captured.
    pub(crate) at: Timestamp,
    /// The value of its timestamps option; `None` where it has none.
    pub(crate) stamp: Option<u32>,
}

/// What a segment turned out to be on its flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// The position of its sequence number in the server's stream; `None` for the client's.
    pub(crate) next: Option<u64>,
    /// The positions of its payload; `None` where it has none of this stream.
    pub(crate) range: Option<Range<u64>>,
    /// Whether some of its bytes were seen before.
    pub(crate) repeated: bool,
    /// Up to where it acknowledges the other side's stream; `None` where that is not known.
    pub(crate) acknowledged: Option<u64>,
}

/// Bytes that went one way in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// When the segment was captured.
    pub(crate) at: Timestamp,
    /// The positions of its bytes.
    pub(crate) range: Range<u64>,
    /// Whether some of its bytes were sent before.
    pub(crate) resent: bool,
    /// What the sender's clock showed; `None` where its packet does not say.
    pub(crate) stamp: Option<u32>,
}

impl Data {
    /// When its packet came, and what the sender's clock showed.
    pub(crate) const fn arrival(&self) -> Arrival {
        Arrival { at: self.at, stamp: self.stamp }
    }
}

impl Flow {
    /// A flow of which nothing has been seen before this moment.
    pub(crate) fn new(client: SocketAddr, server: SocketAddr, at: Timestamp) -> Self {
        Self {
            client,
            server,
            first_seen: at,
            last_seen: at,
            opening: Opening::default(),
            client_isn: None,
            sent: Direction::default(),
            received: Direction::default(),
            identifications: Identifications::default(),
            server_clock: ServerClock::default(),
            round_trips: RoundTrips::default(),
            events: VecDeque::new(),
        }
    }

    /// The memory that it takes beside itself, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.events.capacity() * size_of::<Event>()
            + self.round_trips.held_bytes()
            + self.opening.held_bytes()
            + self.sent.covered.held_bytes()
            + self.received.covered.held_bytes()
    }

    /// Whether it connects these ends.
    pub(crate) fn connects(&self, client: SocketAddr, server: SocketAddr) -> bool {
        self.client == client && self.server == server
    }

    /// Whether it connects the ends that another does.
    pub(crate) fn has_ends_of(&self, other: &Self) -> bool {
        self.connects(other.client, other.server)
    }

    /// Whether a segment of the client that opens a connection opens this one.
    pub(crate) fn is_opened_by(&self, syn: &Segment<'_>) -> bool {
        self.client_isn == Some(syn.sequence)
    }

    /// Whether a SYN-ACK accepts this connection.
    pub(crate) fn is_accepted_by(&self, syn_ack: &Segment<'_>) -> bool {
        let begun = self.client_isn.map(|isn| isn.wrapping_add(1));
        begun.is_some() && begun == syn_ack.acknowledgment
    }

    /// When its first frame was seen.
    pub(crate) const fn first_seen(&self) -> Timestamp {
        self.first_seen
    }

    /// How it was opened.
    pub(crate) const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Its round trips.
    pub(crate) const fn round_trips(&self) -> &RoundTrips {
        &self.round_trips
    }

    /// For how long a packet of the server was held up on its way, as the server's clock tells.
    pub(crate) fn held_up(&self, arrival: Arrival) -> Hold {
        self.server_clock.held_up(arrival)
    }

    /// What happened on it, without what is resolved.
    pub(crate) const fn events(&self) -> &VecDeque<Event> {
        &self.events
    }

    /// How far the requests and the responses that are resolved go.
    pub(crate) const fn resolved(&self) -> (u64, u64) {
        (self.sent.resolved, self.received.resolved)
    }

    /// Whether the client's and the server's stream were seen from their start.
    pub(crate) fn starts_seen(&self) -> (bool, bool) {
        let exact = |direction: &Direction| {
            direction.numbering.is_some_and(|numbering| numbering.is_exact())
        };
        (exact(&self.sent), exact(&self.received))
    }

    /// How far the client's and the server's stream have come.
    pub(crate) fn reached(&self) -> (u64, u64) {
        let reached =
            |direction: &Direction| direction.numbering.map_or(0, |numbering| numbering.furthest());
        (reached(&self.sent), reached(&self.received))
    }

    /// Takes a segment of the client.
    pub(crate) fn send(&mut self, segment: &Segment<'_>) -> Taken {
        self.note_time(segment.timestamp);
        let stamps = segment.stamps();
        let mut sequence = segment.sequence;
        if segment.syn {
            self.opening.syn(segment.timestamp, stamps);
            self.client_isn = Some(segment.sequence);
            sequence = sequence.wrapping_add(1);
            self.sent.begin(sequence);
        }
        let acknowledged = segment
            .acknowledgment
            .zip(self.received.numbering)
            .and_then(|(acknowledgment, numbering)| numbering.position(acknowledgment));
        let Some((range, added)) = self.sent.add(sequence, segment.payload) else {
            return Taken { acknowledged, ..Taken::default() };
        };
        self.round_trips.send(range.clone(), segment.timestamp, stamps, added.repeated);
        if range.end > self.sent.resolved {
            let range = range.clone();
            let stamp = stamps.map(|stamps| stamps.value);
            let data = Data { at: segment.timestamp, range, resent: added.repeated, stamp };
            self.log(Event::Sent(data));
        }
        Taken { range: Some(range), repeated: added.repeated, acknowledged, next: None }
    }

    /// Takes a segment of the server.
    pub(crate) fn receive(&mut self, segment: &Segment<'_>) -> Taken {
        self.note_time(segment.timestamp);
        match self.identifications.take(segment) {
            Step::Usual => {}
            Step::Missing(packets) => self.log(Event::Missing(packets)),
            Step::Overtaken => self.log(Event::Overtaken),
        }
        let stamps = segment.stamps();
        let mut sequence = segment.sequence;
        if segment.syn {
            sequence = sequence.wrapping_add(1);
            self.accept(segment, stamps);
        }
        let stamp = stamps.map(|stamps| stamps.value);
        // A SYN-ACK's may hold a cookie instead.
        if let Some(value) = stamp.filter(|_| !segment.syn) {
            self.server_clock.note(segment.timestamp, value);
        }
        let acknowledged = segment.acknowledgment.and_then(|acknowledgment| {
            let numbering =
                self.sent.numbering.get_or_insert_with(|| Numbering::from_middle(acknowledgment));
            numbering.position(acknowledgment)
        });
        self.note_duplicate(segment);
        let further = acknowledged.is_some_and(|position| {
            self.round_trips.acknowledge(position, segment.timestamp, stamps)
        });
        let mut taken = Taken { acknowledged, ..Taken::default() };
        if let Some((range, added)) = self.received.add(sequence, segment.payload) {
            let refilled = self.note_hole(segment.timestamp, added);
            taken.repeated = added.repeated || refilled;
            taken.range = Some(range.clone());
            taken.next = Some(range.start);
            if range.end > self.received.resolved {
                let data = Data { at: segment.timestamp, range, resent: taken.repeated, stamp };
                self.log(Event::Arrived(data, acknowledged));
                return taken;
            }
        }
        taken.next = self.received.numbering.and_then(|numbering| numbering.position(sequence));
        // What a resolved response repeats is no news, but may acknowledge the next request.
        let lacking = self.round_trips.is_outstanding();
        if let Some(position) = acknowledged.filter(|_| further || lacking) {
            self.log(Event::Acknowledged(Arrival { at: segment.timestamp, stamp }, position));
        }
        taken
    }

    fn accept(&mut self, syn_ack: &Segment<'_>, stamps: Option<TcpStamps>) {
        self.received.begin(syn_ack.sequence.wrapping_add(1));
        if let Some(acknowledgment) = syn_ack.acknowledgment {
            self.sent.begin(acknowledgment);
            self.client_isn.get_or_insert_with(|| acknowledgment.wrapping_sub(1));
        }
        if let Some(length) = self.opening.accept(syn_ack.timestamp, stamps) {
            self.round_trips.handshake(length);
        }
    }

    fn note_duplicate(&mut self, segment: &Segment<'_>) {
        let Some((start, end)) = segment.duplicate() else { return };
        let Some(numbering) = self.sent.numbering else { return };
        if let (Some(start), Some(end)) = (numbering.position(start), numbering.position(end)) {
            self.log(Event::Duplicate(start..end));
        }
    }

    /// Keeps track of holes in what arrived; returns whether this segment fills one so late that
    /// it must have been sent again: asking for it takes a round trip, reordering less.
    fn note_hole(&mut self, at: Timestamp, added: Added) -> bool {
        let since = self.received.hole_since;
        self.received.hole_since =
            if self.received.covered.has_holes() { since.or(Some(at)) } else { None };
        let Some(waited) = since.filter(|_| added.behind).and_then(|since| at.since(since)) else {
            return false;
        };
        self.round_trips.least_without(None).is_some_and(|least| waited >= least)
    }

    fn note_time(&mut self, at: Timestamp) {
        if at.plus(STAMP_JITTER) < self.last_seen {
            self.log(Event::ClockStepped);
            self.round_trips.interrupt();
            self.server_clock.interrupt();
            self.received.hole_since = None;
        }
        self.last_seen = at;
    }

    fn log(&mut self, event: Event) {
        if self.events.len() == MOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Whether these positions were sent and acknowledged, and those arrived.
    pub(crate) fn has_seen(&self, request: &Range<u64>, response: &Range<u64>) -> bool {
        self.sent.covered.covers(request)
            && self.round_trips.acknowledged() >= request.end
            && self.received.covered.covers(response)
    }

    /// This flow's positions of a range of the client's stream; `None` where its start was not
    /// seen and no segments of that length tell.
    pub(crate) fn locate_request(&self, range: &Range<u64>) -> Option<Range<u64>> {
        let sent = self.events.iter().filter_map(|event| match event {
            Event::Sent(data) => Some(&data.range),
            _ => None,
        });
        self.sent.locate(range, &sent)
    }

    /// The same of a range of the server's stream.
    pub(crate) fn locate_response(&self, range: &Range<u64>) -> Option<Range<u64>> {
        let arrived = self.events.iter().filter_map(|event| match event {
            Event::Arrived(data, _) => Some(&data.range),
            _ => None,
        });
        self.received.locate(range, &arrived)
    }

    /// Makes one event of those arrivals inside a response that follow one another without anything
    /// odd: what a split asks for are the first and the last. It keeps a log short however long the
    /// response is.
    pub(crate) fn thin(&mut self, response: &Range<u64>) {
        let inside = |range: &Range<u64>| response.start < range.start && range.end < response.end;
        let mut thinned: VecDeque<Event> = VecDeque::new();
        for event in self.events.drain(..) {
            if let (Event::Arrived(data, _), Some(Event::Arrived(last, _))) =
                (&event, thinned.back_mut())
                && last.range.end == data.range.start
                && !(last.resent || data.resent)
                && inside(&last.range)
                && inside(&data.range)
            {
                last.range.end = data.range.end;
            } else {
                thinned.push_back(event);
            }
        }
        self.events = thinned;
    }

    /// Forgets an exchange that ended at these positions and all before it.
    pub(crate) fn forget(&mut self, request_end: u64, response_end: u64) {
        self.sent.forget(request_end);
        self.received.forget(response_end);
        self.round_trips.forget(request_end);
        let belongs = |event: &Event| match event {
            Event::Sent(data) => data.range.end <= request_end,
            Event::Arrived(data, _) => data.range.end <= response_end,
            Event::Acknowledged(_, position) => *position <= request_end,
            Event::Duplicate(range) => range.end <= request_end,
            Event::Missing(_) | Event::Overtaken | Event::ClockStepped => false,
        };
        let last = self.events.iter().rposition(belongs);
        let mut index = 0;
        self.events.retain(|event| {
            let before = last.is_some_and(|last| index < last);
            index += 1;
            match event {
                Event::Missing(_) | Event::Overtaken | Event::ClockStepped => !before,
                _ => !belongs(event),
            }
        });
        shrink(&mut self.events);
    }

    /// Forgets all that happened, but not how its positions are numbered nor its least round trip:
    /// an exchange that was under way has a gap, the next one none.
    pub(crate) fn forget_log(&mut self) {
        let (sent, received) = self.reached();
        self.events = VecDeque::new();
        self.round_trips.forget_all();
        self.forget(sent, received);
    }
}

/// Gives back the room that a queue no longer needs.
fn shrink<T>(queue: &mut VecDeque<T>) {
    if queue.len() <= KEPT_ROOM && queue.capacity() > KEPT_ROOM {
        queue.shrink_to(KEPT_ROOM);
    }
}
