//! The commands that split foreign captures, as people run them.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use armol_analysis::{
    offline::ExchangeRow,
    testing::{CaptureFormat, CaptureWriter, Connection, client, server},
};
use serde_json::Value;
use tempfile::TempDir;

const REQUEST: &[u8] = b"POST /detect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nimage";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A capture of one request in clear text, with 50 ms of the server's time.
fn capture() -> Vec<u8> {
    let end = REQUEST.len() as u64;
    let frames = Connection::ipv4().frames(&[
        client(0).syn(),
        server(40_000).syn().acknowledges(0),
        client(41_000).bytes(0, REQUEST).acknowledges(0),
        server(81_000).acknowledges(end),
        server(131_000).bytes(0, RESPONSE).acknowledges(end),
    ]);
    let mut writer = CaptureWriter::new(CaptureFormat::Pcapng, false, 1);
    writer.frames(&frames);
    writer.bytes().to_vec()
}

/// A folder named for a route, with captures of these names.
fn folder(names: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let route = folder.path().join("us2sg");
    fs::create_dir(&route).unwrap();
    for name in names {
        fs::write(route.join(name), capture()).unwrap();
    }
    (folder, route)
}

fn run(command: &str, path: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_armol-analysis"));
    program.arg(command).arg(path).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn split_writes_every_exchange_in_the_order_of_the_captures() {
    let (_folder, route) = folder(&["b.cap", "a.cap"]);
    let found = lines(&run("split", &route, &["--json"]));
    let files: Vec<_> = found.iter().map(|row| row["file"].as_str().unwrap()).collect();
    assert!(files.is_sorted() && files.len() == 2, "{files:?}");
    for row in &found {
        assert_eq!(row["inference_ns"], 50_000_000);
        assert_eq!(row["upload_ns"], 40_000_000);
        assert_eq!(row["total_ns"], 90_000_000);
        assert_eq!(row["server_port"], 443);
        assert_eq!(row["quality"], "read");
        assert_eq!(row["tls_ns"], Value::Null);
        assert_eq!(row["flags"], Value::Array(Vec::new()));
    }
}

#[test]
fn csv_has_a_header_and_as_many_fields() {
    let (_folder, route) = folder(&["a.cap"]);
    let output = text(&run("split", &route, &["--csv"]));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.first().copied(), Some(ExchangeRow::NAMES.join(",").as_str()));
    assert_eq!(lines.get(1).unwrap().split(',').count(), ExchangeRow::NAMES.len());
}

#[test]
fn servers_can_be_chosen_by_port_and_address() {
    let (_folder, route) = folder(&["a.cap"]);
    for (arguments, found) in [
        (["--server-port", "443,8443"], 1),
        (["--server-port", "80"], 0),
        (["--server", "10.0.0.2"], 1),
        (["--server", "10.0.0.1"], 0),
    ] {
        let output = run("split", &route, &[&arguments[..], &["--json"]].concat());
        assert_eq!(lines(&output).len(), found, "{arguments:?}");
    }
}

#[test]
fn flows_counts_each_stream() {
    let (_folder, route) = folder(&["a.cap"]);
    let found = lines(&run("flows", &route, &["--json"])).remove(0);
    assert_eq!(found["packets"], 5);
    assert_eq!(found["client_payload_bytes"], REQUEST.len());
    assert_eq!(found["server_payload_bytes"], RESPONSE.len());
    assert_eq!(found["handshake_rtt_ns"], 40_000_000);
}

#[test]
fn summarise_groups_by_what_names_and_times_tell() {
    let (_folder, route) = folder(&["a.cap", "b.cap"]);
    let output = run("summarise", &route, &["--by", "provider,route,hour", "--json"]);
    let group = lines(&output).remove(0);
    assert_eq!(group["provider"], "10.0.0.2");
    assert_eq!((&group["route"], &group["hour"]), (&"us-sg".into(), &"22".into()));
    assert_eq!((&group["exchanges"], &group["used"]), (&2.into(), &2.into()));
    assert_eq!(group["percentiles"]["inference_ns"]["p50"], 50_000_000);
}

#[test]
fn lags_are_columns_of_seconds() {
    let (folder, route) = folder(&["20210508_010101.cap"]);
    let out = folder.path().join("lags");
    text(&run("seed-lags", &route, &["--out", out.to_str().unwrap()]));
    let lags = fs::read_to_string(out.join("20210508_010101.json")).unwrap();
    assert_eq!(lags, "[[0.0],[0.04],[0.05]]");
}

#[test]
fn captures_that_would_share_a_lag_file_are_refused() {
    let (folder, route) = folder(&["a.cap", "a.pcap"]);
    let out = folder.path().join("lags");
    let output = run("seed-lags", &route, &["--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.json"));
    assert!(!out.exists());
}

#[test]
fn compare_shows_what_the_published_rule_misses() {
    let (_folder, route) = folder(&["a.cap"]);
    let pair = lines(&run("compare", &route, &["--json"])).remove(0);
    assert_eq!(pair["inference_ns"], 50_000_000);
    assert_eq!(pair["published_inference_ns"], Value::Null);
    assert_eq!((&pair["found_by_us"], &pair["found_by_published"]), (&true.into(), &false.into()));
}
