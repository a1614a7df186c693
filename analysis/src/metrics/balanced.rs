//! A reward for one image that agrees with AP50 of the whole set.
//!
//! AP50 is a mean over groups, so that an object of a rare group weighs more in it than one of a
//! frequent group, and it ranks detections of all images together, so that scores must mean the
//! same in every image. The [value](super::image_value) of an image knows neither. This reward is
//! the sum over detections that find an object of `w (0.5 + 0.5 score)`, less the sum over those
//! that find none of `kappa w score`, where `w` is in inverse proportion to how frequent the group
//! is. To see nothing is worth 0.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::{
    TrueBox,
    finding::{Finding, findings},
    number,
};
use crate::label_groups::{GroupId, GroupedBox};

/// The least overlap at which a detection finds an object.
const LEAST_OVERLAP: f64 = 0.5;

/// Scores the answer about one image, by weights of groups that a set of images told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BalancedReward {
    weights: BTreeMap<GroupId, f64>,
    kappa: f64,
}

/// A number that makes no [`BalancedReward`].
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("kappa is {0}; what a false detection costs must be a number, at least 0")]
pub struct InvalidKappa(pub f64);

impl BalancedReward {
    /// Takes the weights from the ground truth of a set of images, one slice an image; `kappa` is
    /// what a false detection costs.
    ///
    /// The mean weight over all objects is 1. Groups without an object weigh nothing, as they do
    /// not count in AP50 either.
    ///
    /// # Errors
    /// Where `kappa` is negative or no number.
    pub fn new<'a>(
        truth: impl IntoIterator<Item = &'a [TrueBox]>,
        kappa: f64,
    ) -> Result<Self, InvalidKappa> {
        if !(kappa.is_finite() && kappa >= 0.0) {
            return Err(InvalidKappa(kappa));
        }
        let mut counts: BTreeMap<GroupId, usize> = BTreeMap::new();
        for object in truth.into_iter().flatten().filter(|object| !object.crowd) {
            *counts.entry(object.group).or_default() += 1;
        }
        let mean = number(counts.values().sum()) / number(counts.len().max(1));
        let weights =
            counts.into_iter().map(|(group, count)| (group, mean / number(count))).collect();
        Ok(Self { weights, kappa })
    }

    /// How much an object of a group weighs.
    pub fn weight(&self, group: GroupId) -> f64 {
        self.weights.get(&group).copied().unwrap_or(0.0)
    }

    /// The reward for the answer about one image.
    pub fn value(&self, detected: &[GroupedBox], truth: &[TrueBox]) -> f64 {
        let terms = findings(detected, truth, LEAST_OVERLAP).map(|(detection, finding)| {
            let gain = match finding {
                Finding::Object => 0.5 + 0.5 * detection.score,
                Finding::Crowd => 0.0,
                Finding::Nothing => -self.kappa * detection.score,
            };
            self.weight(detection.group) * gain
        });
        // From 0, for the sum of nothing is -0.
        terms.fold(0.0, |sum, term| sum + term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{assert_near, crowd, detection, object};

    /// Three objects of group 1, one of group 2.
    fn uneven() -> Vec<TrueBox> {
        vec![object(1, 0.0), object(1, 100.0), object(1, 200.0), object(2, 300.0)]
    }

    fn reward(kappa: f64) -> BalancedReward {
        BalancedReward::new([uneven().as_slice()], kappa).unwrap()
    }

    #[test]
    fn weights_are_in_inverse_proportion_to_counts_and_1_in_the_mean() {
        let reward = reward(1.0);
        assert_near(reward.weight(GroupId::new(1)), 2.0 / 3.0);
        assert_near(reward.weight(GroupId::new(2)), 2.0);
        assert_near(reward.weight(GroupId::new(3)), 0.0);
    }

    #[test]
    fn what_is_found_gains_and_what_is_not_there_costs() {
        let detected = [detection(2, 0.8, 300.0), detection(1, 0.6, 50.0), detection(3, 0.9, 0.0)];
        let expected = 2.0 * (0.5 + 0.4) - 0.5 * (2.0 / 3.0) * 0.6;
        assert_near(reward(0.5).value(&detected, &uneven()), expected);
        assert_near(reward(0.5).value(&[], &uneven()), 0.0);
        assert!(reward(0.5).value(&[], &uneven()).is_sign_positive());
    }

    #[test]
    fn a_crowd_is_worth_nothing_either_way() {
        let truth = [crowd(1, 0.0, 100.0)];
        assert_near(reward(1.0).value(&[detection(1, 0.9, 20.0)], &truth), 0.0);
    }

    #[test]
    fn a_cost_below_0_is_refused() {
        for kappa in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(BalancedReward::new([&[][..]], kappa).is_err());
        }
        assert_near(
            BalancedReward::new([], 1.0).unwrap().value(&[detection(1, 0.5, 0.0)], &[]),
            0.0,
        );
    }
}
