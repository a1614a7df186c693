//! Several providers' answers about one image as one answer.
//!
//! A [`Merger`] says how. First the vote: boxes of one group that overlap by more than a threshold
//! are one pool, and thus one object, and a [`Vote`] keeps the boxes of objects that enough
//! providers see. Then the [`Method`] makes one box of each object, or lowers the scores of boxes
//! that look like a better one's doubles.
//!
//! [`Candidates`] holds one image's answers for any choice of providers, and [`subset_values`]
//! judges every choice.

mod calibrated;
mod candidates;
mod mean_fusion;
mod merger;
mod method;
mod pools;
mod subsets;
mod suppression;
mod vote;
mod weighted_box_fusion;

pub use calibrated::{CalibratedMerge, CalibratedMergeError, CalibrationOptions, KnownImage};
pub use candidates::Candidates;
pub use merger::{Merger, MergerError, Scratch};
pub use method::{Method, UnknownMethod};
pub use subsets::{MOST_ANSWERS, TooManyAnswers, rounded, subset_values};
pub use vote::{UnknownVote, Vote};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        detection::BoundingBox,
        label_groups::{GroupId, GroupedBox},
    };

    fn grouped(group: u16, score: f64, corners: [f64; 4]) -> GroupedBox {
        let bbox = BoundingBox::from_corners(corners).unwrap();
        GroupedBox { group: GroupId::new(group), score, bbox }
    }

    fn merge_by(answers: &[Vec<GroupedBox>], vote: Vote, method: Method) -> Vec<GroupedBox> {
        let candidates = Candidates::new(answers.iter().map(Vec::as_slice));
        merger(vote, method).merge(&candidates, |_| true)
    }

    /// A merger of any method; a model that it needs has the same to say of all providers.
    fn merger(vote: Vote, method: Method) -> Merger {
        if method != Method::Calibrated {
            return Merger::new(vote, method).unwrap();
        }
        let evidence = r#"{
            "calibration": {"curve": {"platt": {"slope": 1.2, "intercept": -0.3}}},
            "seen": 0.2, "certainty": 0.7, "silent": -0.8
        }"#;
        let model = format!(r#"{{"bias": 0.1, "providers": [{}]}}"#, [evidence; 4].join(","));
        Merger::calibrated(vote, Arc::new(serde_json::from_str(&model).unwrap()))
    }

    fn merge_all(answers: &[Vec<GroupedBox>], vote: Vote) -> Vec<GroupedBox> {
        merge_by(answers, vote, Method::MeanWbf)
    }

    #[test]
    fn what_no_merger_can_do_is_refused() {
        assert_eq!(Merger::new(Vote::Affirmative, Method::Calibrated), Err(MergerError::NoModel));
        let plain = || merger(Vote::Affirmative, Method::Wbf);
        assert!(plain().with_iou_threshold(1.1).is_err());
        assert!(plain().with_score_threshold(f64::NAN).is_err());
        assert!(plain().with_merged_threshold(-0.1).is_err());
        let refusal = plain().with_weights(vec![1.0, 0.0]).unwrap_err();
        assert_eq!(refusal, MergerError::Weight { place: 1, weight: 0.0 });
    }

    #[test]
    fn what_is_written_of_a_merger_has_every_setting() {
        let plain = || merger(Vote::Affirmative, Method::Wbf);
        let others = [
            plain(),
            merger(Vote::Consensus, Method::Wbf),
            merger(Vote::Affirmative, Method::Nms),
            merger(Vote::Affirmative, Method::Calibrated),
            plain().with_iou_threshold(0.5).unwrap(),
            plain().with_score_threshold(0.1).unwrap(),
            plain().with_weights(vec![1.0, 0.1 + 0.2]).unwrap(),
            plain().with_weights(vec![1.0, 0.3]).unwrap(),
        ];
        let written = others.map(|merger| serde_json::to_string(&merger).unwrap());
        for (place, one) in written.iter().enumerate() {
            assert!(!written[..place].contains(one), "{one}");
        }
        assert!(written[3].contains(r#""certainty":0.7"#), "{}", written[3]);
    }

    #[test]
    fn boxes_below_the_score_threshold_are_left_out_before_the_vote() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let answers = [[grouped(1, 0.9, corners)], [grouped(1, 0.2, corners)]];
        let candidates = Candidates::new(answers.iter().map(<[GroupedBox; 1]>::as_slice));
        let unanimous = merger(Vote::Unanimous, Method::Nms);
        assert_eq!(unanimous.merge(&candidates, |_| true), answers[0]);
        let strict = unanimous.with_score_threshold(0.3).unwrap();
        assert_eq!(strict.merge(&candidates, |_| true), []);
    }

    #[test]
    fn what_is_merged_to_less_than_the_threshold_is_left_out() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let answers = [[grouped(1, 0.75, corners)], [grouped(1, 0.25, corners)]];
        let candidates = Candidates::new(answers.iter().map(<[GroupedBox; 1]>::as_slice));
        let mean = |threshold| {
            let merger = merger(Vote::Affirmative, Method::MeanWbf);
            merger.with_merged_threshold(threshold).unwrap().merge(&candidates, |_| true)
        };
        assert_eq!(mean(0.5), [grouped(1, 0.5, corners)]);
        assert_eq!(mean(0.51), []);
    }

    #[test]
    fn boxes_of_two_groups_are_two_objects() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let answers = [vec![grouped(1, 0.9, corners)], vec![grouped(2, 0.8, corners)]];
        assert_eq!(merge_all(&answers, Vote::Affirmative).len(), 2);
        assert_eq!(merge_all(&answers, Vote::Unanimous), []);
    }

    #[test]
    fn an_overlap_of_exactly_half_is_two_objects() {
        let answers =
            [vec![grouped(1, 0.9, [0.0, 0.0, 10.0, 10.0]), grouped(1, 0.8, [0.0, 0.0, 5.0, 10.0])]];
        assert_eq!(merge_all(&answers, Vote::Affirmative).len(), 2);
    }

    #[test]
    fn the_best_box_opens_the_pool_whoever_is_listed_first() {
        // The middle box overlaps both others, which do not overlap each other.
        let (left, right) =
            (grouped(1, 0.5, [0.0, 0.0, 10.0, 10.0]), grouped(1, 0.6, [5.0, 0.0, 15.0, 10.0]));
        let middle = grouped(1, 0.9, [2.5, 0.0, 12.5, 10.0]);
        let forward = merge_all(&[vec![left], vec![middle], vec![right]], Vote::Affirmative);
        let backward = merge_all(&[vec![right], vec![middle], vec![left]], Vote::Affirmative);
        assert_eq!(forward.len(), 1);
        assert_eq!(forward, backward);
    }

    #[test]
    fn only_the_answers_asked_for_vote_and_count() {
        let corners = [0.0, 0.0, 10.0, 10.0];
        let (one, silent) = (vec![grouped(1, 0.9, corners)], vec![]);
        let candidates = Candidates::new([one.as_slice(), silent.as_slice()]);
        let unanimous = merger(Vote::Unanimous, Method::MeanWbf);
        assert_eq!(unanimous.merge(&candidates, |answer| answer == 0), one);
        assert_eq!(unanimous.merge(&candidates, |_| true), []);
        let affirmative = merger(Vote::Affirmative, Method::MeanWbf);
        assert_eq!(affirmative.merge(&candidates, |answer| answer == 1), []);
        assert_eq!(affirmative.merge(&candidates, |_| false), []);
    }

    #[test]
    fn an_empty_box_is_an_object_of_its_own() {
        let point = grouped(1, 0.9, [3.0, 3.0, 3.0, 3.0]);
        assert_eq!(merge_all(&[vec![point, point]], Vote::Affirmative), [point, point]);
    }

    fn any_answers() -> impl Strategy<Value = Vec<Vec<GroupedBox>>> {
        let any_box = (0..3_u16, 0..=20_u8, 0..12_u8, 0..12_u8, 0..8_u8, 0..8_u8).prop_map(
            |(group, score, left, top, width, height)| {
                let (left, top) = (f64::from(left), f64::from(top));
                let corners = [left, top, left + f64::from(width), top + f64::from(height)];
                grouped(group, f64::from(score) / 20.0, corners)
            },
        );
        let answer = proptest::collection::vec(any_box, 0..8);
        proptest::collection::vec(answer, 1..5)
    }

    /// How far a corner may lie outside of all that it is a mean of.
    fn slack(method: Method) -> f64 {
        if method == Method::SeedWbf { 1.0 } else { 1e-9 }
    }

    fn is_part_of(part: &[GroupedBox], whole: &[GroupedBox]) -> bool {
        let mut whole = whole.to_vec();
        part.iter().all(|one| {
            let place = whole.iter().position(|other| other == one);
            place.map(|place| whole.swap_remove(place)).is_some()
        })
    }

    proptest! {
        #[test]
        fn the_order_of_answers_and_boxes_does_not_matter(
            (answers, shuffled) in any_answers().prop_flat_map(|answers| {
                let boxes = answers.iter().map(|answer| Just(answer.clone()).prop_shuffle());
                let boxes: Vec<_> = boxes.collect();
                (Just(answers), boxes.prop_shuffle())
            })
        ) {
            for method in Method::ALL.into_iter().filter(|method| !method.depends_on_order()) {
                for vote in Vote::ALL {
                    let merged = merge_by(&answers, vote, method);
                    let other = merge_by(&shuffled, vote, method);
                    prop_assert_eq!(merged, other, "{} {}", method, vote);
                }
            }
        }

        #[test]
        fn a_stricter_vote_keeps_a_part_of_what_a_laxer_one_does(answers in any_answers()) {
            use Method::{MeanWbf, Nms, None, SeedNms, SeedWbf};
            for method in [None, Nms, MeanWbf, SeedNms, SeedWbf] {
                let [affirmative, consensus, unanimous] =
                    Vote::ALL.map(|vote| merge_by(&answers, vote, method));
                prop_assert!(is_part_of(&consensus, &affirmative), "{}", method);
                prop_assert!(is_part_of(&unanimous, &consensus), "{}", method);
            }
        }

        #[test]
        fn without_a_method_the_affirmative_vote_keeps_every_box(answers in any_answers()) {
            let kept = merge_by(&answers, Vote::Affirmative, Method::None);
            prop_assert_eq!(kept.len(), answers.iter().map(Vec::len).sum::<usize>());
            prop_assert!(is_part_of(&answers.concat(), &kept));
        }

        #[test]
        fn merged_boxes_lie_within_the_hull_of_their_group(answers in any_answers()) {
            for method in Method::ALL {
                for merged in merge_by(&answers, Vote::Affirmative, method) {
                    let boxes = answers.iter().flatten();
                    let members = boxes.filter(|member| member.group == merged.group);
                    let corners: Vec<[f64; 4]> =
                        members.map(|member| member.bbox.corners()).collect();
                    for (side, value) in merged.bbox.corners().into_iter().enumerate() {
                        let sides = || corners.iter().map(|corners| corners[side]);
                        let least = sides().fold(f64::INFINITY, f64::min);
                        let most = sides().fold(f64::NEG_INFINITY, f64::max);
                        prop_assert!(value >= least - slack(method) && value <= most + 1e-9);
                    }
                    prop_assert!((0.0..=1.0).contains(&merged.score));
                }
            }
        }

        #[test]
        fn one_provider_alone_passes_every_vote(answers in any_answers()) {
            let alone = &answers[..1];
            for method in Method::ALL {
                let affirmative = merge_by(alone, Vote::Affirmative, method);
                prop_assert_eq!(&affirmative, &merge_by(alone, Vote::Unanimous, method));
                prop_assert!(affirmative.len() <= alone[0].len());
            }
        }

        #[test]
        fn memory_that_was_used_before_changes_nothing(
            (one, other) in (any_answers(), any_answers())
        ) {
            let (mut scratch, mut merged) = (Scratch::default(), Vec::new());
            for method in Method::ALL {
                for answers in [&one, &other] {
                    let merger = merger(Vote::Consensus, method);
                    let candidates = Candidates::new(answers.iter().map(Vec::as_slice));
                    merger.merge_into(&candidates, |_| true, &mut scratch, &mut merged);
                    prop_assert_eq!(&merged, &merge_by(answers, Vote::Consensus, method));
                }
            }
        }

        #[test]
        fn equal_weights_change_no_box(answers in any_answers()) {
            let candidates = Candidates::new(answers.iter().map(Vec::as_slice));
            for method in [Method::Wbf, Method::MeanWbf, Method::SeedWbf, Method::Nms] {
                let plain = merger(Vote::Affirmative, method);
                let weighted = plain.clone().with_weights(vec![0.5; answers.len()]).unwrap();
                let plain = plain.merge(&candidates, |_| true);
                let weighted = weighted.merge(&candidates, |_| true);
                prop_assert_eq!(plain.len(), weighted.len());
                for (one, other) in plain.iter().zip(&weighted) {
                    prop_assert!(one.bbox == other.bbox || one.bbox.iou(other.bbox) > 1.0 - 1e-9);
                }
            }
        }
    }
}
