//! The average precision of Pascal VOC, and the mAP of Armol's own script.
//!
//! Per group, by falling score over all images, each detection looks at the object of its group
//! that it overlaps most, found before or not: where that overlap is enough and the object is free,
//! it is a hit. COCO's rule looks at free objects only, so that a second detection of one object may
//! find its neighbour. Crowds are what VOC calls difficult: they count neither way. There is no
//! limit to the detections of an image.

use std::collections::BTreeMap;

use super::{TrueBox, finding::by_falling_score, number, precision_curve::PrecisionCurve};
use crate::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
};

/// How precision is averaged over recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The area under the curve, as VOC does since 2010.
    AllPoints,
    /// The mean at recalls 0, 0.1 to 1, as VOC 2007 does.
    ElevenPoints,
}

/// What lies between the corners of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Corners are points: a box from 2 to 5 is 3 wide.
    Points,
    /// Corners are whole pixels that belong to the box: one from 2 to 5 is 4 wide.
    Pixels,
}

/// One variant of the measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// How precision is averaged.
    pub interpolation: Interpolation,
    /// How wide boxes are.
    pub extent: Extent,
    /// The least overlap with the object that a detection finds.
    pub overlap: f64,
}

/// How well a set of images was answered by one [`Rule`], as fractions of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean over the groups that have an object; `None` where none has.
    pub mean: Option<f64>,
    /// The average precision of each group that has an object.
    pub groups: BTreeMap<GroupId, f64>,
}

/// What a set of images holds of one group.
#[derive(Debug, Default)]
struct Group {
    objects: usize,
    /// Score, and whether it is a hit, of the detections that count.
    detections: Vec<(f64, bool)>,
}

impl Rule {
    /// Pascal VOC since 2010, of boxes whose corners are points.
    pub const ALL_POINTS: Self =
        Self { interpolation: Interpolation::AllPoints, extent: Extent::Points, overlap: 0.5 };

    /// Pascal VOC 2007, of boxes whose corners are points.
    pub const ELEVEN_POINTS: Self =
        Self { interpolation: Interpolation::ElevenPoints, ..Self::ALL_POINTS };

    /// The mAP of Armol's own script (`cal_mAP` in its `src/common.py`).
    pub const SEED: Self = Self { extent: Extent::Pixels, ..Self::ALL_POINTS };
}

/// Scores a set of images, each its detections and its ground truth.
///
/// Of two detections with one score, the one of the earlier image counts first, and in one image
/// the earlier one.
pub fn evaluate<'a>(
    images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
    rule: Rule,
) -> Evaluation {
    let mut groups: BTreeMap<GroupId, Group> = BTreeMap::new();
    for (detected, truth) in images {
        add_image(detected, truth, rule, &mut groups);
    }
    groups.retain(|_, group| group.objects > 0);
    let groups: BTreeMap<GroupId, f64> =
        groups.into_iter().map(|(id, group)| (id, group.average_precision(rule))).collect();
    let mean = (!groups.is_empty()).then(|| groups.values().sum::<f64>() / number(groups.len()));
    Evaluation { mean, groups }
}

/// Adds what the detections of one image found to their groups.
fn add_image(
    detected: &[GroupedBox],
    truth: &[TrueBox],
    rule: Rule,
    groups: &mut BTreeMap<GroupId, Group>,
) {
    for object in truth.iter().filter(|object| !object.crowd) {
        groups.entry(object.group).or_default().objects += 1;
    }
    let mut found = vec![false; truth.len()];
    for detection in by_falling_score(detected) {
        let mut best = None;
        for (object, found) in truth.iter().zip(&mut found) {
            if object.group != detection.group {
                continue;
            }
            let overlap = rule.extent.overlap(object.bbox, detection.bbox);
            // The first of equals.
            if best.as_ref().is_none_or(|(most, _, _)| overlap > *most) {
                best = Some((overlap, object.crowd, found));
            }
        }
        let hit = match best.filter(|(overlap, _, _)| *overlap >= rule.overlap) {
            Some((_, true, _)) => continue,
            Some((_, false, found)) => !std::mem::replace(found, true),
            None => false,
        };
        groups.entry(detection.group).or_default().detections.push((detection.score, hit));
    }
}

impl Group {
    fn average_precision(mut self, rule: Rule) -> f64 {
        self.detections.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let curve = PrecisionCurve::of(self.detections.iter().map(|&(_, hit)| hit));
        match rule.interpolation {
            Interpolation::AllPoints => curve.area(self.objects),
            Interpolation::ElevenPoints => curve.interpolated(self.objects, 10),
        }
    }
}

impl Extent {
    /// Intersection over union.
    fn overlap(self, one: BoundingBox, other: BoundingBox) -> f64 {
        match self {
            Self::Points => one.iou(other),
            Self::Pixels => {
                let [left, top, right, bottom] = one.corners();
                let [other_left, other_top, other_right, other_bottom] = other.corners();
                let width = right.min(other_right) - left.max(other_left) + 1.0;
                let height = bottom.min(other_bottom) - top.max(other_top) + 1.0;
                let shared = width.max(0.0) * height.max(0.0);
                let area = (right - left + 1.0) * (bottom - top + 1.0);
                let other_area =
                    (other_right - other_left + 1.0) * (other_bottom - other_top + 1.0);
                shared / (area + other_area - shared)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::testing::{any_images, assert_near, bbox, crowd, detection, object, pairs};

    fn of_one_image(detected: &[GroupedBox], truth: &[TrueBox], rule: Rule) -> Option<f64> {
        evaluate([(detected, truth)], rule).mean
    }

    #[test]
    fn the_two_averages_are_those_worked_out_by_hand() {
        // Hit, miss, hit, with three objects: precision 1 to recall 1/3, 2/3 to recall 2/3.
        let truth = [object(1, 0.0), object(1, 100.0), object(1, 200.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 50.0), detection(1, 0.7, 100.0)];
        let all = of_one_image(&detected, &truth, Rule::ALL_POINTS).unwrap();
        assert_near(all, (1.0 + 2.0 / 3.0) / 3.0);
        // Recalls 0 to 0.3 are reached by the first hit, 0.4 to 0.6 by the second.
        let eleven = of_one_image(&detected, &truth, Rule::ELEVEN_POINTS).unwrap();
        assert_near(eleven, (4.0 + 3.0 * 2.0 / 3.0) / 11.0);
    }

    #[test]
    fn a_second_detection_of_one_object_is_a_miss_though_its_neighbour_is_free() {
        let truth = [object(1, 0.0), object(1, 3.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 1.0)];
        assert_near(of_one_image(&detected, &truth, Rule::ALL_POINTS).unwrap(), 0.5);
    }

    #[test]
    fn whole_pixels_overlap_more_than_points() {
        let truth = [TrueBox { bbox: bbox(0.0, 1.0), ..object(1, 0.0) }];
        let detected = [GroupedBox { bbox: bbox(0.0, 3.0), ..detection(1, 0.9, 0.0) }];
        // 1 of 3 by points, 2 of 4 by pixels.
        assert_near(of_one_image(&detected, &truth, Rule::ALL_POINTS).unwrap(), 0.0);
        assert_near(of_one_image(&detected, &truth, Rule::SEED).unwrap(), 1.0);
    }

    #[test]
    fn a_detection_of_a_crowd_counts_neither_way() {
        let truth = [object(1, 0.0), crowd(1, 100.0, 10.0)];
        let detected = [detection(1, 0.9, 100.0), detection(1, 0.8, 0.0)];
        assert_near(of_one_image(&detected, &truth, Rule::ALL_POINTS).unwrap(), 1.0);
    }

    #[test]
    fn the_mean_is_over_groups_that_have_an_object() {
        let detected = [detection(1, 0.9, 0.0), detection(3, 0.9, 0.0)];
        let truth = [object(1, 0.0), object(2, 0.0)];
        assert_near(of_one_image(&detected, &truth, Rule::SEED).unwrap(), 0.5);
        assert_eq!(of_one_image(&detected, &[], Rule::SEED), None);
    }

    proptest! {
        #[test]
        fn precision_lies_between_0_and_1(images in any_images()) {
            for rule in [Rule::ALL_POINTS, Rule::ELEVEN_POINTS, Rule::SEED] {
                let evaluation = evaluate(pairs(&images), rule);
                for precision in evaluation.groups.values() {
                    prop_assert!((0.0..=1.0 + 1e-12).contains(precision));
                }
            }
        }
    }
}
