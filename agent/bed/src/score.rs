//! Estimates held against the truth.
//!
//! The true inference time is the provider's own. The true transmission time is what is left of
//! the agent's own total, from its first write of the request to its last read of the response:
//! it comes from other clock readings than any method's.

use std::{collections::BTreeMap, time::Duration};

use armol_analysis::{
    measurement::Measurement, split::InferenceBounds, summary::Distribution, time::nanoseconds,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    bed::Run,
    method::{Estimate, OfCall},
};

/// The provider's log is written by a program, a little after its kernel acted; bounds are widened
/// by this much on each side before they are held against it.
pub(crate) const TOLERANCE: Duration = Duration::from_micros(300);

/// An inference time that is off by more is far off.
pub(crate) const FAR_OFF: Duration = Duration::from_millis(5);

/// How one method did in one scenario or in several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Score {
    /// Requests that the provider answered.
    pub(crate) answered: usize,
    /// Those of them that the method says nothing of.
    pub(crate) missed: usize,
    /// Estimates that are of no answered request, or of one that has another.
    pub(crate) spurious: usize,
    /// Estimates whose inference time was off by more than [`FAR_OFF`].
    pub(crate) over_5_ms: usize,
    /// How far the inference time was off.
    pub(crate) inference: Option<Errors>,
    /// How far the transmission time was off.
    pub(crate) transmission: Option<Errors>,
    /// How the bounds did; `None` where no estimate had any.
    pub(crate) bounds: Option<BoundsScore>,
    /// How often each flag was seen.
    pub(crate) flags: BTreeMap<String, usize>,
    /// Every estimate of a call; left out where scenarios are taken together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) calls: Vec<ScoredCall>,
}

/// Absolute errors in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Errors {
    /// Half of the estimates are off by no more.
    #[serde(rename = "median_ns")]
    pub(crate) median: i64,
    /// Nineteen of twenty are off by no more.
    #[serde(rename = "p95_ns")]
    pub(crate) p95: i64,
    /// The worst.
    #[serde(rename = "max_ns")]
    pub(crate) max: i64,
}

/// How the bounds did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BoundsScore {
    /// Estimates that had bounds.
    pub(crate) given: usize,
    /// Those whose bounds held the truth, give or take [`TOLERANCE`].
    pub(crate) held: usize,
    /// The median distance between the two.
    pub(crate) median_width_ns: i64,
}

/// One call's estimate beside the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ScoredCall {
    /// Which call.
    pub(crate) uid: Uuid,
    /// The provider's time.
    pub(crate) true_inference_ns: i64,
    /// What the method says.
    pub(crate) inference_ns: i64,
    /// The least that it allows.
    pub(crate) low_ns: Option<i64>,
    /// The most that it allows.
    pub(crate) high_ns: Option<i64>,
    /// The network's time; `None` where the agent has no total.
    pub(crate) true_transmission_ns: Option<i64>,
    /// What the method says.
    pub(crate) transmission_ns: i64,
    /// What was odd.
    pub(crate) flags: Vec<String>,
}

impl Score {
    /// Holds what a method says of a run against the truth.
    pub(crate) fn of(estimates: &[OfCall], run: &Run) -> Self {
        let mut score = Self::default();
        let mut answers = run
            .truth
            .iter()
            .filter_map(|record| Some((record.uid?, record.inference()?)))
            .collect::<BTreeMap<_, _>>();
        score.answered = answers.len();
        let measured = run.measurements.iter().map(|measured| (measured.call.uid, measured));
        let measured = measured.collect::<BTreeMap<_, _>>();
        for (call, estimate) in estimates {
            let answer = call.and_then(|uid| Some((uid, answers.remove(&uid)?)));
            let Some((uid, inference)) = answer else {
                score.spurious += 1;
                continue;
            };
            let total = measured.get(&uid).and_then(|measured| total(measured));
            score.calls.push(ScoredCall::new((uid, inference), total, estimate));
        }
        score.missed = answers.len();
        score.summarise();
        score
    }

    /// Several scenarios' scores of one method taken together, without the single calls.
    pub(crate) fn together<'a>(scores: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for score in scores {
            all.answered += score.answered;
            all.missed += score.missed;
            all.spurious += score.spurious;
            all.calls.extend(score.calls.iter().cloned());
        }
        all.summarise();
        all.calls.clear();
        all
    }

    fn summarise(&mut self) {
        let calls = &self.calls;
        self.inference = errors(calls.iter().map(ScoredCall::error_ns));
        let far_off = calls.iter().filter(|call| call.error_ns() > nanoseconds(FAR_OFF));
        self.over_5_ms = far_off.count();
        self.transmission = errors(
            calls.iter().filter_map(|call| Some(call.transmission_ns - call.true_transmission_ns?)),
        );
        let bounded = calls.iter().filter_map(|call| {
            let bounds = call.low_ns.zip(call.high_ns)?;
            Some((bounds, call.true_inference_ns))
        });
        let slack = nanoseconds(TOLERANCE);
        let mut widths = Vec::new();
        let mut held = 0;
        for ((low, high), truth) in bounded {
            widths.push(high - low);
            held += usize::from(low - slack <= truth && truth <= high + slack);
        }
        let given = widths.len();
        let median = Distribution::new(widths).percentile(50);
        self.bounds = median.map(|median_width_ns| BoundsScore { given, held, median_width_ns });
        for flag in self.calls.iter().flat_map(|call| &call.flags) {
            *self.flags.entry(flag.clone()).or_default() += 1;
        }
    }
}

impl ScoredCall {
    fn new((uid, truth): (Uuid, Duration), total: Option<Duration>, estimate: &Estimate) -> Self {
        let bound = |pick: fn(InferenceBounds) -> Duration| {
            estimate.bounds.map(|bounds| nanoseconds(pick(bounds)))
        };
        let true_inference_ns = nanoseconds(truth);
        Self {
            uid,
            true_inference_ns,
            inference_ns: nanoseconds(estimate.inference),
            low_ns: bound(|bounds| bounds.low),
            high_ns: bound(|bounds| bounds.high),
            true_transmission_ns: total.map(|total| nanoseconds(total) - true_inference_ns),
            transmission_ns: nanoseconds(estimate.transmission),
            flags: estimate.flags.words(),
        }
    }

    /// How far the inference time is off, in whichever direction.
    pub(crate) const fn error_ns(&self) -> i64 {
        (self.inference_ns - self.true_inference_ns).abs()
    }
}

/// First write of the request to last read of the response.
fn total(measurement: &Measurement) -> Option<Duration> {
    let times = measurement.timing.as_ref()?.application;
    Some(times.upload? + times.wait? + times.download?)
}

fn errors(differences: impl Iterator<Item = i64>) -> Option<Errors> {
    let absolute = Distribution::new(differences.map(i64::abs).collect());
    Some(Errors {
        median: absolute.percentile(50)?,
        p95: absolute.percentile(95)?,
        max: absolute.percentile(100)?,
    })
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        identity::Name,
        measurement::{ApplicationTimes, Call, ImageKey, ProviderIdentity, Timing},
        outcome::Outcome,
        provider::Api,
        split::{Split, SplitFlags, SplitMethod, SplitTimes},
        time::Timestamp,
        truth::TruthRecord,
    };

    use super::*;
    use crate::{
        capture_rows::{CaptureRows, Row},
        method::Method,
    };

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A call that packets split into 30, 50 and 10 ms, the middle part being 49 to 52 ms.
    fn measurement(uid: u128) -> Measurement {
        let name = Name::new("bed").unwrap();
        let provider = ProviderIdentity {
            name: name.clone(),
            api: Api::Rekognition,
            region: name.clone(),
            endpoint: String::new(),
            simulated: true,
        };
        let call = Call {
            uid: Uuid::from_u128(uid),
            slice: Uuid::nil(),
            planned_at: Timestamp::from_unix_ns(0),
            agent: name.clone(),
            region: name,
            provider,
            image: ImageKey { bucket: String::new(), key: String::new() },
            attempt: 1,
        };
        let bounds = Some(InferenceBounds { low: ms(49), high: ms(52) });
        let split = Split {
            method: SplitMethod::Packets,
            times: Some(SplitTimes::new(ms(30), ms(50), ms(10), bounds).unwrap()),
            request_first: None,
            connect: None,
            tls: None,
            rtt: None,
            request_bytes: 0,
            response_bytes: 0,
            retransmissions: 0,
            flags: SplitFlags::DELAYED_ACK,
        };
        let application = ApplicationTimes {
            upload: Some(ms(5)),
            wait: Some(ms(75)),
            download: Some(ms(10)),
            ..ApplicationTimes::default()
        };
        let started_at = Timestamp::from_unix_ns(0);
        let split = Some(split);
        let timing = Timing { started_at, ends: None, application, split, socket: None };
        Measurement { timing: Some(timing), ..Measurement::unsent(call, Outcome::Ok) }
    }

    fn truth(uid: u128, inference: Duration) -> TruthRecord {
        TruthRecord {
            uid: Some(Uuid::from_u128(uid)),
            provider: "aws".to_owned(),
            client: "10.0.0.1:9".parse().unwrap(),
            image_sha256: None,
            request_last_ns: Timestamp::from_unix_ns(0),
            response_first_ns: Some(Timestamp::from_unix_ns(0).plus(inference)),
            status: Some(200),
            fault: None,
        }
    }

    fn run(measurements: Vec<Measurement>, truth: Vec<TruthRecord>) -> Run {
        Run { measurements, truth, rows: CaptureRows::default(), frames: None }
    }

    fn score(method: Method, run: &Run) -> Score {
        Score::of(&method.estimates(run), run)
    }

    #[test]
    fn errors_are_the_distance_to_the_providers_log() {
        let run = run(vec![measurement(1)], vec![truth(1, ms(48))]);
        let packets = score(Method::Packets, &run);
        assert_eq!((packets.answered, packets.missed, packets.spurious), (1, 0, 0));
        assert_eq!(packets.inference.unwrap().max, 2_000_000);
        // 90 ms in all, of which 48 were the provider's.
        assert_eq!(packets.transmission.unwrap().max, 2_000_000);
        assert_eq!(packets.flags.get("delayed_ack"), Some(&1));
        assert_eq!(packets.over_5_ms, 0);
        let timers = score(Method::Application, &run);
        assert_eq!(timers.inference.unwrap().max, 27_000_000);
        assert_eq!(timers.over_5_ms, 1);
        assert_eq!(timers.bounds, None);
    }

    #[test]
    fn bounds_hold_what_is_within_the_tolerance() {
        let measurements = vec![measurement(1), measurement(2), measurement(3)];
        let late = ms(52) + TOLERANCE;
        let truth = vec![
            truth(1, ms(49).saturating_sub(TOLERANCE)),
            truth(2, late),
            truth(3, late + Duration::from_nanos(1)),
        ];
        let bounds = score(Method::Packets, &run(measurements, truth)).bounds.unwrap();
        let expected = BoundsScore { given: 3, held: 2, median_width_ns: 3_000_000 };
        assert_eq!(bounds, expected);
    }

    #[test]
    fn what_only_one_side_knows_is_missed_or_spurious() {
        let mut unsplit = measurement(1);
        unsplit.timing = None;
        let unanswered = TruthRecord { response_first_ns: None, ..truth(2, ms(5)) };
        let run = run(vec![unsplit, measurement(2)], vec![truth(1, ms(5)), unanswered]);
        let score = score(Method::Packets, &run);
        assert_eq!((score.answered, score.missed, score.spurious), (1, 1, 1));
        assert_eq!(score.inference, None);
    }

    #[test]
    fn rows_of_a_capture_are_held_against_the_calls_that_they_are_about() {
        let row = |port: u16, responded| Row {
            client: ([10, 0, 0, 1], port).into(),
            began: Timestamp::from_unix_ns(0),
            responded: Timestamp::from_unix_ns(0).plus(responded),
            estimate: Estimate {
                inference: ms(50),
                transmission: ms(40),
                bounds: None,
                flags: SplitFlags::empty(),
            },
        };
        let mut run = run(vec![measurement(1)], vec![truth(1, ms(48))]);
        run.rows.offline = vec![row(9, ms(60)), row(8, ms(60)), row(9, ms(50))];
        let offline = score(Method::Offline, &run);
        assert_eq!((offline.answered, offline.missed, offline.spurious), (1, 0, 2));
        assert_eq!(offline.inference.unwrap().max, 2_000_000);
        assert_eq!(offline.transmission.unwrap().max, 2_000_000);
        assert_eq!(score(Method::Published, &run).missed, 1);
    }

    #[test]
    fn scenarios_taken_together_pool_their_calls() {
        let one = score(Method::Packets, &run(vec![measurement(1)], vec![truth(1, ms(48))]));
        let other = run(vec![measurement(2)], vec![truth(2, ms(50)), truth(3, ms(50))]);
        let other = score(Method::Packets, &other);
        let all = Score::together([&one, &other]);
        assert_eq!((all.answered, all.missed, all.spurious), (3, 1, 0));
        let errors = all.inference.unwrap();
        assert_eq!((errors.median, errors.max), (0, 2_000_000));
        assert!(all.calls.is_empty());
    }
}
