//! The value `v` of one image's merged answer: what a policy is rewarded for.
//!
//! AP50 over all groups of one image at once, from 0 to 1, and -1 where nothing is detected. It is
//! not the mean over groups that [`coco`](super::coco) gives for a set of one image.

use std::{fmt, str::FromStr};

use serde::Serialize;
use thiserror::Error;

use super::{
    TrueBox,
    finding::{Finding, by_falling_score, findings},
    precision_curve::PrecisionCurve,
};
use crate::label_groups::GroupedBox;

/// How many objects one detection may find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueRule {
    /// As in Armol's own code (`compare_gt_m2` in its `src/reward_generator.py`): each detection
    /// takes every object of its group that is still free and overlaps it by half or more, and is
    /// one hit. Who finds two objects with one box loses nothing in precision. Crowds are no
    /// objects, so a detection of one is a miss.
    #[default]
    Seed,
    /// As in COCO's matching: each detection takes the one free object that it overlaps most, and
    /// a detection of a crowd counts neither way.
    OneObject,
}

/// A word that names no [`ValueRule`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown rule {0:?} for the value of an image; use seed or one-object")]
pub struct UnknownValueRule(pub String);

/// The value of an image where nothing was detected.
const VALUE_OF_NOTHING: f64 = -1.0;

/// The least overlap at which a detection finds an object.
const LEAST_OVERLAP: f64 = 0.5;

/// The value of one image's answer, from -1 to 1.
///
/// It is -1 where nothing was detected, else 0 where there is no object, else the area under the
/// precision of the detections by falling score, over all groups.
pub fn image_value(detected: &[GroupedBox], truth: &[TrueBox], rule: ValueRule) -> f64 {
    if detected.is_empty() {
        return VALUE_OF_NOTHING;
    }
    let objects = truth.iter().filter(|object| !object.crowd).count();
    if objects == 0 {
        return 0.0;
    }
    let curve = match rule {
        ValueRule::Seed => seed_curve(detected, truth),
        ValueRule::OneObject => {
            let counted = findings(detected, truth, LEAST_OVERLAP)
                .filter(|(_, finding)| *finding != Finding::Crowd);
            PrecisionCurve::of(counted.map(|(_, finding)| finding == Finding::Object))
        }
    };
    curve.area(objects)
}

/// The precisions where each detection takes all that it overlaps.
fn seed_curve(detected: &[GroupedBox], truth: &[TrueBox]) -> PrecisionCurve {
    let mut free: Vec<&TrueBox> = truth.iter().filter(|object| !object.crowd).collect();
    PrecisionCurve::of(by_falling_score(detected).into_iter().map(|detection| {
        let before = free.len();
        free.retain(|object| {
            object.group != detection.group || object.bbox.iou(detection.bbox) < LEAST_OVERLAP
        });
        free.len() < before
    }))
}

impl ValueRule {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Seed, Self::OneObject];

    /// The word used on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::OneObject => "one-object",
        }
    }
}

impl fmt::Display for ValueRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ValueRule {
    type Err = UnknownValueRule;

    fn from_str(word: &str) -> Result<Self, UnknownValueRule> {
        Self::ALL
            .into_iter()
            .find(|rule| rule.as_str() == word)
            .ok_or_else(|| UnknownValueRule(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::testing::{any_images, assert_near, crowd, detection, object};

    #[test]
    fn the_value_is_the_area_under_precision_and_recall() {
        let truth = [object(1, 0.0), object(1, 100.0), object(2, 200.0), object(2, 300.0)];
        for rule in ValueRule::ALL {
            // Hit, miss, hit of another group: 1/1 and 2/3 at two of four recalls.
            let detected =
                [detection(1, 0.9, 0.0), detection(1, 0.8, 50.0), detection(2, 0.7, 200.0)];
            assert_near(image_value(&detected, &truth, rule), (1.0 + 2.0 / 3.0) / 4.0);
            // The miss comes first: its precision is raised to the best that follows.
            let detected =
                [detection(1, 0.5, 0.0), detection(1, 0.8, 50.0), detection(2, 0.4, 200.0)];
            assert_near(image_value(&detected, &truth, rule), (2.0 / 3.0 + 2.0 / 3.0) / 4.0);
        }
    }

    #[test]
    fn the_value_of_nothing_is_minus_1_and_without_truth_0() {
        for rule in ValueRule::ALL {
            assert_near(image_value(&[], &[object(1, 0.0)], rule), -1.0);
            assert_near(image_value(&[], &[], rule), -1.0);
            assert_near(image_value(&[detection(1, 0.9, 0.0)], &[], rule), 0.0);
            let only_crowd = [crowd(1, 0.0, 10.0)];
            assert_near(image_value(&[detection(1, 0.9, 0.0)], &only_crowd, rule), 0.0);
        }
    }

    #[test]
    fn one_detection_may_take_several_objects_by_the_rule_of_the_seed_only() {
        let truth = [object(1, 0.0), object(1, 1.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 1.0)];
        assert_near(image_value(&detected, &truth, ValueRule::Seed), 0.5);
        assert_near(image_value(&detected, &truth, ValueRule::OneObject), 1.0);
    }

    #[test]
    fn a_detection_of_a_crowd_is_a_miss_by_the_rule_of_the_seed_only() {
        let truth = [object(1, 0.0), crowd(1, 50.0, 100.0)];
        let detected = [detection(1, 0.9, 60.0), detection(1, 0.8, 0.0)];
        assert_near(image_value(&detected, &truth, ValueRule::Seed), 0.5);
        assert_near(image_value(&detected, &truth, ValueRule::OneObject), 1.0);
    }

    #[test]
    fn words_read_back() {
        for rule in ValueRule::ALL {
            assert_eq!(rule.as_str().parse(), Ok(rule));
        }
        let unknown = "two".parse::<ValueRule>().unwrap_err();
        assert!(unknown.to_string().ends_with("use seed or one-object"));
    }

    proptest! {
        #[test]
        fn values_lie_between_0_and_1_where_something_is_detected(images in any_images()) {
            for (detected, truth) in images.iter().filter(|(detected, _)| !detected.is_empty()) {
                for rule in ValueRule::ALL {
                    prop_assert!((0.0..=1.0).contains(&image_value(detected, truth, rule)));
                }
            }
        }
    }
}
