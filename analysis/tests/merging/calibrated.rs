//! A model fitted on one part of the photographs does better on another than rules without one.

use std::sync::Arc;

use armol_analysis::{
    calibration::{CurveKind, outcomes},
    merge::{CalibratedMerge, CalibrationOptions, Candidates, KnownImage, Merger, Method, Vote},
};

use super::{
    detectors::{Photograph, photographs},
    figures::{DETECTORS, UNKNOWN_TO_THE_SCRIPT, ap50, mean, merge_each, seed_value},
};

const ALL_THREE: usize = 7;

/// Fits a model on photographs that every detector answered.
fn fit<'a>(train: &'a [Photograph], options: CalibrationOptions) -> CalibratedMerge {
    let candidates: Vec<Candidates> =
        train.iter().map(|one| Candidates::new(one.answers.iter().map(Vec::as_slice))).collect();
    let known = |(candidates, photograph): (_, &'a Photograph)| KnownImage {
        candidates,
        answered: &[true; DETECTORS.len()],
        truth: photograph.truth.as_slice(),
    };
    let images: Vec<KnownImage<'_>> = candidates.iter().zip(train).map(known).collect();
    CalibratedMerge::fit(&images, options).unwrap()
}

/// How good answers are, and whether their scores are probabilities.
#[derive(Debug)]
struct Judged {
    ap50: f64,
    mean_value: f64,
    /// The mean score of all boxes less the share of them that is right.
    overconfidence: f64,
}

fn judge(photographs: &[Photograph], merger: &Merger, subset: usize) -> Judged {
    let answers = merge_each(photographs, merger, subset);
    let images = || answers.iter().zip(photographs);
    let values: Vec<f64> = images().map(|(answer, one)| seed_value(answer, &one.truth)).collect();
    let misses: Vec<f64> = images()
        .flat_map(|(answer, one)| outcomes(answer, &one.truth))
        .map(|outcome| outcome.score - f64::from(u8::from(outcome.right)))
        .collect();
    Judged {
        ap50: ap50(photographs, &answers),
        mean_value: mean(&values),
        overconfidence: mean(&misses),
    }
}

#[test]
fn a_fitted_model_gives_other_images_higher_values_than_any_rule_and_says_how_sure_it_is() {
    let drops = |word: &str| UNKNOWN_TO_THE_SCRIPT.contains(&word);
    let Some(test) = photographs("test", &DETECTORS, drops) else { return };
    let train = photographs("train", &DETECTORS, drops).expect("both parts are there");
    let mut best_value = f64::NEG_INFINITY;
    for method in Method::ALL.into_iter().filter(|method| *method != Method::Calibrated) {
        let rule = judge(&test, &Merger::new(Vote::Affirmative, method).unwrap(), ALL_THREE);
        println!("{method}: {rule:?}");
        best_value = best_value.max(rule.mean_value);
    }
    for curve in CurveKind::ALL {
        for group_shrinkage in [None, Some(16.0)] {
            let model = fit(&train, CalibrationOptions { curve, group_shrinkage });
            let merger = Merger::calibrated(Vote::Affirmative, Arc::new(model));
            let judged = judge(&test, &merger, ALL_THREE);
            println!("calibrated, {curve}, {group_shrinkage:?}: {judged:?}");
            assert!(judged.mean_value > best_value, "{judged:?}, {best_value}");
            // All three with mean scores have 0.4990.
            assert!(judged.ap50 > 0.52, "{judged:?}");
            for subset in 1..=ALL_THREE {
                let judged = judge(&test, &merger, subset);
                assert!(judged.overconfidence.abs() < 0.03, "{judged:?}");
            }
        }
    }
}

#[test]
fn a_stored_model_reads_back_as_it_was() {
    let Some(train) = photographs("train", &DETECTORS, |_| false) else { return };
    let options = CalibrationOptions { curve: CurveKind::Isotonic, group_shrinkage: Some(16.0) };
    let model = fit(&train, options);
    assert_eq!(model, fit(&train, options));
    let stored = serde_json::to_string(&model).unwrap();
    let read: CalibratedMerge = serde_json::from_str(&stored).unwrap();
    let test = photographs("test", &DETECTORS, |_| false).expect("both parts are there");
    let [one, other] = [model, read]
        .map(|model| judge(&test, &Merger::calibrated(Vote::Affirmative, Arc::new(model)), 5));
    assert!(
        (one.ap50 - other.ap50).abs() < 1e-9 && (one.mean_value - other.mean_value).abs() < 1e-9
    );
}
