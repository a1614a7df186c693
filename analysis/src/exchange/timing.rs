//! From boundaries and round trips to upload, inference and download.
//!
//! The request's arrival at the server is not seen from here. Its acknowledgement stands for it,
//! unless that came late or rode on the response; then the last transmission that mattered plus a
//! round trip does, or the end of the train of earlier acknowledgements where bytes queue before a
//! bottleneck. Both ends of the exchange are half a round trip off in the same direction, so
//! the server's time between them is right. Where the server's own clock says that either was held
//! up on its way back, it is taken to have come without that.

use std::{ops::Range, time::Duration};

use crate::{
    exchange::{
        LEAST_ALLOWANCE, allowance,
        boundaries::{Acknowledgement, Boundaries},
        train::Train,
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
struct Moments<'b> {
    request_first: Timestamp,
    request_effective: Timestamp,
    acknowledged: Acknowledgement,
    train: &'b Train,
    /// Whether no byte of the exchange was sent again.
    sent_once: bool,
    /// Whether an acknowledgement that seems late may answer a transmission that is not known.
    may_be_resent: bool,
    /// Whether the response may have been sent before, and lost.
    hidden_loss: bool,
    /// By how much it is not known for how long the acknowledgement and the response were held up.
    tolerance: Duration,
    /// When the response would have come had nothing held it up.
    response_first: Timestamp,
    /// When it came.
    response_seen: Timestamp,
    response_last: Timestamp,
}

/// Stamps may be off by the jitter of neighbouring frames, so the moments are put in order.
fn moments(found: &Boundaries) -> Option<Moments<'_>> {
    let request_first = found.request_first?;
    let mut acknowledged = found.acknowledged?;
    let (waited, response_waited) = (acknowledged.held_up, found.response_held_up);
    acknowledged.at = acknowledged.at.minus(waited.length).max(request_first);
    let response_seen = found.response_first?.max(request_first);
    let response_first = response_seen.minus(response_waited.length).max(request_first);
    Some(Moments {
        request_first,
        tolerance: waited.tolerance.saturating_add(response_waited.tolerance),
        request_effective: found.request_effective?,
        acknowledged,
        train: &found.train,
        sent_once: !found.flags.contains(SplitFlags::RETRANSMITTED),
        hidden_loss: found.flags.contains(SplitFlags::HIDDEN_LOSS),
        may_be_resent: found.may_be_resent,
        response_first,
        response_seen,
        response_last: found.response_last?.max(response_first),
    })
}

fn judge_moments(moments: &Moments<'_>, trips: &RoundTrips, request: &Range<u64>) -> Timing {
    let acknowledged = moments.acknowledged;
    let (round_trip, borrowed) = round_trip(trips, request, &acknowledged);
    let expected = round_trip.map(|length| expected(moments, trips, request, length));
    let late = !moments.may_be_resent
        && round_trip
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

/// When the request's acknowledgement would have come had the server not waited with it.
///
/// Not before one that came without covering the request. Bytes that were sent while others still
/// queued wait for those: there the train of acknowledgements goes on. A round trip measured on
/// other bytes would hold their wait, which may be longer or shorter. Where round trips show no
/// queue the train has the pace at which the bytes were written, and says nothing beyond them; nor
/// does it where bytes were lost, for then it stands still and jumps.
fn expected(
    moments: &Moments<'_>,
    trips: &RoundTrips,
    request: &Range<u64>,
    round_trip: Duration,
) -> Timestamp {
    let sent = moments.request_effective;
    let least = trips.least_without(None).unwrap_or(round_trip);
    let usual = sent.plus(round_trip);
    let queues = round_trip > least.saturating_add(LEAST_ALLOWANCE);
    let continued = moments.train.continued(request.end);
    let expected = continued
        .filter(|_| moments.sent_once)
        .filter(|continued| *continued >= sent.plus(least) && (queues || *continued <= usual))
        .unwrap_or(usual);
    moments.train.incomplete().map_or(expected, |incomplete| expected.max(incomplete))
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
/// had arrived when its acknowledgement came back, so inference is never less than `low`, unless
/// the response as it came is not the first. It is
/// never more than `high` where the arrival is a transmission plus a round trip not less than the
/// least; an acknowledgement that came faster than that answers an earlier transmission, and
/// `high` is raised to the inference it gives. Nor had the request arrived when the server
/// acknowledged less than all of it, give or take what acknowledgements are off by. Where the
/// server waited with the acknowledgement, that says little, and how long others took says more.
fn parts(moments: &Moments<'_>, trips: &RoundTrips, arrived: Timestamp) -> Option<SplitTimes> {
    let Moments { request_first, response_first, acknowledged, .. } = *moments;
    let arrived = arrived.clamp(request_first, response_first);
    let upload = arrived.since(request_first)?;
    let inference = response_first.since(arrived)?;
    let download = moments.response_last.since(response_first)?;
    let low = response_first.since(acknowledged.at).filter(|_| !moments.hidden_loss);
    let low = low.unwrap_or_default().saturating_sub(moments.tolerance);
    let latest = latest_arrival(moments, trips, arrived);
    let likely = latest.and_then(|latest| response_first.since(latest)).unwrap_or_default();
    let low = low.max(likely).min(inference);
    // Without another round trip than the acknowledgement's own nothing says how late it was.
    let others = trips.least_without(Some(acknowledged.position));
    let bounds = others.and_then(|_| trips.least_without(None)).map(|least| {
        let sent = moments.request_effective.plus(least);
        let incomplete = moments.train.incomplete().map(|at| at.minus(LEAST_ALLOWANCE));
        let soonest = incomplete.map_or(sent, |incomplete| incomplete.max(sent));
        let high = moments.response_seen.since(soonest);
        InferenceBounds { low, high: high.unwrap_or_default().max(inference) }
    });
    SplitTimes::new(upload, inference, download, bounds).ok()
}

/// The latest moment at which the request's last bytes had arrived if they took no longer than the
/// slowest others of this upload, and as much more as those took longer than the quickest; `None`
/// where nothing was measured on it, or bytes were sent twice or lost.
fn latest_arrival(
    moments: &Moments<'_>,
    trips: &RoundTrips,
    arrived: Timestamp,
) -> Option<Timestamp> {
    let acknowledged = moments.acknowledged.position;
    let slowest = trips.greatest_without(acknowledged)?;
    let quickest = trips.least_without(Some(acknowledged))?;
    let margin = LEAST_ALLOWANCE.max(slowest.saturating_sub(quickest));
    let latest = moments.request_effective.plus(slowest).max(arrived).plus(margin);
    (moments.sent_once && !moments.hidden_loss).then_some(latest)
}
