//! Several providers' answers about one image as one answer.
//!
//! Boxes of one group that overlap by more than half are one pool, and thus one object; a [`Vote`]
//! says whether enough providers see it, and weighted box fusion makes one box of the pool. The
//! rule is the published one of Armol (`split_blocks` and `wbf` in its `src/ablation.py`), but for
//! three things:
//!
//! - Pools are opened by falling score, where the original takes boxes in the order of providers,
//!   so that the result does not depend on who is listed first.
//! - Boxes keep their fractions of a pixel.
//! - A score below 0.01 is raised to it as a weight only.

mod vote;
mod weighted_box_fusion;

use std::mem;

use crate::label_groups::GroupedBox;

pub use vote::{UnknownVote, Vote};

/// Boxes of one group that overlap more than this share of their union are one object.
const SAME_OBJECT_IOU: f64 = 0.5;

/// The boxes of all answers about one image, ready to be merged for any choice of providers.
#[derive(Clone, Debug)]
pub struct Candidates {
    answers: usize,
    boxes: Vec<Candidate>,
}

/// A box and the answer it is from.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    answer: usize,
    grouped: GroupedBox,
}

impl Candidates {
    /// Takes the answers of several providers about one image; an answer goes by its place here.
    pub fn new<'a>(answers: impl IntoIterator<Item = &'a [GroupedBox]>) -> Self {
        let mut count = 0;
        let mut boxes = Vec::new();
        for answer in answers {
            boxes.extend(answer.iter().map(|&grouped| Candidate { answer: count, grouped }));
            count += 1;
        }
        boxes.sort_by(|one, other| order(&one.grouped, &other.grouped));
        Self { answers: count, boxes }
    }

    /// Merges the answers that `includes` names, ordered by group and then by the best score of
    /// each pool.
    ///
    /// The result depends neither on the order of answers nor on the order of boxes in them.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::{
    ///     detection::BoundingBox,
    ///     label_groups::{GroupId, GroupedBox},
    ///     merge::{Candidates, Vote},
    /// };
    ///
    /// # fn main() -> Result<(), armol_analysis::detection::DetectionError> {
    /// let cat = |score, right| {
    ///     let bbox = BoundingBox::from_corners([0.0, 0.0, right, 10.0])?;
    ///     Ok(GroupedBox { group: GroupId::new(15), score, bbox })
    /// };
    /// let (one, other) = ([cat(0.8, 10.0)?], [cat(0.4, 13.0)?]);
    /// let merged = Candidates::new([&one[..], &other]).merge(Vote::Unanimous, |_| true);
    /// assert_eq!(merged.len(), 1);
    /// assert!((merged[0].score - 0.6).abs() < 1e-9);
    /// assert!((merged[0].bbox.corners()[2] - 11.0).abs() < 1e-9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(&self, vote: Vote, includes: impl Fn(usize) -> bool) -> Vec<GroupedBox> {
        let asked = (0..self.answers).filter(|&answer| includes(answer)).count();
        let chosen: Vec<&Candidate> =
            self.boxes.iter().filter(|candidate| includes(candidate.answer)).collect();
        let mut merged = Vec::new();
        let mut remaining: Vec<&Candidate> = Vec::new();
        let mut pool: Vec<&Candidate> = Vec::new();
        for group in chosen.chunk_by(|one, other| one.grouped.group == other.grouped.group) {
            remaining.extend(group);
            while let Some(&best) = remaining.first() {
                take_pool(best, &mut remaining, &mut pool);
                if vote.accepts(pool.iter().map(|member| member.answer), asked) {
                    let members = pool.iter().map(|member| member.grouped);
                    merged.push(weighted_box_fusion::fuse(best.grouped, members));
                }
            }
        }
        merged
    }
}

/// Groups together, then by falling score; the corners decide where scores are equal, so that
/// boxes that share a place in the order are alike.
fn order(one: &GroupedBox, other: &GroupedBox) -> std::cmp::Ordering {
    let by_group = one.group.cmp(&other.group);
    let by_score = || other.score.total_cmp(&one.score);
    let by_corners = || {
        let pairs = one.bbox.corners().into_iter().zip(other.bbox.corners());
        pairs.map(|(one, other)| one.total_cmp(&other)).find(|ordering| ordering.is_ne())
    };
    by_group.then_with(by_score).then_with(|| by_corners().unwrap_or(std::cmp::Ordering::Equal))
}

/// Moves the first of the remaining boxes, which is `best`, and all that overlap it into the pool.
fn take_pool<'a>(
    best: &'a Candidate,
    remaining: &mut Vec<&'a Candidate>,
    pool: &mut Vec<&'a Candidate>,
) {
    pool.clear();
    // An empty box does not overlap even itself.
    let mut is_best = true;
    remaining.retain(|&candidate| {
        let overlap = || best.grouped.bbox.iou(candidate.grouped.bbox);
        let joins = mem::take(&mut is_best) || overlap() > SAME_OBJECT_IOU;
        if joins {
            pool.push(candidate);
        }
        !joins
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{detection::BoundingBox, label_groups::GroupId};

    fn grouped(group: u16, score: f64, corners: [f64; 4]) -> GroupedBox {
        let bbox = BoundingBox::from_corners(corners).unwrap();
        GroupedBox { group: GroupId::new(group), score, bbox }
    }

    fn merge_all(answers: &[Vec<GroupedBox>], vote: Vote) -> Vec<GroupedBox> {
        Candidates::new(answers.iter().map(Vec::as_slice)).merge(vote, |_| true)
    }

    #[test]
    fn boxes_of_two_groups_are_two_objects() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let answers = [vec![grouped(1, 0.9, corners)], vec![grouped(2, 0.8, corners)]];
        assert_eq!(merge_all(&answers, Vote::Affirmative).len(), 2);
        assert_eq!(merge_all(&answers, Vote::Unanimous), []);
    }

    #[test]
    fn an_overlap_of_exactly_half_is_two_objects() {
        let answers =
            [vec![grouped(1, 0.9, [0.0, 0.0, 10.0, 10.0]), grouped(1, 0.8, [0.0, 0.0, 5.0, 10.0])]];
        assert_eq!(merge_all(&answers, Vote::Affirmative).len(), 2);
    }

    #[test]
    fn the_best_box_opens_the_pool_whoever_is_listed_first() {
        // The middle box overlaps both others, which do not overlap each other.
        let (left, right) =
            (grouped(1, 0.5, [0.0, 0.0, 10.0, 10.0]), grouped(1, 0.6, [5.0, 0.0, 15.0, 10.0]));
        let middle = grouped(1, 0.9, [2.5, 0.0, 12.5, 10.0]);
        let forward = merge_all(&[vec![left], vec![middle], vec![right]], Vote::Affirmative);
        let backward = merge_all(&[vec![right], vec![middle], vec![left]], Vote::Affirmative);
        assert_eq!(forward.len(), 1);
        assert_eq!(forward, backward);
    }

    #[test]
    fn only_the_answers_asked_for_vote_and_count() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let (one, silent) = (vec![grouped(1, 0.9, corners)], vec![]);
        let candidates = Candidates::new([one.as_slice(), silent.as_slice()]);
        assert_eq!(candidates.merge(Vote::Unanimous, |answer| answer == 0), one);
        assert_eq!(candidates.merge(Vote::Unanimous, |_| true), []);
        assert_eq!(candidates.merge(Vote::Affirmative, |answer| answer == 1), []);
        assert_eq!(candidates.merge(Vote::Affirmative, |_| false), []);
    }

    #[test]
    fn an_empty_box_is_an_object_of_its_own() {
        let point = grouped(1, 0.9, [3.0, 3.0, 3.0, 3.0]);
        assert_eq!(merge_all(&[vec![point, point]], Vote::Affirmative), [point, point]);
    }

    fn any_answers() -> impl Strategy<Value = Vec<Vec<GroupedBox>>> {
        let any_box = (0..3_u16, 0..=20_u8, 0..12_u8, 0..12_u8, 0..8_u8, 0..8_u8).prop_map(
            |(group, score, left, top, width, height)| {
                let (left, top) = (f64::from(left), f64::from(top));
                let corners = [left, top, left + f64::from(width), top + f64::from(height)];
                grouped(group, f64::from(score) / 20.0, corners)
            },
        );
        let answer = proptest::collection::vec(any_box, 0..8);
        proptest::collection::vec(answer, 1..5)
    }

    proptest! {
        #[test]
        fn the_order_of_answers_and_boxes_does_not_matter(
            (answers, shuffled) in any_answers().prop_flat_map(|answers| {
                let boxes = answers.iter().map(|answer| Just(answer.clone()).prop_shuffle());
                let boxes: Vec<_> = boxes.collect();
                (Just(answers), boxes.prop_shuffle())
            })
        ) {
            for vote in Vote::ALL {
                prop_assert_eq!(merge_all(&answers, vote), merge_all(&shuffled, vote));
            }
        }

        #[test]
        fn a_stricter_vote_keeps_a_part_of_what_a_laxer_one_does(answers in any_answers()) {
            let [affirmative, consensus, unanimous] =
                Vote::ALL.map(|vote| merge_all(&answers, vote));
            prop_assert!(consensus.iter().all(|merged| affirmative.contains(merged)));
            prop_assert!(unanimous.iter().all(|merged| consensus.contains(merged)));
            prop_assert!(consensus.len() <= affirmative.len());
            prop_assert!(unanimous.len() <= consensus.len());
        }

        #[test]
        fn merged_boxes_lie_within_the_hull_of_their_group(answers in any_answers()) {
            for merged in merge_all(&answers, Vote::Affirmative) {
                let members = answers.iter().flatten().filter(|member| member.group == merged.group);
                let corners: Vec<[f64; 4]> = members.map(|member| member.bbox.corners()).collect();
                for (side, value) in merged.bbox.corners().into_iter().enumerate() {
                    let sides = || corners.iter().map(|corners| corners[side]);
                    prop_assert!(value >= sides().fold(f64::INFINITY, f64::min) - 1e-9);
                    prop_assert!(value <= sides().fold(f64::NEG_INFINITY, f64::max) + 1e-9);
                }
                prop_assert!((0.0..=1.0).contains(&merged.score));
            }
        }

        #[test]
        fn one_provider_alone_passes_every_vote(answers in any_answers()) {
            let alone = &answers[..1];
            let affirmative = merge_all(alone, Vote::Affirmative);
            prop_assert_eq!(&affirmative, &merge_all(alone, Vote::Unanimous));
            prop_assert!(affirmative.len() <= alone[0].len());
            prop_assert_eq!(affirmative.is_empty(), alone[0].is_empty());
        }
    }
}
