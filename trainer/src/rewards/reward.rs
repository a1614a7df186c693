//! What a merged answer is worth to whoever learns: any of the rewards, as one type.

use armol_analysis::{
    label_groups::GroupedBox,
    metrics::{balanced::BalancedReward, image_value::ValueRule, influence::Influence},
};
use serde::Serialize;

use super::{ScoredImage, Worth};

/// What a merged answer is worth to whoever learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reward<'a> {
    /// The value of the image.
    Value(ValueRule),
    /// The reward that counts rare groups as much as frequent ones.
    Balanced(&'a BalancedReward),
    /// The value, and so many times what the answer adds to AP50 of all images.
    Aligned {
        /// What the answer adds to AP50.
        influence: &'a Influence,
        /// How many times.
        weight: f64,
    },
}

impl Worth for Reward<'_> {
    const NAME: &'static str = "reward";

    fn worth(self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64 {
        match self {
            Self::Value(rule) => rule.worth(merged, image),
            Self::Balanced(reward) => reward.worth(merged, image),
            Self::Aligned { influence, weight } => {
                let added = influence.value(merged, image.truth());
                weight.mul_add(added, ValueRule::Seed.worth(merged, image))
            }
        }
    }
}
