//! Which detections of an image find which objects, by the rules of pycocotools.
//!
//! By falling score, each detection takes the free object of its group that it overlaps most, if it
//! overlaps it enough. That is decided for each of ten overlaps, so a result is ten bits.

use std::collections::BTreeMap;

use super::TrueBox;
use crate::label_groups::{GroupId, GroupedBox};

/// How many overlaps are told apart: 0.50, 0.55 to 0.95.
pub(super) const OVERLAPS: usize = 10;

/// How many detections of one group count in one image: those with the highest scores.
const MOST_DETECTIONS: usize = 100;

/// What a set of images holds of one group.
#[derive(Debug, Default)]
pub(super) struct GroupTally {
    /// How many objects there are to find.
    pub(super) objects: usize,
    /// The detections, image by image, with what they found.
    pub(super) detections: Vec<Matched>,
}

/// A detection and what it found; bit 0 is for the overlap 0.50, bit 9 for 0.95.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matched {
    pub(super) score: f64,
    /// Where it found an object.
    pub(super) found: u16,
    /// Where it hit a crowd, and so counts neither way.
    pub(super) ignored: u16,
}

/// An object of the group that is being matched.
#[derive(Debug)]
struct Target<'a> {
    object: &'a TrueBox,
    /// How much the current detection overlaps it.
    overlap: f64,
    /// Where it is found already; bits as in [`Matched`].
    taken: u16,
}

/// Adds one image to the tallies of its groups.
pub(super) fn tally_image(
    detected: &[GroupedBox],
    truth: &[TrueBox],
    tallies: &mut BTreeMap<GroupId, GroupTally>,
) {
    for object in truth.iter().filter(|object| !object.crowd) {
        tallies.entry(object.group).or_default().objects += 1;
    }
    let mut sorted: Vec<&GroupedBox> = detected.iter().collect();
    sorted.sort_by(|one, other| {
        one.group.cmp(&other.group).then_with(|| other.score.total_cmp(&one.score))
    });
    for detections in sorted.chunk_by(|one, other| one.group == other.group) {
        let Some(group) = detections.first().map(|first| first.group) else { continue };
        let mut targets: Vec<Target<'_>> = truth
            .iter()
            .filter(|object| object.group == group)
            .map(|object| Target { object, overlap: 0.0, taken: 0 })
            .collect();
        // Crowds come last: they take what no object does.
        targets.sort_by_key(|target| target.object.crowd);
        let tally = tallies.entry(group).or_default();
        let counted = detections.iter().take(MOST_DETECTIONS);
        tally.detections.extend(counted.map(|detection| find(detection, &mut targets)));
    }
}

/// Lets a detection take a target at each overlap.
fn find(detection: &GroupedBox, targets: &mut [Target<'_>]) -> Matched {
    for target in targets.iter_mut() {
        target.overlap = overlap(detection, target.object);
    }
    let mut matched = Matched { score: detection.score, found: 0, ignored: 0 };
    for (index, least) in (0..OVERLAPS).zip(least_overlaps()) {
        let bit = 1 << index;
        let Some(target) = best_target(targets, least, bit) else { continue };
        target.taken |= bit;
        let kind = if target.object.crowd { &mut matched.ignored } else { &mut matched.found };
        *kind |= bit;
    }
    matched
}

/// The free target with the highest overlap, the last of equals; a crowd, which is never taken,
/// only where there is no object.
fn best_target<'a, 'b>(
    targets: &'a mut [Target<'b>],
    least: f64,
    bit: u16,
) -> Option<&'a mut Target<'b>> {
    // As in pycocotools: a perfect overlap may be a rounding error short of 1.
    let mut least = least.min(1.0 - 1e-10);
    let mut best: Option<&mut Target<'b>> = None;
    for target in targets {
        let crowd = target.object.crowd;
        if crowd && best.as_ref().is_some_and(|best| !best.object.crowd) {
            break;
        }
        let free = crowd || target.taken & bit == 0;
        if free && target.overlap >= least {
            least = target.overlap;
            best = Some(target);
        }
    }
    best
}

/// Intersection over union; for a crowd over the detection's own area.
fn overlap(detection: &GroupedBox, object: &TrueBox) -> f64 {
    if object.crowd {
        detection.bbox.share_within(object.bbox)
    } else {
        detection.bbox.iou(object.bbox)
    }
}

/// 0.50, 0.55 to 0.95, as numpy's `linspace` rounds them.
fn least_overlaps() -> impl Iterator<Item = f64> {
    let step = (0.95 - 0.5) / 9.0;
    (0..=9_u8).map(move |index| if index == 9 { 0.95 } else { 0.5 + f64::from(index) * step })
}
