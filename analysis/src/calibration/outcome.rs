//! Whether boxes are right, by the truth about their image.

use super::CalibrationError;
use crate::{
    label_groups::{GroupId, GroupedBox},
    metrics::TrueBox,
};

/// A box with a score, and whether it was right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// What it is said to be.
    pub group: GroupId,
    /// How sure whoever said so was, 0 to 1.
    pub score: f64,
    /// Whether there is such an object, which no box with a higher score is about.
    pub right: bool,
}

/// The least overlap at which a box is about an object.
const RIGHT_IOU: f64 = 0.5;

/// The outcomes, which are some, of scores that are scores.
pub(super) fn valid(outcomes: &[Outcome]) -> Result<&[Outcome], CalibrationError> {
    if outcomes.is_empty() {
        return Err(CalibrationError::NoOutcomes);
    }
    let wrong = outcomes.iter().find(|outcome| !(0.0..=1.0).contains(&outcome.score));
    match wrong {
        Some(outcome) => Err(CalibrationError::Share { what: "score", value: outcome.score }),
        None => Ok(outcomes),
    }
}

/// Tells of each box of an image whether it is right, by falling score.
///
/// Each takes the free object of its group that it overlaps most, if that is by half or more. A
/// box that takes none but lies in a crowd by half or more is neither right nor wrong, and is left
/// out.
pub fn outcomes(detected: &[GroupedBox], truth: &[TrueBox]) -> Vec<Outcome> {
    let judged = judge(detected, truth).into_iter();
    let outcome = |(place, right): (usize, Option<bool>)| {
        let GroupedBox { group, score, .. } = *detected.get(place)?;
        right.map(|right| Outcome { group, score, right })
    };
    judged.filter_map(outcome).collect()
}

/// The place of each box, by falling score, and whether it is right; `None` where no one can say.
pub(crate) fn judge(detected: &[GroupedBox], truth: &[TrueBox]) -> Vec<(usize, Option<bool>)> {
    let mut by_score: Vec<(usize, &GroupedBox)> = detected.iter().enumerate().collect();
    by_score.sort_by(|(_, one), (_, other)| other.score.total_cmp(&one.score));
    let mut free: Vec<&TrueBox> = truth.iter().filter(|object| !object.crowd).collect();
    let mut judged = Vec::with_capacity(detected.len());
    for (place, detection) in by_score {
        let mut most = RIGHT_IOU;
        let mut nearest = None;
        for (object_place, object) in free.iter().enumerate() {
            let iou = object.bbox.iou(detection.bbox);
            if object.group == detection.group && iou >= most {
                most = iou;
                nearest = Some(object_place);
            }
        }
        let right = match nearest {
            Some(object_place) => {
                free.swap_remove(object_place);
                Some(true)
            }
            None if in_crowd(detection, truth) => None,
            None => Some(false),
        };
        judged.push((place, right));
    }
    judged
}

fn in_crowd(detection: &GroupedBox, truth: &[TrueBox]) -> bool {
    truth
        .iter()
        .filter(|object| object.crowd && object.group == detection.group)
        .any(|crowd| detection.bbox.share_within(crowd.bbox) >= RIGHT_IOU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::BoundingBox;

    fn at(left: f64) -> BoundingBox {
        BoundingBox::from_corners([left, 0.0, left + 10.0, 10.0]).unwrap()
    }

    fn seen(score: f64, left: f64) -> GroupedBox {
        GroupedBox { group: GroupId::new(1), score, bbox: at(left) }
    }

    fn object(left: f64) -> TrueBox {
        TrueBox { group: GroupId::new(1), bbox: at(left), crowd: false, area: None }
    }

    #[test]
    fn the_best_box_of_an_object_is_right_and_its_double_is_not() {
        let detected = [seen(0.5, 0.0), seen(0.9, 1.0), seen(0.7, 50.0)];
        let right: Vec<(f64, bool)> = outcomes(&detected, &[object(0.0)])
            .iter()
            .map(|outcome| (outcome.score, outcome.right))
            .collect();
        assert_eq!(right, [(0.9, true), (0.7, false), (0.5, false)]);
    }

    #[test]
    fn a_box_of_another_group_is_wrong_and_one_in_a_crowd_is_left_out() {
        let crowd = TrueBox { crowd: true, ..object(0.0) };
        assert_eq!(outcomes(&[seen(0.9, 0.0)], &[crowd]), []);
        let other = TrueBox { group: GroupId::new(2), ..object(0.0) };
        assert!(!outcomes(&[seen(0.9, 0.0)], &[other])[0].right);
    }
}
