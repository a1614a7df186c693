//! Exchanges of captures that nobody annotated: one test for each trap of finding them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use armol_analysis::{
    offline::{ExchangeFinder, Finding, FoundExchange, Quality, StreamFilter, StreamSummary},
    split::SplitFlags,
    testing::{CapturedFrame, Connection, client, server},
};

/// The types of TLS records.
const CHANGE_CIPHER: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;
/// What TLS 1.3 adds to a record's text, its header apart.
const OVERHEAD: usize = 17;
/// Half a round trip, in microseconds.
const HALF: i64 = 20_000;

const fn us(microseconds: u64) -> Duration {
    Duration::from_micros(microseconds)
}

/// An encrypted record with so many bytes of text.
fn record(text: usize) -> Vec<u8> {
    typed(APPLICATION, text + OVERHEAD)
}

/// A record of a type with so many bytes after its header.
fn typed(kind: u8, length: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
    let mut bytes = vec![kind, 3, 3, high, low];
    bytes.resize(5 + length, 0xa5);
    bytes
}

/// A connection while its frames are written down, in microseconds since it began.
struct Talk {
    connection: Connection,
    sent: u64,
    received: u64,
    frames: Vec<CapturedFrame>,
}

impl Talk {
    /// A connection that opens with a round trip of 40 ms.
    fn open() -> Self {
        let mut talk = Self::already_open();
        let opening = [client(0).syn(), server(40_000).syn().acknowledges(0)];
        talk.frames = talk.connection.frames(&opening);
        talk
    }

    fn already_open() -> Self {
        let connection = Connection { snapshot: 1 << 20, ..Connection::ipv4() };
        Self { connection, sent: 0, received: 0, frames: Vec::new() }
    }

    /// A connection after a TLS 1.3 handshake; the client's Finished went at 81,000.
    fn tls() -> Self {
        let mut talk = Self::open();
        talk.client(40_200, &[typed(HANDSHAKE, 250)].concat());
        let flight = [typed(HANDSHAKE, 122), typed(CHANGE_CIPHER, 1), record(30), record(900)];
        talk.server(80_500, &flight.concat());
        talk.client(81_000, &[typed(CHANGE_CIPHER, 1), record(36)].concat());
        talk
    }

    /// The client sends these bytes in one segment.
    fn client(&mut self, at: i64, bytes: &[u8]) {
        let packet = client(at).bytes(self.sent, bytes).acknowledges(self.received);
        self.frames.push(self.connection.frame(&packet));
        self.sent += bytes.len() as u64;
    }

    /// The server's bytes arrive in one segment, which acknowledges all that was sent.
    fn server(&mut self, at: i64, bytes: &[u8]) {
        self.server_acknowledging(at, bytes, self.sent);
    }

    fn server_acknowledging(&mut self, at: i64, bytes: &[u8], acknowledged: u64) {
        let packet = server(at).bytes(self.received, bytes).acknowledges(acknowledged);
        self.frames.push(self.connection.frame(&packet));
        self.received += bytes.len() as u64;
    }

    /// The server acknowledges all that was sent.
    fn acknowledge(&mut self, at: i64) {
        let packet = server(at).acknowledges(self.sent);
        self.frames.push(self.connection.frame(&packet));
    }

    fn findings(&self) -> (Vec<FoundExchange>, Vec<StreamSummary>) {
        findings(&self.connection, &self.frames)
    }

    fn exchanges(&self) -> Vec<FoundExchange> {
        self.findings().0
    }

    /// The inference times in microseconds.
    fn inferences(&self) -> Vec<u128> {
        let times = |found: &FoundExchange| found.split.times.expect("times").inference();
        self.exchanges().iter().map(|found| times(found).as_micros()).collect()
    }
}

fn findings(
    connection: &Connection,
    frames: &[CapturedFrame],
) -> (Vec<FoundExchange>, Vec<StreamSummary>) {
    let mut finder = ExchangeFinder::new(StreamFilter::default());
    let (mut exchanges, mut streams) = (Vec::new(), Vec::new());
    let mut sink = |finding| match finding {
        Finding::Exchange(found) => exchanges.push(*found),
        Finding::Stream(stream) => streams.push(*stream),
    };
    for frame in frames {
        finder.push(connection.link_type, &frame.as_frame(), &mut sink);
    }
    finder.finish(&mut sink);
    (exchanges, streams)
}

#[test]
fn requests_of_a_connection_are_found_in_turn() {
    let mut talk = Talk::tls();
    for turn in 0..3 {
        let at = 200_000 + turn * 200_000;
        talk.client(at, &[record(300), record(1000)].concat());
        talk.acknowledge(at + 2 * HALF);
        talk.server(at + 2 * HALF + 50_000, &record(500));
    }
    let found = talk.exchanges();
    assert_eq!(talk.inferences(), [50_000; 3]);
    assert_eq!(found.iter().map(|found| found.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(found[0].split.connect, Some(us(40_000)));
    assert_eq!(found[0].split.tls, Some(us(40_800)));
    assert_eq!(found[1].split.tls, None);
    assert_eq!(found[1].split.request_bytes, 2 * 22 + 1300);
    assert_eq!(found[1].split.response_bytes, 22 + 500);
    assert_eq!(found[1].quality, Quality::Inferred);
    assert!(found.iter().all(|found| found.split.flags.is_empty()));
}

#[test]
fn session_tickets_are_no_answer() {
    let mut talk = Talk::tls();
    talk.client(81_100, &record(1000));
    talk.server(121_200, &[record(230), record(230)].concat());
    talk.server(171_100, &record(400));
    assert_eq!(talk.exchanges().len(), 1);
    let inference = talk.inferences()[0];
    assert!((49_000..=51_000).contains(&inference), "{inference}");
}

#[test]
fn an_answer_right_behind_the_tickets_is_found() {
    let mut talk = Talk::tls();
    talk.client(81_100, &record(1000));
    talk.server(121_200, &[record(230), record(230)].concat());
    talk.server(121_500, &record(400));
    talk.client(130_000, &record(1000));
    talk.acknowledge(170_000);
    talk.server(180_000, &record(400));
    let found = talk.exchanges();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].split.response_bytes, 422);
}

#[test]
fn a_first_answer_without_tickets_is_found_however_fast() {
    let mut talk = Talk::tls();
    talk.client(81_100, &record(1000));
    talk.acknowledge(121_100);
    talk.server(126_100, &record(400));
    assert_eq!(talk.inferences(), [5000]);
}

#[test]
fn tickets_amid_an_upload_are_no_answer() {
    let mut talk = Talk::tls();
    talk.client(81_100, &record(300));
    talk.client(81_200, &record(1000));
    let first = talk.sent;
    talk.client(81_300, &record(1400));
    talk.server_acknowledging(121_200, &[record(230), record(230)].concat(), first);
    talk.acknowledge(121_400);
    talk.server(171_300, &record(400));
    assert_eq!(talk.exchanges().len(), 1);
    assert_eq!(talk.exchanges()[0].split.response_bytes, 422);
    assert!(talk.exchanges()[0].split.flags.is_empty());
}

#[test]
fn tickets_before_a_body_that_was_waited_with_are_no_answer() {
    let mut talk = Talk::tls();
    talk.client(81_100, &record(300));
    talk.server(121_200, &[record(230), record(230)].concat());
    talk.server(121_300, &record(25));
    talk.client(121_400, &record(1400));
    talk.acknowledge(161_400);
    talk.server(171_400, &record(400));
    assert_eq!(talk.inferences(), [10_000]);
    assert_eq!(talk.exchanges()[0].split.request_bytes, 2 * 22 + 1700);
}

#[test]
fn a_continue_is_no_answer() {
    let mut talk = Talk::tls();
    for at in [200_000, 400_000] {
        talk.client(at, &record(300));
        talk.server(at + 40_000, &record(25));
        talk.client(at + 40_500, &record(4000));
        talk.acknowledge(at + 80_500);
        talk.server(at + 110_500, &record(400));
    }
    assert_eq!(talk.inferences(), [30_000; 2]);
}

#[test]
fn control_frames_of_http2_are_neither_request_nor_answer() {
    let mut talk = Talk::tls();
    talk.client(81_100, &[record(24 + 27), record(13)].concat());
    talk.client(81_500, &[record(180), record(4000)].concat());
    talk.server(121_300, &record(15));
    // SETTINGS are acknowledged both ways, a PING answered.
    talk.client(121_400, &record(9));
    let request = talk.sent - 9 - 22;
    talk.server_acknowledging(121_600, &[record(9), record(17)].concat(), request);
    talk.client(121_700, &record(17));
    talk.server(171_500, &[record(90), record(500)].concat());
    talk.client(172_000, &record(13));
    talk.acknowledge(212_000);
    talk.client(300_000, &[record(40), record(4000), record(9)].concat());
    talk.acknowledge(340_000);
    talk.server(390_000, &record(500));
    let found = talk.exchanges();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].split.request_bytes, 2 * 22 + 4180);
    assert_eq!(found[0].split.response_bytes, 2 * 22 + 590);
    assert_eq!(found[1].split.request_bytes, 3 * 22 + 4049);
    assert_eq!(talk.inferences()[1], 50_000);
}

#[test]
fn an_answer_to_the_request_alone_does_not_wait_for_what_trails_it() {
    let mut talk = Talk::tls();
    talk.client(200_000, &record(1000));
    let request = talk.sent;
    talk.client(200_300, &record(13));
    talk.server_acknowledging(240_100, &record(400), request);
    let found = talk.exchanges();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].split.request_bytes, 1022);
    assert!(found[0].split.times.is_some());
}

#[test]
fn the_handshake_of_tls_1_2_is_no_request() {
    let mut talk = Talk::open();
    talk.client(40_200, &typed(HANDSHAKE, 250));
    talk.server(80_500, &[typed(HANDSHAKE, 90), typed(HANDSHAKE, 3000)].concat());
    talk.client(
        81_000,
        &[typed(HANDSHAKE, 70), typed(CHANGE_CIPHER, 1), typed(HANDSHAKE, 40)].concat(),
    );
    talk.server(
        121_500,
        &[typed(HANDSHAKE, 200), typed(CHANGE_CIPHER, 1), typed(HANDSHAKE, 40)].concat(),
    );
    talk.client(122_000, &record(1000));
    talk.acknowledge(162_000);
    talk.server(192_000, &record(400));
    assert_eq!(talk.inferences(), [30_000]);
    assert_eq!(talk.exchanges()[0].split.tls, Some(us(81_300)));
}

#[test]
fn a_server_that_speaks_first_in_tls_1_2_is_not_taken_for_tls_1_3() {
    let mut talk = Talk::open();
    talk.client(40_200, &typed(HANDSHAKE, 250));
    talk.server(80_500, &typed(HANDSHAKE, 3000));
    talk.client(
        81_000,
        &[typed(HANDSHAKE, 70), typed(CHANGE_CIPHER, 1), typed(HANDSHAKE, 40)].concat(),
    );
    talk.server(121_500, &[typed(CHANGE_CIPHER, 1), typed(HANDSHAKE, 40), record(15)].concat());
    talk.client(122_000, &record(1000));
    talk.acknowledge(162_000);
    talk.server(192_000, &record(400));
    assert_eq!(talk.inferences(), [30_000]);
}

#[test]
fn a_refusal_before_the_request_is_complete_is_shown_without_times() {
    let mut talk = Talk::tls();
    talk.client(200_000, &record(300));
    let head = talk.sent;
    talk.client(200_100, &record(9000));
    talk.server_acknowledging(240_000, &record(400), head);
    let found = talk.exchanges();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].split.times, None);
    assert!(found[0].split.flags.contains(SplitFlags::EARLY_RESPONSE));
}

#[test]
fn an_answer_that_took_too_long_is_implausible() {
    let mut talk = Talk::tls();
    talk.client(200_000, &record(1000));
    talk.acknowledge(240_000);
    talk.server(26_240_000, &record(400));
    assert!(talk.exchanges()[0].split.flags.contains(SplitFlags::IMPLAUSIBLE));
}

#[test]
fn reordered_records_of_a_response_make_one_response() {
    let mut talk = Talk::tls();
    talk.client(200_000, &record(1000));
    talk.acknowledge(240_000);
    for _ in 0..3 {
        talk.server(290_000, &record(1300));
    }
    talk.client(400_000, &record(1000));
    talk.acknowledge(440_000);
    talk.server(450_000, &record(400));
    let response = talk.frames.len() - 6;
    talk.frames.swap(response, response + 2);
    let found = talk.exchanges();
    assert_eq!(talk.inferences(), [50_000, 10_000]);
    assert_eq!(found[0].split.response_bytes, 3 * 1322);
}

#[test]
fn a_segment_that_the_capture_lost_leaves_the_other_exchanges() {
    let mut talk = Talk::tls();
    for turn in 0..3 {
        let at = 200_000 + turn * 200_000;
        talk.client(at, &record(1000));
        talk.acknowledge(at + 40_000);
        for _ in 0..3 {
            talk.server(at + 90_000, &record(1300));
        }
    }
    // A segment in the middle of the first response.
    let lost = talk.frames.len() - 2 * 5 - 2;
    talk.frames.remove(lost);
    let found = talk.exchanges();
    assert_eq!(found.len(), 3);
    assert_eq!(talk.inferences(), [50_000; 3]);
    assert!(found[0].split.flags.contains(SplitFlags::CAPTURE_GAP));
    assert!(found[2].split.flags.is_empty());
}

#[test]
fn frames_cut_to_their_headers_still_tell_who_spoke() {
    let mut talk = Talk::tls();
    for turn in 0..2 {
        let at = 200_000 + turn * 200_000;
        talk.client(at, &record(1000));
        talk.client(at + 10, &[0; 1000]);
        talk.acknowledge(at + 40_000);
        talk.server(at + 90_000, &record(1300));
    }
    for frame in &mut talk.frames {
        frame.bytes.truncate(96);
    }
    assert_eq!(talk.inferences(), [50_000; 2]);
    assert!(talk.exchanges()[0].split.flags.contains(SplitFlags::CAPTURE_GAP));
}

#[test]
fn a_connection_that_was_already_open_is_followed() {
    let mut talk = Talk::already_open();
    for turn in 0..2 {
        let at = 200_000 + turn * 200_000;
        talk.client(at, &record(1000));
        talk.acknowledge(at + 40_000);
        talk.server(at + 90_000, &record(1300));
    }
    assert_eq!(talk.inferences(), [50_000; 2]);
    assert!(talk.exchanges()[0].split.flags.contains(SplitFlags::NO_HANDSHAKE));
}

#[test]
fn a_reused_port_begins_another_generation() {
    let mut talk = Talk::tls();
    talk.client(200_000, &record(1000));
    talk.acknowledge(240_000);
    talk.server(290_000, &record(1300));
    let mut again = talk.frames.clone();
    let other = Connection { client_isn: 77_000, server_isn: 99_000, ..talk.connection.clone() };
    let opening = [client(900_000).syn(), server(940_000).syn().acknowledges(0)];
    again.extend(other.frames(&opening));
    let mut second = Talk { connection: other, ..Talk::already_open() };
    second.client(940_100, &typed(HANDSHAKE, 250));
    second.server(980_000, &[typed(HANDSHAKE, 122), record(900)].concat());
    second.client(981_000, &record(36));
    second.client(1_100_000, &record(1000));
    second.acknowledge(1_140_000);
    second.server(1_150_000, &record(1300));
    again.extend(second.frames.clone());
    let (found, streams) = findings(&talk.connection, &again);
    let places: Vec<_> = found.iter().map(|found| (found.generation, found.index)).collect();
    assert_eq!(places, [(0, 0), (1, 0)]);
    assert_eq!(streams.iter().map(|stream| stream.generation).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn what_is_no_tls_and_no_http_has_no_exchanges() {
    let mut talk = Talk::open();
    talk.client(50_000, b"\x00\x01binary protocol of some kind");
    talk.acknowledge(90_000);
    talk.server(95_000, &[7; 300]);
    let (found, streams) = talk.findings();
    assert_eq!(found, []);
    assert_eq!((streams[0].up.packets, streams[0].down.payload_bytes), (2, 300));
}

#[test]
fn pipelined_requests_in_clear_text_are_told_apart_by_their_heads() {
    let mut talk = Talk::open();
    let request = b"POST /detect HTTP/1.1\r\nContent-Length: 5\r\n\r\nimage";
    talk.client(50_000, &[&request[..], request].concat());
    talk.acknowledge(90_000);
    talk.server(100_000, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
    talk.server(100_100, b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n");
    talk.server(120_000, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    let found = talk.exchanges();
    assert_eq!(found.len(), 2);
    let bytes: Vec<_> = found.iter().map(|found| found.split.request_bytes).collect();
    assert_eq!(bytes, [request.len() as u64; 2]);
    assert_eq!(found[0].quality, Quality::Read);
    assert_eq!(talk.inferences()[0], 10_000);
    assert!(found[1].split.flags.contains(SplitFlags::SHARED_SEGMENT));
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection() {
    let mut talk = Talk::open();
    talk.client(50_000, b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    talk.acknowledge(90_000);
    talk.server(100_000, b"HTTP/1.1 200 OK\r\n\r\nsome");
    talk.server(110_000, b"thing");
    let found = talk.exchanges();
    assert_eq!(found[0].split.response_bytes, 28);
    assert_eq!(found[0].split.times.unwrap().download(), us(10_000));
}
