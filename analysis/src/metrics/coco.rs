//! How good detections are, against ground truth.
//!
//! [`average_precision`] scores a set of images as pycocotools does (`COCOeval` with `iouType`
//! "bbox", all areas): 101 recalls, ten overlaps, at most 100 detections of a group in an image,
//! crowds neither found nor missed. [`image_value`] scores one image as Armol's reward does, over
//! all groups at once; the two are different figures.

mod matching;

use std::collections::BTreeMap;

use crate::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
};

use matching::{GroupTally, OVERLAPS, tally_image};

/// An object that is truly in an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueBox {
    /// What it is.
    pub group: GroupId,
    /// Where it is.
    pub bbox: BoundingBox,
    /// Whether it is a crowd: many objects under one box, which detections may hit at no gain and
    /// no loss.
    pub crowd: bool,
}

/// How well a set of images was answered, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePrecision {
    /// Mean over the groups and over overlaps from 0.50 to 0.95 (mAP).
    pub ap: f64,
    /// Mean over the groups at an overlap of 0.50 (AP50).
    pub ap50: f64,
}

/// The value of an image where nothing was detected.
const VALUE_OF_NOTHING: f64 = -1.0;

/// The least overlap at which a detection counts for the value of an image.
const VALUE_IOU: f64 = 0.5;

/// Scores a set of images, each its detections and its ground truth.
///
/// The mean is over the groups that the ground truth has; `None` where it has none. Of two
/// detections with one score, the one of the earlier image counts first, and in one image the
/// earlier one.
pub fn average_precision<'a>(
    images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
) -> Option<AveragePrecision> {
    let mut tallies: BTreeMap<GroupId, GroupTally> = BTreeMap::new();
    for (detected, truth) in images {
        tally_image(detected, truth, &mut tallies);
    }
    let mut groups = 0.0;
    let mut sums = [0.0; OVERLAPS];
    for tally in tallies.values_mut().filter(|tally| tally.objects > 0) {
        tally.detections.sort_by(|one, other| other.score.total_cmp(&one.score));
        groups += 1.0;
        for (overlap, sum) in sums.iter_mut().enumerate() {
            *sum += interpolated(tally, overlap);
        }
    }
    if groups < 1.0 {
        return None;
    }
    let [sum50, ..] = sums;
    let all: f64 = sums.iter().sum();
    Some(AveragePrecision { ap: all / number(OVERLAPS) / groups, ap50: sum50 / groups })
}

/// The value of one image's merged answer, from -1 to 1: AP50 over all its groups at once.
///
/// The rule is Armol's (`compare_gt_m2` in its `src/reward_generator.py`): -1 where nothing was
/// detected, else 0 where there is no ground truth. Detections come by falling score, and each
/// takes every object of its group that is still free and overlaps it by half or more, so that one
/// may take several. Crowds are no objects here.
pub fn image_value(detected: &[GroupedBox], truth: &[TrueBox]) -> f64 {
    if detected.is_empty() {
        return VALUE_OF_NOTHING;
    }
    let mut free: Vec<&TrueBox> = truth.iter().filter(|object| !object.crowd).collect();
    let objects = free.len();
    if objects == 0 {
        return 0.0;
    }
    let mut by_score: Vec<&GroupedBox> = detected.iter().collect();
    by_score.sort_by(|one, other| other.score.total_cmp(&one.score));
    let hits = by_score.into_iter().map(|detection| {
        let before = free.len();
        free.retain(|object| {
            object.group != detection.group || object.bbox.iou(detection.bbox) < VALUE_IOU
        });
        free.len() < before
    });
    precisions(hits).iter().sum::<f64>() / number(objects)
}

/// COCO's average precision of one group at one overlap: the mean precision at 101 recalls.
fn interpolated(tally: &GroupTally, overlap: usize) -> f64 {
    let bit = 1 << overlap;
    let counted = tally.detections.iter().filter(|detection| detection.ignored & bit == 0);
    let precisions = precisions(counted.map(|detection| detection.found & bit != 0));
    let mut found = 1;
    let mut sum = 0.0;
    for step in 0..=100 {
        let recall = f64::from(step) * 0.01;
        while found <= precisions.len() && number(found) / number(tally.objects) < recall {
            found += 1;
        }
        // Recalls that are never reached have precision 0.
        sum += precisions.get(found - 1).copied().unwrap_or(0.0);
    }
    sum / 101.0
}

/// The precision at each hit in a sequence of hits and misses, raised to the best that follows.
fn precisions(hits: impl Iterator<Item = bool>) -> Vec<f64> {
    let mut precisions = Vec::new();
    for (place, hit) in (1..).zip(hits) {
        if hit {
            precisions.push(number(precisions.len() + 1) / number(place));
        }
    }
    let mut best = 0.0_f64;
    for precision in precisions.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    precisions
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts of boxes in memory are far below 2^53")]
const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bbox(left: f64, width: f64) -> BoundingBox {
        BoundingBox::from_corners([left, 0.0, left + width, 10.0]).unwrap()
    }

    fn detection(group: u16, score: f64, left: f64) -> GroupedBox {
        GroupedBox { group: GroupId::new(group), score, bbox: bbox(left, 10.0) }
    }

    fn object(group: u16, left: f64) -> TrueBox {
        TrueBox { group: GroupId::new(group), bbox: bbox(left, 10.0), crowd: false }
    }

    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value}, expected {expected}");
    }

    fn of_one_image(detected: &[GroupedBox], truth: &[TrueBox]) -> Option<AveragePrecision> {
        average_precision([(detected, truth)])
    }

    #[test]
    fn the_value_is_the_area_under_precision_and_recall() {
        let truth = [object(1, 0.0), object(1, 100.0), object(2, 200.0), object(2, 300.0)];
        // Hit, miss, hit of another group: 1/1 and 2/3 at two of four recalls.
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 50.0), detection(2, 0.7, 200.0)];
        assert_near(image_value(&detected, &truth), (1.0 + 2.0 / 3.0) / 4.0);
        // The miss comes first: its precision is raised to the best that follows.
        let detected = [detection(1, 0.5, 0.0), detection(1, 0.8, 50.0), detection(2, 0.4, 200.0)];
        assert_near(image_value(&detected, &truth), (2.0 / 3.0 + 2.0 / 3.0) / 4.0);
    }

    #[test]
    fn the_value_of_nothing_is_minus_1_and_without_truth_0() {
        assert_near(image_value(&[], &[object(1, 0.0)]), -1.0);
        assert_near(image_value(&[], &[]), -1.0);
        assert_near(image_value(&[detection(1, 0.9, 0.0)], &[]), 0.0);
        let crowd = TrueBox { crowd: true, ..object(1, 0.0) };
        assert_near(image_value(&[detection(1, 0.9, 0.0)], &[crowd]), 0.0);
    }

    #[test]
    fn one_detection_may_take_several_objects_but_is_one_hit_of_the_value() {
        let truth = [object(1, 0.0), object(1, 1.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 1.0)];
        assert_near(image_value(&detected, &truth), 0.5);
    }

    #[test]
    fn a_perfect_answer_has_average_precision_1() {
        let truth = [object(1, 0.0), object(2, 50.0)];
        let detected = [detection(1, 0.3, 0.0), detection(2, 0.2, 50.0)];
        let score = of_one_image(&detected, &truth).unwrap();
        assert_near(score.ap, 1.0);
        assert_near(score.ap50, 1.0);
    }

    #[test]
    fn a_looser_box_counts_at_the_overlaps_it_reaches() {
        // 8 of 12 in common: an overlap of 2/3, which is enough for 0.50, 0.55, 0.60 and 0.65.
        let score = of_one_image(&[detection(1, 0.9, 2.0)], &[object(1, 0.0)]).unwrap();
        assert_near(score.ap, 0.4);
        assert_near(score.ap50, 1.0);
    }

    #[test]
    fn groups_without_truth_do_not_count_and_groups_without_detections_count_0() {
        let detected = [detection(1, 0.9, 0.0), detection(3, 0.9, 0.0)];
        let truth = [object(1, 0.0), object(2, 0.0)];
        assert_near(of_one_image(&detected, &truth).unwrap().ap50, 0.5);
        assert_eq!(of_one_image(&detected, &[]), None);
    }

    #[test]
    fn a_detection_of_a_crowd_is_no_miss() {
        let crowd = TrueBox { bbox: bbox(50.0, 100.0), crowd: true, ..object(1, 0.0) };
        let truth = [object(1, 0.0), crowd];
        let in_crowd = [detection(1, 0.9, 60.0), detection(1, 0.8, 70.0)];
        let detected = [in_crowd[0], in_crowd[1], detection(1, 0.7, 0.0)];
        assert_near(of_one_image(&detected, &truth).unwrap().ap50, 1.0);
        assert_eq!(of_one_image(&in_crowd, &[crowd]), None);
    }

    #[test]
    fn only_100_detections_of_a_group_in_an_image_count() {
        let far = |index: u8| detection(1, 0.9, 1000.0 + 20.0 * f64::from(index));
        let mut detected: Vec<GroupedBox> = (0..99).map(far).collect();
        detected.push(detection(1, 0.1, 0.0));
        assert!(of_one_image(&detected, &[object(1, 0.0)]).unwrap().ap50 > 0.0);
        detected.push(far(99));
        assert_near(of_one_image(&detected, &[object(1, 0.0)]).unwrap().ap50, 0.0);
    }
}
