//! Precision, recall and F1 of the detections above one score.
//!
//! What a service looks like whose user takes everything above a score for true and never looks at
//! the score again.

use std::{collections::BTreeMap, iter::Sum};

use serde::Serialize;

use super::{
    TrueBox,
    finding::{Finding, findings},
    number,
};
use crate::label_groups::{GroupId, GroupedBox};

/// What makes a detection count, and what makes it right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The least score of a detection that counts.
    pub score: f64,
    /// The least overlap, intersection over union, with the object that it finds.
    pub overlap: f64,
}

/// How many detections were right and wrong, and how many objects none found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Detections that found an object.
    pub right: usize,
    /// Detections that found none.
    pub wrong: usize,
    /// Objects that no detection found.
    pub missed: usize,
}

impl Counts {
    /// The share of the detections that is right; `None` where there is none.
    pub fn precision(self) -> Option<f64> {
        share(self.right, self.right + self.wrong)
    }

    /// The share of the objects that was found; `None` where there is none.
    pub fn recall(self) -> Option<f64> {
        share(self.right, self.right + self.missed)
    }

    /// The harmonic mean of precision and recall; `None` where there is neither detection nor
    /// object.
    pub fn f1(self) -> Option<f64> {
        share(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, counts| Self {
            right: sum.right + counts.right,
            wrong: sum.wrong + counts.wrong,
            missed: sum.missed + counts.missed,
        })
    }
}

/// Counts right and wrong detections of each group over a set of images.
///
/// The sum of the groups gives the F1 over all detections. A detection of a crowd counts neither
/// way.
///
/// # Examples
/// ```
/// use armol_analysis::metrics::f1::{Counts, Thresholds, counts};
///
/// let groups = counts([(&[][..], &[][..])], Thresholds { score: 0.5, overlap: 0.5 });
/// let all: Counts = groups.values().copied().sum();
/// assert_eq!(all.f1(), None);
/// ```
pub fn counts<'a>(
    images: impl IntoIterator<Item = (&'a [GroupedBox], &'a [TrueBox])>,
    thresholds: Thresholds,
) -> BTreeMap<GroupId, Counts> {
    let mut groups: BTreeMap<GroupId, Counts> = BTreeMap::new();
    for (detected, truth) in images {
        for object in truth.iter().filter(|object| !object.crowd) {
            groups.entry(object.group).or_default().missed += 1;
        }
        // Scores fall, so that those left out take nothing from those that count.
        let counted = findings(detected, truth, thresholds.overlap)
            .take_while(|(detection, _)| detection.score >= thresholds.score);
        for (detection, finding) in counted {
            let counts = groups.entry(detection.group).or_default();
            match finding {
                Finding::Object => {
                    counts.right += 1;
                    counts.missed -= 1;
                }
                Finding::Nothing => counts.wrong += 1,
                Finding::Crowd => {}
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::testing::{any_images, assert_near, crowd, detection, object, pairs};

    const HALF: Thresholds = Thresholds { score: 0.5, overlap: 0.5 };

    #[test]
    fn detections_below_the_score_do_not_count() {
        let truth = [object(1, 0.0), object(1, 100.0), object(1, 200.0)];
        let detected = [
            detection(1, 0.9, 0.0),
            detection(1, 0.5, 100.0),
            detection(1, 0.5, 50.0),
            detection(1, 0.4, 200.0),
        ];
        let groups = counts([(&detected[..], &truth[..])], HALF);
        let expected = Counts { right: 2, wrong: 1, missed: 1 };
        assert_eq!(groups.into_iter().collect::<Vec<_>>(), [(GroupId::new(1), expected)]);
        assert_near(expected.f1().unwrap(), 2.0 / 3.0);
        assert_near(expected.precision().unwrap(), 2.0 / 3.0);
        assert_near(expected.recall().unwrap(), 2.0 / 3.0);
    }

    #[test]
    fn a_detection_of_a_crowd_is_neither_right_nor_wrong() {
        let (detected, truth) = ([detection(1, 0.9, 20.0)], [crowd(1, 0.0, 100.0)]);
        let groups = counts([(&detected[..], &truth[..])], HALF);
        assert_eq!(groups.into_values().sum::<Counts>(), Counts::default());
    }

    #[test]
    fn without_detections_there_is_a_recall_but_no_precision() {
        let missed = Counts { missed: 2, ..Counts::default() };
        assert_eq!((missed.precision(), missed.recall()), (None, Some(0.0)));
        assert_eq!(missed.f1(), Some(0.0));
    }

    proptest! {
        #[test]
        fn every_object_is_found_or_missed(images in any_images(), score in 0.0..1.0) {
            let groups = counts(pairs(&images), Thresholds { score, overlap: 0.5 });
            let all: Counts = groups.into_values().sum();
            let objects = images.iter().flat_map(|(_, truth)| truth);
            prop_assert_eq!(all.right + all.missed, objects.filter(|object| !object.crowd).count());
        }
    }
}
