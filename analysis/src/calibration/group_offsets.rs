//! How much more or less often than others the boxes of a group are right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Outcome, logistic};
use crate::label_groups::GroupId;

/// Offsets in log-odds by group number; groups without one are like all others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupOffsets(BTreeMap<u16, f64>);

impl GroupOffsets {
    /// Fits an offset for each group, given what a score alone is worth.
    pub(super) fn fit(
        outcomes: &[Outcome],
        shrinkage: f64,
        probability: impl Fn(f64) -> f64,
    ) -> Self {
        let mut groups: BTreeMap<u16, Vec<(f64, f64)>> = BTreeMap::new();
        for outcome in outcomes {
            let odds = logistic::log_odds(probability(outcome.score));
            let right = f64::from(u8::from(outcome.right));
            groups.entry(outcome.group.number()).or_default().push((odds, right));
        }
        let offset = |seen: Vec<(f64, f64)>| most_likely(&seen, shrinkage);
        Self(groups.into_iter().map(|(group, seen)| (group, offset(seen))).collect())
    }

    pub(super) fn offset(&self, group: GroupId) -> Option<f64> {
        self.0.get(&group.number()).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The offset that explains best which of the boxes are right, if it is likely to be near 0.
fn most_likely(seen: &[(f64, f64)], shrinkage: f64) -> f64 {
    let mut offset = 0.0;
    for _ in 0..100 {
        let mut slope = -shrinkage * offset;
        let mut curvature = shrinkage;
        for &(odds, right) in seen {
            let expected = logistic::probability(odds + offset);
            slope += right - expected;
            curvature += expected * (1.0 - expected);
        }
        // Bounded steps cannot overshoot to where the curve is flat.
        let step = (slope / curvature).clamp(-1.0, 1.0);
        offset += step;
        if step.abs() < 1e-12 {
            break;
        }
    }
    offset
}
