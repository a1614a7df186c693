//! The program learns policies and shows what they bring.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "support/photographs.rs"]
mod photographs;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

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

fn refused(arguments: &[&str], folder: &Path) -> String {
    let output = trainer(arguments, folder);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
    errors
}

/// A folder with the data set `photographs`.
fn photographs() -> TempDir {
    let folder = tempdir().unwrap();
    photographs::write(folder.path());
    photographs::write_features(folder.path());
    import(folder.path(), "photographs", &["feline", "canine", "both"]);
    folder
}

fn import(folder: &Path, name: &str, providers: &[&str]) {
    let answers: Vec<String> =
        providers.iter().map(|provider| format!("{provider}={provider}.json")).collect();
    let mut command = vec!["dataset", "import", "--name", name, "--ground-truth", "gt.json"];
    command.extend(["--features", "features.npz", "--out", name]);
    if providers.contains(&"both") {
        command.extend(["--price", "both=0.002"]);
    }
    for answers in &answers {
        command.extend(["--answers", answers]);
    }
    succeed(&command, folder);
}

fn train(folder: &Path, flags: &[&str]) {
    let command = ["train", "photographs", "--out", "policy.armol"];
    succeed(&[&command[..], flags].concat(), folder);
}

fn evaluated(folder: &Path, flags: &[&str]) -> Value {
    let command = ["evaluate", "photographs", "--policy", "policy.armol", "--json"];
    let output = succeed(&[&command[..], flags].concat(), folder);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_best_fixed_set_is_learned_within_the_budget() {
    let folder = photographs();
    train(folder.path(), &["--learner", "fixed", "--budget", "2"]);
    let rich = evaluated(folder.path(), &[]);
    assert_eq!((&rich["method"], &rich["mean_cost"]), (&json!("fixed"), &json!(2.0)));
    assert_eq!((&rich["ap50"], &rich["mean_v"]), (&json!(1.0), &json!(1.0)));
    train(folder.path(), &["--learner", "fixed", "--budget", "1.5"]);
    let poor = evaluated(folder.path(), &[]);
    let calls = json!({"both": 0, "canine": 0, "feline": photographs::COUNT});
    assert_eq!((&poor["calls"], &poor["mean_cost"]), (&calls, &json!(1.0)));
    let message = refused(
        &["train", "photographs", "--learner", "fixed", "--budget", "0.5", "--out", "p.armol"],
        folder.path(),
    );
    assert!(message.contains("raise the budget"), "{message}");
    assert!(!folder.path().join("p.armol").exists());
}

#[test]
fn an_evaluation_is_written_in_every_form() {
    let folder = photographs();
    train(folder.path(), &["--learner", "fixed", "--beta", "-0.01"]);
    let files = ["--detections", "merged.json", "--choices", "choices.csv", "--plot", "plot.svg"];
    let flags = [&files[..], &["--bootstrap", "50"]].concat();
    let shown = evaluated(folder.path(), &flags);
    assert_eq!(shown["bootstrap"]["ap50"], json!({"low": 1.0, "high": 1.0}));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let choices = read("choices.csv");
    let mut lines = choices.lines();
    assert_eq!(lines.next(), Some("image_id,image,asked,cost,value"));
    assert_eq!(lines.next(), Some("0,0.jpg,feline+canine,2,1"));
    assert!(read("plot.svg").starts_with("<svg"));
    let command = ["score", "--ground-truth", "gt.json", "--detections", "merged.json", "--json"];
    let scored: Value = serde_json::from_slice(&succeed(&command, folder.path()).stdout).unwrap();
    assert_eq!(scored["ap50"], shown["ap50"], "{scored}");
    let text = |flags: &[&str]| {
        let command = ["evaluate", "photographs", "--policy", "policy.armol"];
        let output = succeed(&[&command[..], flags].concat(), folder.path());
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&[]).starts_with("TRAINING DATA: "), "{}", text(&[]));
    let csv = text(&["--csv"]);
    assert!(csv.starts_with("method,simulated,ap,ap50,mean_cost,mean_v,calls_both"), "{csv}");
}

#[test]
fn every_learner_asks_whoever_knows_the_animal() {
    let folder = photographs();
    let at = folder.path();
    // A look at the image says who knows it: one call is enough.
    train(at, &["--learner", "direct", "--beta", "-0.1"]);
    let direct = evaluated(at, &[]);
    assert_eq!((&direct["mean_cost"], &direct["mean_v"]), (&json!(1.0), &json!(1.0)));
    // What feline says, or does not say, tells too, but has to be asked.
    for learner in ["cascade", "sequential"] {
        let pair = ["--providers", "feline,canine", "--beta", "-0.1"];
        train(at, &[&["--learner", learner][..], &pair].concat());
        let shown = evaluated(at, &[]);
        assert_eq!(shown["mean_v"], json!(1.0), "{learner}: {shown}");
        assert_eq!(shown["mean_cost"], json!(1.5), "{learner}: {shown}");
    }
}

#[test]
fn a_state_of_answers_is_paid_for() {
    let folder = photographs();
    let state = ["--state", "answer", "--answer-of", "feline", "--beta", "-0.1"];
    train(folder.path(), &[&["--learner", "direct"][..], &state].concat());
    let shown = evaluated(folder.path(), &["--choices", "choices.csv"]);
    assert_eq!((&shown["mean_cost"], &shown["mean_v"]), (&json!(1.5), &json!(1.0)), "{shown}");
    let choices = fs::read_to_string(folder.path().join("choices.csv")).unwrap();
    assert!(choices.contains("0.jpg,feline,1,1\n1,1.jpg,feline>canine,2,1\n"), "{choices}");
}

/// Begins a training, and lets it go on until a line of this beginning.
fn begun(folder: &Path, flags: &[&str], until: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(flags)
        .current_dir(folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with(until)), "{until} never came");
    child
}

#[test]
fn a_training_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let folder = photographs();
    let at = folder.path();
    let flags =
        ["train", "photographs", "--learner", "ppo", "--steps", "16000", "--components", "0"];
    let out = |name| [&flags[..], &["--out", name]].concat();
    succeed(&out("whole.armol"), at);
    let read = |name: &str| fs::read_to_string(at.join(name)).unwrap();
    let log = read("whole.armol.log.jsonl");
    assert_eq!(log.lines().count(), 4);
    let line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!((&line["epoch"], &line["steps"]), (&json!(1), &json!(4000)));
    assert!(line["validation"]["mean_v"].is_number() && line["mean_reward"].is_number(), "{line}");

    let mut killed = begun(at, &out("killed.armol"), "epoch 2,");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(at.join("killed.armol.checkpoint").exists() && !at.join("killed.armol").exists());
    assert!(refused(&out("killed.armol"), at).contains("go on from it with --resume"));
    let resume = |name| [&out(name)[..], &["--resume"]].concat();
    let other = [&resume("killed.armol")[..], &["--seed", "2"]].concat();
    assert!(refused(&other, at).contains("of other data or other options"));
    succeed(&resume("killed.armol"), at);

    let mut interrupted = begun(at, &out("interrupted.armol"), "epoch 1,");
    let pid = interrupted.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(interrupted.wait().unwrap().code(), Some(1));
    succeed(&resume("interrupted.armol"), at);
    for name in ["killed.armol", "interrupted.armol"] {
        assert_eq!(read(name), read("whole.armol"), "{name}");
        assert_eq!(read(&format!("{name}.log.jsonl")), log, "{name}");
        assert!(!at.join(format!("{name}.checkpoint")).exists());
    }
    assert!(refused(&resume("whole.armol"), at).contains("no checkpoint"));
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let folder = photographs();
    let learn = |flags: &[&str]| {
        let command = ["train", "photographs", "--out", "policy.armol", "--learner"];
        refused(&[&command[..], flags].concat(), folder.path())
    };
    for (flags, message) in [
        (&["sac", "--budget", "1"][..], "meets no --budget"),
        (&["sequential", "--state", "answer"], "give it --state nothing or features"),
        (&["direct", "--resume"], "keeps no checkpoint"),
        (&["direct", "--validation-share", "1"], "lower it"),
        (&["direct", "--validation-share", "0", "--budget", "1"], "raise --validation-share"),
        (&["direct", "--beta", "0.1"], "not above 0"),
        (&["direct", "--features", "nothing"], "it has features"),
        (&["direct", "--providers", "nobody"], "has no provider nobody"),
        (&["direct", "--merge", "best"], "unknown way to merge"),
        (&["sac", "--published", "--beta", "-1"], "cannot be used with"),
    ] {
        assert!(learn(flags).contains(message), "{flags:?}: {}", learn(flags));
    }
    assert!(!folder.path().join("policy.armol").exists());
}

#[test]
fn what_a_policy_does_not_fit_is_refused() {
    let folder = photographs();
    let at = folder.path();
    train(at, &["--learner", "fixed", "--providers", "feline,canine"]);
    import(at, "alone", &["feline"]);
    let evaluate = |dataset: &str, policy: &str, flags: &[&str]| {
        refused(&[&["evaluate", dataset, "--policy", policy][..], flags].concat(), at)
    };
    let message = evaluate("alone", "policy.armol", &[]);
    assert!(message.contains("the data set has no provider canine; it has feline"), "{message}");
    fs::write(at.join("words.json"), r#"{"cat": 15, "dog": 16, "puppy": 16}"#).unwrap();
    let message = evaluate("photographs", "policy.armol", &["--label-groups", "words.json"]);
    assert!(message.contains("another table of words"), "{message}");
    let truth = fs::read_to_string(at.join("gt.json")).unwrap();
    fs::write(at.join("gt.json"), truth.replace("\"dog\"", "\"cow\"")).unwrap();
    import(at, "cows", &["feline", "canine"]);
    let message = evaluate("cows", "policy.armol", &[]);
    assert!(message.contains("categories are not those of the data set cows"), "{message}");
    let text = fs::read_to_string(at.join("policy.armol")).unwrap();
    fs::write(at.join("damaged.armol"), text.replace("feline", "ursine")).unwrap();
    assert!(evaluate("photographs", "damaged.armol", &[]).contains("is damaged"));
    assert!(evaluate("photographs", "gt.json", &[]).contains("is no policy"));
    assert!(evaluate("photographs", "nowhere.armol", &[]).contains("cannot read policy"));
    assert!(evaluate("nowhere", "policy.armol", &[]).contains("make one with dataset import"));
}

#[test]
fn an_explanation_says_what_was_asked_and_why() {
    let folder = photographs();
    let pair = ["--providers", "feline,canine", "--beta", "-0.1"];
    train(folder.path(), &[&["--learner", "sequential"][..], &pair].concat());
    let explain = |flags: &[&str]| {
        let command = ["explain", "--policy", "policy.armol"];
        let output = succeed(&[&command[..], flags].concat(), folder.path());
        String::from_utf8(output.stdout).unwrap()
    };
    let cat = explain(&["photographs", "--image", "2.jpg"]);
    assert!(cat.contains("step 1\n") && cat.contains("asks feline for 1.000"), "{cat}");
    assert!(cat.contains("feline: cat 0.90"), "{cat}");
    assert!(cat.contains("asks nobody: nothing else is worth what it costs"), "{cat}");
    let dog: Value =
        serde_json::from_str(&explain(&["photographs", "--image", "3", "--json"])).unwrap();
    assert_eq!(dog["steps"][1]["asked"], json!(["canine"]), "{dog}");
    assert!(dog["steps"][1]["worths"][0]["worth"].as_f64().unwrap() > 0.0, "{dog}");
    assert_eq!((&dog["stopped"], &dog["value"]), (&json!("everyone was asked"), &json!(1.0)));
    let policy = explain(&[]);
    assert!(policy.contains("learner     sequential") && policy.contains("canine"), "{policy}");
    let policy: Value = serde_json::from_str(&explain(&["--json"])).unwrap();
    assert_eq!(policy["training"]["images"], json!(photographs::COUNT));
    let nobody = ["explain", "--policy", "policy.armol", "photographs", "--image", "none.jpg"];
    assert!(refused(&nobody, folder.path()).contains("has no image none.jpg"));
}

#[test]
fn quotas_are_kept_by_asking_others() {
    let folder = photographs();
    let train_direct = |flags: &[&str]| {
        train(folder.path(), &[&["--learner", "direct", "--beta", "-0.1"][..], flags].concat());
        evaluated(folder.path(), &[])["calls"].clone()
    };
    assert_eq!(train_direct(&[])["feline"], json!(photographs::COUNT / 2));
    let calls = train_direct(&["--quota", "feline=10", "--images-a-day", "100"]);
    assert!(calls["feline"].as_u64().unwrap() <= photographs::COUNT / 10, "{calls}");
    assert!(calls["both"].as_u64().unwrap() > 0, "{calls}");
    let refused = |flags: &[&str]| {
        let command = ["train", "photographs", "--out", "p.armol", "--learner"];
        refused(&[&command[..], flags].concat(), folder.path())
    };
    let day = ["--images-a-day", "10"];
    let message = refused(&[&["direct", "--quota", "nobody=1"][..], &day].concat());
    assert!(message.contains("for no provider"), "{message}");
    assert!(refused(&["direct", "--quota", "feline=1"]).contains("--images-a-day"));
    assert!(refused(&[&["sac", "--quota", "feline=1"][..], &day].concat()).contains("no --quota"));
    let message = refused(&["direct", "--max-latency", "1"]);
    assert!(message.contains("holds no timed call of feline"), "{message}");
}
