//! COCO's average precision and recall: the twelve figures of pycocotools.
//!
//! [`evaluate`] says what `COCOeval` with `iouType` "bbox" prints: 101 recalls, ten overlaps from
//! 0.50 to 0.95, four ranges of size, the best 1, 10 or 100 detections of a group in an image.
//! Crowds, and objects of another size than asked for, are neither found nor missed. Three
//! things differ, none by more than rounding but the first: an annotation may have the id 0, which
//! pycocotools takes for none; a precision of 1 is not 2^-52 short of it; and sides are told from
//! corners, so that an overlap or a detection's size may differ in its last bit.
//!
//! [`Matches`] keeps what each detection found. Matching is most of the work, so figures of the
//! same images, weighted otherwise as a bootstrap does, come from the same matches.

mod accumulation;
mod figures;
mod matching;

use std::{collections::BTreeMap, ops::Range};

use accumulation::Accumulator;
use matching::{AREAS, Area, GroupMatches, MOST_DETECTIONS, Matcher, OVERLAPS};

use super::{TrueBox, number};
use crate::label_groups::{GroupId, GroupedBox};

pub use figures::Figures;

/// What COCO's evaluation says of a set of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The figures of the whole set: the means over its groups.
    pub all: Figures,
    /// Each group that is detected or in the ground truth.
    pub groups: BTreeMap<GroupId, GroupEvaluation>,
}

/// What COCO's evaluation says of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupEvaluation {
    /// How many objects there are to find; crowds are none.
    pub objects: usize,
    /// Its figures.
    pub figures: Figures,
}

/// How well a set of images was answered, as fractions of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePrecision {
    /// Mean over the groups and over overlaps from 0.50 to 0.95 (mAP).
    pub ap: f64,
    /// Mean over the groups at an overlap of 0.50 (AP50).
    pub ap50: f64,
}

/// What the detections of a set of images found, ready for any figure.
#[derive(Clone, Debug)]
pub struct Matches {
    groups: BTreeMap<GroupId, GroupMatches>,
}

/// Scores a set of images, each its detections and its ground truth.
///
/// Of two detections with one score, the one of the earlier image counts first, and in one image
/// the earlier one; pycocotools takes images by rising id.
///
/// # Examples
/// ```
/// use armol_analysis::{
///     detection::BoundingBox,
///     label_groups::{GroupId, GroupedBox},
///     metrics::{TrueBox, coco::evaluate},
/// };
///
/// # fn main() -> Result<(), armol_analysis::detection::DetectionError> {
/// let (group, bbox) = (GroupId::new(0), BoundingBox::from_corners([0.0, 0.0, 50.0, 50.0])?);
/// let truth = [TrueBox { group, bbox, crowd: false, area: None }];
/// let detected = [GroupedBox { group, score: 0.9, bbox }];
/// let evaluation = evaluate([(&detected[..], &truth[..])]);
/// assert_eq!(evaluation.all.ap, Some(1.0));
/// assert_eq!(evaluation.all.ap_medium, Some(1.0));
/// assert_eq!(evaluation.all.ap_small, None);
/// # Ok(())
/// # }
/// ```
pub fn evaluate<'a>(
    images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
) -> Evaluation {
    Matches::new(images).evaluation()
}

/// The two figures of a set of images that compare methods; `None` where it has no object.
pub fn average_precision<'a>(
    images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
) -> Option<AveragePrecision> {
    Matches::new(images).average_precision()
}

impl Matches {
    /// Matches detections with ground truth, image by image.
    pub fn new<'a>(images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>) -> Self {
        let mut matcher = Matcher::default();
        for (detected, truth) in images {
            matcher.add(detected, truth);
        }
        let mut groups = matcher.finish();
        for matches in groups.values_mut() {
            matches.detections.sort_by(|one, other| other.score.total_cmp(&one.score));
        }
        Self { groups }
    }

    /// All figures of the set and of its groups.
    pub fn evaluation(&self) -> Evaluation {
        let mut accumulator = Accumulator::new(|_| 1);
        let groups: BTreeMap<GroupId, GroupEvaluation> = self
            .groups
            .iter()
            .map(|(&group, matches)| {
                let objects = accumulator.objects(matches, Area::All);
                (group, GroupEvaluation { objects, figures: figures_of(matches, &mut accumulator) })
            })
            .collect();
        Evaluation { all: Figures::mean(groups.values().map(|group| &group.figures)), groups }
    }

    /// mAP and AP50 of the set; `None` where it has no object.
    pub fn average_precision(&self) -> Option<AveragePrecision> {
        self.weighted_average_precision(|_| 1)
    }

    /// mAP and AP50 of a set that has image `n` of this one `times[n]` times; `None` where it has
    /// no object. The copies of a detection stand side by side in the ranking.
    pub fn resampled_average_precision(&self, times: &[u32]) -> Option<AveragePrecision> {
        self.weighted_average_precision(|image| times.get(image).copied().unwrap_or(0))
    }

    /// AP50 of a set that has image `n` of this one `times[n]` times, which is ten times faster
    /// than to ask for mAP too.
    pub fn resampled_ap50(&self, times: &[u32]) -> Option<f64> {
        let weight = |image: usize| times.get(image).copied().unwrap_or(0);
        let [ap50, ..] = self.precision_sums(0..1, weight)?;
        Some(ap50)
    }

    fn weighted_average_precision(
        &self,
        weight: impl Fn(usize) -> u32,
    ) -> Option<AveragePrecision> {
        let means = self.precision_sums(0..OVERLAPS, weight)?;
        let [ap50, ..] = means;
        Some(AveragePrecision { ap: means.iter().sum::<f64>() / number(OVERLAPS), ap50 })
    }

    /// The mean precision over the groups at some overlaps; 0 at the others.
    fn precision_sums(
        &self,
        overlaps: Range<usize>,
        weight: impl Fn(usize) -> u32,
    ) -> Option<[f64; OVERLAPS]> {
        let mut accumulator = Accumulator::new(weight);
        let mut groups = 0.0;
        let mut means = [0.0; OVERLAPS];
        for matches in self.groups.values() {
            let objects = accumulator.objects(matches, Area::All);
            if objects == 0 {
                continue;
            }
            groups += 1.0;
            for (overlap, mean) in means.iter_mut().enumerate() {
                if overlaps.contains(&overlap) {
                    *mean += accumulator.precision(matches, Area::All, overlap, objects);
                }
            }
        }
        (groups > 0.0).then(|| means.map(|sum| sum / groups))
    }
}

/// The twelve figures of one group.
fn figures_of(
    matches: &GroupMatches,
    accumulator: &mut Accumulator<impl Fn(usize) -> u32>,
) -> Figures {
    let mut figures = Figures::default();
    let precisions = AREAS.map(|area| accumulator.precisions(matches, area));
    let [all, small, medium, large] = precisions.map(|precisions| precisions.as_ref().map(mean));
    [figures.ap, figures.ap_small, figures.ap_medium, figures.ap_large] =
        [all, small, medium, large];
    if let [Some([ap50, _, _, _, _, ap75, ..]), ..] = precisions {
        figures.ap50 = Some(ap50);
        figures.ap75 = Some(ap75);
    }
    let recall = |area, most| accumulator.recalls(matches, area, most).as_ref().map(mean);
    figures.ar_1 = recall(Area::All, 1);
    figures.ar_10 = recall(Area::All, 10);
    figures.ar_100 = recall(Area::All, MOST_DETECTIONS);
    figures.ar_small = recall(Area::Small, MOST_DETECTIONS);
    figures.ar_medium = recall(Area::Medium, MOST_DETECTIONS);
    figures.ar_large = recall(Area::Large, MOST_DETECTIONS);
    figures
}

/// The mean over the overlaps.
fn mean(values: &[f64; OVERLAPS]) -> f64 {
    values.iter().sum::<f64>() / number(OVERLAPS)
}

#[cfg(test)]
mod tests;
