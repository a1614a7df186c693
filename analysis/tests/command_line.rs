//! The program as people run it: exit codes, what is on which output, packed and piped captures.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use armol_analysis::testing::{CaptureFormat, CaptureWriter, Connection, client, server};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_armol-analysis");

fn capture() -> Vec<u8> {
    let frames = Connection::ipv4().frames(&[
        client(0).syn(),
        server(40_000).syn().acknowledges(0),
        client(40_100).data(0..1000).acknowledges(0),
    ]);
    let mut writer = CaptureWriter::new(CaptureFormat::Pcapng, false, 1);
    writer.frames(&frames);
    writer.bytes().to_vec()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A folder with one file.
fn folder(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn info(arguments: &[&Path]) -> Output {
    Command::new(PROGRAM).arg("info").args(arguments).output().unwrap()
}

/// The lines of JSON on standard output.
fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn errors(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_folder_of_packed_captures_is_read_in_the_order_of_names() {
    let (folder, _) = folder("b.cap.gz", &gzip(&capture()));
    fs::write(folder.path().join("a.pcap.zst"), zstd::encode_all(&capture()[..], 1).unwrap())
        .unwrap();
    fs::write(folder.path().join("c.pcapng"), capture()).unwrap();
    let output = info(&[folder.path(), Path::new("--json")]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let lines = lines(&output);
    let names: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() == 3, "{names:?}");
    for line in lines {
        assert_eq!((&line["packets"], &line["damage"]), (&Value::from(3), &Value::Null));
        assert_eq!(
            line["last_ns"].as_i64().unwrap() - line["first_ns"].as_i64().unwrap(),
            40_100_000
        );
    }
}

#[test]
fn names_tell_time_and_route() {
    let folder = tempfile::tempdir().unwrap();
    let route = folder.path().join("us2sg");
    fs::create_dir(&route).unwrap();
    fs::write(route.join("20210508_010101.cap"), capture()).unwrap();
    let line = lines(&info(&[folder.path(), Path::new("--json")])).remove(0);
    assert_eq!((&line["route"], &line["series"]), (&Value::from("us-sg"), &Value::Null));
    assert_eq!(line["begun"], "2021-05-08T01:01:01");
}

#[test]
fn a_cut_capture_is_shown_as_far_as_it_is_whole() {
    let whole = capture();
    let (_folder, path) = folder("cut.cap", &whole[..whole.len() - 1]);
    let output = info(&[&path, Path::new("--json")]);
    assert_eq!(output.status.code(), Some(1));
    let line = lines(&output).remove(0);
    assert_eq!(line["packets"], 2);
    assert_eq!(line["damage"]["reason"], "the file is cut inside a record");
    assert!(errors(&output).contains("cut.cap is damaged: read up to byte"), "{}", errors(&output));
}

#[test]
fn a_packed_capture_that_is_cut_is_shown_as_far_as_it_can_be_unpacked() {
    let packed = gzip(&capture());
    let (_folder, path) = folder("cut.cap.gz", &packed[..packed.len() - 10]);
    let output = info(&[&path, Path::new("--json")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output).remove(0)["damage"]["unread_bytes"], Value::Null);
}

#[test]
fn what_is_no_capture_is_named_and_the_others_are_shown() {
    let (folder, text) = folder("notes.txt", b"nothing to see");
    let good = folder.path().join("good.cap");
    fs::write(&good, capture()).unwrap();
    let output = info(&[&text, &good]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("notes.txt cannot be used: it looks like text"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("good.cap"));
}

#[test]
fn a_file_that_is_not_there_is_wrong_use() {
    let output = info(&[Path::new("/no/such/file.cap")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).starts_with("error: cannot use /no/such/file.cap: "));
    assert!(output.stdout.is_empty());
}

#[test]
fn standard_input_is_a_capture_too() {
    let mut program = Command::new(PROGRAM)
        .args(["info", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(&gzip(&capture())).unwrap();
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output).remove(0)["file"], "-");
}

#[test]
fn nobody_reading_the_output_is_no_failure() {
    let (_folder, path) = folder("good.cap", &capture());
    let (reading, writing) = std::io::pipe().unwrap();
    drop(reading);
    let output =
        Command::new(PROGRAM).arg("info").arg(path).stdout(writing).stderr(Stdio::piped()).output();
    let output = output.unwrap();
    assert_eq!((output.status.code(), errors(&output)), (Some(0), ""));
}

#[test]
fn help_has_an_example_and_version_the_shared_version() {
    let help = Command::new(PROGRAM).args(["info", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("armol-analysis info run.cap"));
    let version = Command::new(PROGRAM).arg("--version").output().unwrap();
    let expected = format!("armol-analysis {}\n", armol_analysis::VERSION);
    assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
}
