//! Splits from what a kernel stamps of one of its own sockets, without any packet.
//!
//! Linux stamps when the last byte of a write left for the network, when it was acknowledged, and
//! when received bytes arrived (`SO_TIMESTAMPING`). Each stamp is told to the flow as the segment
//! that it stands for, so that the boundaries, the round trips and the timing are those of the
//! packet engine. Stamps go in as values in any order; nothing here touches a socket.

use std::{net::SocketAddr, ops::Range, time::Duration};

use crate::{
    exchange::{self, LEAST_ALLOWANCE, Unstamped, allowance},
    flow::{Flow, MOST_EVENTS, overlap},
    segment::{self, Segment},
    split::{Split, SplitMethod},
    splitter::Markers,
    time::Timestamp,
};

/// How long the kernel takes at most to stamp all writes that one acknowledgement covers.
const LONGEST_STAMPING: Duration = Duration::from_micros(100);

/// How a connection was opened, as its socket tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOpening {
    /// When the agent began to connect.
    pub at: Timestamp,
    /// How long that took.
    pub length: Duration,
    /// The kernel's own SYN to SYN-ACK; `None` where the SYN was sent more than once.
    pub round_trip: Option<Duration>,
}

/// Something that happened on a socket.
///
/// Positions count TCP payload bytes from the connection's first, TLS included, as in [`Markers`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// The agent gave these bytes to the kernel, beginning at this moment.
    Written(Range<u64>, Timestamp),
    /// All up to and with the byte at this position had left for the network.
    Sent(u64, Timestamp),
    /// All up to and with the byte at this position had been acknowledged.
    Acknowledged(u64, Timestamp),
    /// These bytes were read; the stamp is that of the last segment that they came in.
    Arrived(Range<u64>, Timestamp),
    /// The kernel had counted so much by this moment.
    Counted(SocketCounts, Timestamp),
}

/// What a kernel counts of a connection without stamping it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// Segments that were sent more than once.
    pub resent: u32,
    /// Duplicates that the server reported (RFC 2883): transmissions that were not needed.
    pub duplicates: u32,
}

/// What is known of one connection from its socket; a state machine without I/O.
#[derive(Debug)]
pub struct SocketTimes {
    client: SocketAddr,
    server: SocketAddr,
    flow: Flow,
    /// What happened since the last exchange.
    events: Vec<SocketEvent>,
    /// How far bytes are known to have been sent and to have been acknowledged.
    sent: u64,
    acknowledged: u64,
    /// What was counted up to the last exchange.
    counts: SocketCounts,
}

/// The one exchange that is asked for.
struct Asked<'m> {
    markers: &'m Markers,
    acknowledgment: Acknowledgment,
}

/// What the response's first segment acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Acknowledgment {
    /// The request had been acknowledged before it.
    Nothing,
    /// All of the request: the acknowledgement rode on the response.
    Request,
    /// Not all of the request.
    LessThanRequest,
}

impl SocketTimes {
    /// Of a connection between these ends that was just opened.
    pub fn new(client: SocketAddr, server: SocketAddr, opening: &SocketOpening) -> Self {
        let mut times = Self {
            client,
            server,
            flow: Flow::new(client, server, opening.at),
            events: Vec::new(),
            sent: 0,
            acknowledged: 0,
            counts: SocketCounts::default(),
        };
        times.open(opening);
        times
    }

    /// Notes an event. Of more than are kept the later ones are left out.
    pub fn push(&mut self, event: SocketEvent) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(event);
        }
    }

    /// The split of a finished exchange, forgetting all events so far.
    pub fn resolve(&mut self, markers: &Markers) -> Split {
        let events = in_order(std::mem::take(&mut self.events));
        let round_trip = self.flow.round_trips().least_without(None).unwrap_or_default();
        let acknowledgment = acknowledgment(&events, markers, allowance(round_trip));
        let asked = Asked { markers, acknowledgment };
        for event in &events {
            self.tell(event, &asked);
        }
        let unstamped = self.count(&events, &markers.request);
        let split = exchange::split_with(
            &self.flow,
            markers,
            (Some(&markers.request), Some(&markers.response)),
            unstamped,
        );
        self.flow.forget(markers.request.end, markers.response.end);
        Split { method: SplitMethod::Socket, ..split }
    }

    /// Tells the flow of the handshake. The first byte of either stream has sequence number 0.
    fn open(&mut self, opening: &SocketOpening) {
        let SocketOpening { at, length, round_trip } = *opening;
        let mut syn = Segment::without_frame(at, self.client, self.server);
        syn.syn = true;
        syn.sequence = u32::MAX;
        self.flow.send(&syn);
        if round_trip.is_none() {
            // Sent more than once, it is not plain which one was answered.
            self.flow.send(&syn);
        }
        let accepted = at.plus(round_trip.unwrap_or(length));
        let mut accept = Segment::without_frame(accepted, self.server, self.client);
        accept.syn = true;
        accept.sequence = u32::MAX;
        accept.acknowledgment = Some(0);
        self.flow.receive(&accept);
    }

    /// Tells the flow of the segment that an event stands for.
    fn tell(&mut self, event: &SocketEvent, asked: &Asked<'_>) {
        let request = &asked.markers.request;
        match event {
            // Where nothing waits before it, a write's first byte leaves at once; a stamp is there
            // for its last one only.
            SocketEvent::Written(range, at) => {
                let begins = range.start == request.start || range.start == 0;
                if begins && range.start >= self.sent && !range.is_empty() {
                    self.send(range.start..range.start.saturating_add(1), *at);
                }
            }
            SocketEvent::Sent(last, at) => {
                let end = last.saturating_add(1);
                self.send(self.sent.min(*last)..end, *at);
            }
            SocketEvent::Acknowledged(last, at) => {
                self.acknowledged = self.acknowledged.max(last.saturating_add(1));
                let mut segment = Segment::without_frame(*at, self.server, self.client);
                segment.acknowledgment = Some(sequence(self.acknowledged));
                self.flow.receive(&segment);
            }
            SocketEvent::Arrived(range, at) => {
                let mut segment = Segment::without_frame(*at, self.server, self.client);
                segment.sequence = sequence(range.start);
                segment.payload = length(range);
                if overlap(range, &asked.markers.response) {
                    segment.acknowledgment = match asked.acknowledgment {
                        Acknowledgment::Nothing => None,
                        Acknowledgment::Request => Some(sequence(request.end)),
                        Acknowledgment::LessThanRequest => {
                            Some(sequence(self.acknowledged.min(request.end.saturating_sub(1))))
                        }
                    };
                }
                self.flow.receive(&segment);
            }
            SocketEvent::Counted(..) => {}
        }
    }

    fn send(&mut self, range: Range<u64>, at: Timestamp) {
        let mut segment = Segment::without_frame(at, self.client, self.server);
        segment.sequence = sequence(range.start);
        segment.payload = length(&range);
        self.sent = self.sent.max(range.end);
        self.flow.send(&segment);
    }

    /// Tells the flow which transmissions were not needed, and returns what was sent more than once
    /// without a stamp: of a segment from the middle of a write the kernel tells only the number.
    fn count(&mut self, events: &[SocketEvent], request: &Range<u64>) -> Unstamped {
        let complete = sent_to(events, request.end);
        let is_late =
            |at: Timestamp| complete.is_some_and(|complete| at > complete.plus(LEAST_ALLOWANCE));
        let before = self.counts;
        let mut early = before.resent;
        for event in events {
            let SocketEvent::Counted(counts, at) = event else { continue };
            self.counts.resent = self.counts.resent.max(counts.resent);
            self.counts.duplicates = self.counts.duplicates.max(counts.duplicates);
            if !is_late(*at) {
                early = early.max(counts.resent);
            }
        }
        let again = stamped_again(events);
        let late_again = again.iter().filter(|(_, at)| is_late(*at)).count();
        let duplicates = self.counts.duplicates.saturating_sub(before.duplicates);
        // The latest are the likeliest: what was sent before them was under way already.
        for (last, _) in again.iter().rev().zip(0..duplicates).map(|(again, _)| again) {
            self.report_duplicate(*last, events);
        }
        let spare = duplicates.saturating_sub(number(again.len()));
        let resent = self.counts.resent.saturating_sub(before.resent);
        let late = self.counts.resent.saturating_sub(early);
        Unstamped {
            retransmissions: resent.saturating_sub(number(again.len())),
            may_be_last: late > number(late_again).saturating_add(spare),
        }
    }

    /// Tells the flow that the server had a write's last byte before it was sent again.
    fn report_duplicate(&mut self, last: u64, events: &[SocketEvent]) {
        let Some(at) = events.last().map(SocketEvent::at) else { return };
        let end = last.saturating_add(1);
        let option = segment::duplicate_option(sequence(last), sequence(end));
        let mut segment =
            Segment::without_frame(at, self.server, self.client).with_options(&option);
        segment.acknowledgment = Some(sequence(self.acknowledged.max(end)));
        self.flow.receive(&segment);
    }
}

impl SocketEvent {
    const fn at(&self) -> Timestamp {
        match self {
            Self::Written(_, at)
            | Self::Sent(_, at)
            | Self::Acknowledged(_, at)
            | Self::Arrived(_, at)
            | Self::Counted(_, at) => *at,
        }
    }
}

/// Events by time, and of each acknowledgement one: where it covers several writes the kernel
/// stamps every one of them, a moment apart. Taken for one after the other they would say that the
/// server did not have the last write yet when it had.
fn in_order(mut events: Vec<SocketEvent>) -> Vec<SocketEvent> {
    // Stamps of both directions come over different ways.
    events.sort_by_key(SocketEvent::at);
    let mut merged = Vec::with_capacity(events.len());
    let mut open: Option<(usize, Timestamp)> = None;
    for event in events {
        let SocketEvent::Acknowledged(last, at) = event else {
            merged.push(event);
            continue;
        };
        match open.and_then(|(index, since)| Some((merged.get_mut(index)?, since))) {
            Some((SocketEvent::Acknowledged(furthest, _), since))
                if at <= since.plus(LONGEST_STAMPING) =>
            {
                *furthest = last.max(*furthest);
            }
            _ => {
                open = Some((merged.len(), at));
                merged.push(event);
            }
        }
    }
    merged
}

/// How the response's first segment acknowledged the request. The kernel stamps an acknowledgement
/// when it has been read, but a response when it came in, so one that rode on the response seems
/// to be a little later, though by no more than `allowed`.
fn acknowledgment(events: &[SocketEvent], markers: &Markers, allowed: Duration) -> Acknowledgment {
    let Markers { request, response, .. } = markers;
    let arrived = events.iter().find_map(|event| match event {
        SocketEvent::Arrived(range, at) if overlap(range, response) => Some(*at),
        _ => None,
    });
    let acknowledged = events.iter().find_map(|event| match event {
        SocketEvent::Acknowledged(last, at) if *last >= request.end.saturating_sub(1) => Some(*at),
        _ => None,
    });
    let Some(arrived) = arrived else { return Acknowledgment::Nothing };
    match acknowledged {
        Some(at) if at < arrived => Acknowledgment::Nothing,
        Some(at) if at <= arrived.plus(allowed) => Acknowledgment::Request,
        // A stamp that was lost cannot tell; whoever answers has what was sent before.
        None if sent_to(events, request.end).is_some_and(|sent| sent <= arrived) => {
            Acknowledgment::Request
        }
        _ => Acknowledgment::LessThanRequest,
    }
}

/// When all before a position had been sent.
fn sent_to(events: &[SocketEvent], position: u64) -> Option<Timestamp> {
    events.iter().find_map(|event| match event {
        SocketEvent::Sent(last, at) if last.saturating_add(1) >= position => Some(*at),
        _ => None,
    })
}

/// The last bytes of writes that were sent when they had been sent before, and when.
fn stamped_again(events: &[SocketEvent]) -> Vec<(u64, Timestamp)> {
    let mut furthest = None;
    let mut again = Vec::new();
    for event in events {
        let SocketEvent::Sent(last, at) = event else { continue };
        if furthest.is_some_and(|furthest| *last <= furthest) {
            again.push((*last, *at));
        }
        furthest = furthest.max(Some(*last));
    }
    again
}

/// A position as a sequence number, the stream's first byte having 0.
fn sequence(position: u64) -> u32 {
    u32::try_from(position & u64::from(u32::MAX)).unwrap_or_default()
}

/// How many bytes a range has, as a segment tells it.
fn length(range: &Range<u64>) -> u32 {
    u32::try_from(range.end.saturating_sub(range.start)).unwrap_or(u32::MAX)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
