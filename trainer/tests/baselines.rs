//! The program scores what a collector stored, and data sets.
//!
//! What needs `shared/data` is skipped without it, with a word about it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../analysis/tests/support/shared.rs"]
mod shared;
mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use armol_analysis::measurement::Measurement;
use serde_json::{Value, json};
use support::{measurement, store, write_ground_truth};
use tempfile::tempdir;

/// What the program says of measurements, as JSON.
fn baselines(measurements: &[Measurement], flags: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    store(&folder.path().join("armol.sqlite"), measurements);
    write_ground_truth(&folder.path().join("gt.json"));
    let command = ["baselines", "--db", "armol.sqlite", "--ground-truth", "gt.json", "--json"];
    let output = succeed(&[&command[..], flags].concat(), folder.path());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn scores_what_a_collector_stored() {
    let aws = measurement("us", "aws", 0, &[("Cat", 0.9), ("Mammal", 0.9)]);
    let azure = measurement("us", "azure", 1, &[("dog", 0.8)]);
    let scored = baselines(&[aws, azure], &[]);
    assert_eq!(scored["simulated"], json!(true));
    assert_eq!(scored["dropped_words"], json!([{"word": "Mammal", "count": 1}]));
    let ensemble = json!({
        "method": "Ensemble-N", "ap": 1.0, "ap50": 1.0, "mean_cost": 2.0, "mean_v": 1.0,
        "calls": {"aws": 1, "azure": 1},
    });
    let rows = scored["rows"].as_array().unwrap();
    assert!(rows.contains(&ensemble), "{scored}");
    let bound = json!({
        "method": "Upper Bound", "ap": 1.0, "ap50": 1.0, "mean_cost": 1.0, "mean_v": 1.0,
        "calls": {"aws": 1, "azure": 0},
    });
    assert!(rows.contains(&bound), "{scored}");
}

#[test]
fn the_newest_good_answer_of_the_region_counts() {
    let measurements = [
        measurement("us", "aws", 0, &[("Cat", 0.9)]),
        measurement("us", "aws", 1, &[]),
        measurement("hk", "aws", 2, &[("Cat", 0.9)]),
    ];
    for (flags, value) in [(&["--region", "us"][..], -1.0), (&["--region", "hk"], 1.0), (&[], 1.0)]
    {
        assert_eq!(baselines(&measurements, flags)["rows"][0]["mean_v"], json!(value), "{flags:?}");
    }
}

fn trainer(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn succeed(arguments: &[&str], folder: &Path) -> Output {
    let output = trainer(arguments, folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output
}

/// Imports a data set of two images and two providers, who find one of two objects each.
fn import_pair(folder: &Path, name: &str, categories: [&str; 2]) {
    let object = |id, category| json!({"id": id, "image_id": id, "category_id": category, "bbox": [8, 8, 40, 40], "iscrowd": 0});
    let truth = json!({
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 64, "height": 64},
            {"id": 2, "file_name": "b.jpg", "width": 64, "height": 64},
        ],
        "annotations": [object(1, 1), object(2, 2)],
        "categories": [{"id": 1, "name": categories[0]}, {"id": 2, "name": categories[1]}],
    });
    let seen = |id, category| json!([{"image_id": id, "category_id": category, "bbox": [8, 8, 40, 40], "score": 0.5}]);
    fs::write(folder.join("gt.json"), truth.to_string()).unwrap();
    fs::write(folder.join("one.json"), seen(1, 1).to_string()).unwrap();
    fs::write(folder.join("two.json"), seen(2, 2).to_string()).unwrap();
    let import = ["dataset", "import", "--name", name, "--ground-truth", "gt.json"];
    let answers = ["--answers", "one=one.json", "--answers", "two=two.json", "--out", name];
    succeed(&[&import[..], &answers].concat(), folder);
}

#[test]
fn a_second_run_judges_nothing_and_says_the_same() {
    let folder = tempdir().unwrap();
    import_pair(folder.path(), "pair", ["cat", "dog"]);
    let run = |flags: &[&str]| {
        let output = succeed(&[&["baselines", "pair", "--json"], flags].concat(), folder.path());
        let judged = String::from_utf8_lossy(&output.stderr).contains("judged 2 images");
        (judged, String::from_utf8(output.stdout).unwrap())
    };
    let (judged, fresh) = run(&["--no-cache"]);
    assert!(judged && !folder.path().join("pair/cache").exists());
    assert_eq!(run(&[]), (true, fresh.clone()));
    assert_eq!(run(&[]), (false, fresh.clone()));
    assert_eq!(run(&["--no-cache"]), (true, fresh));
    assert!(run(&["--merge", "nms"]).0);
    succeed(&["dataset", "check", "pair"], folder.path());
    succeed(&["dataset", "export", "pair", "--format", "coco", "--out", "out"], folder.path());
    assert!(!folder.path().join("out/cache").exists());
}

#[test]
fn a_data_set_is_scored_in_every_form() {
    let folder = tempdir().unwrap();
    import_pair(folder.path(), "pair", ["cat", "dog"]);
    let flags = ["--providers", "two,one", "--subsets", "2", "--beta", "-0.1", "--budget", "1"];
    let weights = ["--weight", "one=2", "--iou-threshold", "0.6", "--score-threshold", "0.1"];
    let command =
        [&["baselines", "pair", "--json", "--plot", "plot.svg"][..], &flags, &weights].concat();
    let output = succeed(&command, folder.path());
    let scored: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&scored["dataset"], &scored["merge"]), (&json!("pair"), &json!("wbf")));
    let methods: Vec<_> =
        scored["rows"].as_array().unwrap().iter().map(|row| &row["method"]).collect();
    let expected = [
        "two",
        "one",
        "Random-1",
        "Random-N",
        "Ensemble-N",
        "two+one",
        "Best of 1",
        "Best at budget",
        "Upper Bound",
        "Upper Bound v+bc",
        "Upper Bound at budget",
    ];
    assert_eq!(methods, expected);
    assert_eq!(scored["rows"][5]["providers"], json!(["two", "one"]));
    assert_eq!(scored["rows"][10]["mean_v_bound"], json!(1.0));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("judged 2 images x 3 subsets in"), "{errors}");
    let plot = fs::read_to_string(folder.path().join("plot.svg")).unwrap();
    assert!(plot.starts_with("<svg") && plot.contains("best fixed set of each size"), "{plot}");
}

#[test]
fn wrong_use_says_what_to_do() {
    let folder = tempdir().unwrap();
    import_pair(folder.path(), "pair", ["cat", "dog"]);
    import_pair(folder.path(), "other", ["cow", "dog"]);
    let cases = [
        (&[][..], "<DIR|--db <FILE>>"),
        (&["pair", "--db", "armol.sqlite"], "cannot be used with"),
        (&["nowhere"], "make one with dataset import"),
        (&["pair", "--providers", "three"], "it has one, two"),
        (&["pair", "--merge", "best"], "unknown way to merge"),
        (&["pair", "--merge", "calibrated"], "name one with --calibrate-on"),
        (&["pair", "--calibrate-on", "pair"], "goes with --merge calibrated only"),
        (&["pair", "--merge", "calibrated", "--calibrate-on", "other"], "other categories"),
        (&["pair", "--weight", "three=2"], "use the name of one that is"),
        (&["pair", "--weight", "one=0"], "must be a finite number above 0"),
        (&["pair", "--iou-threshold", "2"], "must be a number from 0 to 1"),
        (&["pair", "--beta", "0.1"], "not above 0"),
        (&["pair", "--budget", "0.1"], "raise the budget"),
    ];
    for (flags, message) in cases {
        let output = trainer(&[&["baselines"][..], flags].concat(), folder.path());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {errors}");
        assert!(errors.contains(message), "{flags:?}: {errors}");
    }
}

/// Imports a list of labels: what is in two images, and what two providers name.
fn import_labels(folder: &Path, list: &Path, categories: &Path, providers: &[&str]) {
    let answers: Vec<String> =
        providers.iter().map(|name| format!("{name}={}", list.display())).collect();
    let mut import = vec!["dataset", "import", "--name", "labels", "--out", "labels"];
    import.extend(["--ground-truth", list.to_str().unwrap()]);
    import.extend(["--categories", categories.to_str().unwrap()]);
    for answers in &answers {
        import.extend(["--answers", answers]);
    }
    succeed(&import, folder);
}

/// What the program says of a list of labels with true boxes, of which the answers have none.
fn scored_labels(flags: &[&str]) -> Output {
    let folder = tempdir().unwrap();
    let (list, categories) = (folder.path().join("list.jsonl"), folder.path().join("names.json"));
    let lines = [
        json!({"id": "a", "true": [0], "gt_boxes": [[0, 1, 1, 9, 9]],
            "pred": {"one": [[0, 0.75], [1, 0.5]], "two": [[0, 0.25]]}}),
        json!({"id": "b", "true": [1, 2], "pred": {"one": [[1, 1.0]], "two": []}}),
    ];
    fs::write(&list, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let prices = json!({"one": 10.0, "two": 20.0});
    let names = json!({"classes": ["cat", "dog", "cow"], "price_usd_per_10k": prices});
    fs::write(&categories, names.to_string()).unwrap();
    import_labels(folder.path(), &list, &categories, &["one", "two"]);
    trainer(&[&["baselines", "labels"][..], flags].concat(), folder.path())
}

#[test]
fn label_sets_are_scored_by_what_is_named() {
    let output = scored_labels(&["--json", "--subsets", "2"]);
    let scored: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = ["measure", "merge", "value"].map(|field| scored[field].as_str().unwrap());
    assert_eq!(said, ["labels", "mean-wbf", "jaccard"]);
    let both = json!({
        "method": "one+two", "ap": null, "ap50": null, "jaccard": 0.5, "f1": 2.0 / 3.0,
        "mean_cost": 3.0, "mean_v": 0.5, "calls": {"one": 2, "two": 2},
        "providers": ["one", "two"],
    });
    assert!(scored["rows"].as_array().unwrap().contains(&both), "{scored}");
    let csv = String::from_utf8(scored_labels(&["--csv"]).stdout).unwrap();
    // Two labels are right, one is wrong and one missed.
    assert!(csv.contains("\none,false,,,1,0.5,0.5,0.6666666666666666,2,0\n"), "{csv}");
    let table = String::from_utf8(scored_labels(&[]).stdout).unwrap();
    assert!(table.contains(" Jaccard      F1 "), "{table}");
}

#[test]
fn calibrated_labels_are_those_that_are_likelier_there_than_not() {
    let flags = ["--json", "--merge", "calibrated", "--calibrate-on", "labels"];
    let output = scored_labels(&flags);
    let scored: Value = serde_json::from_slice(&output.stdout).expect("a model of three labels");
    assert_eq!(scored["merge"], json!("calibrated"));
    let all: Value = serde_json::from_slice(
        &scored_labels(&[&flags[..], &["--merged-threshold", "0"]].concat()).stdout,
    )
    .unwrap();
    let jaccard = |document: &Value| document["rows"][4]["jaccard"].as_f64().unwrap();
    assert!(jaccard(&scored) > jaccard(&all), "{scored}");
}

#[test]
fn a_threshold_leaves_out_labels_of_a_low_mean_score() {
    let flags = ["--json", "--merged-threshold", "0.51", "--vote", "consensus"];
    let scored: Value = serde_json::from_slice(&scored_labels(&flags).stdout).unwrap();
    let row = |place: usize| &scored["rows"][place];
    // The cat has a mean of 0.5, the dog one voice of two.
    assert_eq!((&row(4)["method"], &row(4)["jaccard"]), (&json!("Ensemble-N"), &json!(0.0)));
    assert_eq!((&row(0)["method"], &row(0)["jaccard"]), (&json!("one"), &json!(0.75)));
}

#[test]
fn what_only_boxes_have_is_refused_of_labels() {
    for (flags, message) in [
        (["--merge", "nms"], "merge them by mean-wbf or calibrated"),
        (["--iou-threshold", "0.5"], "--iou-threshold is for boxes"),
        (["--value", "seed"], "--value is for boxes"),
        (["--score-by", "words"], "use boxes or labels"),
    ] {
        let output = scored_labels(&flags);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {errors}");
        assert!(errors.contains(message), "{flags:?}: {errors}");
    }
}

#[test]
fn real_labels_give_the_figures_of_an_independent_script() {
    let Some(source) = shared::shared_data("frugalmct-pascal") else {
        println!("skipped: shared/data/frugalmct-pascal is not beside the repository");
        return;
    };
    let folder = tempdir().unwrap();
    let (list, categories) = (source.join("pascal_mlaas.jsonl.gz"), source.join("meta.json"));
    import_labels(folder.path(), &list, &categories, &["google", "microsoft", "everypixel"]);
    let assert_figures = |flags: &[&str], expected: &[(&str, &str)]| {
        let command = [&["baselines", "labels", "--json", "--subsets", "2"][..], flags].concat();
        let output = succeed(&command, folder.path());
        let scored: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = scored["rows"].as_array().unwrap();
        for (method, expected) in expected {
            let row = rows.iter().find(|row| row["method"] == *method).expect(method);
            let [jaccard, f1, cost] =
                ["jaccard", "f1", "mean_cost"].map(|name| row[name].as_f64().unwrap());
            let figures = format!("{jaccard:.4} {f1:.4} {cost:.3}");
            assert_eq!(figures, *expected, "{flags:?} {method}");
        }
    };
    let plain = [
        ("google", "0.5449 0.6195 1.500"),
        ("microsoft", "0.7482 0.7881 1.000"),
        ("everypixel", "0.6789 0.7591 0.600"),
        ("Best of 2", "0.7569 0.7977 1.600"),
        ("Ensemble-N", "0.7475 0.7895 3.100"),
        ("Upper Bound", "0.8570 0.8787 0.746"),
    ];
    assert_figures(&[], &plain);
    let sure = [("Ensemble-N", "0.7570 0.7949 3.100"), ("everypixel", "0.6065 0.7066 0.600")];
    assert_figures(&["--score-threshold", "0.5"], &sure);
    let agreed = [
        ("microsoft+everypixel", "0.6526 0.7377 1.600"),
        ("Ensemble-N", "0.7510 0.7934 3.100"),
        ("Upper Bound", "0.8346 0.8641 0.766"),
    ];
    assert_figures(&["--vote", "consensus", "--merged-threshold", "0.5"], &agreed);
}

const DETECTORS: [&str; 3] = ["yolox-nano-416", "yolov5n-fp16", "nanodet-m-416"];

/// Imports a part of the photographs of Pascal VOC with the answers of three detectors.
fn import_detectors(source: &Path, out: &Path) {
    let answers = DETECTORS.map(|name| format!("{name}={name}.json.gz"));
    let mut import = vec!["dataset", "import", "--name", "voc"];
    import.extend(["--ground-truth", "ground-truth.json.gz", "--out", out.to_str().unwrap()]);
    for answers in &answers {
        import.extend(["--answers", answers]);
    }
    succeed(&import, source);
}

/// AP50 in %, cost in 1e-3 USD and v of a method, rounded as figures are published.
fn figures(scored: &Value, method: &str) -> String {
    let rows = scored["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["method"] == method).expect(method);
    let number = |name: &str| row[name].as_f64().unwrap();
    format!("{:.2} {:.3} {:.4}", number("ap50") * 100.0, number("mean_cost"), number("mean_v"))
}

#[test]
fn real_answers_give_the_figures_of_an_independent_script() {
    let Some(source) = shared::shared_data("voc-detectors") else {
        println!("skipped: shared/data/voc-detectors is not beside the repository");
        return;
    };
    let folder = tempdir().unwrap();
    import_detectors(&source.join("test"), &folder.path().join("voc"));
    let scored = |flags: &[&str]| -> Value {
        let providers = DETECTORS.join(",");
        let command = ["baselines", "voc", "--json", "--providers", &providers];
        let output = succeed(&[&command[..], flags].concat(), folder.path());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    // The script did not know these words of detectors as categories of Pascal's.
    let mut flags = vec!["--merge", "seed-wbf"];
    for word in ["aeroplane", "motorbike", "sofa", "tvmonitor"] {
        flags.extend(["--drop-word", word]);
    }
    let as_published = scored(&flags);
    let expected = [
        ("yolox-nano-416", "40.03 1.000 0.7094"),
        ("yolov5n-fp16", "38.11 1.000 0.4648"),
        ("nanodet-m-416", "40.17 1.000 0.7469"),
        ("Ensemble-N", "49.71 3.000 0.8122"),
        ("Upper Bound", "54.64 1.035 0.8650"),
    ];
    for (method, expected) in expected {
        assert_eq!(figures(&as_published, method), expected, "{method}");
    }
    let with_every_word = scored(&["--merge", "seed-wbf"]);
    assert!(figures(&with_every_word, "Ensemble-N").starts_with("62.60 3.000 "));
    import_detectors(&source.join("train"), &folder.path().join("train"));
    let calibrated = scored(&["--merge", "calibrated", "--calibrate-on", "train"]);
    for method in ["Ensemble-N", "Best of 2"] {
        let (one, other) = (figures(&calibrated, method), figures(&with_every_word, method));
        assert!(one > other, "{method}: {one} calibrated, {other} as the seed");
    }
}
