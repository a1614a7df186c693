//! Weighted boxes fusion as published (arXiv 1910.13302) and as ensemble-boxes computes it.
//!
//! By falling score, each box joins the cluster whose running mean it overlaps most, or opens one.
//! A cluster's corners are the mean weighted by score; its score is the mean, lowered where fewer
//! boxes than providers agree.

use super::candidates::Candidate;
use crate::{detection::BoundingBox, label_groups::GroupedBox};

/// Boxes that are taken to be one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    best: GroupedBox,
    mean: BoundingBox,
    boxes: f64,
    total_score: f64,
    totals: [f64; 4],
}

impl Cluster {
    fn opened_by(best: GroupedBox) -> Self {
        let totals = best.bbox.corners().map(|corner| best.score * corner);
        Self { best, mean: best.bbox, boxes: 1.0, total_score: best.score, totals }
    }

    fn join(&mut self, member: GroupedBox) {
        self.boxes += 1.0;
        self.total_score += member.score;
        for (total, corner) in self.totals.iter_mut().zip(member.bbox.corners()) {
            *total += member.score * corner;
        }
        let mean = self.totals.map(|total| total / self.total_score);
        // Scores that are all 0, or corners whose sum is infinite, have no mean.
        self.mean = BoundingBox::from_corners(mean).unwrap_or(self.mean);
    }

    /// The cluster as one box; the weights of all who were asked sum to `total_weight`.
    fn fused(&self, asked: f64, total_weight: f64) -> GroupedBox {
        let score = self.total_score / self.boxes * self.boxes.min(asked) / total_weight;
        GroupedBox { score: score.min(1.0), bbox: self.mean, ..self.best }
    }
}

/// Fuses the boxes of one group, which come by falling score with the providers' weights in it.
pub(super) fn fuse(
    group: &[Candidate],
    iou_threshold: f64,
    (asked, total_weight): (f64, f64),
    clusters: &mut Vec<Cluster>,
    merged: &mut Vec<GroupedBox>,
) {
    clusters.clear();
    for candidate in group {
        let mut most = iou_threshold;
        let mut nearest = None;
        for cluster in clusters.iter_mut() {
            let iou = cluster.mean.iou(candidate.grouped.bbox);
            if iou > most {
                most = iou;
                nearest = Some(cluster);
            }
        }
        match nearest {
            Some(cluster) => cluster.join(candidate.grouped),
            None => clusters.push(Cluster::opened_by(candidate.grouped)),
        }
    }
    merged.extend(clusters.iter().map(|cluster| cluster.fused(asked, total_weight)));
}
