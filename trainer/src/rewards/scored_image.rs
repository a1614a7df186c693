//! One image as ways to choose providers are scored on it.
//!
//! Here alone a merged answer becomes a value. A label is taken for a box that is the same for all
//! labels, so that all providers' voices for one label are one object: label sets go through the vote
//! and the merging of boxes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    merge::{Candidates, Merger},
    metrics::{
        TrueBox,
        balanced::BalancedReward,
        f1::Counts,
        image_value::{ValueRule, image_value},
        labels,
    },
};
use serde::Serialize;

use super::Measure;
use crate::{
    baseline::number,
    dataset::{Answer, Image, Provider},
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
    measure: Measure,
    truth: Cow<'a, [TrueBox]>,
    candidates: Candidates,
    answered: Subset,
    named: Vec<GroupId>,
    prices_microusd: Vec<u64>,
}

impl<'a> ScoredImage<'a> {
    /// An image of a data set with these providers, scored by boxes.
    pub fn new(image: &'a Image, providers: &[Provider]) -> Self {
        let boxes = image.answers.iter().map(|answer| match answer {
            Some(answer) => answer.boxes.as_slice(),
            None => &[],
        });
        let boxes: Vec<&[GroupedBox]> = boxes.collect();
        Self::scored(Measure::Boxes, image, providers, Cow::Borrowed(&image.truth), &boxes)
    }

    /// An image of a data set with these providers, scored by labels: those that the ground truth
    /// lists, or else what its boxes are of, and what an answer names with a place or without.
    pub fn of_labels(image: &Image, providers: &[Provider]) -> Self {
        let boxed = image.truth.iter().filter(|object| !object.crowd).map(|object| object.group);
        let truth: BTreeSet<GroupId> = match image.labels.as_slice() {
            [] => boxed.collect(),
            listed => listed.iter().copied().collect(),
        };
        let truth = truth.into_iter().map(|group| {
            let GroupedBox { group, bbox, .. } = label(group, 1.0);
            TrueBox { group, bbox, crowd: false, area: None }
        });
        let named = |answer: &Option<Answer>| answer.as_ref().map(labels_named);
        let named: Vec<Vec<GroupedBox>> =
            image.answers.iter().map(|answer| named(answer).unwrap_or_default()).collect();
        let named: Vec<&[GroupedBox]> = named.iter().map(Vec::as_slice).collect();
        Self::scored(Measure::Labels, image, providers, truth.collect(), &named)
    }

    fn scored(
        measure: Measure,
        image: &Image,
        providers: &[Provider],
        truth: Cow<'a, [TrueBox]>,
        seen: &[&[GroupedBox]],
    ) -> Self {
        let named = seen.iter().copied().flatten().map(|seen| seen.group);
        let named: BTreeSet<GroupId> = named.collect();
        let answered = image.answers.iter().enumerate().filter(|(_, answer)| answer.is_some());
        Self {
            measure,
            truth,
            candidates: Candidates::new(seen.iter().copied()),
            answered: answered.fold(Subset::default(), |set, (place, _)| set.with(place)),
            named: named.into_iter().collect(),
            prices_microusd: image.prices_microusd(providers),
        }
    }

    /// What is truly in it.
    pub fn truth(&self) -> &[TrueBox] {
        &self.truth
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

    /// The same with each provider so much dearer, in millionths of a US dollar.
    #[must_use]
    pub fn with_surcharges(mut self, surcharges_microusd: &[u64]) -> Self {
        for (price, surcharge) in self.prices_microusd.iter_mut().zip(surcharges_microusd) {
            *price = price.saturating_add(*surcharge);
        }
        self
    }

    /// The same where nobody but these may have answered.
    #[must_use]
    pub const fn with_answers_of(mut self, who: Subset) -> Self {
        self.answered = self.answered.within(who);
        self
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

    /// How many labels of a merged answer are right, wrong and missed.
    pub fn label_counts(&self, merged: &[GroupedBox]) -> Counts {
        let merged = merged.iter().map(|seen| seen.group);
        labels::counts(&merged.collect(), &self.true_labels())
    }

    /// What no answer about it exceeds that names something: the share of what is in it that somebody
    /// names. Where nothing is in it, naming nothing is worth 1 by labels, and boxes are worth 0.
    pub fn reach(&self) -> f64 {
        let objects = || self.truth.iter().filter(|object| !object.crowd);
        let in_reach = |object: &&TrueBox| self.named.binary_search(&object.group).is_ok();
        match (objects().count(), self.measure) {
            (0, Measure::Boxes) => 0.0,
            (0, Measure::Labels) => 1.0,
            (count, _) => number_of(objects().filter(in_reach).count()) / number_of(count),
        }
    }

    fn true_labels(&self) -> BTreeSet<GroupId> {
        self.truth.iter().map(|object| object.group).collect()
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
        match image.measure {
            Measure::Boxes => image_value(merged, &image.truth, self),
            Measure::Labels => {
                let merged = merged.iter().map(|seen| seen.group);
                labels::jaccard(&merged.collect(), &image.true_labels())
            }
        }
    }
}

impl Worth for &BalancedReward {
    const NAME: &'static str = "balanced";

    fn worth(self, merged: &[GroupedBox], image: &ScoredImage<'_>) -> f64 {
        self.value(merged, &image.truth)
    }
}

/// A label, as a box that is the same for all.
fn label(group: GroupId, score: f64) -> GroupedBox {
    GroupedBox { group, score, bbox: BoundingBox::UNIT }
}

/// What an answer names, each label once, with the highest of its scores.
fn labels_named(answer: &Answer) -> Vec<GroupedBox> {
    let boxed = answer.boxes.iter().map(|seen| (seen.group, seen.score));
    let mut labels: BTreeMap<GroupId, f64> = BTreeMap::new();
    for (group, score) in boxed.chain(answer.labels.iter().copied()) {
        let highest = labels.entry(group).or_insert(score);
        *highest = highest.max(score);
    }
    labels.into_iter().map(|(group, score)| label(group, score)).collect()
}

fn number_of(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}
