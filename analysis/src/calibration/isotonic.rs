//! Isotonic regression by pooling neighbours that fall.
//!
//! Outcomes by rising score form blocks; where a block is right less often than the one before it,
//! the two become one. Between the middles of blocks the probability rises in a line, so that
//! different scores stay apart.

use serde::{Deserialize, Serialize};

use super::{CalibrationError, Outcome, outcome::valid};

/// A curve of any shape that does not fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct Isotonic {
    /// Scores and their probabilities, both rising; at least one.
    knots: Vec<(f64, f64)>,
}

/// Outcomes that share a probability.
#[derive(Clone, Copy, Debug)]
struct Block {
    count: f64,
    right: f64,
    total_score: f64,
    lowest: f64,
    highest: f64,
}

impl Isotonic {
    /// Fits the curve that is nearest to the outcomes.
    ///
    /// # Errors
    /// Where there is no outcome, or a score is no number from 0 to 1.
    pub fn fit(outcomes: &[Outcome]) -> Result<Self, CalibrationError> {
        let mut sorted = valid(outcomes)?.to_vec();
        sorted.sort_by(|one, other| one.score.total_cmp(&other.score));
        let mut blocks: Vec<Block> = Vec::new();
        let mut total = 0.0;
        // Outcomes of one score are one block from the start, so that their order is no matter.
        for alike in sorted.chunk_by(|one, other| one.score.total_cmp(&other.score).is_eq()) {
            for &outcome in alike {
                add(&mut blocks, outcome);
                total += 1.0;
            }
            pool(&mut blocks);
        }
        // However often they were right, the next one may be the first that is not.
        let doubt = 1.0 / (total + 2.0);
        let knot = |block: Block| {
            let probability = (block.right / block.count).clamp(doubt, 1.0 - doubt);
            // Within the block even where the sum was rounded, so that no two are at one score.
            let middle = block.total_score / block.count;
            (middle.clamp(block.lowest, block.highest), probability)
        };
        Self::try_from(blocks.into_iter().map(knot).collect::<Vec<_>>())
    }

    /// How likely a box of this score is right.
    pub fn probability(&self, score: f64) -> f64 {
        let above = self.knots.partition_point(|(knot, _)| *knot < score);
        let right = self.knots.get(above);
        let left = above.checked_sub(1).and_then(|below| self.knots.get(below));
        match (left, right) {
            (Some(&(low, less)), Some(&(high, more))) => {
                less + (more - less) * (score - low) / (high - low)
            }
            (Some(&(_, probability)), None) | (None, Some(&(_, probability))) => probability,
            // There is at least one knot.
            (None, None) => score,
        }
    }
}

/// Adds an outcome to the last block if that is of its score alone, else as a block of its own.
fn add(blocks: &mut Vec<Block>, Outcome { score, right, .. }: Outcome) {
    let right = f64::from(u8::from(right));
    match blocks.last_mut() {
        Some(last) if last.lowest >= score => {
            last.count += 1.0;
            last.right += right;
            last.total_score += score;
        }
        _ => blocks.push(Block {
            count: 1.0,
            right,
            total_score: score,
            lowest: score,
            highest: score,
        }),
    }
}

/// Joins the last block to those before it that are right no less often.
fn pool(blocks: &mut Vec<Block>) {
    while let [.., before, last] = blocks.as_mut_slice() {
        if before.right * last.count < last.right * before.count {
            return;
        }
        before.count += last.count;
        before.right += last.right;
        before.total_score += last.total_score;
        before.highest = last.highest;
        blocks.pop();
    }
}

impl TryFrom<Vec<(f64, f64)>> for Isotonic {
    type Error = CalibrationError;

    fn try_from(knots: Vec<(f64, f64)>) -> Result<Self, CalibrationError> {
        if knots.is_empty() {
            return Err(CalibrationError::NoOutcomes);
        }
        for &(score, probability) in &knots {
            for (what, value) in [("score", score), ("probability", probability)] {
                if !(0.0..=1.0).contains(&value) {
                    return Err(CalibrationError::Share { what, value });
                }
            }
        }
        let rises = |pair: &[(f64, f64)]| match pair {
            [(low, less), (high, more)] => low < high && less <= more,
            _ => true,
        };
        if knots.windows(2).all(rises) {
            Ok(Self { knots })
        } else {
            Err(CalibrationError::Falls("the isotonic curve"))
        }
    }
}

impl From<Isotonic> for Vec<(f64, f64)> {
    fn from(isotonic: Isotonic) -> Self {
        isotonic.knots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_groups::GroupId;

    fn fitted(outcomes: &[(f64, bool)]) -> Isotonic {
        let outcome =
            |&(score, right): &(f64, bool)| Outcome { group: GroupId::new(0), score, right };
        Isotonic::fit(&outcomes.iter().map(outcome).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn neighbours_that_fall_share_their_mean() {
        let seen = [(0.1, false), (0.2, true), (0.4, false), (0.9, true), (0.9, true)];
        let curve = fitted(&seen);
        assert_eq!(curve.knots.len(), 3);
        // 0.2 and 0.4 are one block, half of it right, in the middle at 0.3.
        let (middle, half) = curve.knots[1];
        assert!((middle - 0.3).abs() < 1e-12 && (half - 0.5).abs() < 1e-12);
        // Between the middles it rises in a line.
        let doubt = 1.0 / 7.0;
        assert!((curve.probability(0.2) - f64::midpoint(doubt, 0.5)).abs() < 1e-12);
        assert!((curve.probability(1.0) - (1.0 - doubt)).abs() < 1e-12);
    }

    #[test]
    fn one_that_was_always_right_may_still_be_wrong() {
        assert!((fitted(&[(0.7, true)]).probability(0.7) - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_stored_curve_that_falls_is_refused() {
        for text in ["[]", "[[0.5, 0.9], [0.6, 0.1]]", "[[0.5, 0.5], [0.5, 0.6]]", "[[0.5, 2]]"] {
            assert!(serde_json::from_str::<Isotonic>(text).is_err(), "{text}");
        }
    }
}
