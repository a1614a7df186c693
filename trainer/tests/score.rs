//! `armol-trainer score` says what pycocotools and others say, in every form that it writes.
//!
//! What needs `shared/data` or a package index is skipped without it, with a word about it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "../../analysis/tests/support/peers.rs"]
mod peers;
#[path = "../../analysis/tests/support/shared.rs"]
mod shared;

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output},
};

use armol_analysis::label_groups::LabelGroups;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::tempdir;

const GROUND_TRUTH: &str = r#"{
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"},
               {"id": 3, "file_name": "c.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 300},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [100, 0, 20, 20], "area": 300},
        {"id": 3, "image_id": 2, "category_id": 2, "bbox": [0, 0, 200, 200], "area": 30000},
        {"id": 4, "image_id": 2, "category_id": 2, "bbox": [300, 0, 99, 99], "iscrowd": 1}
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "gnu"}]
}"#;

const DETECTIONS: &str = r#"[
    {"image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "score": 0.9},
    {"image_id": 1, "category": "cat", "bbox": [50, 0, 20, 20], "score": 0.8},
    {"image_id": 2, "category": "dog", "bbox": [0, 0, 200, 150], "score": 0.4},
    {"image_id": 2, "category": "elephant", "bbox": [0, 0, 200, 150], "score": 0.4}
]"#;

fn trainer(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// What the program writes of the two small files.
fn scored(more: &[&str]) -> String {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), GROUND_TRUTH).unwrap();
    fs::write(folder.path().join("merged.json"), DETECTIONS).unwrap();
    let files = ["score", "--ground-truth", "gt.json", "--detections", "merged.json"];
    let output = trainer(&[&files[..], more].concat(), folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_table_has_all_figures_and_what_is_left_out() {
    insta::assert_snapshot!(scored(&[]), @r"
    3 images, 3 objects of 3 categories, 3 detections
    ───────────────────────────────────
     figure                      value
    ═══════════════════════════════════
     AP                          55.25
     AP50                        75.25
     AP75                        75.25
     APs                         50.50
     APm                             -
     APl                         60.00
     AR1                         55.00
     AR10                        55.00
     AR100                       55.00
     ARs                         50.00
     ARm                             -
     ARl                         60.00
     VOC, all points             75.00
     VOC, 11 points              77.27
     mAP of Armol's script       75.00
     F1 at score 0.5             40.00
     mean v                     0.1667
     mean v, one object a box   0.1667
    ───────────────────────────────────
    ─────────────────────────────────────────────────────────────────────────────────────
     category   objects      AP     AP50     AP75     APs   APm     APl   AR100      VOC
    ═════════════════════════════════════════════════════════════════════════════════════
     cat              2   50.50    50.50    50.50   50.50     -       -   50.00    50.00
     dog              1   60.00   100.00   100.00       -     -   60.00   60.00   100.00
     gnu              0       -        -        -       -     -       -       -        -
    ─────────────────────────────────────────────────────────────────────────────────────
    AP, AR and VOC in %, as pycocotools and Pascal VOC define them; v: AP50 of an image
    over all its categories, -1 where nothing is detected
    left out, detections of no category: 1 (elephant 1)
    ");
}

#[test]
fn intervals_stand_beside_their_figures() {
    insta::assert_snapshot!(scored(&["--bootstrap", "200", "--by", "image"]), @r"
    3 images, 3 objects of 3 categories, 3 detections
    ───────────────────────────────────────────────────────
     figure                      value       95 % interval
    ═══════════════════════════════════════════════════════
     AP                          55.25      50.50 to 60.00
     AP50                        75.25     50.50 to 100.00
     AP75                        75.25
     APs                         50.50
     APm                             -
     APl                         60.00
     AR1                         55.00
     AR10                        55.00
     AR100                       55.00
     ARs                         50.00
     ARm                             -
     ARl                         60.00
     VOC, all points             75.00
     VOC, 11 points              77.27
     mAP of Armol's script       75.00
     F1 at score 0.5             40.00
     mean v                     0.1667   -1.0000 to 1.0000
     mean v, one object a box   0.1667   -1.0000 to 1.0000
    ───────────────────────────────────────────────────────
    ──────────────────────────────────────────────────────
     image   file name     AP50         v   v, one object
    ══════════════════════════════════════════════════════
     1       a.jpg        50.50    0.5000          0.5000
     2       b.jpg       100.00    1.0000          1.0000
     3       c.jpg            -   -1.0000         -1.0000
    ──────────────────────────────────────────────────────
    AP, AR and VOC in %, as pycocotools and Pascal VOC define them; v: AP50 of an image
    over all its categories, -1 where nothing is detected
    left out, detections of no category: 1 (elephant 1)
    ");
}

#[test]
fn csv_has_a_line_a_category_or_an_image() {
    insta::assert_snapshot!(scored(&["--csv"]), @r"
    category,objects,ap,ap50,ap75,ap_small,ap_medium,ap_large,ar_1,ar_10,ar_100,ar_small,ar_medium,ar_large,voc_all_points,voc_eleven_points,seed_ap
    cat,2,0.5049504950495048,0.504950495049505,0.504950495049505,0.5049504950495048,,,0.5,0.5,0.5,0.5,,,0.5,0.5454545454545454,0.5
    dog,1,0.6,1,1,,,0.6,0.6,0.6,0.6,,,0.6,1,1,1
    gnu,0,,,,,,,,,,,,,,,
    ");
    insta::assert_snapshot!(scored(&["--csv", "--by", "image"]), @r"
    image_id,file_name,ap50,v,v_one_object
    1,a.jpg,0.504950495049505,0.5,0.5
    2,b.jpg,1,1,1
    3,c.jpg,,-1,-1
    ");
}

#[test]
fn json_has_everything_as_fractions() {
    insta::assert_snapshot!(scored(&["--json", "--bootstrap", "200"]));
}

#[test]
fn wrong_files_and_numbers_exit_with_2_and_are_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), GROUND_TRUTH).unwrap();
    let score = ["score", "--ground-truth", "gt.json", "--detections"];
    let refused = |more: &[&str]| {
        let output = trainer(&[&score[..], more].concat(), folder.path());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let message = refused(&["none.json"]);
    assert!(message.starts_with("error: cannot read none.json: No such file"), "{message}");
    let message = refused(&["gt.json"]);
    assert!(message.starts_with("error: gt.json is no list of COCO results ("), "{message}");
    let message = refused(&["gt.json", "--bootstrap", "0"]);
    assert!(message.contains("takes at least 1 resample"), "{message}");
    refused(&["gt.json", "--json", "--csv"]);
    refused(&["gt.json", "--by", "colour"]);
    let message = refused(&["gt.json", "--score-threshold", "nan"]);
    assert!(message.contains("it must be a number from 0 to 1"), "{message}");
}

#[test]
fn a_table_of_words_says_where_other_words_lead() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), GROUND_TRUTH).unwrap();
    fs::write(folder.path().join("merged.json"), DETECTIONS).unwrap();
    fs::write(folder.path().join("words.json"), r#"{"dog": 1, "elephant": 1}"#).unwrap();
    let files = ["score", "--ground-truth", "gt.json", "--detections", "merged.json", "--json"];
    let output = trainer(&[&files[..], &["--label-groups", "words.json"]].concat(), folder.path());
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&scores["detections"], &scores["left_out"]), (&json!(4), &json!({})));
}

#[test]
fn help_has_an_example() {
    let output = trainer(&["score", "--help"], Path::new("."));
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Example:\n  armol-trainer score --ground-truth"), "{text}");
}

#[test]
fn real_answers_score_as_in_pycocotools_and_faster_coco_eval() {
    let Some(folder) = shared::shared_data("voc-detectors") else {
        println!("skipped: shared/data/voc-detectors is not beside the repository");
        return;
    };
    let folder = folder.join("test");
    let truth = unpacked(&folder.join("ground-truth.json.gz"));
    let categories = truth["categories"].as_array().unwrap();
    let names: Vec<String> =
        categories.iter().map(|category| category["name"].as_str().unwrap().to_owned()).collect();
    let (groups, _) = LabelGroups::for_categories(&names).unwrap();
    let detectors = ["yolox-nano-416", "yolov5n-fp16", "nanodet-m-416", "fastestdet"];
    let cases: Vec<Value> = detectors
        .iter()
        .map(|detector| {
            let answers = unpacked(&folder.join(format!("{detector}.json.gz")));
            let mut detections = Vec::new();
            for seen in answers.as_array().unwrap() {
                let group = groups.group(seen["category"].as_str().unwrap());
                let Some(category) = group.map(|group| &categories[usize::from(group.number())])
                else {
                    continue;
                };
                detections.push(json!({
                    "image_id": seen["image_id"], "category_id": category["id"],
                    "bbox": seen["bbox"], "score": seen["score"],
                }));
            }
            // pycocotools wants a field that nothing else needs.
            let mut truth = truth.clone();
            truth["info"] = json!({});
            json!({ "truth": truth, "detections": detections })
        })
        .collect();
    let Some(expected) = peers::evaluated_by_peers(cases.into_iter()) else { return };
    for (detector, expected) in detectors.iter().zip(&expected) {
        let detections = format!("{detector}.json.gz");
        let arguments = ["--ground-truth", "ground-truth.json.gz", "--detections", &detections];
        let output = trainer(&[&["score", "--json"], &arguments[..]].concat(), &folder);
        let scores: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_agreement(&scores, expected, detector);
    }
    println!("{} detectors score as in pycocotools and faster-coco-eval", detectors.len());
}

/// The twelve figures, in the order of the peers.
const FIGURES: [&str; 12] = [
    "ap",
    "ap50",
    "ap75",
    "ap_small",
    "ap_medium",
    "ap_large",
    "ar_1",
    "ar_10",
    "ar_100",
    "ar_small",
    "ar_medium",
    "ar_large",
];

fn assert_agreement(scores: &Value, expected: &Value, detector: &str) {
    let near = |figure: &Value, expected: &Value, what: &str| {
        let near = match (figure.as_f64(), expected.as_f64()) {
            (Some(figure), Some(expected)) => (figure - expected).abs() <= 1e-9,
            (figure, expected) => figure == expected,
        };
        assert!(near, "{detector}, {what}: {figure}, expected {expected}");
    };
    for (place, name) in FIGURES.into_iter().enumerate() {
        near(&scores[name], &expected["pycocotools"][place], name);
        near(&scores[name], &expected["faster-coco-eval"][place], name);
    }
    assert!(scores["ap50"].as_f64().unwrap() > 0.1);
    near(&scores["voc_all_points"], &expected["all points"], "voc_all_points");
    near(&scores["voc_eleven_points"], &expected["eleven points"], "voc_eleven_points");
    near(&scores["seed_map"], &expected["seed"], "seed_map");
    for (field, rule) in [("v", "seed"), ("v_one_object", "one-object")] {
        let values = expected["values"][rule].as_array().unwrap();
        let images = scores["images"].as_array().unwrap();
        assert_eq!(images.len(), values.len());
        for (image, value) in images.iter().zip(values) {
            near(&image[field], value, &format!("{field} of {}", image["file_name"]));
        }
    }
}

fn unpacked(path: &Path) -> Value {
    let file = File::open(path).expect("a file of the data set");
    serde_json::from_reader(GzDecoder::new(file)).expect("JSON of the data set")
}
