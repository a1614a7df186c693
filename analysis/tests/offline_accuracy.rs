//! Splits of captures that nobody annotated, against the server's own log.
//!
//! Runs where the captures with truth are, in a folder `shared/data` beside the repository or one
//! of its parents; is silent elsewhere.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![allow(clippy::print_stdout, reason = "--nocapture shows the accuracy of each capture")]

mod support;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use armol_analysis::offline::{ExchangeRow, Finding, StreamFilter};
use serde::Deserialize;

/// The port that the servers of the captures listened on.
const SERVER_PORT: u16 = 8443;

/// A request as the client logged it.
#[derive(Debug, Deserialize)]
struct Sent {
    id: u64,
    port: u16,
    t_send: i64,
    t_done: i64,
}

/// The same as the server logged it.
#[derive(Debug, Deserialize)]
struct Served {
    id: u64,
    t_recv: i64,
    t_resp: i64,
}

#[derive(Debug)]
struct Accuracy {
    requests: usize,
    missed: usize,
    spurious: usize,
    without_times: usize,
    outside_bounds: usize,
    errors: Vec<i64>,
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn exchanges(path: &Path) -> Vec<ExchangeRow> {
    let filter = StreamFilter { server_ports: vec![SERVER_PORT], servers: Vec::new() };
    let mut rows = Vec::new();
    for finding in support::findings(path, filter) {
        if let Finding::Exchange(found) = finding {
            rows.push(ExchangeRow::new("capture.pcap", &found));
        }
    }
    rows
}

fn accuracy(folder: &Path) -> Accuracy {
    let sent: Vec<Sent> = lines(&folder.join("client.jsonl"));
    let served: Vec<Served> = lines(&folder.join("server.jsonl"));
    let served: HashMap<u64, Served> = served.into_iter().map(|row| (row.id, row)).collect();
    let mut found: HashMap<u64, Vec<ExchangeRow>> = HashMap::new();
    let mut spurious = 0;
    for row in exchanges(&folder.join("capture.pcap")) {
        let first = row.request_first_ns.unwrap();
        let during = |sent: &&Sent| {
            sent.port == row.client_port && sent.t_send <= first && first <= sent.t_done
        };
        match sent.iter().find(during) {
            Some(sent) => found.entry(sent.id).or_default().push(row),
            None => spurious += 1,
        }
    }
    let mut result = Accuracy {
        requests: sent.len(),
        missed: 0,
        spurious,
        without_times: 0,
        outside_bounds: 0,
        errors: Vec::new(),
    };
    for request in &sent {
        let truth = &served[&request.id];
        let truth = truth.t_resp - truth.t_recv;
        let Some(rows) = found.get(&request.id) else {
            result.missed += 1;
            continue;
        };
        result.spurious += rows.len() - 1;
        let Some(inference) = rows[0].inference_ns else {
            result.without_times += 1;
            continue;
        };
        let outside = rows[0].inference_low_ns.is_some_and(|low| truth < low - 300_000)
            || rows[0].inference_high_ns.is_some_and(|high| truth > high + 300_000);
        result.outside_bounds += usize::from(outside);
        result.errors.push((inference - truth).abs());
    }
    result.errors.sort_unstable();
    result
}

#[test]
fn every_request_is_found_once_and_split_right() {
    let Some(data) = support::shared_data("truth") else { return };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut all = Vec::new();
    for folder in folders {
        let found = accuracy(&folder);
        let percentile =
            |percent: usize| found.errors[(found.errors.len() * percent).div_ceil(100) - 1];
        println!(
            "{}: n {} missed {} spurious {} without {} outside {}; median {} p95 {} max {} us",
            folder.file_name().unwrap().display(),
            found.requests,
            found.missed,
            found.spurious,
            found.without_times,
            found.outside_bounds,
            percentile(50) / 1000,
            percentile(95) / 1000,
            percentile(100) / 1000,
        );
        assert_eq!((found.missed, found.spurious, found.without_times), (0, 0, 0), "{folder:?}");
        all.extend(found.errors);
    }
    all.sort_unstable();
    let p95 = all[(all.len() * 95).div_ceil(100) - 1];
    assert!(p95 <= 1_000_000, "{p95} ns");
    assert!(all.iter().all(|error| *error <= 2_500_000), "{all:?}");
}
