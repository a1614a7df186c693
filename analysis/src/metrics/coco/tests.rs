//! What COCO's figures are of cases worked out by hand, and what holds of any.

use proptest::prelude::*;

use super::*;
use crate::metrics::testing::{
    Image, any_images, assert_near, bbox, crowd, detection, object, pairs, without_ties,
};

fn of_one_image(detected: &[GroupedBox], truth: &[TrueBox]) -> Option<AveragePrecision> {
    average_precision([(detected, truth)])
}

#[test]
fn a_perfect_answer_scores_1() {
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
    let truth = [object(1, 0.0), crowd(1, 50.0, 100.0)];
    let in_crowd = [detection(1, 0.9, 60.0), detection(1, 0.8, 70.0)];
    let detected = [in_crowd[0], in_crowd[1], detection(1, 0.7, 0.0)];
    assert_near(of_one_image(&detected, &truth).unwrap().ap50, 1.0);
    assert_eq!(of_one_image(&in_crowd, &truth[1..]), None);
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

#[test]
fn recall_counts_the_best_detections_of_each_image_only() {
    let truth = [object(1, 0.0), object(1, 100.0)];
    let detected = [detection(1, 0.9, 0.0), detection(1, 0.8, 100.0)];
    let figures = evaluate([(&detected[..], &truth[..])]).all;
    assert_eq!((figures.ar_1, figures.ar_10, figures.ar_100), (Some(0.5), Some(1.0), Some(1.0)));
}

#[test]
fn sizes_are_those_of_the_annotation_and_a_size_on_the_border_is_of_both_ranges() {
    let sized = |area| TrueBox { area: Some(area), ..object(1, 0.0) };
    let figures = |area| evaluate([(&[detection(1, 0.9, 0.0)][..], &[sized(area)][..])]).all;
    let defined = |figures: Figures| {
        [figures.ap_small, figures.ap_medium, figures.ap_large].map(|figure| figure.is_some())
    };
    assert_eq!(defined(figures(1024.0)), [true, true, false]);
    assert_eq!(defined(figures(9216.0)), [false, true, true]);
    assert_eq!(defined(figures(9216.5)), [false, false, true]);
    // The detection is small, and finds what counts as large.
    assert_eq!(figures(9216.5).ap_large, Some(1.0));
}

#[test]
fn a_detection_of_another_size_is_no_miss() {
    let truth = [object(1, 0.0)];
    let large = GroupedBox { bbox: bbox(500.0, 2000.0), ..detection(1, 0.95, 0.0) };
    let small_miss = detection(1, 0.9, 50.0);
    let figures = |miss| evaluate([(&[miss, detection(1, 0.5, 0.0)][..], &truth[..])]).all;
    assert_eq!(figures(large).ap_small, Some(1.0));
    assert_near(figures(small_miss).ap_small.unwrap(), 0.5);
    assert_near(figures(large).ap.unwrap(), 0.5);
}

#[test]
fn names_and_figures_are_in_one_order() {
    let figures = Figures { ap75: Some(0.75), ar_small: Some(0.1), ..Figures::default() };
    let named: Vec<_> = Figures::NAMES.into_iter().zip(figures.in_order()).collect();
    assert_eq!((named[2], named[9]), (("AP75", Some(0.75)), ("ARs", Some(0.1))));
}

fn perfect(images: &[Image]) -> Vec<Image> {
    let answered = |(_, truth): &Image| {
        let objects = truth.iter().filter(|object| !object.crowd);
        let answer =
            objects.map(|object| GroupedBox { group: object.group, score: 0.5, bbox: object.bbox });
        (answer.collect(), truth.clone())
    };
    images.iter().map(answered).collect()
}

proptest! {
    #[test]
    fn figures_lie_between_0_and_1(images in any_images()) {
        let evaluation = evaluate(pairs(&images));
        let groups = evaluation.groups.values().map(|group| group.figures);
        for figures in groups.chain([evaluation.all]) {
            for figure in figures.in_order().into_iter().flatten() {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&figure), "{figures:?}");
            }
        }
    }

    #[test]
    fn the_objects_themselves_score_1(images in any_images()) {
        let images = perfect(&images);
        let figures = evaluate(pairs(&images)).all;
        prop_assert!(figures.ap.is_none_or(|ap| (ap - 1.0).abs() < 1e-12));
        prop_assert!(figures.ar_100.is_none_or(|recall| (recall - 1.0).abs() < 1e-12));
    }

    #[test]
    fn the_order_of_images_does_not_matter_where_no_scores_are_equal(
        (images, shuffled) in any_images().prop_map(without_ties).prop_flat_map(|images| {
            (Just(images.clone()), Just(images).prop_shuffle())
        })
    ) {
        prop_assert_eq!(evaluate(pairs(&images)), evaluate(pairs(&shuffled)));
    }

    #[test]
    fn a_far_detection_never_raises_precision(images in any_images(), score in 0.0..=1.0) {
        let before = average_precision(pairs(&images));
        let mut more = images;
        if let Some((detected, _)) = more.first_mut() {
            detected.insert(0, detection(1, score, 5000.0));
        }
        let after = average_precision(pairs(&more));
        prop_assert_eq!(before.is_some(), after.is_some());
        if let (Some(before), Some(after)) = (before, after) {
            prop_assert!(after.ap <= before.ap + 1e-12 && after.ap50 <= before.ap50 + 1e-12);
        }
    }

    #[test]
    fn the_two_figures_are_those_of_the_whole_evaluation(images in any_images()) {
        let figures = evaluate(pairs(&images)).all;
        let short = average_precision(pairs(&images));
        prop_assert_eq!(figures.ap50, short.map(|short| short.ap50));
        match (figures.ap, short.map(|short| short.ap)) {
            (Some(one), Some(other)) => prop_assert!((one - other).abs() < 1e-12),
            (one, other) => prop_assert_eq!(one, other),
        }
    }
}
