//! What the finding of exchanges promises of any conversation and of any bytes.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use armol_analysis::{
    frame::{Frame, LinkType},
    offline::{ExchangeFinder, ExchangeRow, Finding, StreamFilter},
    testing::{CapturedFrame, Connection, client, server},
    time::Timestamp,
};
use proptest::prelude::*;

/// The time between two segments of one message, and half a round trip, in microseconds.
const SPACING: i64 = 10;
const HALF: i64 = 20_000;

fn rows(frames: &[CapturedFrame]) -> Vec<ExchangeRow> {
    let mut finder = ExchangeFinder::new(StreamFilter::default());
    let mut rows = Vec::new();
    let mut sink = |finding| {
        if let Finding::Exchange(found) = finding {
            rows.push(ExchangeRow::new("a.cap", &found));
        }
    };
    for frame in frames {
        finder.push(LinkType::Ethernet, &frame.as_frame(), &mut sink);
    }
    finder.finish(&mut sink);
    rows
}

/// A message as its side writes it.
type Message = Vec<u8>;

fn record(text: usize) -> Message {
    let length = u16::try_from(text + 17).unwrap().to_be_bytes();
    let mut bytes = vec![23, 3, 3];
    bytes.extend(length);
    bytes.resize(5 + text + 17, 0xa5);
    bytes
}

/// The records that a text of this length becomes, in full records and the rest.
fn records(text: usize) -> Message {
    let mut bytes = record(200);
    let mut rest = text;
    while rest > 16_384 {
        bytes.extend(record(16_384));
        rest -= 16_384;
    }
    bytes.extend(record(rest.max(80)));
    bytes
}

fn http_request(body: usize) -> Message {
    let mut bytes = format!("POST /a HTTP/1.1\r\nContent-Length: {body}\r\n\r\n").into_bytes();
    bytes.resize(bytes.len() + body, b'x');
    bytes
}

fn http_response(body: usize) -> Message {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for length in [body / 2 + 1, body - body / 2 + 1] {
        bytes.extend(format!("{length:x}\r\n").into_bytes());
        bytes.resize(bytes.len() + length, b'y');
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// A connection that was open already, in segments of these sizes, taken in turn.
struct Talk<'s> {
    sizes: std::iter::Cycle<std::slice::Iter<'s, usize>>,
    connection: Connection,
    at: i64,
    positions: [u64; 2],
    frames: Vec<CapturedFrame>,
}

impl<'s> Talk<'s> {
    fn new(sizes: &'s [usize]) -> Self {
        let connection = Connection { snapshot: 1 << 20, ..Connection::ipv4() };
        let opening = [client(0).syn(), server(2 * HALF).syn().acknowledges(0)];
        let frames = connection.frames(&opening);
        let sizes = sizes.iter().cycle();
        Self { sizes, connection, at: 3 * HALF, positions: [0; 2], frames }
    }

    fn write(&mut self, by_client: bool, message: &[u8]) {
        let [sent, received] = self.positions;
        let mut rest = message;
        let mut position = if by_client { sent } else { received };
        while !rest.is_empty() {
            let (bytes, behind) = rest.split_at((*self.sizes.next().unwrap()).min(rest.len()));
            let packet = if by_client {
                client(self.at).bytes(position, bytes).acknowledges(received)
            } else {
                server(self.at).bytes(position, bytes).acknowledges(sent)
            };
            self.frames.push(self.connection.frame(&packet));
            self.at += SPACING;
            position += bytes.len() as u64;
            rest = behind;
        }
        self.positions = if by_client { [position, received] } else { [sent, position] };
    }

    /// A request, its acknowledgement after a round trip, and its answer.
    fn exchange(&mut self, request: &[u8], response: &[u8], inference: i64) {
        self.write(true, request);
        let received = self.at - SPACING + 2 * HALF;
        let packet = server(received).acknowledges(self.positions[0]);
        self.frames.push(self.connection.frame(&packet));
        self.at = received + inference;
        self.write(false, response);
        self.at += HALF;
    }
}

/// Handshake messages that open a TLS 1.2 connection.
fn hello(kind: u8) -> Message {
    let mut bytes = vec![22, 3, 3, 0, 50, kind];
    bytes.resize(55, 0);
    bytes
}

fn check_order(row: &ExchangeRow) {
    let Some(inference) = row.inference_ns else { return };
    let (upload, download) = (row.upload_ns.unwrap(), row.download_ns.unwrap());
    assert!(upload >= 0 && inference >= 0 && download >= 0, "{row:?}");
    assert_eq!(row.total_ns, Some(upload + inference + download));
    if let Some((low, high)) = row.inference_low_ns.zip(row.inference_high_ns) {
        assert!(low <= inference && inference <= high, "{row:?}");
    }
}

fn exchanges() -> impl Strategy<Value = Vec<(usize, usize, i64)>> {
    prop::collection::vec((64_usize..40_000, 64_usize..20_000, 100_i64..200_000), 1..5)
}

proptest! {
    #[test]
    fn exchanges_do_not_depend_on_how_bytes_are_cut_into_segments(
        turns in exchanges(),
        sizes in prop::collection::vec(16_usize..3000, 1..20),
        clear in any::<bool>(),
    ) {
        let mut talk = Talk::new(&sizes);
        if !clear {
            talk.exchange(&hello(1), &hello(2), 1000);
        }
        let mut expected = Vec::new();
        for (up, down, inference) in turns {
            let (request, response) = if clear {
                (http_request(up), http_response(down))
            } else {
                (records(up), records(down))
            };
            talk.exchange(&request, &response, inference);
            expected.push((request.len() as u64, response.len() as u64, inference * 1000));
        }
        let found = rows(&talk.frames);
        found.iter().for_each(check_order);
        let found: Vec<_> = found
            .iter()
            .map(|row| (row.request_bytes, row.response_bytes, row.inference_ns.unwrap()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_loss_reordering_or_damage_makes_times_absurd(
        turns in exchanges(),
        harm in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..5, any::<u8>()), 0..30),
        clear in any::<bool>(),
    ) {
        let mut talk = Talk::new(&[1448]);
        for (up, down, inference) in turns {
            if clear {
                talk.exchange(&http_request(up), &http_response(down), inference);
            } else {
                talk.exchange(&records(up), &records(down), inference);
            }
        }
        let mut frames = talk.frames;
        for (index, kind, value) in harm {
            let place = index.index(frames.len());
            let other = (place + usize::from(value) + 1) % frames.len();
            match kind {
                0 if frames.len() > 1 => drop(frames.remove(place)),
                1 => frames.swap(place, other),
                2 => frames.insert(place, frames.get(other).unwrap().clone()),
                3 => frames.get_mut(place).unwrap().bytes.truncate(usize::from(value)),
                _ => {
                    let bytes = &mut frames.get_mut(place).unwrap().bytes;
                    let byte = usize::from(value).min(bytes.len().saturating_sub(1));
                    if let Some(byte) = bytes.get_mut(byte) {
                        *byte ^= value;
                    }
                }
            }
        }
        rows(&frames).iter().for_each(check_order);
    }

    #[test]
    fn arbitrary_frames_never_panic(
        frames in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..200), any::<i64>(), 0_u32..70_000),
            0..20,
        ),
    ) {
        let mut finder = ExchangeFinder::new(StreamFilter::default());
        let mut sink = |_| {};
        for (bytes, at, more) in &frames {
            let wire_len = u32::try_from(bytes.len()).unwrap() + more;
            let timestamp = Timestamp::from_unix_ns(*at);
            let frame = Frame { timestamp, wire_len, bytes };
            for link_type in [LinkType::Ethernet, LinkType::Raw, LinkType::Loopback] {
                finder.push(link_type, &frame, &mut sink);
            }
        }
        finder.finish(&mut sink);
        prop_assert_eq!(finder.streams(), 0);
    }
}
