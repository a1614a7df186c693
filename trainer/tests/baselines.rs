//! The program scores what a collector stored.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use armol_analysis::measurement::Measurement;
use serde_json::{Value, json};
use support::{measurement, store, write_ground_truth};
use tempfile::tempdir;

/// What the program says of measurements, as JSON.
fn baselines(measurements: &[Measurement], flags: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    store(&folder.path().join("armol.sqlite"), measurements);
    write_ground_truth(&folder.path().join("gt.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(["baselines", "--db", "armol.sqlite", "--ground-truth", "gt.json", "--json"])
        .args(flags)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
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
        "method": "Ensemble-N", "ap": 1.0, "ap50": 1.0, "mean_cost": 0.002, "mean_v": 1.0,
        "calls": {"aws": 1, "azure": 1},
    });
    let rows = scored["rows"].as_array().unwrap();
    assert!(rows.contains(&ensemble), "{scored}");
    let bound = json!({
        "method": "Upper Bound", "ap": 1.0, "ap50": 1.0, "mean_cost": 0.001, "mean_v": 1.0,
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
