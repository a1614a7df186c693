//! What methods have to achieve, in every scenario and in all of them together.

use crate::{method::Method, score::Score};

const MEDIAN_NS: i64 = 200_000;
const P95_NS: i64 = 1_000_000;
const P95_WITH_LOSS_NS: i64 = 3_000_000;
const WIDTH_NS: i64 = 2_000_000;
/// Of a hundred bounds this many hold the truth.
const HELD_PERCENT: usize = 99;

const OFFLINE_P95_NS: i64 = 2_500_000;
/// Of a hundred exchanges found in a capture at most this many are far off.
const OFFLINE_FAR_OFF_PERCENT: usize = 1;

/// The bars that a score is below, in words, empty where it is below none; `None` for a method that
/// is only there to be compared with.
pub(crate) fn missed(method: Method, score: &Score, lossless: bool) -> Option<Vec<&'static str>> {
    match method {
        Method::Packets => Some(missed_live(score, lossless)),
        Method::Offline => Some(missed_offline(score)),
        Method::Socket | Method::Application | Method::Published => None,
    }
}

fn missed_live(score: &Score, lossless: bool) -> Vec<&'static str> {
    let Some(errors) = score.inference else { return vec!["no estimate"] };
    let p95 = if lossless { P95_NS } else { P95_WITH_LOSS_NS };
    let bounds = score.bounds;
    let held = bounds.is_none_or(|bounds| bounds.held * 100 >= bounds.given * HELD_PERCENT);
    let narrow = !lossless || bounds.is_none_or(|bounds| bounds.median_width_ns <= WIDTH_NS);
    failed([
        (score.missed == 0, "missed"),
        (score.spurious == 0, "spurious"),
        (errors.median <= MEDIAN_NS, "median"),
        (errors.p95 <= p95, "p95"),
        (held, "coverage"),
        (narrow, "width"),
    ])
}

fn missed_offline(score: &Score) -> Vec<&'static str> {
    let Some(errors) = score.inference else { return vec!["no estimate"] };
    let estimated = score.answered - score.missed;
    failed([
        (score.spurious == 0, "spurious"),
        (errors.p95 <= OFFLINE_P95_NS, "p95"),
        (score.over_5_ms * 100 <= estimated * OFFLINE_FAR_OFF_PERCENT, "over 5 ms"),
    ])
}

fn failed<const N: usize>(bars: [(bool, &'static str); N]) -> Vec<&'static str> {
    bars.into_iter().filter_map(|(passed, name)| (!passed).then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{BoundsScore, Errors};

    #[test]
    fn each_bar_is_named_where_it_is_missed() {
        let errors = |median, p95| Some(Errors { median, p95, max: p95 });
        let bounds =
            |held, median_width_ns| Some(BoundsScore { given: 100, held, median_width_ns });
        let good = Score {
            inference: errors(200_000, 1_000_000),
            bounds: bounds(99, 2_000_000),
            ..Score::default()
        };
        assert!(missed_live(&good, true).is_empty());
        assert_eq!(missed_live(&Score::default(), true), ["no estimate"]);
        let bad = Score {
            missed: 1,
            spurious: 1,
            inference: errors(200_001, 3_000_001),
            bounds: bounds(98, 2_000_001),
            ..good.clone()
        };
        let all = ["missed", "spurious", "median", "p95", "coverage", "width"];
        assert_eq!(missed_live(&bad, true), all);
        assert_eq!(missed_live(&bad, false), all[..5]);
        let lossy = Score { inference: errors(1, 3_000_000), ..good };
        assert_eq!(missed_live(&lossy, true), ["p95"]);
        assert!(missed_live(&lossy, false).is_empty());
    }

    #[test]
    fn a_capture_read_offline_has_bars_of_its_own() {
        let p95 = |p95| Some(Errors { median: 0, p95, max: p95 });
        let good = Score {
            answered: 101,
            missed: 1,
            over_5_ms: 1,
            inference: p95(2_500_000),
            ..Score::default()
        };
        assert_eq!(missed(Method::Offline, &good, true), Some(Vec::new()));
        let bad = Score { spurious: 1, over_5_ms: 2, inference: p95(2_500_001), ..good };
        let all = vec!["spurious", "p95", "over 5 ms"];
        assert_eq!(missed(Method::Offline, &bad, false), Some(all));
        assert_eq!(missed(Method::Published, &bad, true), None);
    }
}
