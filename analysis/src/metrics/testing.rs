//! Detections and objects on one line that tests of measures are built from.

use proptest::prelude::*;

use super::TrueBox;
use crate::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
};

/// An image: its detections and its ground truth.
pub(crate) type Image = (Vec<GroupedBox>, Vec<TrueBox>);

/// A box of height 10 at the top.
pub(crate) fn bbox(left: f64, width: f64) -> BoundingBox {
    BoundingBox::from_corners([left, 0.0, left + width, 10.0]).unwrap()
}

/// A detection of 10 by 10.
pub(crate) fn detection(group: u16, score: f64, left: f64) -> GroupedBox {
    GroupedBox { group: GroupId::new(group), score, bbox: bbox(left, 10.0) }
}

/// An object of 10 by 10.
pub(crate) fn object(group: u16, left: f64) -> TrueBox {
    TrueBox { group: GroupId::new(group), bbox: bbox(left, 10.0), crowd: false, area: None }
}

/// A crowd of height 10.
pub(crate) fn crowd(group: u16, left: f64, width: f64) -> TrueBox {
    TrueBox { bbox: bbox(left, width), crowd: true, ..object(group, left) }
}

/// Fails where two numbers differ by more than rounding.
#[track_caller]
pub(crate) fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-12, "{value}, expected {expected}");
}

/// The images as every measure takes them.
pub(crate) fn pairs(images: &[Image]) -> impl Iterator<Item = (&[GroupedBox], &[TrueBox])> {
    images.iter().map(|(detected, truth)| (detected.as_slice(), truth.as_slice()))
}

/// Images of three groups whose boxes often overlap and whose scores are often equal.
pub(crate) fn any_images() -> impl Strategy<Value = Vec<Image>> {
    let place = || (0..3_u16, 0..60_u8, 0..40_u8, 1..40_u8, 1..40_u8);
    let corners = |left: u8, top: u8, width: u8, height: u8| {
        let [left, top, width, height] = [left, top, width, height].map(f64::from);
        BoundingBox::from_corners([left, top, left + width, top + height]).unwrap()
    };
    let object = (place(), any::<bool>(), any::<bool>()).prop_map(move |(place, one, other)| {
        let (group, left, top, width, height) = place;
        let bbox = corners(left, top, width, height);
        TrueBox { group: GroupId::new(group), bbox, crowd: one && other, area: None }
    });
    let detection = (place(), 0..=20_u8).prop_map(move |(place, score)| {
        let (group, left, top, width, height) = place;
        let bbox = corners(left, top, width, height);
        GroupedBox { group: GroupId::new(group), score: f64::from(score) / 20.0, bbox }
    });
    let truth = proptest::collection::vec(object, 0..6);
    let noise = proptest::collection::vec(detection, 0..6);
    // Some detections are an object's own box, so that something is found.
    let image = (truth, noise, 0..4_usize).prop_map(|(truth, mut detected, copies)| {
        for object in truth.iter().take(copies) {
            let score = 0.5 + f64::from(object.group.number()) / 10.0;
            detected.push(GroupedBox { group: object.group, score, bbox: object.bbox });
        }
        (detected, truth)
    });
    proptest::collection::vec(image, 0..6)
}

/// Scores that differ in all detections, so that the order of images decides nothing.
pub(crate) fn without_ties(mut images: Vec<Image>) -> Vec<Image> {
    let mut score = 1.0;
    for detection in images.iter_mut().flat_map(|(detected, _)| detected) {
        score *= 0.99;
        detection.score = score;
    }
    images
}
