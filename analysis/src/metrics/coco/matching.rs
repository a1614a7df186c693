//! Which detections of an image find which objects, by the rules of pycocotools.
//!
//! By falling score, each detection takes the free object of its group that it overlaps most, if it
//! overlaps it enough; one that is to be ignored only where it can take no other. That is decided
//! for each of ten overlaps and each of four ranges of size on its own. The forty results are the
//! bits of one word, so that all are decided at once: the objects that a detection reaches are gone
//! through from the best down, and each is taken wherever it is free and the detection is too.

use std::collections::BTreeMap;

use super::TrueBox;
use crate::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
};

/// How many overlaps are told apart: 0.50, 0.55 to 0.95.
pub(super) const OVERLAPS: usize = 10;

/// How many detections of one group count in one image: those with the highest scores.
pub(super) const MOST_DETECTIONS: usize = 100;

/// The ranges of size that objects are scored in; a size on a border is in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    All,
    Small,
    Medium,
    Large,
}

/// Every range, by its place among the bits.
pub(super) const AREAS: [Area; 4] = [Area::All, Area::Small, Area::Medium, Area::Large];

/// One bit for each overlap and range; those of a range are side by side.
type Bits = u64;

/// The bits of all overlaps in the first range.
const EVERY_OVERLAP: Bits = (1 << OVERLAPS) - 1;

/// The bit of the least overlap in every range.
const EVERY_AREA: Bits = 1 | 1 << OVERLAPS | 1 << (2 * OVERLAPS) | 1 << (3 * OVERLAPS);

/// What a set of images holds of one group.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupMatches {
    /// The images with objects to find, and how many by range.
    pub(super) objects: Vec<(usize, [u32; AREAS.len()])>,
    /// The detections, with what they found.
    pub(super) detections: Vec<Matched>,
}

/// A detection and what it found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matched {
    pub(super) score: f64,
    /// The place of its image in the set.
    pub(super) image: usize,
    /// How many detections of its group in its image have a higher score, up to 99.
    pub(super) rank: u8,
    /// Where it found an object.
    pub(super) found: Bits,
    /// Where it counts neither way.
    pub(super) ignored: Bits,
}

/// Matches images one after the other.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    groups: BTreeMap<GroupId, GroupMatches>,
    images: usize,
    sorted: Vec<GroupedBox>,
    targets: Vec<Target>,
    reached: Vec<Reached>,
}

/// An object of the image that is being matched.
#[derive(Clone, Copy, Debug)]
struct Target {
    object: TrueBox,
    /// Where it is neither found nor missed.
    ignored: Bits,
    /// Where a detection has it already; nowhere for a crowd.
    taken: Bits,
}

/// A target that a detection overlaps.
#[derive(Clone, Copy, Debug)]
struct Reached {
    overlap: f64,
    place: usize,
}

impl Area {
    /// The bit of this range at an overlap, by its place.
    pub(super) const fn bit(self, overlap: usize) -> Bits {
        1 << (self as usize * OVERLAPS + overlap)
    }

    /// The bits of this range at all overlaps.
    const fn bits(self) -> Bits {
        EVERY_OVERLAP << (self as usize * OVERLAPS)
    }

    /// Whether a size in square pixels is in this range.
    fn holds(self, size: f64) -> bool {
        const HUGE: f64 = 1e5 * 1e5;
        let (least, most) = match self {
            Self::All => (0.0, HUGE),
            Self::Small => (0.0, 32.0 * 32.0),
            Self::Medium => (32.0 * 32.0, 96.0 * 96.0),
            Self::Large => (96.0 * 96.0, HUGE),
        };
        (least..=most).contains(&size)
    }
}

/// The bits of the ranges that a size is not in.
fn outside(size: f64) -> Bits {
    AREAS.into_iter().filter(|area| !area.holds(size)).fold(0, |bits, area| bits | area.bits())
}

impl Matcher {
    /// Matches the next image.
    pub(super) fn add(&mut self, detected: &[GroupedBox], truth: &[TrueBox]) {
        self.targets.clear();
        self.targets.extend(truth.iter().map(|&object| Target {
            object,
            ignored: if object.crowd { Bits::MAX } else { outside(object.size()) },
            taken: 0,
        }));
        self.targets.sort_by_key(|target| target.object.group);
        for targets in self.targets.chunk_by(|one, other| one.object.group == other.object.group) {
            let Some(first) = targets.first() else { continue };
            let counted = |area: Area| {
                let counts = |target: &&Target| target.ignored & area.bit(0) == 0;
                u32::try_from(targets.iter().filter(counts).count()).unwrap_or(u32::MAX)
            };
            let matches = self.groups.entry(first.object.group).or_default();
            matches.objects.push((self.images, AREAS.map(counted)));
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(detected);
        self.sorted.sort_by(|one, other| {
            one.group.cmp(&other.group).then_with(|| other.score.total_cmp(&one.score))
        });
        for detections in self.sorted.chunk_by(|one, other| one.group == other.group) {
            let Some(group) = detections.first().map(|first| first.group) else { continue };
            let start = self.targets.partition_point(|target| target.object.group < group);
            let end = self.targets.partition_point(|target| target.object.group <= group);
            let targets = self.targets.get_mut(start..end).unwrap_or_default();
            let matches = self.groups.entry(group).or_default();
            for (rank, detection) in (0..).zip(detections.iter().take(MOST_DETECTIONS)) {
                let (found, ignored) = take(detection.bbox, targets, &mut self.reached);
                let (score, image) = (detection.score, self.images);
                matches.detections.push(Matched { score, image, rank, found, ignored });
            }
        }
        self.images += 1;
    }

    /// The groups of all images.
    pub(super) fn finish(self) -> BTreeMap<GroupId, GroupMatches> {
        self.groups
    }
}

/// Lets a detection take targets, and tells where it found one and where it counts neither way.
fn take(bbox: BoundingBox, targets: &mut [Target], reached: &mut Vec<Reached>) -> (Bits, Bits) {
    reached.clear();
    for (place, target) in targets.iter().enumerate() {
        let object = &target.object;
        // Intersection over union; for a crowd over the detection's own area.
        let overlap =
            if object.crowd { bbox.share_within(object.bbox) } else { bbox.iou(object.bbox) };
        if overlap >= LEAST_OVERLAP {
            reached.push(Reached { overlap, place });
        }
    }
    // The best first; of equals the last in the ground truth.
    reached.sort_unstable_by(|one, other| {
        other.overlap.total_cmp(&one.overlap).then_with(|| other.place.cmp(&one.place))
    });
    let mut found = 0;
    let mut ignored = 0;
    for to_ignore in [false, true] {
        for Reached { overlap, place } in &*reached {
            let Some(target) = targets.get_mut(*place) else { continue };
            let asked = if to_ignore { target.ignored } else { !target.ignored };
            let open = reach(*overlap) & asked & !target.taken & !found & !ignored;
            if !target.object.crowd {
                target.taken |= open;
            }
            *if to_ignore { &mut ignored } else { &mut found } |= open;
        }
    }
    // What found nothing, and is of another size than asked for, is no miss.
    (found, ignored | outside(bbox.area()) & !found)
}

/// The least overlap that finds anything.
const LEAST_OVERLAP: f64 = 0.5;

/// The bits, in every range, of the overlaps that are not above this one.
fn reach(overlap: f64) -> Bits {
    let step = (0.95 - LEAST_OVERLAP) / 9.0;
    // As numpy's `linspace` rounds them.
    let least = |place: u8| {
        if place == 9 { 0.95 } else { LEAST_OVERLAP + f64::from(place) * step }
    };
    let reached = (0..10).take_while(|&place| least(place) <= overlap).count();
    ((1 << reached) - 1) * EVERY_AREA
}
