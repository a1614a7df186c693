//! Which detections of one image find which objects, one object a detection at most.
//!
//! By falling score, each detection takes the free object of its group that it overlaps most, if it
//! overlaps it enough. The measures of a single overlap share this; COCO's, which are of ten at
//! once, have a matching of their own.

use super::TrueBox;
use crate::label_groups::GroupedBox;

/// What a detection came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// An object that no detection of a higher score took.
    Object,
    /// A crowd, and no free object: it counts neither way.
    Crowd,
    /// Neither.
    Nothing,
}

/// The detections of an image by falling score, each with what it found.
pub(super) fn findings<'a>(
    detected: &'a [GroupedBox],
    truth: &'a [TrueBox],
    least_overlap: f64,
) -> impl Iterator<Item = (&'a GroupedBox, Finding)> {
    let mut taken = vec![false; truth.len()];
    by_falling_score(detected).into_iter().map(move |detection| {
        let mut best = least_overlap;
        let mut object = None;
        let mut crowd = false;
        for (target, taken) in truth.iter().zip(&mut taken) {
            if target.group != detection.group || *taken {
                continue;
            }
            if target.crowd {
                crowd |= detection.bbox.share_within(target.bbox) >= least_overlap;
                continue;
            }
            let overlap = target.bbox.iou(detection.bbox);
            // The last of equals, as in COCO's matching.
            if overlap >= best {
                best = overlap;
                object = Some(taken);
            }
        }
        let finding = match object {
            Some(taken) => {
                *taken = true;
                Finding::Object
            }
            None if crowd => Finding::Crowd,
            None => Finding::Nothing,
        };
        (detection, finding)
    })
}

/// Detections by falling score; of equals the earlier comes first.
pub(super) fn by_falling_score(detected: &[GroupedBox]) -> Vec<&GroupedBox> {
    let mut sorted: Vec<&GroupedBox> = detected.iter().collect();
    sorted.sort_by(|one, other| other.score.total_cmp(&one.score));
    sorted
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{crowd, detection, object},
        *,
    };

    fn found(detected: &[GroupedBox], truth: &[TrueBox]) -> Vec<Finding> {
        findings(detected, truth, 0.5).map(|(_, finding)| finding).collect()
    }

    #[test]
    fn one_detection_takes_one_object_and_leaves_the_other() {
        let truth = [object(1, 0.0), object(1, 1.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 1.0), detection(1, 0.7, 1.0)];
        assert_eq!(found(&detected, &truth), [Finding::Object, Finding::Object, Finding::Nothing]);
    }

    #[test]
    fn the_highest_score_chooses_first_wherever_it_is_listed() {
        let truth = [object(1, 0.0)];
        let detected = [detection(1, 0.2, 0.0), detection(1, 0.9, 2.0)];
        let best = findings(&detected, &truth, 0.5).next();
        assert_eq!(best, Some((&detected[1], Finding::Object)));
    }

    #[test]
    fn a_crowd_takes_any_number_but_an_object_goes_first() {
        let truth = [crowd(1, 0.0, 100.0), object(1, 0.0)];
        let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 0.0), detection(1, 0.7, 40.0)];
        assert_eq!(found(&detected, &truth), [Finding::Object, Finding::Crowd, Finding::Crowd]);
    }

    #[test]
    fn another_group_is_no_object() {
        assert_eq!(found(&[detection(2, 0.9, 0.0)], &[object(1, 0.0)]), [Finding::Nothing]);
    }
}
