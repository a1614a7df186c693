//! From what the detections of one group found to its precision and recall.

use super::matching::{Area, GroupMatches, Matched, OVERLAPS};
use crate::metrics::{number, precision_curve::PrecisionCurve};

/// How many recalls precision is averaged over, but for recall 0.
const RECALLS: u8 = 100;

/// Computes figures of groups; `weight` says how often an image counts.
#[derive(Debug)]
pub(super) struct Accumulator<Weight> {
    weight: Weight,
    curve: PrecisionCurve,
}

impl<Weight: Fn(usize) -> u32> Accumulator<Weight> {
    pub(super) fn new(weight: Weight) -> Self {
        Self { weight, curve: PrecisionCurve::default() }
    }

    /// How many objects there are to find.
    pub(super) fn objects(&self, matches: &GroupMatches, area: Area) -> usize {
        let counts = matches.objects.iter().map(|(image, counts)| {
            let count = counts.get(area as usize).copied().unwrap_or(0);
            count as usize * (self.weight)(*image) as usize
        });
        counts.sum()
    }

    /// The mean precision at 101 recalls, at each overlap; `None` where there is no object.
    pub(super) fn precisions(
        &mut self,
        matches: &GroupMatches,
        area: Area,
    ) -> Option<[f64; OVERLAPS]> {
        let objects = self.objects(matches, area);
        let mut precision = |overlap| self.precision(matches, area, overlap, objects);
        (objects > 0).then(|| std::array::from_fn(&mut precision))
    }

    /// The mean precision at 101 recalls, at one overlap.
    pub(super) fn precision(
        &mut self,
        matches: &GroupMatches,
        area: Area,
        overlap: usize,
        objects: usize,
    ) -> f64 {
        let bit = area.bit(overlap);
        self.curve.clear();
        for detection in &matches.detections {
            if detection.ignored & bit != 0 {
                continue;
            }
            let times = (self.weight)(detection.image);
            if detection.found & bit == 0 {
                self.curve.miss(times as usize);
            } else {
                (0..times).for_each(|_| self.curve.hit());
            }
        }
        self.curve.raise();
        self.curve.interpolated(objects, RECALLS)
    }

    /// The share of the objects that is found with the best `most` detections of the group in each
    /// image, at each overlap; `None` where there is no object.
    pub(super) fn recalls(
        &self,
        matches: &GroupMatches,
        area: Area,
        most: usize,
    ) -> Option<[f64; OVERLAPS]> {
        let objects = self.objects(matches, area);
        let counted = |detection: &&Matched| usize::from(detection.rank) < most;
        let mut found = [0_usize; OVERLAPS];
        for detection in matches.detections.iter().filter(counted) {
            let times = (self.weight)(detection.image) as usize;
            for (overlap, found) in found.iter_mut().enumerate() {
                *found += times * usize::from(detection.found & area.bit(overlap) != 0);
            }
        }
        (objects > 0).then(|| found.map(|found| number(found) / number(objects)))
    }
}
