//! What a detection adds to AP50 of a whole set, image by image: a reward that agrees with it.
//!
//! AP50 ranks the detections of all images together, group by group, so that the worth of one more
//! of them depends on where its score would stand. With the detections of a reference answer as
//! the ranking, an [`Influence`] has for every place what one more right, or one more wrong,
//! detection would change in the area under precision and recall; an image's answer is worth the
//! sum over its detections, and the mean over the images is in the unit of AP50. The area is that
//! without interpolation, sum over right detections of precision by the number of objects.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::{TrueBox, number};
use crate::{
    calibration::outcomes,
    label_groups::{GroupId, GroupedBox},
};

/// How many objects a group must have for half of what its detections change to count: rare groups
/// have curves of few steps, of which little can be learned.
pub const SHRINKAGE: f64 = 20.0;

/// What one more detection changes, by group and score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Influence {
    groups: BTreeMap<GroupId, Ranking>,
}

/// A number that makes no [`Influence`].
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("shrinkage is {0}; it must be a number of objects, at least 0")]
pub struct InvalidShrinkage(pub f64);

/// The reference's detections of one group, and what one more before each place changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Ranking {
    /// By falling score.
    scores: Vec<f64>,
    /// Of a right detection before each place, and behind the last.
    right: Vec<f64>,
    /// Of a wrong one.
    wrong: Vec<f64>,
}

impl Influence {
    /// Ranks the reference's answers about a set of images, each its detections and its ground
    /// truth; what is changed in a group of `n` objects counts `n / (n + shrinkage)`.
    ///
    /// # Errors
    /// Where the shrinkage is negative or no number.
    pub fn new<'a>(
        images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
        shrinkage: f64,
    ) -> Result<Self, InvalidShrinkage> {
        if !(shrinkage.is_finite() && shrinkage >= 0.0) {
            return Err(InvalidShrinkage(shrinkage));
        }
        let mut count = 0;
        let mut objects: BTreeMap<GroupId, usize> = BTreeMap::new();
        let mut ranked: BTreeMap<GroupId, Vec<(f64, bool)>> = BTreeMap::new();
        for (detected, truth) in images {
            count += 1;
            for object in truth.iter().filter(|object| !object.crowd) {
                *objects.entry(object.group).or_default() += 1;
            }
            for outcome in outcomes(detected, truth) {
                ranked.entry(outcome.group).or_default().push((outcome.score, outcome.right));
            }
        }
        // A mean over the groups, of a sum over the images.
        let scale = number(count) / number(objects.len().max(1));
        let ranking = |(group, objects): (GroupId, usize)| {
            let detections = ranked.remove(&group).unwrap_or_default();
            (group, Ranking::new(detections, scale / (number(objects) + shrinkage)))
        };
        Ok(Self { groups: objects.into_iter().map(ranking).collect() })
    }

    /// What the answer about one image adds.
    pub fn value(&self, detected: &[GroupedBox], truth: &[TrueBox]) -> f64 {
        let added = |(group, score, right)| {
            self.groups.get(&group).map_or(0.0, |ranking: &Ranking| ranking.change(score, right))
        };
        let outcomes = outcomes(detected, truth).into_iter();
        // From 0, for the sum of nothing is -0.
        outcomes.fold(0.0, |sum, one| sum + added((one.group, one.score, one.right)))
    }
}

impl Ranking {
    /// Ranks detections; each change is multiplied by `scale`.
    fn new(mut detections: Vec<(f64, bool)>, scale: f64) -> Self {
        detections.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let mut hits = 0.0;
        let hits_so_far = detections.iter().map(|(_, right)| {
            hits += f64::from(u8::from(*right));
            hits
        });
        let hits_so_far: Vec<f64> = hits_so_far.collect();
        let count = number(detections.len());
        let mut ranking = Self::default();
        // Behind the last one, nothing moves.
        ranking
            .right
            .push(scale * (hits_so_far.last().copied().unwrap_or(0.0) + 1.0) / (count + 1.0));
        ranking.wrong.push(0.0);
        let (mut moved_right, mut moved_wrong) = (0.0, 0.0);
        let ranked = (1..).zip(detections.iter().zip(&hits_so_far)).collect::<Vec<_>>();
        for &(rank, (&(score, right), &hits)) in ranked.iter().rev() {
            let rank = number(rank);
            let own = f64::from(u8::from(right));
            moved_wrong += own * hits * (1.0 / (rank + 1.0) - 1.0 / rank);
            moved_right += own * ((hits + 1.0) / (rank + 1.0) - hits / rank);
            ranking.scores.push(score);
            ranking.right.push(scale * ((hits - own + 1.0) / rank + moved_right));
            ranking.wrong.push(scale * moved_wrong);
        }
        ranking.scores.reverse();
        ranking.right.reverse();
        ranking.wrong.reverse();
        ranking
    }

    /// What one more detection changes; it stands before those of its own score.
    fn change(&self, score: f64, right: bool) -> f64 {
        let place = self.scores.partition_point(|other| *other > score);
        let changes = if right { &self.right } else { &self.wrong };
        changes.get(place).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::testing::{assert_near, detection, object};

    /// The area under precision and recall, without interpolation, of detections by falling score.
    fn area(ranked: &[(f64, bool)], objects: f64) -> f64 {
        let mut hits = 0.0;
        let mut area = 0.0;
        for (rank, (_, right)) in (1..).zip(ranked) {
            if *right {
                hits += 1.0;
                area += hits / number(rank);
            }
        }
        area / objects
    }

    #[test]
    fn a_right_detection_adds_and_a_wrong_one_before_it_takes() {
        let truth = [object(1, 0.0), object(1, 100.0)];
        let detected = [detection(1, 0.5, 0.0)];
        let influence = Influence::new([(&detected[..], &truth[..])], 0.0).unwrap();
        // Before a right one, a wrong one halves its precision; behind it, it changes nothing.
        assert_near(influence.value(&[detection(1, 0.9, 300.0)], &truth), -0.25);
        assert_near(influence.value(&[detection(1, 0.1, 300.0)], &truth), 0.0);
        assert_near(influence.value(&[detection(1, 0.9, 100.0)], &truth), 0.5);
        assert_near(influence.value(&[], &truth), 0.0);
    }

    #[test]
    fn groups_without_an_object_change_nothing_and_rare_ones_count_less() {
        let truth = [object(1, 0.0)];
        let whole = Influence::new([(&[][..], &truth[..])], 0.0).unwrap();
        let shrunk = Influence::new([(&[][..], &truth[..])], 3.0).unwrap();
        assert_near(whole.value(&[detection(2, 0.9, 0.0)], &truth), 0.0);
        let found = [detection(1, 0.9, 0.0)];
        assert_near(shrunk.value(&found, &truth), whole.value(&found, &truth) / 4.0);
        assert_eq!(Influence::new([], -1.0), Err(InvalidShrinkage(-1.0)));
    }

    proptest! {
        #[test]
        fn a_change_is_what_one_more_detection_makes_of_the_area(
            mut ranked in proptest::collection::vec((0..100_u8, any::<bool>()), 0..20),
            (score, right) in (0..100_u8, any::<bool>()),
        ) {
            ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            let mut ranked: Vec<(f64, bool)> =
                ranked.into_iter().map(|(score, right)| (f64::from(score), right)).collect();
            let objects = 30.0;
            let change = Ranking::new(ranked.clone(), 1.0 / objects).change(f64::from(score), right);
            let before = area(&ranked, objects);
            let place = ranked.partition_point(|(other, _)| *other > f64::from(score));
            ranked.insert(place, (f64::from(score), right));
            prop_assert!((area(&ranked, objects) - before - change).abs() < 1e-12);
        }
    }
}
