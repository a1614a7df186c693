//! Boxes that a better one makes superfluous.
//!
//! Plain suppression takes boxes away; soft suppression (arXiv 1704.04503) lowers their scores the
//! more they overlap a better box, and takes away those that sink too low.

use super::{candidates::Candidate, mean_fusion::LEAST_WEIGHT};
use crate::label_groups::GroupedBox;

/// How much a box loses that overlaps a better one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decay {
    /// The share that overlaps, where that is more than this threshold.
    Linear(f64),
    /// By a Gaussian of the overlap, as wide as ensemble-boxes has it by default.
    Gaussian,
}

/// Sigma of the Gaussian, which enters as it is, not squared.
const SIGMA: f64 = 0.5;

impl Decay {
    /// The share of its score that a box keeps.
    fn kept(self, iou: f64) -> f64 {
        match self {
            Self::Linear(threshold) if iou > threshold => 1.0 - iou,
            Self::Linear(_) => 1.0,
            Self::Gaussian => (-(iou * iou) / SIGMA).exp(),
        }
    }
}

/// Lowers the scores of one group, and keeps the boxes that stay above the threshold.
pub(super) fn soften(
    boxes: &mut Vec<Candidate>,
    decay: Decay,
    score_threshold: f64,
    merged: &mut Vec<GroupedBox>,
) {
    while let Some(best) = take_best(boxes) {
        if best.score > score_threshold {
            merged.push(best);
        }
        for other in boxes.iter_mut() {
            other.grouped.score *= decay.kept(best.bbox.iou(other.grouped.bbox));
        }
    }
}

/// Armol's soft suppression: it knows no groups, and one threshold serves overlap and score.
///
/// At a threshold of one half it only ever takes boxes away: one that overlaps by more keeps less
/// than half of its score, which is too low.
pub(super) fn soften_across_groups(
    boxes: &mut Vec<Candidate>,
    threshold: f64,
    merged: &mut Vec<GroupedBox>,
) {
    while let Some(best) = take_best(boxes) {
        merged.push(best);
        boxes.retain_mut(|other| {
            let iou = best.bbox.iou(other.grouped.bbox);
            if iou <= threshold {
                return true;
            }
            let score = &mut other.grouped.score;
            *score = (*score * (1.0 - iou)).max(LEAST_WEIGHT);
            *score >= threshold
        });
    }
}

/// Armol's suppression within one pool: the best box stays, and those that overlap no kept one by
/// the threshold or more.
pub(super) fn suppress_in_pool(
    pool: &[Candidate],
    threshold: f64,
    boxes: &mut Vec<Candidate>,
    merged: &mut Vec<GroupedBox>,
) {
    boxes.clear();
    boxes.extend(pool);
    while let Some(best) = take_best(boxes) {
        merged.push(best);
        boxes.retain(|other| best.bbox.iou(other.grouped.bbox) < threshold);
    }
}

/// Takes the box with the highest score, the first of equals; the others keep their order.
fn take_best(boxes: &mut Vec<Candidate>) -> Option<GroupedBox> {
    let mut best: Option<(usize, f64)> = None;
    for (place, candidate) in boxes.iter().enumerate() {
        let score = candidate.grouped.score;
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((place, score));
        }
    }
    best.map(|(place, _)| boxes.remove(place).grouped)
}
