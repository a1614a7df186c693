//! Numbers about the answers so far: what a policy decides by after its first call.
//!
//! The answers of those who were asked are merged as the policy merges; [`Evidence`] then says in a
//! fixed count of numbers how much is seen, how surely, of which groups, how large, and how far
//! those who were asked agree. Scores are taken for probabilities, which a calibrated merge makes
//! them. It looks at nobody else's answer. Images have no size here: boxes are measured in pixels.

mod numbers;

use std::{cmp::Reverse, collections::BTreeMap};

use armol_analysis::{
    label_groups::GroupedBox,
    merge::{Merger, Scratch},
};
use serde::{Deserialize, Serialize};

use crate::{policy::Observation, rewards::ScoredImage};
use numbers::Objects;

/// How many groups have a number of their own.
pub const OWN_GROUPS: usize = 12;

/// How answers become numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    providers: usize,
    /// The groups with a number of their own, by number.
    groups: Vec<u16>,
    merger: Merger,
}

/// Memory for evidence, kept from one image or subset to the next.
#[derive(Debug, Default)]
pub struct Memory {
    scratch: Scratch,
    merged: Vec<GroupedBox>,
    objects: Objects,
}

impl Evidence {
    /// Evidence about answers of so many providers, merged in this way, which tells those groups
    /// apart that are named most in these images.
    pub fn new(images: &[ScoredImage<'_>], providers: usize, merger: &Merger) -> Self {
        let mut named: BTreeMap<u16, usize> = BTreeMap::new();
        for (_, seen) in images.iter().flat_map(|image| image.candidates().seen()) {
            *named.entry(seen.group.number()).or_default() += 1;
        }
        let mut groups: Vec<(u16, usize)> = named.into_iter().collect();
        // Stable, so that the first of equals stays first.
        groups.sort_by_key(|(_, times)| Reverse(*times));
        let groups = groups.into_iter().take(OWN_GROUPS).map(|(group, _)| group).collect();
        Self { providers, groups, merger: merger.clone() }
    }

    /// How many providers it is about.
    pub const fn providers(&self) -> usize {
        self.providers
    }

    /// How many numbers there are.
    pub const fn dimension(&self) -> usize {
        numbers::GENERAL + numbers::PER_PROVIDER * self.providers + self.groups.len() + 2
    }

    /// Adds the numbers about the answers of those who were asked to `numbers`.
    pub fn add(&self, observation: &Observation<'_>, memory: &mut Memory, numbers: &mut Vec<f32>) {
        let Observation { candidates, asked, answered, .. } = *observation;
        let Memory { scratch, merged, objects } = memory;
        let heard = asked.within(answered);
        self.merger.merge_into(candidates, |place| heard.contains(place), scratch, merged);
        objects.look(merged, candidates, heard);
        objects.add_general(heard.count(), numbers);
        for place in 0..self.providers {
            let standing = (asked.contains(place), heard.contains(place));
            numbers.extend(objects.of_provider(place, standing));
        }
        objects.add_groups(&self.groups, numbers);
    }
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        label_groups::GroupId,
        merge::{Candidates, Method, Vote},
    };

    use super::*;
    use crate::{subset::Subset, testing::bbox};

    fn seen(group: u16, score: f64, left: f64) -> GroupedBox {
        let corners = [left, 0.0, left + 50.0, 50.0];
        GroupedBox { group: GroupId::new(group), score, bbox: bbox(corners) }
    }

    fn evidence() -> Evidence {
        let merger = Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap();
        Evidence { providers: 2, groups: vec![1, 2], merger }
    }

    fn numbers(answers: &[Vec<GroupedBox>], asked: Subset, answered: Subset) -> Vec<f32> {
        let candidates = Candidates::new(answers.iter().map(Vec::as_slice));
        let mut numbers = Vec::new();
        let observation = Observation { state: &[], candidates: &candidates, asked, answered };
        evidence().add(&observation, &mut Memory::default(), &mut numbers);
        assert_eq!(numbers.len(), evidence().dimension());
        assert!(numbers.iter().all(|number| number.is_finite()));
        numbers
    }

    #[test]
    fn who_was_not_asked_is_not_looked_at() {
        let both = Subset::all(2);
        let one = vec![seen(1, 0.9, 0.0)];
        let alone = numbers(&[one.clone(), vec![]], Subset::single(0), both);
        let other = vec![seen(1, 0.8, 0.0), seen(2, 0.5, 200.0)];
        assert_eq!(alone, numbers(&[one, other], Subset::single(0), both));
    }

    #[test]
    fn nothing_seen_and_nothing_answered_are_told_apart() {
        let nothing = [vec![], vec![]];
        let seen_nothing = numbers(&nothing, Subset::single(0), Subset::all(2));
        let answered_nothing = numbers(&nothing, Subset::single(0), Subset::single(1));
        assert_ne!(seen_nothing, answered_nothing);
    }

    #[test]
    fn objects_are_counted_once_and_agreement_is_seen() {
        let both = Subset::all(2);
        let answers = [vec![seen(1, 0.9, 0.0), seen(2, 0.4, 300.0)], vec![seen(1, 0.8, 2.0)]];
        let numbers = numbers(&answers, both, both);
        assert!((numbers[0] - 2.0).abs() < 1e-6);
        // Both see the first object, one of two the other.
        let agreeing = 0.85 + 0.4 / 2.0;
        assert!((numbers[19] - agreeing).abs() < 1e-6, "{}", numbers[19]);
    }

    #[test]
    fn stored_evidence_reads_back() {
        let stored = serde_json::to_string(&evidence()).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&stored).unwrap(), evidence());
    }
}
