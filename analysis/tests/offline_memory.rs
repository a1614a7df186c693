//! Finding exchanges takes a fixed amount of memory, whatever a capture holds and however long.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use armol_analysis::{
    offline::{ExchangeFinder, Finding, FoundExchange, StreamFilter},
    split::SplitFlags,
    testing::{Connection, Packet, client, server},
};

/// A finder, what it found, and the most that it held.
struct Run {
    finder: ExchangeFinder,
    exchanges: Vec<FoundExchange>,
    streams: usize,
    most_held: usize,
    most_streams: usize,
}

impl Run {
    fn new(finder: ExchangeFinder) -> Self {
        Self { finder, exchanges: Vec::new(), streams: 0, most_held: 0, most_streams: 0 }
    }

    fn push(&mut self, connection: &Connection, packets: &[Packet]) {
        let Self { exchanges, streams, .. } = self;
        let mut sink = |finding| match finding {
            Finding::Exchange(found) => exchanges.push(*found),
            Finding::Stream(_) => *streams += 1,
        };
        for frame in connection.frames(packets) {
            self.finder.push(connection.link_type, &frame.as_frame(), &mut sink);
            self.most_held = self.most_held.max(self.finder.held_bytes());
            self.most_streams = self.most_streams.max(self.finder.streams());
        }
    }

    fn finish(&mut self) {
        let Self { exchanges, streams, .. } = self;
        self.finder.finish(&mut |finding| match finding {
            Finding::Exchange(found) => exchanges.push(*found),
            Finding::Stream(_) => *streams += 1,
        });
        assert_eq!((self.finder.streams(), self.finder.held_bytes()), (0, 0));
    }
}

fn finder() -> ExchangeFinder {
    ExchangeFinder::new(StreamFilter::default())
}

/// A connection whose client has one of many addresses and whose bytes are all captured.
fn numbered(number: u32) -> Connection {
    let [_, high, middle, low] = number.to_be_bytes();
    let client = SocketAddr::from(([10, high, middle, low], 50_000));
    Connection { client, snapshot: 1 << 16, ..Connection::ipv4() }
}

fn get(start: u64, at: i64) -> Packet {
    client(at).bytes(start, b"GET / HTTP/1.1\r\n\r\n").acknowledges(0)
}

const REQUEST: u64 = 18;

#[test]
fn streams_that_never_close_are_bounded_in_number() {
    let mut run = Run::new(finder());
    for number in 0..60_000 {
        let at = i64::from(number);
        run.push(&numbered(number), &[client(at).syn(), get(0, at)]);
    }
    assert!(run.most_streams <= 16_384 && run.most_held < 64 << 20, "{}", run.most_held);
    run.finish();
    assert_eq!(run.streams, 60_000);
}

#[test]
fn bytes_behind_a_giant_gap_wait_within_bounds() {
    let mut run = Run::new(finder());
    let connection = numbered(1);
    run.push(&connection, &[client(0).syn(), server(1).syn().acknowledges(0), get(0, 2)]);
    for turn in 0..20_000 {
        let start = (1 << 29) + turn * 100;
        run.push(&connection, &[client(3).bytes(start, &[b'x'; 100]).acknowledges(0)]);
    }
    assert!(run.most_held < 3 << 20, "{}", run.most_held);
    run.finish();
}

#[test]
fn holes_without_end_are_bounded() {
    let mut run = Run::new(finder());
    let connection = numbered(1);
    run.push(&connection, &[client(0).syn(), server(1).syn().acknowledges(0)]);
    for turn in 0..20_000 {
        run.push(
            &connection,
            &[
                client(2).bytes(turn * 20, &[b'x'; 10]).acknowledges(0),
                server(2).bytes(turn * 20, &[b'y'; 10]).acknowledges(0),
            ],
        );
    }
    assert!(run.most_held < 8 << 20, "{}", run.most_held);
    run.finish();
}

#[test]
fn handshakes_without_end_are_not_kept() {
    let mut run = Run::new(finder());
    let connection = numbered(1);
    run.push(&connection, &[client(0).syn(), server(1).syn().acknowledges(0)]);
    let hello = [&[22, 3, 1, 0x40, 0, 1][..], &[0; 1394]].concat();
    let mut start = 0;
    for turn in 0..10_000 {
        let by_client = client(2 + turn).bytes(start, &hello).acknowledges(start);
        start += hello.len() as u64;
        let by_server = server(3 + turn).bytes(start - hello.len() as u64, &hello);
        run.push(&connection, &[by_client, by_server.acknowledges(start)]);
    }
    assert!(run.most_held < 200_000, "{}", run.most_held);
    run.finish();
}

#[test]
fn a_servers_first_record_is_not_kept() {
    let mut run = Run::new(finder());
    let connection = numbered(1);
    run.push(&connection, &[client(0).syn(), server(1).syn().acknowledges(0)]);
    let record = [&[22, 3, 3, 0x1f, 0xfb][..], &[0; 8187]].concat();
    run.push(&connection, &[server(2).bytes(0, &record).acknowledges(0)]);
    assert!(run.most_held < record.len() / 2, "{}", run.most_held);
    run.finish();
}

#[test]
fn requests_that_nobody_answers_are_bounded_and_those_after_them_find_no_answer() {
    let mut run = Run::new(finder());
    let connection = numbered(1);
    run.push(&connection, &[client(0).syn(), server(1).syn().acknowledges(0)]);
    for turn in 0..5000 {
        run.push(&connection, &[get(turn * REQUEST, 2)]);
    }
    let sent = 5000 * REQUEST;
    assert!(run.most_held < 1 << 20, "{}", run.most_held);
    let response = b"HTTP/1.1 204 No Content\r\n\r\n";
    let length = response.len() as u64;
    for turn in 0..6000 {
        run.push(&connection, &[server(3).bytes(turn * length, response).acknowledges(sent)]);
    }
    run.push(&connection, &[get(sent, 4)]);
    run.push(&connection, &[server(5).bytes(6000 * length, response).acknowledges(sent)]);
    run.finish();
    assert_eq!(run.exchanges.len(), 1024);
    let last = run.exchanges.last().unwrap();
    assert_eq!(last.split.request_bytes, REQUEST);
}

#[test]
fn where_all_hold_too_much_the_largest_ends_and_no_other() {
    let most = 300_000;
    let mut run = Run::new(finder().holding_at_most(most));
    let (busy, quiet) = (numbered(1), numbered(2));
    run.push(&quiet, &[client(0).syn(), server(1).syn().acknowledges(0), get(0, 2)]);
    run.push(&busy, &[client(0).syn(), server(1).syn().acknowledges(0)]);
    run.push(&busy, &[client(2).bytes(0, b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")]);
    for turn in 0..10_000 {
        run.push(&busy, &[client(3).data(44 + turn * 10..54 + turn * 10)]);
    }
    assert!(run.most_held <= most && run.streams > 0);
    let response = b"HTTP/1.1 204 No Content\r\n\r\n";
    run.push(
        &quiet,
        &[server(3).acknowledges(REQUEST), server(50_000).bytes(0, response).acknowledges(REQUEST)],
    );
    run.finish();
    let [found] = run.exchanges.as_slice() else { panic!("{:?}", run.exchanges) };
    assert_eq!((found.client, found.split.flags), (quiet.client, SplitFlags::empty()));
}
