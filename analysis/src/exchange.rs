//! One request and its response on a flow, as a split.
//!
//! `boundaries` reads from the flow's log when the exchange's first and last bytes went by and
//! what was odd about them, `train` which acknowledgements came before; `timing` turns that and the
//! flow's round trips into the three parts. Here they are put together with what the connection's
//! opening says.

mod boundaries;
mod timing;
mod train;

use std::{ops::Range, time::Duration};

use self::{boundaries::Boundaries, timing::Timing};
use crate::{
    flow::{Event, Flow, overlap},
    split::{Split, SplitFlags, SplitMethod},
    splitter::Markers,
};

/// An acknowledgement may be off by this much, or by this part of the round trip, whichever is
/// more, before it counts as delayed or as the answer to another transmission.
pub(crate) const LEAST_ALLOWANCE: Duration = Duration::from_millis(1);
const ALLOWED_PART: u32 = 8;

/// What was sent more than once, but is not in the flow's log.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unstamped {
    /// How many segments.
    pub(crate) retransmissions: u32,
    /// Whether some may have been sent after all that the log has of the request.
    pub(crate) may_be_last: bool,
}

/// The split of the exchange that the markers name, with its bytes' positions on the flow; `None`
/// for those that cannot be found there.
pub(crate) fn split(
    flow: &Flow,
    markers: &Markers,
    request: Option<&Range<u64>>,
    response: Option<&Range<u64>>,
) -> Split {
    split_with(flow, markers, (request, response), Unstamped::default())
}

/// The same where the log may lack what was sent again.
pub(crate) fn split_with(
    flow: &Flow,
    markers: &Markers,
    positions: (Option<&Range<u64>>, Option<&Range<u64>>),
    unstamped: Unstamped,
) -> Split {
    let (boundaries, timing) = match positions {
        (Some(request), Some(response)) => {
            let mut boundaries = boundaries::read(flow, request, response);
            boundaries.add_unstamped(unstamped);
            let timing = timing::judge(&boundaries, flow.round_trips(), request);
            (boundaries, timing)
        }
        _ => (Boundaries::of_a_gap(), Timing::default()),
    };
    let mut flags = boundaries.flags | timing.flags;
    flags.set(SplitFlags::NO_HANDSHAKE, !flow.opening().was_seen());
    flags.set(SplitFlags::TRUNCATED, !markers.complete);
    let mut connect = None;
    let mut tls = None;
    if markers.first {
        if stepped_before(flow, boundaries.begin) {
            flags |= SplitFlags::CLOCK_STEPPED;
        } else {
            connect = flow.opening().length();
            tls = handshake(flow, &markers.handshake);
        }
    }
    Split {
        method: SplitMethod::Packets,
        times: timing.times,
        request_first: boundaries.request_first,
        connect,
        tls,
        rtt: timing.round_trip,
        request_bytes: markers.request.end.saturating_sub(markers.request.start),
        response_bytes: markers.response.end.saturating_sub(markers.response.start),
        retransmissions: boundaries.retransmissions,
        flags,
    }
}

/// From the first transmission of the handshake's first byte to that of its last; `None` where
/// there was none or the capture misses either.
fn handshake(flow: &Flow, range: &Range<u64>) -> Option<Duration> {
    if range.is_empty() || !flow.opening().was_seen() {
        return None;
    }
    let sent_first = |position: u64| {
        flow.events().iter().find_map(|event| match event {
            Event::Sent(data) if data.range.contains(&position) => Some(data.at),
            _ => None,
        })
    };
    sent_first(range.end - 1)?.since(sent_first(range.start)?)
}

/// Whether stamps ran backwards before the request, where the handshakes are.
fn stepped_before(flow: &Flow, begin: Option<usize>) -> bool {
    flow.events()
        .iter()
        .take(begin.unwrap_or(usize::MAX))
        .any(|event| *event == Event::ClockStepped)
}

pub(crate) fn allowance(round_trip: Duration) -> Duration {
    LEAST_ALLOWANCE.max(round_trip / ALLOWED_PART)
}
