//! From boundaries and round trips to upload, inference and download.
//!
//! The request's arrival at the server is not seen from here. Its acknowledgement stands for it,
//! unless that came late or rode on the response; then the last transmission that mattered plus a
//! round trip does. Both ends of the exchange are half a round trip off in the same direction, so
//! the server's time between them is right.

use std::{ops::Range, time::Duration};

use crate::{
    exchange::{
        allowance,
        boundaries::{Acknowledgement, Boundaries},
    },
    flow::{RoundTrips, Sample},
    split::{InferenceBounds, SplitFlags, SplitTimes},
    time::Timestamp,
};

/// How many of an upload's last round trips are looked at: under a queue that the upload itself
/// fills, older ones are too short.
const RECENT: usize = 4;

/// The parts of an exchange's time, and what they rest on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timing {
    /// The parts; `None` where a boundary is missing or a flag makes them meaningless.
    pub(crate) times: Option<SplitTimes>,
    /// The round trip used.
    pub(crate) round_trip: Option<Duration>,
    /// What was odd about the acknowledgement and the round trip.
    pub(crate) flags: SplitFlags,
}

/// Splits an exchange's time.
pub(crate) fn judge(found: &Boundaries, trips: &RoundTrips, request: &Range<u64>) -> Timing {
    let meaningless = SplitFlags::EARLY_RESPONSE | SplitFlags::CLOCK_STEPPED;
    if found.flags.intersects(meaningless) {
        return Timing::default();
    }
    moments(found).map(|moments| judge_moments(&moments, trips, request)).unwrap_or_default()
}

/// The boundaries of an exchange that has them all.
struct Moments {
    request_first: Timestamp,
    request_effective: Timestamp,
    acknowledged: Acknowledgement,
    response_first: Timestamp,
    response_last: Timestamp,
}

/// Stamps may be off by the jitter of neighbouring frames, so the moments are put in order.
fn moments(found: &Boundaries) -> Option<Moments> {
    let request_first = found.request_first?;
    let response_first = found.response_first?.max(request_first);
    Some(Moments {
        request_first,
        request_effective: found.request_effective?,
        acknowledged: found.acknowledged?,
        response_first,
        response_last: found.response_last?.max(response_first),
    })
}

fn judge_moments(moments: &Moments, trips: &RoundTrips, request: &Range<u64>) -> Timing {
    let acknowledged = moments.acknowledged;
    let (round_trip, borrowed) = round_trip(trips, request, &acknowledged);
    let expected = round_trip.map(|length| moments.request_effective.plus(length));
    let late = round_trip
        .zip(expected)
        .is_some_and(|(length, expected)| acknowledged.at > expected.plus(allowance(length)));
    let arrived = if late || acknowledged.rides {
        expected.map(|expected| expected.min(acknowledged.at))
    } else {
        Some(acknowledged.at)
    };
    let mut flags = SplitFlags::empty();
    flags.set(SplitFlags::RTT_BORROWED, borrowed);
    flags.set(SplitFlags::PIGGYBACKED_ACK, acknowledged.rides);
    flags.set(SplitFlags::DELAYED_ACK, late && !acknowledged.rides);
    let times = arrived.and_then(|arrived| parts(moments, trips, arrived));
    Timing { times, round_trip, flags }
}

/// The round trip of this upload, and whether it is borrowed from the rest of the connection.
///
/// The sample that the request's own acknowledgement ended cannot tell whether that came late, so
/// it counts only where an earlier one bears it out.
fn round_trip(
    trips: &RoundTrips,
    request: &Range<u64>,
    acknowledged: &Acknowledgement,
) -> (Option<Duration>, bool) {
    let within = |sample: &Sample| {
        request.start < sample.acknowledged && sample.acknowledged < acknowledged.position
    };
    let recent = trips.samples().rev().filter(within).take(RECENT);
    if let Some(own) = recent.map(|sample| sample.length).min() {
        return (Some(own), false);
    }
    let last = trips
        .samples()
        .find(|sample| sample.acknowledged == acknowledged.position && !acknowledged.rides)
        .map(|sample| sample.length);
    match (trips.least_without(Some(acknowledged.position)), last) {
        (Some(earlier), Some(last)) if last <= earlier.saturating_add(allowance(earlier)) => {
            (Some(last), false)
        }
        (Some(earlier), _) => (Some(earlier), true),
        (None, last) => (last, false),
    }
}

/// The three parts and the bounds of the middle one.
///
/// The moments are in order, so no part is negative and the three sum to the total. The request
/// had arrived when its acknowledgement came back, so inference is never less than `low`. It is
/// never more than `high` where the arrival is a transmission plus a round trip not less than the
/// least; an acknowledgement that came faster than that answers an earlier transmission, and
/// `high` is raised to the inference it gives.
fn parts(moments: &Moments, trips: &RoundTrips, arrived: Timestamp) -> Option<SplitTimes> {
    let Moments { request_first, response_first, acknowledged, .. } = *moments;
    let arrived = arrived.clamp(request_first, response_first);
    let upload = arrived.since(request_first)?;
    let inference = response_first.since(arrived)?;
    let download = moments.response_last.since(response_first)?;
    let low = response_first.since(acknowledged.at).unwrap_or_default().min(inference);
    // Without another round trip than the acknowledgement's own nothing says how late it was.
    let others = trips.least_without(Some(acknowledged.position));
    let bounds = others.and_then(|_| trips.least_without(None)).map(|least| {
        let high = response_first.since(moments.request_effective.plus(least));
        InferenceBounds { low, high: high.unwrap_or_default().max(inference) }
    });
    SplitTimes::new(upload, inference, download, bounds).ok()
}
