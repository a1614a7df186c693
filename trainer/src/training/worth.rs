//! What answers are worth to a learner, made ready from the images that are learned from.

use armol_analysis::{
    label_groups::GroupedBox,
    merge::Merger,
    metrics::{
        balanced::BalancedReward,
        image_value::ValueRule,
        influence::{self, Influence},
    },
};

use super::TrainingError;
use crate::{
    evaluation::mean,
    rewards::{Reward, ScoredImage, Valuation},
    subset::Subset,
};

/// Which reward is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RewardKind {
    /// The value of an image: its own AP50
    V,
    /// A reward that counts rare groups as much as frequent ones
    Balanced,
    /// The value, and what an answer adds to AP50 of all images
    Aligned,
}

/// What answers are worth to a learner.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Value,
    Balanced(BalancedReward),
    Aligned { influence: Influence, weight: f64 },
}

/// What a false detection costs in the balanced reward.
const KAPPA: f64 = 0.5;

/// Of how many providers the answers are at most that AP50 is taken apart at: weak ones spoil the
/// ranking.
const MOST_OF_REFERENCE: usize = 4;

impl RewardKind {
    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V => "v",
            Self::Balanced => "balanced",
            Self::Aligned => "aligned",
        }
    }
}

impl Rule {
    /// The rule of some images, whose answers are merged so; `weight` is how often what an answer
    /// adds to AP50 counts.
    pub(super) fn new(
        kind: RewardKind,
        weight: f64,
        images: &[ScoredImage<'_>],
        merger: &Merger,
    ) -> Result<Self, TrainingError> {
        let truths = images.iter().map(ScoredImage::truth);
        match kind {
            RewardKind::V => Ok(Self::Value),
            RewardKind::Balanced => Ok(Self::Balanced(BalancedReward::new(truths, KAPPA)?)),
            RewardKind::Aligned => {
                let reference = reference(images, merger);
                let answers: Vec<Vec<GroupedBox>> =
                    images.iter().map(|image| image.merged(reference, merger)).collect();
                let pairs = answers.iter().map(Vec::as_slice).zip(truths);
                let influence = Influence::new(pairs, influence::SHRINKAGE)?;
                Ok(Self::Aligned { influence, weight })
            }
        }
    }

    /// The rule as tables of rewards take it.
    pub(super) const fn reward(&self) -> Reward<'_> {
        match self {
            Self::Value => Reward::Value(ValueRule::Seed),
            Self::Balanced(reward) => Reward::Balanced(reward),
            Self::Aligned { influence, weight } => Reward::Aligned { influence, weight: *weight },
        }
    }
}

/// The providers at whose answers AP50 is taken apart: all, or the best few, each the best beside
/// those before it.
fn reference(images: &[ScoredImage<'_>], merger: &Merger) -> Subset {
    let providers = images.first().map_or(0, |image| image.candidates().answers());
    if providers <= MOST_OF_REFERENCE {
        return Subset::all(providers);
    }
    let valuation = Valuation { merger, rule: ValueRule::Seed };
    let worth = |set: Subset| {
        let values = images.iter().map(|image| valuation.value(&image.merged(set, merger), image));
        mean(values).unwrap_or(0.0)
    };
    let mut chosen = Subset::default();
    for _ in 0..MOST_OF_REFERENCE {
        let more = (0..providers).filter(|place| !chosen.contains(*place));
        let worths = more.map(|place| (worth(chosen.with(place)), chosen.with(place)));
        let best = worths.max_by(|(one, _), (other, _)| one.total_cmp(other));
        chosen = best.map_or(chosen, |(_, set)| set);
    }
    chosen
}
