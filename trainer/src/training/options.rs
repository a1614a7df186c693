//! What is asked of training.

use std::num::NonZero;

use super::Merging;
use crate::{objective::Objective, policy::Learner};

/// What is asked of training.
#[derive(Clone, Debug)]
pub struct Options {
    /// What learns.
    pub learner: Learner,
    /// How answers are merged.
    pub merging: Merging,
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

impl Options {
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
