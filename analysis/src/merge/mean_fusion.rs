//! A pool of boxes as one box: each corner is the mean weighted by score, the score the plain mean.
//!
//! This is the fusion that Armol publishes; weights of providers enter both means, and are all 1
//! there. The one published as Weighted Boxes Fusion differs: see
//! [`weighted_box_fusion`](super::weighted_box_fusion).

use super::candidates::Candidate;
use crate::{detection::BoundingBox, label_groups::GroupedBox};

/// The least weight of a box, so that a pool of scores 0 has a mean too.
pub(super) const LEAST_WEIGHT: f64 = 0.01;

/// What becomes of fractions of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// They stay.
    Exact,
    /// They are cut off, even those of a box that stands alone.
    Whole,
}

/// Makes one box of a pool's members, which are at least one; `best` is the one that opened it.
pub(super) fn fuse(
    best: GroupedBox,
    members: &[Candidate],
    pixels: Pixels,
    weight_of: impl Fn(usize) -> f64,
) -> GroupedBox {
    // One box stays as it is, to the last bit.
    if members.len() < 2 && pixels == Pixels::Exact {
        return best;
    }
    let mut count = 0.0;
    let mut total_score = 0.0;
    let mut total_weight = 0.0;
    let mut totals = [0.0; 4];
    for Candidate { answer, grouped, .. } in members {
        let provider = weight_of(*answer);
        let weight = provider * grouped.score.max(LEAST_WEIGHT);
        count += provider;
        total_score += provider * grouped.score;
        total_weight += weight;
        for (total, corner) in totals.iter_mut().zip(grouped.bbox.corners()) {
            *total += weight * corner;
        }
    }
    let mean = totals.map(|total| match pixels {
        Pixels::Exact => total / total_weight,
        Pixels::Whole => (total / total_weight).trunc(),
    });
    // Only corners so large that their sum is infinite have no mean.
    let bbox = BoundingBox::from_corners(mean).unwrap_or(best.bbox);
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

    fn fused(members: [GroupedBox; 2]) -> GroupedBox {
        fused_to(members, Pixels::Exact, [1.0, 1.0])
    }

    fn fused_to(members: [GroupedBox; 2], pixels: Pixels, weights: [f64; 2]) -> GroupedBox {
        let candidates =
            [0, 1].map(|answer| Candidate { answer, position: 0, grouped: members[answer] });
        fuse(members[0], &candidates, pixels, |answer| weights[answer])
    }

    #[test]
    fn corners_are_weighted_by_score_and_scores_are_not_weighted() {
        let members = [grouped(0.9, [0.0, 0.0, 10.0, 10.0]), grouped(0.3, [4.0, 0.0, 14.0, 10.0])];
        let fused = fused(members);
        assert!((fused.score - 0.6).abs() < 1e-12);
        for (corner, expected) in fused.bbox.corners().into_iter().zip([1.0, 0.0, 11.0, 10.0]) {
            assert!((corner - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn boxes_of_score_0_have_a_mean() {
        let members = [grouped(0.0, [0.0, 0.0, 10.0, 10.0]), grouped(0.0, [2.0, 0.0, 12.0, 10.0])];
        assert_eq!(fused(members), grouped(0.0, [1.0, 0.0, 11.0, 10.0]));
    }

    #[test]
    fn a_provider_of_twice_the_weight_counts_as_two_that_agree() {
        let members = [grouped(0.5, [0.0, 0.0, 10.0, 10.0]), grouped(0.5, [3.0, 0.0, 13.0, 10.0])];
        let fused = fused_to(members, Pixels::Exact, [2.0, 1.0]);
        for (corner, expected) in fused.bbox.corners().into_iter().zip([1.0, 0.0, 11.0, 10.0]) {
            assert!((corner - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn whole_pixels_are_cut_not_rounded() {
        let members = [grouped(0.5, [0.0, 0.0, 10.8, 10.0]), grouped(0.5, [1.0, 0.0, 11.8, 10.0])];
        let fused = fused_to(members, Pixels::Whole, [1.0, 1.0]);
        assert_eq!(fused.bbox, grouped(0.0, [0.0, 0.0, 11.0, 10.0]).bbox);
    }

    #[test]
    fn boxes_too_large_to_average_leave_the_best() {
        let huge = grouped(1.0, [0.0, 0.0, f64::MAX, f64::MAX]);
        assert_eq!(fused([huge, huge]), huge);
    }
}
