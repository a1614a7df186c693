//! What is asked of training.

use std::num::NonZero;

use super::{Merging, RewardKind};
use crate::{objective::Objective, policy::Learner};

/// What is asked of training.
#[derive(Clone, Debug)]
pub struct Options {
    /// What learns.
    pub learner: Learner,
    /// How answers are merged.
    pub merging: Merging,
    /// What answers are worth.
    pub reward: RewardKind,
    /// How often what an answer adds to AP50 counts in the aligned reward.
    pub alignment: f64,
    /// What a thousandth of a US dollar adds to a value, not above 0.
    pub beta: f64,
    /// What an image may cost at the mean, in thousandths of a US dollar: money is made dearer than
    /// `beta` until it is met.
    pub budget: Option<f64>,
    /// What a second of waiting takes from a value, not below 0.
    pub latency_weight: f64,
    /// Which share of the images is kept to judge what was learned.
    pub validation_share: f64,
    /// Into how many folds images are dealt, so that each is judged by what was fitted without it.
    pub folds: u32,
    /// What random draws come from.
    pub seed: u64,
    /// On how many threads subsets are judged.
    pub threads: NonZero<usize>,
}

/// What a thousandth of a US dollar adds to a value where nothing says: what a call takes from it in
/// the published code.
pub const USUAL_BETA: f64 = -0.1;

impl Options {
    /// What is usual for a learner.
    pub fn new(learner: Learner, merging: Merging) -> Self {
        Self {
            learner,
            merging,
            reward: match learner {
                Learner::Fixed => RewardKind::V,
            },
            alignment: 1.0,
            beta: USUAL_BETA,
            budget: None,
            latency_weight: 0.0,
            validation_share: 0.2,
            folds: 5,
            seed: 1,
            threads: NonZero::<usize>::MIN,
        }
    }

    /// What is to be as high as can be, before a budget is met.
    pub const fn objective(&self) -> Objective {
        let Self { beta, latency_weight, .. } = *self;
        Objective { beta, latency_weight, published: false }
    }

    /// What the learner learned with, as a policy file has it.
    pub fn learner_options(&self) -> serde_json::Value {
        serde_json::json!({ "folds": self.folds, "validation_share": self.validation_share })
    }
}
