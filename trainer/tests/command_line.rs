//! What the program says, and with which code it exits.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::tempdir;

const GROUND_TRUTH: &str = r#"{"images": [], "annotations": [], "categories": []}"#;

fn trainer(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn standard_error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const BASELINES: [&str; 5] = ["baselines", "--db", "armol.sqlite", "--ground-truth", "gt.json"];

#[test]
fn a_missing_database_is_named_and_exits_with_2() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), GROUND_TRUTH).unwrap();
    let output = trainer(&BASELINES, folder.path());
    assert_eq!(output.status.code(), Some(2));
    let message = standard_error(&output);
    assert!(message.starts_with("error: no database at armol.sqlite"), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_malformed_ground_truth_is_named_with_its_line_and_exits_with_2() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), "{\n\"images\": 3}").unwrap();
    let output = trainer(&BASELINES, folder.path());
    assert_eq!(output.status.code(), Some(2));
    let message = standard_error(&output);
    assert!(message.contains("gt.json is no COCO instances file: "), "{message}");
    assert!(message.contains("at line 2 column"), "{message}");
}

#[test]
fn a_missing_ground_truth_is_named_and_exits_with_2() {
    let folder = tempdir().unwrap();
    let output = trainer(&BASELINES, folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(standard_error(&output).contains("cannot read gt.json: No such file"));
}

#[test]
fn a_label_table_with_a_conflict_is_named_and_exits_with_2() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("gt.json"), GROUND_TRUTH).unwrap();
    fs::write(folder.path().join("words.json"), r#"{"cat": 1, "cat": 2}"#).unwrap();
    let arguments = [&BASELINES[..], &["--label-groups", "words.json"]].concat();
    let output = trainer(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(standard_error(&output).contains(r#"words.json cannot be used: the word "cat" is in"#));
}

#[test]
fn flags_that_exclude_each_other_or_are_wrong_exit_with_2() {
    let folder = tempdir().unwrap();
    for wrong in [&["--json", "--csv"][..], &["--vote", "most"], &["--region", "a/b"]] {
        let output = trainer(&[&BASELINES[..], wrong].concat(), folder.path());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let message =
        standard_error(&trainer(&[&BASELINES[..], &["--vote", "most"]].concat(), folder.path()));
    assert!(message.contains("use affirmative, consensus or unanimous"), "{message}");
}

#[test]
fn help_has_an_example_and_version_the_shared_version() {
    let folder = tempdir().unwrap();
    let help = trainer(&["baselines", "--help"], folder.path());
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout).unwrap().contains("Example:\n  armol-trainer baselines")
    );
    let version = trainer(&["--version"], folder.path());
    let expected = format!("armol-trainer {}\n", armol_analysis::VERSION);
    assert_eq!(String::from_utf8(version.stdout).unwrap(), expected);
}
