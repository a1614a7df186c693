//! One image as ways to choose providers are scored on it.

use armol_analysis::{
    label_groups::{GroupId, GroupedBox},
    merge::{Candidates, Merger},
    metrics::{
        TrueBox,
        balanced::BalancedReward,
        image_value::{ValueRule, image_value},
    },
};
use serde::Serialize;

use crate::{
    dataset::{Image, Provider},
    subset::Subset,
};

/// A rule for what a merged answer about an image is worth.
///
/// What is written of a rule tells it from every other of its kind.
pub trait Worth: Copy + Sync + Serialize {
    /// What this kind of rule is called, unlike any other.
    const NAME: &'static str;

    /// What the answer is worth.
    fn worth(self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64;
}

/// How answers are merged, and what the result is worth.
#[derive(Clone, Copy, Debug)]
pub struct Valuation<'a, W = ValueRule> {
    /// How answers are merged.
    pub merger: &'a Merger,
    /// What the merged answer of an image is worth.
    pub rule: W,
}

/// One image: what is in it, what was answered, and what asking costs.
#[derive(Clone, Debug)]
pub struct ScoredImage<'a> {
    truth: &'a [TrueBox],
    candidates: Candidates,
    answered: Subset,
    named: Vec<GroupId>,
    prices_microusd: Vec<u64>,
}

impl<'a> ScoredImage<'a> {
    /// An image of a data set with these providers.
    pub fn new(image: &'a Image, providers: &[Provider]) -> Self {
        let boxes = image.answers.iter().map(|answer| match answer {
            Some(answer) => answer.boxes.as_slice(),
            None => &[],
        });
        let named = image.answers.iter().flatten().flat_map(|answer| &answer.boxes);
        let mut named: Vec<GroupId> = named.map(|seen| seen.group).collect();
        named.sort_unstable();
        named.dedup();
        let answered = image.answers.iter().enumerate().filter(|(_, answer)| answer.is_some());
        Self {
            truth: &image.truth,
            candidates: Candidates::new(boxes),
            answered: answered.fold(Subset::default(), |set, (place, _)| set.with(place)),
            named,
            prices_microusd: image.prices_microusd(providers),
        }
    }

    /// What is truly in it.
    pub const fn truth(&self) -> &'a [TrueBox] {
        self.truth
    }

    /// The answers, each at the place of its provider.
    pub const fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// The groups that somebody names, in rising order.
    pub fn named(&self) -> &[GroupId] {
        &self.named
    }

    /// Who answered.
    pub const fn answered(&self) -> Subset {
        self.answered
    }

    /// What asking each provider costs, in millionths of a US dollar.
    pub fn prices_microusd(&self) -> &[u64] {
        &self.prices_microusd
    }

    /// The answer that asking a subset brings. Who did not answer has no vote.
    pub fn merged(&self, subset: Subset, merger: &Merger) -> Vec<GroupedBox> {
        let asked = |place| subset.contains(place) && self.answered.contains(place);
        merger.merge(&self.candidates, asked)
    }

    /// What asking a subset costs, in millionths of a US dollar.
    pub fn cost_microusd(&self, subset: Subset) -> u64 {
        let asked = (0..).zip(&self.prices_microusd).filter(|(place, _)| subset.contains(*place));
        asked.fold(0, |sum: u64, (_, price)| sum.saturating_add(*price))
    }
}

impl<W: Worth> Valuation<'_, W> {
    /// What a merged answer about an image is worth.
    pub fn value(&self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64 {
        self.rule.worth(merged, image)
    }
}

impl Worth for ValueRule {
    const NAME: &'static str = "v";

    fn worth(self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64 {
        image_value(merged, image.truth, self)
    }
}

impl Worth for &BalancedReward {
    const NAME: &'static str = "balanced";

    fn worth(self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64 {
        self.value(merged, image.truth)
    }
}
