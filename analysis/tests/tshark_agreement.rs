//! Streams, payloads and records of real captures, as tshark counts them.
//!
//! Runs where the captures are, in a folder `shared/data` beside the repository or one of its
//! parents; is silent elsewhere. Not compared are retransmissions: tshark also counts a FIN that
//! comes twice, and guesses from gaps what was sent again. Its handshake time runs from SYN to the
//! client's acknowledgement, so that ours, from SYN to SYN-ACK, is never longer.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::{fs, net::IpAddr, path::Path, time::Duration};

use armol_analysis::offline::{DirectionSummary, Finding, StreamFilter, StreamSummary};
use serde::Deserialize;

/// What tshark says of a capture.
#[derive(Debug, Deserialize)]
struct Expected {
    file: String,
    streams: Vec<ExpectedStream>,
}

#[derive(Debug, Deserialize)]
struct ExpectedStream {
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    saw_syn: bool,
    saw_synack: bool,
    initial_rtt: Option<String>,
    c2s: ExpectedDirection,
    s2c: ExpectedDirection,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct ExpectedDirection {
    packets: u64,
    payload_bytes: u64,
    app_records: u64,
    handshake_records: u64,
}

impl From<DirectionSummary> for ExpectedDirection {
    fn from(found: DirectionSummary) -> Self {
        Self {
            packets: found.packets,
            payload_bytes: found.payload_bytes,
            app_records: found.application_records,
            handshake_records: found.handshake_records,
        }
    }
}

/// The capture's streams in the order of their first packets; those that end early are handed over
/// first.
fn read(path: &Path) -> Vec<StreamSummary> {
    let mut streams = Vec::new();
    for finding in support::findings(path, StreamFilter::default()) {
        if let Finding::Stream(stream) = finding {
            streams.push(*stream);
        }
    }
    streams.sort_by_key(|stream| stream.span.0);
    streams
}

fn compare(stream: &StreamSummary, expected: &ExpectedStream, file: &str) {
    let ends = (stream.client.ip(), stream.client.port(), stream.server.ip(), stream.server.port());
    let ExpectedStream { client, client_port, server, server_port, .. } = *expected;
    assert_eq!(ends, (client, client_port, server, server_port), "{file}");
    assert_eq!(ExpectedDirection::from(stream.up), expected.c2s, "{file} {ends:?}");
    assert_eq!(ExpectedDirection::from(stream.down), expected.s2c, "{file} {ends:?}");
    if !(expected.saw_syn && expected.saw_synack) {
        assert_eq!(stream.handshake_round_trip, None, "{file} {ends:?}");
        return;
    }
    let theirs = expected.initial_rtt.as_deref().map(|seconds| {
        Duration::try_from_secs_f64(seconds.parse().unwrap()).unwrap() + Duration::from_nanos(500)
    });
    if let Some((ours, theirs)) = stream.handshake_round_trip.zip(theirs) {
        assert!(ours <= theirs, "{file} {ends:?}: {ours:?}, tshark {theirs:?}");
    }
}

#[test]
fn streams_payloads_and_records_are_those_of_tshark() {
    let Some(data) = support::shared_data("captures") else { return };
    let mut compared = 0;
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let expected: Expected = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let streams = read(&data.join(&expected.file));
        assert_eq!(streams.len(), expected.streams.len(), "{}", expected.file);
        for (stream, expected_stream) in streams.iter().zip(&expected.streams) {
            compare(stream, expected_stream, &expected.file);
        }
        compared += 1;
    }
    assert!(compared > 0, "no counts in {}", data.display());
}
