//! What a provider's score is worth: the share of such boxes that are right.
//!
//! Providers' scores are not comparable: at 0.6 one is nearly always right and another half of the
//! time. A [`Calibration`] is fitted on [`Outcome`]s, boxes of images whose truth is known, and
//! turns a score into a probability: by [`Isotonic`] regression, which takes any rising shape, or
//! by [`Platt`]'s, which needs less data. It never turns a higher score into a lower probability.
//! Groups may differ in how often they are right; each then has an offset, shrunk towards none
//! where there is little to learn it from.

mod group_offsets;
mod isotonic;
pub(crate) mod logistic;
mod outcome;
mod platt;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::label_groups::GroupId;

use group_offsets::GroupOffsets;

pub use isotonic::Isotonic;
pub(crate) use outcome::judge;
pub use outcome::{Outcome, outcomes};
pub use platt::Platt;

/// A provider's scores as probabilities of being right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    curve: Curve,
    #[serde(default, skip_serializing_if = "GroupOffsets::is_empty")]
    groups: GroupOffsets,
}

/// How probability rises with the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Curve {
    Isotonic(Isotonic),
    Platt(Platt),
}

/// Which shape of curve is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CurveKind {
    /// Any that does not fall.
    #[default]
    Isotonic,
    /// A line in log-odds.
    Platt,
}

/// Why there is no calibration.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CalibrationError {
    /// There is nothing to learn from.
    #[error("no box with known truth to calibrate on; fit on images that the provider answered")]
    NoOutcomes,
    /// A score or probability is none.
    #[error("{what} {value} must be a number from 0 to 1")]
    Share {
        /// Which number it is.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// The strength that pulls groups together is no strength.
    #[error("shrinkage {0} must be a finite number above 0")]
    Shrinkage(f64),
    /// A stored curve could turn a higher score into a lower probability.
    #[error("{0} of a stored calibration must be finite and must not fall; fit it again")]
    Falls(&'static str),
}

/// A word that names no [`CurveKind`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown calibration {0:?}; use isotonic or platt")]
pub struct UnknownCurve(pub String);

impl Calibration {
    /// Fits a curve for all groups together.
    ///
    /// # Errors
    /// Where there is no outcome.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::{
    ///     calibration::{Calibration, CurveKind, Outcome},
    ///     label_groups::GroupId,
    /// };
    ///
    /// # fn main() -> Result<(), armol_analysis::calibration::CalibrationError> {
    /// let cat = GroupId::new(15);
    /// let seen = [(0.3, false), (0.4, true), (0.5, false), (0.6, true), (0.9, true)];
    /// let outcomes = seen.map(|(score, right)| Outcome { group: cat, score, right });
    /// let calibration = Calibration::fit(CurveKind::Isotonic, &outcomes)?;
    /// assert!(calibration.probability(cat, 0.9) > calibration.probability(cat, 0.3));
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit(kind: CurveKind, outcomes: &[Outcome]) -> Result<Self, CalibrationError> {
        let curve = match kind {
            CurveKind::Isotonic => Curve::Isotonic(Isotonic::fit(outcomes)?),
            CurveKind::Platt => Curve::Platt(Platt::fit(outcomes)?),
        };
        Ok(Self { curve, groups: GroupOffsets::default() })
    }

    /// The same curve with an offset in log-odds for each group of the outcomes.
    ///
    /// The `shrinkage` is the precision with which groups are taken to be alike: at 4, an offset
    /// beyond one half of log-odds needs evidence.
    ///
    /// # Errors
    /// Where the shrinkage is not a finite number above 0.
    pub fn with_groups(
        self,
        outcomes: &[Outcome],
        shrinkage: f64,
    ) -> Result<Self, CalibrationError> {
        if !shrinkage.is_finite() || shrinkage <= 0.0 {
            return Err(CalibrationError::Shrinkage(shrinkage));
        }
        let groups = GroupOffsets::fit(outcomes, shrinkage, |score| self.curve_probability(score));
        Ok(Self { groups, ..self })
    }

    /// How likely a box of this group and score is right; above 0 and below 1.
    pub fn probability(&self, group: GroupId, score: f64) -> f64 {
        let probability = self.curve_probability(score);
        match self.groups.offset(group) {
            Some(offset) => logistic::probability(logistic::log_odds(probability) + offset),
            None => probability,
        }
    }

    fn curve_probability(&self, score: f64) -> f64 {
        let probability = match &self.curve {
            Curve::Isotonic(isotonic) => isotonic.probability(score),
            Curve::Platt(platt) => platt.probability(score),
        };
        logistic::doubted(probability)
    }
}

impl CurveKind {
    /// Every kind of curve.
    pub const ALL: [Self; 2] = [Self::Isotonic, Self::Platt];

    /// The word used on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Isotonic => "isotonic",
            Self::Platt => "platt",
        }
    }
}

impl fmt::Display for CurveKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for CurveKind {
    type Err = UnknownCurve;

    fn from_str(word: &str) -> Result<Self, UnknownCurve> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| UnknownCurve(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_outcomes() -> impl Strategy<Value = Vec<Outcome>> {
        let outcome = (0..3_u16, 0..=20_u8, any::<bool>()).prop_map(|(group, score, right)| {
            Outcome { group: GroupId::new(group), score: f64::from(score) / 20.0, right }
        });
        proptest::collection::vec(outcome, 1..60)
    }

    /// Every kind of calibration of these outcomes.
    fn calibrations(outcomes: &[Outcome]) -> Vec<Calibration> {
        let mut fitted = Vec::new();
        for kind in CurveKind::ALL {
            let alike = Calibration::fit(kind, outcomes).unwrap();
            fitted.push(alike.clone().with_groups(outcomes, 4.0).unwrap());
            fitted.push(alike);
        }
        fitted
    }

    #[test]
    fn words_read_back() {
        for kind in CurveKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("spline".parse::<CurveKind>().is_err());
    }

    #[test]
    fn nothing_to_learn_from_is_refused() {
        let outcome = Outcome { group: GroupId::new(0), score: 0.5, right: true };
        for kind in CurveKind::ALL {
            assert_eq!(Calibration::fit(kind, &[]), Err(CalibrationError::NoOutcomes));
            let nonsense = Outcome { score: f64::NAN, ..outcome };
            assert!(Calibration::fit(kind, &[outcome, nonsense]).is_err());
        }
        let alike = Calibration::fit(CurveKind::Platt, &[outcome]).unwrap();
        let refusal = alike.with_groups(&[outcome], 0.0);
        assert_eq!(refusal, Err(CalibrationError::Shrinkage(0.0)));
    }

    #[test]
    fn a_group_that_is_more_often_right_is_likelier_right_the_more_so_the_more_is_known() {
        let (known, rare) = (GroupId::new(1), GroupId::new(2));
        let mut outcomes = Vec::new();
        for place in 0..200 {
            let right = place % 2 == 0;
            outcomes.push(Outcome { group: GroupId::new(0), score: 0.5, right });
            outcomes.push(Outcome { group: known, score: 0.5, right: place % 10 != 0 });
        }
        outcomes.extend([Outcome { group: rare, score: 0.5, right: true }; 3]);
        let alike = Calibration::fit(CurveKind::Isotonic, &outcomes).unwrap();
        let by_group = alike.clone().with_groups(&outcomes, 4.0).unwrap();
        let of = |group| by_group.probability(group, 0.5);
        assert!((of(known) - 0.9).abs() < 0.03, "{}", of(known));
        assert!((of(GroupId::new(0)) - 0.5).abs() < 0.03);
        // Three of three are no proof; a group never seen is like all others.
        assert!(of(rare) > alike.probability(rare, 0.5) && of(rare) < 0.85, "{}", of(rare));
        assert!((of(GroupId::new(9)) - alike.probability(rare, 0.5)).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_higher_score_is_never_less_likely_right(outcomes in any_outcomes()) {
            for calibration in calibrations(&outcomes) {
                for group in (0..4).map(GroupId::new) {
                    let mut last = 0.0;
                    for score in 0..=50_u8 {
                        let probability = calibration.probability(group, f64::from(score) / 50.0);
                        prop_assert!(probability > 0.0 && probability < 1.0);
                        prop_assert!(probability >= last - 1e-12);
                        last = probability;
                    }
                }
            }
        }

        #[test]
        fn the_order_of_outcomes_does_not_matter(
            (outcomes, shuffled) in any_outcomes()
                .prop_flat_map(|outcomes| (Just(outcomes.clone()), Just(outcomes).prop_shuffle()))
        ) {
            for (one, other) in calibrations(&outcomes).iter().zip(&calibrations(&shuffled)) {
                for score in [0.0, 0.31, 0.5, 1.0] {
                    let group = GroupId::new(1);
                    let (one, other) =
                        (one.probability(group, score), other.probability(group, score));
                    prop_assert!((one - other).abs() < 1e-6);
                }
            }
        }

        #[test]
        fn what_is_stored_reads_back(outcomes in any_outcomes()) {
            for calibration in calibrations(&outcomes) {
                let text = serde_json::to_string(&calibration).unwrap();
                let read: Calibration = serde_json::from_str(&text).unwrap();
                for score in [0.0, 0.31, 0.5, 1.0] {
                    let group = GroupId::new(1);
                    let (one, other) =
                        (calibration.probability(group, score), read.probability(group, score));
                    prop_assert!((one - other).abs() < 1e-9);
                }
            }
        }
    }
}
