//! Merging reproduces figures that were computed without this crate.
//!
//! They are of `shared/data/voc-detectors/test` and three detectors, for singles, all three, and
//! the choice with the highest value, of equals the fewest; AP50 is COCO's.

use armol_analysis::{
    label_groups::GroupedBox,
    merge::{Candidates, Merger, Method, Vote},
    metrics::{
        TrueBox,
        coco::average_precision,
        image_value::{ValueRule, image_value},
    },
};

use super::detectors::{Photograph, photographs};

pub(crate) const DETECTORS: [&str; 3] = ["yolox-nano-416", "yolov5n-fp16", "nanodet-m-416"];

/// Four words of Pascal that these detectors use, and that the published figures do without: the
/// script behind them knew COCO's words only ("couch", "tv"), so that three groups of the 16 that
/// the photographs show are never found there.
pub(crate) const UNKNOWN_TO_THE_SCRIPT: [&str; 4] = ["aeroplane", "motorbike", "sofa", "tvmonitor"];

/// AP50 and mean value, in the digits that are published.
type Figures = [(&'static str, &'static str); 4];

/// Singles and all three; then the upper bound's AP50, mean cost and mean value.
struct Expected {
    fixed: Figures,
    bound: [&'static str; 3],
}

#[test]
fn the_published_rules_give_the_published_figures() {
    let expected = Expected {
        fixed: [("40.03", "0.7094"), ("38.11", "0.4648"), ("40.17", "0.7469"), ("49.71", "0.8122")],
        bound: ["54.64", "1.035", "0.8650"],
    };
    let drops = |word: &str| UNKNOWN_TO_THE_SCRIPT.contains(&word);
    assert_figures(Method::SeedWbf, seed_value, drops, &expected);
}

#[test]
fn means_of_exact_boxes_give_the_figures_of_the_second_set() {
    let expected = Expected {
        fixed: [("40.03", "0.7095"), ("38.53", "0.4660"), ("40.33", "0.7477"), ("49.90", "0.8125")],
        bound: ["54.63", "1.044", "0.8663"],
    };
    let drops = |word: &str| UNKNOWN_TO_THE_SCRIPT.contains(&word);
    assert_figures(Method::MeanWbf, one_object_a_box, drops, &expected);
}

#[test]
fn with_all_words_known_three_more_groups_are_found() {
    let expected = Expected {
        fixed: [("52.96", "0.7211"), ("49.79", "0.4730"), ("52.82", "0.7534"), ("62.60", "0.8186")],
        bound: ["67.06", "1.036", "0.8741"],
    };
    assert_figures(Method::SeedWbf, seed_value, |_| false, &expected);
}

/// The value by the published rule.
pub(crate) fn seed_value(detected: &[GroupedBox], truth: &[TrueBox]) -> f64 {
    image_value(detected, truth, ValueRule::Seed)
}

/// Asserts the figures of one way to merge.
fn assert_figures(
    method: Method,
    value: fn(&[GroupedBox], &[TrueBox]) -> f64,
    drops: impl Fn(&str) -> bool,
    expected: &Expected,
) {
    let Some(photographs) = photographs("test", &DETECTORS, drops) else { return };
    let merger = Merger::new(Vote::Affirmative, method).unwrap();
    let answers: Vec<Vec<Vec<GroupedBox>>> =
        (1..8).map(|subset| merge_each(&photographs, &merger, subset)).collect();
    let values: Vec<Vec<f64>> = answers
        .iter()
        .map(|answers| {
            answers
                .iter()
                .zip(&photographs)
                .map(|(answer, one)| value(answer, &one.truth))
                .collect()
        })
        .collect();
    for (subset, (ap50, mean_value)) in [1, 2, 4, 7].into_iter().zip(expected.fixed) {
        assert_eq!(percent(&photographs, &answers[subset - 1]), ap50, "{method}, subset {subset}");
        assert_eq!(format!("{:.4}", mean(&values[subset - 1])), mean_value, "{method}, {subset}");
    }
    // By falling value, then by rising cost, then as enumerated.
    let mut cheapest_first: Vec<usize> = (1..8).collect();
    cheapest_first.sort_by_key(|subset| subset.count_ones());
    let choice: Vec<usize> = (0..photographs.len())
        .map(|place| {
            let mut best = cheapest_first[0];
            for &subset in &cheapest_first {
                if values[subset - 1][place] > values[best - 1][place] {
                    best = subset;
                }
            }
            best
        })
        .collect();
    let chosen = choice.iter().enumerate();
    let bound: Vec<Vec<GroupedBox>> =
        chosen.clone().map(|(place, subset)| answers[subset - 1][place].clone()).collect();
    let costs: Vec<f64> = choice.iter().map(|subset| f64::from(subset.count_ones())).collect();
    let best: Vec<f64> = chosen.map(|(place, subset)| values[subset - 1][place]).collect();
    let found = [
        percent(&photographs, &bound),
        format!("{:.3}", mean(&costs)),
        format!("{:.4}", mean(&best)),
    ];
    assert_eq!(found, expected.bound, "{method}, upper bound");
}

/// What a subset of the detectors says, merged.
pub(crate) fn merge_each(
    photographs: &[Photograph],
    merger: &Merger,
    subset: usize,
) -> Vec<Vec<GroupedBox>> {
    let merge = |photograph: &Photograph| {
        let candidates = Candidates::new(photograph.answers.iter().map(Vec::as_slice));
        merger.merge(&candidates, |answer| subset >> answer & 1 == 1)
    };
    photographs.iter().map(merge).collect()
}

/// The value of an image where a box takes the first free object that it hits, and no other.
fn one_object_a_box(detected: &[GroupedBox], truth: &[TrueBox]) -> f64 {
    if detected.is_empty() {
        return -1.0;
    }
    let mut free = truth.to_vec();
    let mut by_score = detected.to_vec();
    by_score.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut precisions = Vec::new();
    for (place, detection) in (1..).zip(&by_score) {
        let hit = free.iter().position(|object| {
            object.group == detection.group && object.bbox.iou(detection.bbox) >= 0.5
        });
        if let Some(hit) = hit {
            free.remove(hit);
            let found = f64::from(u32::try_from(precisions.len() + 1).unwrap());
            precisions.push(found / f64::from(place));
        }
    }
    let mut best = 0.0_f64;
    let raised = precisions.iter().rev().map(|precision| {
        best = best.max(*precision);
        best
    });
    let total: f64 = raised.sum();
    if truth.is_empty() { 0.0 } else { total / f64::from(u32::try_from(truth.len()).unwrap()) }
}

fn percent(photographs: &[Photograph], answers: &[Vec<GroupedBox>]) -> String {
    format!("{:.2}", 100.0 * ap50(photographs, answers))
}

/// COCO's AP50 of these answers, from 0 to 1.
pub(crate) fn ap50(photographs: &[Photograph], answers: &[Vec<GroupedBox>]) -> f64 {
    let truth = photographs.iter().map(|photograph| photograph.truth.as_slice());
    average_precision(answers.iter().map(Vec::as_slice).zip(truth)).unwrap().ap50
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
}
