//! Platt's regression: log-odds of being right rise in a line with those of the score.
//!
//! The targets are those of Platt (1999), which stand for one more right and one more wrong box
//! than were seen. Scores enter as log-odds, so that scores which are probabilities stay as they
//! are: slope 1, intercept 0.

use serde::{Deserialize, Serialize};

use super::{
    CalibrationError, Outcome,
    logistic::{self, Examples},
    outcome::valid,
};

/// A line in log-odds that does not fall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Line")]
pub struct Platt {
    slope: f64,
    intercept: f64,
}

/// The numbers of a stored line, whatever they are.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Line {
    slope: f64,
    intercept: f64,
}

/// A penalty that only decides what the outcomes leave open.
const RIDGE: f64 = 1e-6;

impl Platt {
    /// Fits the line by Newton's method; one that would fall is level instead.
    ///
    /// # Errors
    /// Where there is no outcome, or a score is no number from 0 to 1.
    pub fn fit(outcomes: &[Outcome]) -> Result<Self, CalibrationError> {
        let (mut right, mut wrong) = (0.0, 0.0);
        for outcome in valid(outcomes)? {
            *if outcome.right { &mut right } else { &mut wrong } += 1.0;
        }
        let (of_right, of_wrong) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
        let mut examples = Examples::new(2);
        for outcome in outcomes {
            let target = if outcome.right { of_right } else { of_wrong };
            examples.push([1.0, logistic::log_odds(outcome.score)], target);
        }
        let [intercept, slope] = line(&examples);
        if slope >= 0.0 {
            return Self::try_from(Line { slope, intercept });
        }
        examples.erase(1);
        let [intercept, _] = line(&examples);
        Self::try_from(Line { slope: 0.0, intercept })
    }

    /// How likely a box of this score is right.
    pub fn probability(&self, score: f64) -> f64 {
        logistic::probability(self.intercept + self.slope * logistic::log_odds(score))
    }
}

fn line(examples: &Examples) -> [f64; 2] {
    let weights = examples.fit(RIDGE);
    [0, 1].map(|place| weights.get(place).copied().unwrap_or(0.0))
}

impl TryFrom<Line> for Platt {
    type Error = CalibrationError;

    fn try_from(Line { slope, intercept }: Line) -> Result<Self, CalibrationError> {
        if slope.is_finite() && slope >= 0.0 && intercept.is_finite() {
            Ok(Self { slope, intercept })
        } else {
            Err(CalibrationError::Falls("the line"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_groups::GroupId;

    fn outcome(score: f64, right: bool) -> Outcome {
        Outcome { group: GroupId::new(0), score, right }
    }

    #[test]
    fn scores_that_are_probabilities_stay_as_they_are() {
        let mut outcomes = Vec::new();
        for tenth in 1..10_u32 {
            for place in 0..1000 {
                outcomes.push(outcome(f64::from(tenth) / 10.0, place < 100 * tenth));
            }
        }
        let line = Platt::fit(&outcomes).unwrap();
        assert!((line.slope - 1.0).abs() < 0.01 && line.intercept.abs() < 0.01, "{line:?}");
    }

    #[test]
    fn a_line_that_would_fall_is_level() {
        let outcomes = [outcome(0.2, true), outcome(0.3, true), outcome(0.9, false)];
        let line = Platt::fit(&outcomes).unwrap();
        assert!((line.probability(0.1) - line.probability(0.95)).abs() < 1e-12);
    }

    #[test]
    fn a_stored_line_that_falls_is_refused() {
        for text in [r#"{"slope": -1, "intercept": 0}"#, r#"{"slope": 1}"#] {
            assert!(serde_json::from_str::<Platt>(text).is_err(), "{text}");
        }
    }
}
