//! The program as people call it: what it prints, and the codes it exits with.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use support::{Place, fill, sample};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armol-collector"));
    command.env_remove("RUST_LOG");
    command
}

/// Two calls to two providers about one image.
async fn filled() -> Place {
    let place = Place::new();
    let measurements = [sample::good(1, 1, "aws", 100), sample::good(2, 1, "azure", 200)];
    fill(&place, &measurements).await;
    place
}

fn query(place: &Place, arguments: &[&str]) -> Output {
    program().args(["query", "--db"]).arg(&place.db).args(arguments).output().unwrap()
}

/// The code, the output and the errors, without the path that differs from run to run.
fn shown(place: &Place, output: &Output) -> String {
    let code = output.status.code().unwrap();
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    let err = String::from_utf8(output.stderr.clone()).unwrap();
    let text = format!("exit {code}\n--- output\n{out}--- errors\n{err}");
    text.replace(place.folder.path().to_str().unwrap(), "FOLDER")
}

const QUESTION: &str = "select provider, inference_ns, 0.5 as half, null as missing, \
    x'00ff' as bytes, 'a \"b\", c' as text from v_request order by provider";

#[tokio::test]
async fn answers_as_a_table() {
    let place = filled().await;
    insta::assert_snapshot!(shown(&place, &query(&place, &[QUESTION])));
}

#[tokio::test]
async fn answers_as_json() {
    let place = filled().await;
    let output = query(&place, &["--json", QUESTION]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[1]["provider"], "azure");
    insta::assert_snapshot!(shown(&place, &output));
    let none = query(&place, &["--json", "select 1 where false"]);
    assert_eq!(none.stdout, b"[]\n");
}

#[tokio::test]
async fn answers_as_csv() {
    let place = filled().await;
    insta::assert_snapshot!(shown(&place, &query(&place, &["--csv", QUESTION])));
    let none = query(&place, &["--csv", "select 1 as one where false"]);
    assert_eq!(none.stdout, b"one\n");
}

#[tokio::test]
async fn questions_that_are_refused_say_why() {
    let place = filled().await;
    let mut said = String::new();
    for sql in [
        "select something from nowhere",
        "delete from request",
        "select 1; select 2",
        " -- nothing but a comment",
    ] {
        said.push_str(&["> ", sql, "\n", &shown(&place, &query(&place, &[sql]))].concat());
    }
    let twice = query(&place, &["--json", "select 1 as a, 2 as a"]);
    said.push_str(&shown(&place, &twice));
    insta::assert_snapshot!(said);
    assert_eq!(place.count("request").await, 2);
}

#[tokio::test]
async fn what_changes_something_beside_the_database_is_refused() {
    let place = filled().await;
    let copy = place.folder.path().join("copy.sqlite");
    for sql in [
        format!("vacuum into '{}'", copy.display()),
        format!("attach '{}' as other", copy.display()),
        "pragma query_only = off".to_owned(),
        "begin immediate".to_owned(),
        "delete from request returning id".to_owned(),
    ] {
        let output = query(&place, &["--csv", &sql]);
        assert_eq!(output.status.code(), Some(2), "{sql}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("use select"), "{sql}");
    }
    assert!(!copy.exists());
    assert_eq!(place.count("request").await, 2);
}

#[tokio::test]
async fn a_table_cannot_steer_the_terminal() {
    let place = filled().await;
    let output = query(&place, &["select char(27) || '[2J' || char(10) || 'x' as label"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\u{fffd}[2J") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_folder_is_no_database() {
    let place = Place::new();
    let folder = Place { db: place.folder.path().to_owned(), ..Place::new() };
    for output in [
        query(&folder, &["select 1"]),
        program()
            .args(["serve", "--listen", "127.0.0.1:0", "--db"])
            .arg(&folder.db)
            .output()
            .unwrap(),
    ] {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--db"), "{said}");
    }
}

#[test]
fn an_address_that_is_taken_leaves_no_database_behind() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--listen", &address, "--db"];
    let output = program().args(serve).arg(&place.db).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot listen on"));
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn the_ready_file_of_an_earlier_run_tells_nobody_that_agents_can_connect() {
    let place = Place::new();
    let ready = place.folder.path().join("ready");
    std::fs::write(&ready, "127.0.0.1:1").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--listen", &address, "--ready-file", ready.to_str().unwrap(), "--db"];
    let output = program().args(serve).arg(&place.db).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!ready.exists());
}

#[test]
fn serving_without_a_reader_of_its_output_is_a_failure() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--db"];
    let output = program().args(serve).arg(&place.db).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard output"));
}

#[test]
fn a_missing_database_is_wrong_use() {
    let place = Place::new();
    insta::assert_snapshot!(shown(&place, &query(&place, &["select 1"])));
}

#[test]
fn listening_for_other_machines_is_wrong_use() {
    let place = Place::new();
    let serve = ["serve", "--listen", "0.0.0.0:7443", "--db"];
    let output = program().args(serve).arg(&place.db).output().unwrap();
    insta::assert_snapshot!(shown(&place, &output));
    assert!(!place.db.exists());
}

#[test]
fn help_and_version_tell_what_there_is() {
    let place = Place::new();
    let mut said = String::new();
    for arguments in [&["--help"][..], &["serve", "--help"], &["query", "--help"]] {
        said.push_str(&shown(&place, &program().args(arguments).output().unwrap()));
    }
    insta::assert_snapshot!(said);
    let version = program().arg("--version").output().unwrap();
    let expected = format!("armol-collector {}\n", armol_analysis::VERSION);
    assert_eq!(String::from_utf8(version.stdout).unwrap(), expected);
}

#[tokio::test]
async fn a_reader_that_has_had_enough_is_no_failure() {
    let place = filled().await;
    let endless = "with recursive number(n) as (select 1 union all select n + 1 from number) \
        select n from number";
    for format in ["--csv", "--json"] {
        let mut child = program()
            .args(["query", format, "--db"])
            .arg(&place.db)
            .arg(endless)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    }
}

#[test]
fn told_to_stop_it_exits_well() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--db"])
            .arg(&place.db)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_second_collector_on_one_database_fails() {
    let place = Place::new();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--db"];
    let mut first = program()
        .args(serve)
        .arg(&place.db)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let second = program().args(serve).arg(&place.db).output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    insta::assert_snapshot!(shown(&place, &second));
}
