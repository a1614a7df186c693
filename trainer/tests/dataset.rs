//! Data sets from the command line: in every form, from a collector, checked and shown.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use support::{measurement, store, write_ground_truth};
use tempfile::{TempDir, tempdir};

fn trainer(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .arg("dataset")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn succeed(arguments: &[&str], folder: &Path) -> String {
    let output = trainer(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}", standard_error(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn standard_error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with a ground truth of two images and two providers' answers.
fn sources() -> TempDir {
    let folder = tempdir().unwrap();
    let truth = json!({
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 256, "height": 128},
            {"id": 9, "file_name": "b.jpg", "width": 64, "height": 64},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [8, 8, 40, 40], "iscrowd": 0},
        ],
        "categories": [{"id": 3, "name": "sofa"}, {"id": 5, "name": "cat"}],
    });
    let yolox = json!([
        {"image_id": 1, "category": "couch", "bbox": [8, 8, 40, 36], "score": 0.5},
        {"image_id": 1, "category": "elephant", "bbox": [0, 0, 4, 4], "score": 0.25},
    ]);
    let aws = json!([
        {"image_id": "b.jpg", "category_id": 5, "bbox": [0, 0, 32, 32], "score": 0.75},
    ]);
    for (name, content) in [("gt.json", truth), ("yolox.json", yolox), ("aws.json", aws)] {
        fs::write(folder.path().join(name), content.to_string()).unwrap();
    }
    folder
}

const IMPORT: [&str; 11] = [
    "import",
    "--name",
    "set",
    "--ground-truth",
    "gt.json",
    "--answers",
    "yolox=yolox.json",
    "--answers",
    "aws=aws.json",
    "--price",
    "aws=0.0015",
];

fn import(folder: &Path, out: &str) -> String {
    succeed(&[&IMPORT[..], &["--out", out]].concat(), folder)
}

#[test]
fn an_import_says_what_is_in_it_and_what_is_left_out() {
    let folder = sources();
    insta::assert_snapshot!(import(folder.path(), "set"));
    assert_eq!(succeed(&["check", "set"], folder.path()), "set: ok\n");
    let shown: Value =
        serde_json::from_str(&succeed(&["show", "set", "--json"], folder.path())).unwrap();
    assert_eq!(shown["answered"], json!([2, 2]));
    assert_eq!(shown["dropped_words"], json!([{"word": "elephant", "count": 1}]));
    assert_eq!(shown["providers"][1]["price_microusd"], json!(1500));
    assert_eq!(shown["sources"][1]["role"], json!("answers of yolox"));
}

#[test]
fn every_form_comes_back_as_it_went() {
    let folder = sources();
    import(folder.path(), "set");
    let beside = |form: &str| -> Vec<String> {
        let file = |name: &str| format!("{form}/{name}");
        let categories = ["--categories".to_owned(), file("categories.txt")];
        match form {
            "armol" => [&categories[..], &["--ranks".to_owned(), file("ranks.json")]].concat(),
            "yolo" => [&categories[..], &["--sizes".to_owned(), file("sizes.json")]].concat(),
            "coco" | "voc" => Vec::new(),
            _ => categories.to_vec(),
        }
    };
    for (form, ending) in [("coco", ".json"), ("armol", ""), ("yolo", ""), ("lines", ".txt")] {
        succeed(&["export", "set", "--format", form, "--out", form], folder.path());
        let truth = format!("{form}/ground-truth{ending}");
        let answers = ["yolox", "aws"].map(|name| format!("{name}={form}:{form}/{name}{ending}"));
        let beside = beside(form);
        let mut arguments = vec!["import", "--name", "again", "--ground-truth", &truth];
        arguments.extend(answers.iter().flat_map(|answers| ["--answers", answers]));
        arguments.extend(beside.iter().map(String::as_str));
        let out = format!("{form}-set");
        succeed(&[&arguments[..], &["--out", &out]].concat(), folder.path());
        let again = format!("{form}-again");
        succeed(&["export", &out, "--format", form, "--out", &again], folder.path());
        let difference = Command::new("diff")
            .args(["-r", form, &again])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let difference = String::from_utf8_lossy(&difference.stdout).into_owned();
        assert_eq!(difference, "", "{form}");
    }
}

#[test]
fn an_export_that_fails_half_way_leaves_nothing() {
    let folder = sources();
    let path = folder.path().join("gt.json");
    let truth = fs::read_to_string(&path).unwrap();
    fs::write(&path, truth.replace("b.jpg", "x/a.png")).unwrap();
    let aws = json!([{"image_id": 9, "category_id": 5, "bbox": [0, 0, 32, 32], "score": 0.75}]);
    fs::write(folder.path().join("aws.json"), aws.to_string()).unwrap();
    import(folder.path(), "set");
    let entries = || fs::read_dir(folder.path()).unwrap().count();
    let before = entries();
    for form in ["voc", "yolo"] {
        let output = trainer(&["export", "set", "--format", form, "--out", "x"], folder.path());
        assert_eq!(output.status.code(), Some(2));
        let error = standard_error(&output);
        assert!(error.contains(r#"image "x/a.png" cannot be written in this format"#), "{error}");
        assert_eq!(entries(), before, "{form}");
    }
}

#[test]
fn a_damaged_data_set_exits_with_1_and_each_problem() {
    let folder = sources();
    import(folder.path(), "set");
    fs::write(folder.path().join("set/objects.parquet"), "PAR1").unwrap();
    let output = trainer(&["check", "set"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let problems = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(problems.starts_with("set: objects.parquet has 4 bytes, the manifest"), "{problems}");
    assert!(standard_error(&output).contains("error: 1 problem;"));
}

#[test]
fn wrong_use_exits_with_2_and_says_what_to_do() {
    let folder = sources();
    import(folder.path(), "set");
    let with = |more: &[&'static str]| [&IMPORT[..], more].concat();
    for (arguments, message) in [
        (with(&["--out", "set"]), "set is there already"),
        (with(&["--out", "x", "--price", "gcp=1"]), "--price is about gcp"),
        (with(&["--out", "x", "--answers", "aws=aws.json"]), "two sources of answers are called"),
        (with(&["--out", "x", "--answers", "gcp=gt.json"]), "gt.json is no list of COCO results"),
        (with(&["--out", "x", "--features", "gt.json"]), "features gt.json is no NumPy archive"),
        (vec!["show", "x"], "x is no data set"),
        (vec!["export", "set", "--format", "coco", "--out", "set"], "set is there already"),
        (vec!["export", "set", "--format", "xml", "--out", "x"], "use coco, armol, voc"),
    ] {
        let output = trainer(&arguments, folder.path());
        let error = standard_error(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{error}");
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
fn what_a_collector_stored_becomes_a_data_set_with_its_calls() {
    let folder = tempdir().unwrap();
    let measurements = [
        measurement("us", "aws", 0, &[("Cat", 0.9), ("Mammal", 0.9)]),
        measurement("us", "aws", 1, &[("Cat", 0.8)]),
        measurement("us", "azure", 2, &[("dog", 0.8)]),
        measurement("hk", "azure", 3, &[]),
    ];
    store(&folder.path().join("armol.sqlite"), &measurements);
    write_ground_truth(&folder.path().join("gt.json"));
    let arguments = ["from-collector", "--db", "armol.sqlite", "--ground-truth", "gt.json"];
    let flags = ["--region", "us", "--until", "2100-01-01T00:00:00Z", "--out", "week"];
    let said = succeed(&[&arguments[..], &flags].concat(), folder.path());
    assert!(said.starts_with("SIMULATED: "), "{said}");
    assert!(said.contains("week: 1 images, 2 categories, 1 true"), "{said}");
    assert!(said.contains("2 answers, 2 detections, 3 stored calls"), "{said}");
    assert_eq!(succeed(&["check", "week"], folder.path()), "week: ok\n");

    let before = ["--until", "2021-01-01T00:00:00Z", "--out", "empty"];
    let output = trainer(&[&arguments[..], &before].concat(), folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(standard_error(&output).contains("there is no stored answer to score"));
}
