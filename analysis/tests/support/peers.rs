//! Other programs that tests compare with.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A Python that has packages of the Python index; `None`, with a word about it, where it cannot be had.
pub(crate) fn python_with(packages: &[&str]) -> Option<PathBuf> {
    let script = repository().join("scripts/peers");
    let made = Command::new(script).args(packages).output().expect("sh");
    if made.status.success() {
        return Some(PathBuf::from(String::from_utf8(made.stdout).unwrap().trim()));
    }
    println!("skipped: no {}: {}", packages.join(", "), String::from_utf8_lossy(&made.stderr));
    None
}

/// What pycocotools and others say of data sets, each its `truth` and its `detections`; `None`,
/// with a word about it, where the peers cannot be had.
pub(crate) fn evaluated_by_peers(cases: impl Iterator<Item = Value>) -> Option<Vec<Value>> {
    let python = python_with(&["numpy", "pycocotools", "faster-coco-eval"])?;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cases.jsonl");
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    for case in cases {
        writeln!(file, "{case}").unwrap();
    }
    file.flush().unwrap();
    let script = repository().join("analysis/tests/coco/evaluate_as_peers.py");
    let output = Command::new(python).arg(script).arg(&path).output().expect("a Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
