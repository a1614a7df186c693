//! What the splitter keeps: a fixed amount, and of a shared port the connection that is in use.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use armol_analysis::{
    frame::LinkType,
    split::{Split, SplitFlags},
    splitter::{Markers, Splitter},
    testing::{Connection, Packet, client, moment, server},
};

const MINUTE: i64 = 60_000_000;

fn markers(connection: &Connection) -> Markers {
    Markers {
        client: connection.client,
        server: connection.server,
        opened_at: moment(0),
        first: true,
        handshake: 0..0,
        request: 0..3000,
        response: 0..100,
        complete: true,
    }
}

fn watching(port: u16) -> Splitter {
    let mut splitter = Splitter::new(LinkType::Ethernet);
    splitter.watch(port);
    splitter
}

fn push(splitter: &mut Splitter, connection: &Connection, packets: &[Packet]) {
    for frame in connection.frames(packets) {
        splitter.push(&frame.as_frame());
    }
}

fn request() -> [Packet; 4] {
    [
        client(0).syn(),
        server(40_000).syn().acknowledges(0),
        client(40_100).data(0..3000).acknowledges(0),
        server(80_100).acknowledges(3000),
    ]
}

fn response(at: i64) -> [Packet; 1] {
    [server(at).data(0..100).acknowledges(3000)]
}

/// Another server that the same local port may speak to.
fn to_server(number: u16) -> Connection {
    let [high, low] = number.to_be_bytes();
    let server = SocketAddr::from(([10, 1, high, low], 443));
    Connection { server, ..Connection::ipv4() }
}

fn has_times(split: Option<&Split>) -> bool {
    split.is_some_and(|split| split.flags.is_empty() && split.times.is_some())
}

/// The split of an exchange while 100 other servers each see these packets in its midst.
fn split_amid(packets: &[Packet]) -> Option<Split> {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    push(&mut splitter, &connection, &request());
    for number in 0..100 {
        push(&mut splitter, &to_server(number), packets);
    }
    push(&mut splitter, &connection, &response(130_100));
    assert!(splitter.connections() <= 16);
    splitter.resolve(&markers(&connection))
}

#[test]
fn a_flood_of_openings_leaves_the_connection_in_use() {
    assert!(has_times(split_amid(&[client(90_000).syn()]).as_ref()));
}

#[test]
fn strays_leave_the_connection_in_use() {
    for stray in [server(90_000).data(0..10), server(90_000).syn().acknowledges(7)] {
        assert!(has_times(split_amid(&[stray]).as_ref()));
    }
}

#[test]
fn connections_that_are_over_go_before_the_one_in_use() {
    let closed = [
        client(90_000).syn(),
        server(90_010).syn().acknowledges(0),
        client(90_020).closes().acknowledges(0),
        server(90_030).closes().acknowledges(0),
    ];
    assert!(has_times(split_amid(&closed).as_ref()));
}

#[test]
fn no_connection_goes_for_a_stray() {
    let port = Connection::ipv4().client.port();
    let mut splitter = watching(port);
    for number in 0..16 {
        push(&mut splitter, &to_server(number), &request());
    }
    // One of them is over, and its exchange may still be asked for.
    push(&mut splitter, &to_server(0), &response(130_100));
    let closing = [client(130_200).closes(), server(130_300).closes().acknowledges(3001)];
    push(&mut splitter, &to_server(0), &closing);
    push(&mut splitter, &to_server(16), &[server(90_000).data(0..10)]);
    for number in 0..16 {
        let connection = to_server(number);
        if number > 0 {
            push(&mut splitter, &connection, &response(130_400));
        }
        assert!(has_times(splitter.resolve(&markers(&connection)).as_ref()), "{number}");
    }
    assert_eq!(splitter.resolve(&markers(&to_server(16))), None);
}

#[test]
fn a_connection_more_takes_the_place_of_the_one_that_was_silent_for_longest() {
    let mut splitter = watching(Connection::ipv4().client.port());
    for number in (0..16).chain([0, 16]) {
        push(&mut splitter, &to_server(number), &request());
    }
    let kept =
        |number: u16| splitter.has_seen(&Markers { response: 0..0, ..markers(&to_server(number)) });
    assert_eq!([0, 1, 2, 16].map(kept), [true, false, true, true]);
}

#[test]
fn a_connection_that_was_replaced_goes_before_any_other() {
    let mut splitter = watching(Connection::ipv4().client.port());
    let replaced = to_server(14);
    for number in 0..15 {
        push(&mut splitter, &to_server(number), &request());
    }
    let replacing = Connection { client_isn: replaced.client_isn + 77, ..replaced };
    push(&mut splitter, &replacing, &request());
    push(&mut splitter, &to_server(15), &request());
    let asked = Markers { response: 0..0, ..markers(&to_server(0)) };
    assert!(splitter.has_seen(&asked) && splitter.connections() == 16);
}

#[test]
fn the_room_that_a_large_exchange_took_is_given_back() {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    push(&mut splitter, &connection, &request()[..2]);
    for start in 0..3000 {
        push(&mut splitter, &connection, &[client(41_000).data(start..start + 1)]);
    }
    push(&mut splitter, &connection, &[server(81_000).acknowledges(3000)]);
    push(&mut splitter, &connection, &response(130_100));
    assert!(splitter.held_bytes() > 100_000);
    assert!(has_times(splitter.resolve(&markers(&connection)).as_ref()));
    assert!(splitter.held_bytes() < 10_000, "{}", splitter.held_bytes());
}

/// How many connections are left after an exchange, when so many minutes with traffic of others
/// have passed.
fn left_after(minutes: i64, closed: bool) -> usize {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    push(&mut splitter, &connection, &request());
    if closed {
        let closing = [client(90_000).closes(), server(90_000).closes().acknowledges(3001)];
        push(&mut splitter, &connection, &closing);
    }
    let mut other = Connection::ipv4();
    other.client.set_port(1);
    for minute in 0..=minutes {
        push(&mut splitter, &other, &[client(90_000 + minute * MINUTE)]);
    }
    splitter.connections()
}

#[test]
fn a_port_that_is_watched_twice_is_kept_until_both_are_over() {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    splitter.watch(connection.client.port());
    push(&mut splitter, &connection, &request());
    splitter.unwatch(connection.client.port());
    push(&mut splitter, &connection, &response(130_100));
    assert!(has_times(splitter.resolve(&markers(&connection)).as_ref()));
    splitter.unwatch(connection.client.port());
    assert_eq!((splitter.connections(), splitter.held_bytes()), (0, 0));
}

#[test]
fn a_connection_that_is_closed_or_long_silent_is_forgotten() {
    assert_eq!((left_after(1, true), left_after(3, true)), (1, 0));
    assert_eq!((left_after(59, false), left_after(61, false)), (1, 0));
}

#[test]
fn a_clock_that_is_stepped_forward_ends_no_connection() {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    push(&mut splitter, &connection, &request());
    push(&mut splitter, &connection, &response(5 * 60 * MINUTE));
    assert!(splitter.has_seen(&markers(&connection)));
}

#[test]
fn an_exchange_that_cannot_be_found_leaves_nothing_behind() {
    let connection = Connection::ipv4();
    let mut splitter = watching(connection.client.port());
    let mut after_first = 0;
    for turn in 0..10_000 {
        let at = 1000 * i64::try_from(turn).unwrap();
        let start = turn * 3000;
        let sent = client(at).data(start..start + 3000).acknowledges(turn * 100);
        push(&mut splitter, &connection, &[sent, server(at + 500).acknowledges(start + 3000)]);
        let range = start..start + 2999;
        let split = splitter.resolve(&Markers { request: range, ..markers(&connection) });
        assert!(split.unwrap().flags.contains(SplitFlags::CAPTURE_GAP));
        if turn == 100 {
            after_first = splitter.held_bytes();
        }
    }
    assert_eq!(splitter.held_bytes(), after_first);
}

#[test]
fn where_all_hold_too_much_the_largest_loses_its_exchange_and_no_other() {
    let most = 400_000;
    let mut splitter = Splitter::new(LinkType::Ethernet).holding_at_most(most);
    let (busy, quiet) = (to_server(1), Connection { client: another_port(), ..to_server(2) });
    splitter.watch(busy.client.port());
    splitter.watch(quiet.client.port());
    push(&mut splitter, &quiet, &request());
    push(&mut splitter, &busy, &request());
    let mut sent = 3000;
    for turn in 0..20_000 {
        push(&mut splitter, &busy, &[client(41_000 + turn).data(sent..sent + 10).acknowledges(0)]);
        sent += 10;
        assert!(splitter.held_bytes() <= most);
    }
    push(&mut splitter, &quiet, &response(130_100));
    assert!(has_times(splitter.resolve(&markers(&quiet)).as_ref()));
    push(
        &mut splitter,
        &busy,
        &[
            server(101_000).acknowledges(sent),
            server(130_100).data(0..100).acknowledges(sent),
            client(200_000).data(sent..sent + 500).acknowledges(100),
            server(240_000).acknowledges(sent + 500),
            server(250_000).data(100..200).acknowledges(sent + 500),
        ],
    );
    let lost = splitter.resolve(&Markers { request: 0..sent, ..markers(&busy) }).unwrap();
    assert_eq!((lost.times, lost.flags), (None, SplitFlags::CAPTURE_GAP));
    let (request, response) = (sent..sent + 500, 100..200);
    let next = Markers { first: false, request, response, ..markers(&busy) };
    let split = splitter.resolve(&next);
    assert!(has_times(split.as_ref()), "{split:?}");
    splitter.unwatch(busy.client.port());
    splitter.unwatch(quiet.client.port());
    assert_eq!((splitter.held_bytes(), splitter.connections()), (0, 0));
}

fn another_port() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 50_001))
}
