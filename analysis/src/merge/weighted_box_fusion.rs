//! A pool of boxes as one box: each corner is the mean weighted by score, the score the plain mean.
//!
//! This is the fusion that Armol publishes. The one published as Weighted Boxes Fusion
//! (arXiv 1910.13302) differs: it pools against the running mean, and scales the score by the share
//! of providers that agree.

use crate::{detection::BoundingBox, label_groups::GroupedBox};

/// The least weight of a box, so that a pool of scores 0 has a mean too.
const LEAST_WEIGHT: f64 = 0.01;

/// Makes one box of a pool's members, which are at least one; `best` is the one that opened it.
pub(super) fn fuse(best: GroupedBox, members: impl Iterator<Item = GroupedBox>) -> GroupedBox {
    let mut count = 0.0;
    let mut total_score = 0.0;
    let mut total_weight = 0.0;
    let mut totals = [0.0; 4];
    for member in members {
        let weight = member.score.max(LEAST_WEIGHT);
        count += 1.0;
        total_score += member.score;
        total_weight += weight;
        for (total, corner) in totals.iter_mut().zip(member.bbox.corners()) {
            *total += weight * corner;
        }
    }
    // One box stays as it is, to the last bit.
    if count < 2.0 {
        return best;
    }
    let mean = BoundingBox::from_corners(totals.map(|total| total / total_weight));
    // Only corners so large that their sum is infinite have no mean.
    let bbox = mean.unwrap_or(best.bbox);
    GroupedBox { group: best.group, score: total_score / count, bbox }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_groups::GroupId;

    fn grouped(score: f64, corners: [f64; 4]) -> GroupedBox {
        let bbox = BoundingBox::from_corners(corners).unwrap();
        GroupedBox { group: GroupId::new(0), score, bbox }
    }

    #[test]
    fn corners_are_weighted_by_score_and_scores_are_not_weighted() {
        let members = [grouped(0.9, [0.0, 0.0, 10.0, 10.0]), grouped(0.3, [4.0, 0.0, 14.0, 10.0])];
        let fused = fuse(members[0], members.into_iter());
        assert!((fused.score - 0.6).abs() < 1e-12);
        for (corner, expected) in fused.bbox.corners().into_iter().zip([1.0, 0.0, 11.0, 10.0]) {
            assert!((corner - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn boxes_of_score_0_have_a_mean() {
        let members = [grouped(0.0, [0.0, 0.0, 10.0, 10.0]), grouped(0.0, [2.0, 0.0, 12.0, 10.0])];
        let fused = fuse(members[0], members.into_iter());
        assert_eq!(fused, grouped(0.0, [1.0, 0.0, 11.0, 10.0]));
    }

    #[test]
    fn boxes_too_large_to_average_leave_the_best() {
        let huge = grouped(1.0, [0.0, 0.0, f64::MAX, f64::MAX]);
        assert_eq!(fuse(huge, [huge, huge].into_iter()), huge);
    }
}
