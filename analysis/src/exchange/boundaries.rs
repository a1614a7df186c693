//! When the first and last bytes of an exchange went by, by sequence number.
//!
//! All of it is read from the flow's log, in the order of capture. What is odd about the exchange
//! becomes a flag; a boundary that the capture does not have is absent.

use std::{collections::HashSet, ops::Range};

use crate::{
    exchange::{Unstamped, allowance, overlap, train::Train},
    flow::{Coverage, Data, Event, Flow, Hold},
    split::SplitFlags,
    time::Timestamp,
};

/// The moments that a split is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Boundaries {
    /// The place in the log where the request begins.
    pub(crate) begin: Option<usize>,
    /// First transmission of the request's first byte.
    pub(crate) request_first: Option<Timestamp>,
    /// Last transmission of any of its bytes before they were all acknowledged, without second
    /// ones that changed nothing.
    pub(crate) request_effective: Option<Timestamp>,
    /// First acknowledgement of all of the request.
    pub(crate) acknowledged: Option<Acknowledgement>,
    /// The acknowledgements before that one.
    pub(crate) train: Train,
    /// Earliest arrival of any byte of the response.
    pub(crate) response_first: Option<Timestamp>,
    /// For how long that packet was held up on its way.
    pub(crate) response_held_up: Hold,
    /// The arrival that completed the response, as far as it was read.
    pub(crate) response_last: Option<Timestamp>,
    /// Segments that carried bytes again, both ways.
    pub(crate) retransmissions: u32,
    /// Whether bytes of the request may have been sent after its effective transmission, at a
    /// moment that the log does not have.
    pub(crate) may_be_resent: bool,
    /// What was odd.
    pub(crate) flags: SplitFlags,
}

/// A cumulative acknowledgement as it arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acknowledgement {
    /// When.
    pub(crate) at: Timestamp,
    /// For how long it was held up on its way.
    pub(crate) held_up: Hold,
    /// Up to where.
    pub(crate) position: u64,
    /// Whether it came with bytes of the response.
    pub(crate) rides: bool,
    index: usize,
}

impl Boundaries {
    /// Of an exchange that cannot be found on its flow.
    pub(crate) fn of_a_gap() -> Self {
        Self { flags: SplitFlags::CAPTURE_GAP, ..Self::default() }
    }

    /// Takes in what is known to have been sent again without being in the log.
    pub(super) fn add_unstamped(&mut self, unstamped: Unstamped) {
        self.retransmissions = self.retransmissions.saturating_add(unstamped.retransmissions);
        self.may_be_resent = unstamped.may_be_last;
        if unstamped.retransmissions > 0 {
            self.flags |= SplitFlags::RETRANSMITTED;
        }
    }
}

/// Reads the boundaries of an exchange from its flow.
pub(crate) fn read(flow: &Flow, request: &Range<u64>, response: &Range<u64>) -> Boundaries {
    let mut found = Boundaries::default();
    let seen = read_request(flow, request, &mut found);
    found.acknowledged = acknowledgement(flow, request, response);
    if let Some(acknowledged) = found.acknowledged {
        found.train = Train::before(flow, acknowledged.index);
    }
    let effective = effective_transmission(flow, request, &mut found);
    found.request_effective = effective.filter(|_| has_last(&seen, request));
    let last = read_response(flow, request, response, &mut found);
    found.flags.set(SplitFlags::HIDDEN_LOSS, lacks_packets(flow, response, found.acknowledged));
    let begin = found.begin.unwrap_or_default();
    let mut during = flow.events().iter().take(last.unwrap_or(usize::MAX)).skip(begin);
    let stepped = during.any(|event| *event == Event::ClockStepped);
    found.flags.set(SplitFlags::CLOCK_STEPPED, stepped);
    found
}

/// The request's first byte, its gaps, and what of it was sent again or together with others;
/// returns what of it was seen.
fn read_request(flow: &Flow, request: &Range<u64>, found: &mut Boundaries) -> Coverage {
    let (resolved, _) = flow.resolved();
    let mut seen = Coverage::default();
    let mut furthest = flow.round_trips().acknowledged();
    for (index, event) in flow.events().iter().enumerate() {
        let Some(data) = sent(event).filter(|data| overlap(&data.range, request)) else { continue };
        if found.begin.is_none() && data.range.contains(&request.start) {
            found.begin = Some(index);
            found.request_first = Some(data.at);
        }
        seen.add(data.range.clone());
        furthest = furthest.max(data.range.end);
        note_resent(data, found);
        // Beyond the request there is nothing that would not belong to another.
        if data.range.start < resolved || data.range.end > request.end {
            found.flags |= SplitFlags::SHARED_SEGMENT;
        }
    }
    // Bytes that were never sent are missing from the exchange, not from the capture.
    let known = request.start..request.end.min(furthest).max(request.start);
    found.flags.set(SplitFlags::CAPTURE_GAP, !seen.covers(&known));
    seen
}

/// The first acknowledgement of all of the request.
fn acknowledgement(
    flow: &Flow,
    request: &Range<u64>,
    response: &Range<u64>,
) -> Option<Acknowledgement> {
    let mut events = flow.events().iter().enumerate();
    events.find_map(|(index, event)| {
        let (arrival, position, rides) = match event {
            Event::Acknowledged(arrival, position) => (*arrival, *position, false),
            Event::Arrived(data, Some(position)) => {
                (data.arrival(), *position, overlap(&data.range, response))
            }
            _ => return None,
        };
        (position >= request.end).then(|| {
            let held_up = flow.held_up(arrival);
            Acknowledgement { at: arrival.at, held_up, position, rides, index }
        })
    })
}

/// The last transmission of the request's bytes that mattered. A second one did not where the
/// server reports a duplicate, or where the acknowledgement came sooner than a round trip after.
fn effective_transmission(
    flow: &Flow,
    request: &Range<u64>,
    found: &mut Boundaries,
) -> Option<Timestamp> {
    let spurious = spurious_transmissions(flow, request, &mut found.flags);
    let acknowledged = found.acknowledged.map_or(usize::MAX, |acknowledged| acknowledged.index);
    let least = flow.round_trips().least_without(None);
    let latest = found
        .acknowledged
        .zip(least)
        .map(|(acknowledged, least)| acknowledged.at.plus(allowance(least)).minus(least));
    let mut effective = None;
    for (index, event) in flow.events().iter().enumerate().take(acknowledged) {
        let Some(data) = sent(event).filter(|data| overlap(&data.range, request)) else { continue };
        let answered = latest.is_none_or(|latest| data.at <= latest) && !spurious.contains(&index);
        if !data.resent || answered {
            effective = Some(data.at);
        }
    }
    effective
}

/// The places in the log of transmissions that the server reports as duplicates: for each report
/// the latest second transmission before it.
fn spurious_transmissions(
    flow: &Flow,
    request: &Range<u64>,
    flags: &mut SplitFlags,
) -> HashSet<usize> {
    let mut again = Vec::new();
    let mut spurious = HashSet::new();
    for (index, event) in flow.events().iter().enumerate() {
        match event {
            Event::Sent(data) if data.resent => again.push((index, &data.range)),
            Event::Duplicate(range) if overlap(range, request) => {
                *flags |= SplitFlags::DSACK;
                if let Some(latest) = again.iter().rposition(|(_, sent)| overlap(sent, range)) {
                    spurious.insert(again.remove(latest).0);
                }
            }
            _ => {}
        }
    }
    spurious
}

/// The response's first and last byte, its gaps, and what of it came again, too early or together
/// with others; returns the place in the log of its last arrival.
fn read_response(
    flow: &Flow,
    request: &Range<u64>,
    response: &Range<u64>,
    found: &mut Boundaries,
) -> Option<usize> {
    let (_, resolved) = flow.resolved();
    let mut seen = Coverage::default();
    let mut first = None;
    let mut last = None;
    for (index, event) in flow.events().iter().enumerate() {
        let Event::Arrived(data, acknowledged) = event else { continue };
        if !overlap(&data.range, response) {
            continue;
        }
        first = first.or_else(|| Some(data.arrival()));
        let part = data.range.start.max(response.start)..data.range.end.min(response.end);
        if !seen.covers(&part) {
            last = Some((index, data.at));
            seen.add(part);
        }
        note_resent(data, found);
        // What a server acknowledges when it speaks is all that it has received.
        if acknowledged.is_some_and(|position| position < request.end) {
            found.flags |= SplitFlags::EARLY_RESPONSE;
        }
        // Beyond the response a TLS alert may ride, which is no exchange.
        if data.range.start < resolved {
            found.flags |= SplitFlags::SHARED_SEGMENT;
        }
    }
    if !seen.covers(response) {
        found.flags |= SplitFlags::CAPTURE_GAP;
    }
    // A gap in the middle leaves the boundaries as they are; one at either end does not.
    let has_first =
        seen.covers(&(response.start..response.end.min(response.start.saturating_add(1))));
    if has_first && has_last(&seen, response) {
        found.response_first = first.map(|first| first.at);
        found.response_held_up = first.map(|first| flow.held_up(first)).unwrap_or_default();
        found.response_last = last.map(|(_, at)| at);
    }
    last.map(|(index, _)| index)
}

/// Whether packets of the server are missing that it sent after it had the request and before the
/// response as it came: one of them may have been the response. Where the acknowledgement rode on
/// the response, those after the packet before count.
fn lacks_packets(
    flow: &Flow,
    response: &Range<u64>,
    acknowledged: Option<Acknowledgement>,
) -> bool {
    let Some(acknowledged) = acknowledged else { return false };
    let mut balance = 0_i64;
    for (index, event) in flow.events().iter().enumerate() {
        match event {
            Event::Missing(packets) => balance += i64::from(*packets),
            Event::Overtaken => balance -= 1,
            Event::Arrived(data, _) if overlap(&data.range, response) => break,
            Event::Arrived(..) | Event::Acknowledged(..) if index <= acknowledged.index => {
                balance = 0;
            }
            _ => {}
        }
    }
    balance > 0
}

/// Whether a range's last byte was seen.
fn has_last(seen: &Coverage, range: &Range<u64>) -> bool {
    !range.is_empty() && seen.covers(&(range.end - 1..range.end))
}

fn note_resent(data: &Data, found: &mut Boundaries) {
    if data.resent {
        found.flags |= SplitFlags::RETRANSMITTED;
        found.retransmissions = found.retransmissions.saturating_add(1);
    }
}

const fn sent(event: &Event) -> Option<&Data> {
    match event {
        Event::Sent(data) => Some(data),
        _ => None,
    }
}
