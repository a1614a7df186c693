//! What the method by packets has to achieve in every scenario.

use crate::score::Score;

const MEDIAN_NS: i64 = 200_000;
const P95_NS: i64 = 1_000_000;
const P95_WITH_LOSS_NS: i64 = 3_000_000;
const WIDTH_NS: i64 = 2_000_000;
/// Of a hundred bounds this many hold the truth.
const HELD_PERCENT: usize = 99;

/// The bars that a score is below, in words; empty where it is below none.
pub(crate) fn missed(score: &Score, lossless: bool) -> Vec<&'static str> {
    let Some(errors) = score.inference else { return vec!["no estimate"] };
    let p95 = if lossless { P95_NS } else { P95_WITH_LOSS_NS };
    let bounds = score.bounds;
    let held = bounds.is_none_or(|bounds| bounds.held * 100 >= bounds.given * HELD_PERCENT);
    let narrow = !lossless || bounds.is_none_or(|bounds| bounds.median_width_ns <= WIDTH_NS);
    [
        (score.missed == 0, "missed"),
        (score.spurious == 0, "spurious"),
        (errors.median <= MEDIAN_NS, "median"),
        (errors.p95 <= p95, "p95"),
        (held, "coverage"),
        (narrow, "width"),
    ]
    .into_iter()
    .filter_map(|(passed, name)| (!passed).then_some(name))
    .collect()
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
        assert!(missed(&good, true).is_empty());
        assert_eq!(missed(&Score::default(), true), ["no estimate"]);
        let bad = Score {
            missed: 1,
            spurious: 1,
            inference: errors(200_001, 3_000_001),
            bounds: bounds(98, 2_000_001),
            ..good.clone()
        };
        let all = ["missed", "spurious", "median", "p95", "coverage", "width"];
        assert_eq!(missed(&bad, true), all);
        assert_eq!(missed(&bad, false), all[..5]);
        let lossy = Score { inference: errors(1, 3_000_000), ..good };
        assert_eq!(missed(&lossy, true), ["p95"]);
        assert!(missed(&lossy, false).is_empty());
    }
}
