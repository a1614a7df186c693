//! The live path of the packet engine: one test for each trap of splitting latency.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ops::Range, time::Duration};

use armol_analysis::{
    frame::LinkType,
    split::{InferenceBounds, Split, SplitFlags, SplitTimes},
    splitter::{Markers, Splitter},
    testing::{Connection, Packet, client, moment, server},
};

const NONE: SplitFlags = SplitFlags::empty();

const fn us(microseconds: u64) -> Duration {
    Duration::from_micros(microseconds)
}

/// Markers of a first exchange without TLS that began with the conversation.
fn markers(connection: &Connection, request: Range<u64>, response: Range<u64>) -> Markers {
    Markers {
        client: connection.client,
        server: connection.server,
        opened_at: moment(0),
        first: true,
        handshake: 0..0,
        request,
        response,
        complete: true,
    }
}

fn later(connection: &Connection, request: Range<u64>, response: Range<u64>) -> Markers {
    Markers { first: false, ..markers(connection, request, response) }
}

fn push(splitter: &mut Splitter, connection: &Connection, packets: &[Packet]) {
    for frame in connection.frames(packets) {
        splitter.push(&frame.as_frame());
    }
}

fn watching(connection: &Connection) -> Splitter {
    let mut splitter = Splitter::new(connection.link_type);
    splitter.watch(connection.client.port());
    splitter
}

/// The split of a conversation that is one exchange.
fn split(
    connection: &Connection,
    packets: &[Packet],
    request: Range<u64>,
    response: Range<u64>,
) -> Split {
    let mut splitter = watching(connection);
    push(&mut splitter, connection, packets);
    splitter.resolve(&markers(connection, request, response)).expect("frames were seen")
}

/// Upload, inference and download in microseconds.
fn parts(split: &Split) -> (u128, u128, u128) {
    let times = times(split);
    (times.upload().as_micros(), times.inference().as_micros(), times.download().as_micros())
}

fn times(split: &Split) -> SplitTimes {
    split.times.ok_or_else(|| split.flags.words()).expect("times")
}

fn bounds(split: &Split) -> InferenceBounds {
    times(split).bounds().expect("bounds")
}

/// SYN and SYN-ACK, a round trip of 40 ms, and the third packet.
fn opening() -> Vec<Packet> {
    vec![client(0).syn(), server(40_000).syn().acknowledges(0), client(40_050).acknowledges(0)]
}

fn after_opening(packets: impl IntoIterator<Item = Packet>) -> Vec<Packet> {
    opening().into_iter().chain(packets).collect()
}

/// A request of 3000 bytes in two segments, an answer after 50 ms of the server's time.
fn plain() -> Vec<Packet> {
    after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(42_000).data(1500..3000).acknowledges(0),
        server(81_000).acknowledges(1500),
        server(82_000).acknowledges(3000),
        server(132_000).data(0..1000).acknowledges(3000),
        server(133_000).data(1000..1800).acknowledges(3000),
        client(133_010).acknowledges(1800),
    ])
}

#[test]
fn splits_a_plain_exchange() {
    let connection = Connection::ipv4();
    let split = split(&connection, &plain(), 0..3000, 0..1800);
    assert_eq!(parts(&split), (41_000, 50_000, 1000));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(50_000) });
    assert_eq!(split.request_first, Some(moment(41_000)));
    assert_eq!(split.connect, Some(us(40_000)));
    assert_eq!(split.tls, None);
    assert_eq!(split.rtt, Some(us(40_000)));
    assert_eq!((split.request_bytes, split.response_bytes), (3000, 1800));
    assert_eq!((split.retransmissions, split.flags), (0, NONE));
}

#[test]
fn every_link_layer_and_ip_version_gives_the_same_split() {
    let expected = split(&Connection::ipv4(), &plain(), 0..3000, 0..1800);
    let ipv6 = Connection::ipv6();
    let variants = [
        Connection { vlan: Some(7), ..Connection::ipv4() },
        Connection { link_type: LinkType::Raw, ..Connection::ipv4() },
        Connection { link_type: LinkType::Loopback, ..ipv6.clone() },
        Connection { extension_header: true, ..ipv6.clone() },
        ipv6,
    ];
    for connection in variants {
        let found = split(&connection, &plain(), 0..3000, 0..1800);
        assert_eq!(found, expected, "{connection:?}");
    }
}

#[test]
fn the_tls_handshake_runs_from_client_hello_to_its_last_byte() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(40_100).data(0..250).acknowledges(0),
        server(80_100).data(0..3000).acknowledges(250),
        client(81_100).data(250..330).acknowledges(3000),
        client(81_200).data(330..1330).acknowledges(3000),
        server(121_200).acknowledges(1330),
        server(131_200).data(3000..4000).acknowledges(1330),
    ]);
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    let markers = Markers { handshake: 0..330, ..markers(&connection, 330..1330, 3000..4000) };
    let split = splitter.resolve(&markers).unwrap();
    assert_eq!(split.tls, Some(us(41_000)));
    assert_eq!(parts(&split), (40_000, 10_000, 0));
}

#[test]
fn a_delayed_acknowledgement_is_not_the_arrival() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(41_100).data(1500..3000).acknowledges(0),
        client(41_200).data(3000..3500).acknowledges(0),
        server(81_100).acknowledges(3000),
        server(121_200).acknowledges(3500),
        server(181_200).data(0..100).acknowledges(3500),
    ]);
    let split = split(&connection, &packets, 0..3500, 0..100);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK);
    assert_eq!(parts(&split), (40_200, 100_000, 0));
    // The other bytes took 40 ms, and no one of them more, so the last did not take 1 ms more.
    assert_eq!(bounds(&split), InferenceBounds { low: us(99_000), high: us(100_000) });
}

#[test]
fn a_delayed_acknowledgement_of_a_single_segment_borrows_the_round_trip() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(121_000).acknowledges(500),
        server(181_000).data(0..100).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..100);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK | SplitFlags::RTT_BORROWED);
    assert_eq!(parts(&split), (40_000, 100_000, 0));
}

#[test]
fn a_piggybacked_acknowledgement_is_not_the_arrival() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(101_000).data(0..100).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..100);
    assert_eq!(split.flags, SplitFlags::PIGGYBACKED_ACK | SplitFlags::RTT_BORROWED);
    assert_eq!(parts(&split), (40_000, 20_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(0), high: us(20_000) });
}

#[test]
fn a_lost_last_segment_counts_as_upload() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(41_100).data(1500..3000).acknowledges(0),
        server(81_000).acknowledges(1500),
        client(341_000).data(1500..3000).acknowledges(0),
        server(381_000).acknowledges(3000),
        server(431_000).data(0..100).acknowledges(3000),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED);
    assert_eq!(split.retransmissions, 1);
    assert_eq!(parts(&split), (340_000, 50_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(50_000) });
}

#[test]
fn a_spurious_retransmission_changes_nothing_because_the_server_reports_it() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(41_100).data(1500..3000).acknowledges(0),
        server(81_000).acknowledges(1500),
        // The last acknowledgement is delayed, so a probe goes out that the server did not need.
        client(101_100).data(1500..3000).acknowledges(0),
        server(141_100).acknowledges(3000).block(1500..3000),
        server(181_100).data(0..100).acknowledges(3000),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    let expected = SplitFlags::RETRANSMITTED | SplitFlags::DSACK | SplitFlags::DELAYED_ACK;
    assert_eq!(split.flags, expected);
    assert_eq!(parts(&split), (40_100, 100_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(40_000), high: us(100_000) });
}

#[test]
fn an_acknowledgement_sooner_than_a_round_trip_does_not_answer_a_retransmission() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(41_100).data(1500..3000).acknowledges(0),
        server(81_000).acknowledges(1500),
        // The last acknowledgement is lost; the response comes just after the client's probe.
        client(121_100).data(1500..3000).acknowledges(0),
        server(131_100).data(0..100).acknowledges(3000),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED | SplitFlags::PIGGYBACKED_ACK);
    assert_eq!(parts(&split), (40_100, 50_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(0), high: us(50_000) });
}

#[test]
fn bounds_hold_an_acknowledgement_a_little_sooner_than_any_round_trip() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        client(341_000).data(0..500).acknowledges(0),
        server(379_000).acknowledges(500),
        server(429_000).data(0..100).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..100);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED | SplitFlags::RTT_BORROWED);
    assert_eq!(parts(&split), (338_000, 50_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(50_000) });
}

#[test]
fn a_lost_first_response_segment_is_flagged() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(81_000).acknowledges(500),
        server(131_100).data(1000..2000).acknowledges(500),
        server(171_200).data(0..1000).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..2000);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED);
    assert_eq!(split.retransmissions, 1);
    assert_eq!(parts(&split), (40_000, 50_100, 40_100));
}

/// A server that counts its packets; its response of one segment comes 250 ms late, after packets
/// with these numbers.
fn late_response(numbers: [u16; 3], response: u16) -> Split {
    let [first, second, third] = numbers;
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(42_000).data(1500..3000).acknowledges(0),
        client(43_000).data(3000..4000).acknowledges(0),
        server(81_000).acknowledges(1500).identification(first),
        server(82_000).acknowledges(3000).identification(second),
        server(83_000).acknowledges(4000).identification(third),
        server(383_000).data(0..1000).acknowledges(4000).identification(response),
        client(383_010).acknowledges(1000),
    ]);
    split(&Connection::ipv4(), &packets, 0..4000, 0..1000)
}

#[test]
fn a_number_that_is_missing_before_the_response_says_that_it_may_have_been_lost_before() {
    let lost = late_response([65_534, 65_535, 0], 2);
    assert_eq!(lost.flags, SplitFlags::HIDDEN_LOSS);
    assert_eq!(bounds(&lost), InferenceBounds { low: us(0), high: us(300_000) });
    let slow = late_response([65_534, 65_535, 0], 1);
    assert_eq!(slow.flags, NONE);
    assert_eq!(bounds(&slow), InferenceBounds { low: us(300_000), high: us(300_000) });
}

/// A server whose clock ticks once a millisecond; its acknowledgement and its answer to a second
/// request, sent 40 ms after one another, come so many microseconds late.
fn held_up(acknowledgement: i64, answer: i64) -> Split {
    let connection = Connection::ipv4();
    let stamped = |at: i64, late: i64, value: u32| server(at + late).stamps(value, 0);
    let packets = after_opening([
        client(41_000).data(0..1000).acknowledges(0),
        stamped(81_000, 0, 500).acknowledges(1000),
        stamped(281_000, 0, 700).data(0..800).acknowledges(1000),
        client(300_000).data(1000..2000).acknowledges(800),
        stamped(340_000, acknowledgement, 759).acknowledges(2000),
        stamped(380_000, answer, 799).data(800..1600).acknowledges(2000),
    ]);
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    splitter.resolve(&markers(&connection, 0..1000, 0..800)).unwrap();
    splitter.resolve(&later(&connection, 1000..2000, 800..1600)).unwrap()
}

#[test]
fn the_servers_clock_tells_what_was_held_up_on_its_way() {
    assert_eq!(parts(&held_up(0, 0)), (40_000, 40_000, 0));
    let drift = 12;
    for (acknowledgement, answer) in [(7000, 0), (0, 7000), (9000, 6000), (30_000, 0)] {
        let split = held_up(acknowledgement, answer);
        let (_, inference, download) = parts(&split);
        assert!(inference.abs_diff(40_000) <= 500 + drift, "{split:?}");
        assert!(download.abs_diff(answer.unsigned_abs().into()) <= 500 + drift, "{split:?}");
        let bounds = bounds(&split);
        assert!(bounds.low <= us(40_000) && us(40_000) <= bounds.high, "{split:?}");
        assert!(!split.flags.contains(SplitFlags::DELAYED_ACK), "{split:?}");
    }
}

#[test]
fn numbers_of_a_sender_that_does_not_count_say_nothing() {
    for numbers in [[0, 0, 0], [7000, 200, 41_000], [10, 13, 14]] {
        assert_eq!(late_response(numbers, numbers[2] + 3).flags, NONE, "{numbers:?}");
    }
}

#[test]
fn a_packet_that_others_overtook_is_not_missing() {
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(42_000).data(1500..3000).acknowledges(0),
        server(80_500).acknowledges(0).identification(5),
        server(81_000).acknowledges(1500).identification(6),
        server(82_000).acknowledges(3000).identification(7),
        server(132_000).data(0..500).acknowledges(3000).identification(9),
        server(132_010).data(500..1000).acknowledges(3000).identification(8),
        server(132_020).data(1000..1800).acknowledges(3000).identification(10),
    ]);
    let early = split(&Connection::ipv4(), &packets, 0..3000, 500..1000);
    assert_eq!(early.flags, NONE);
    let lacking = split(&Connection::ipv4(), &packets, 0..3000, 0..500);
    assert_eq!(lacking.flags, SplitFlags::HIDDEN_LOSS);
}

#[test]
fn reordered_response_segments_are_not_retransmissions() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(81_000).acknowledges(500),
        server(131_000).data(1000..2000).acknowledges(500),
        server(131_100).data(0..1000).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..2000);
    assert_eq!(split.flags, NONE);
    assert_eq!(parts(&split), (40_000, 50_000, 100));
}

#[test]
fn a_super_frame_without_an_ip_length_counts_all_its_bytes() {
    for connection in [Connection::ipv4(), Connection::ipv6()] {
        let packets = after_opening([
            client(41_000).data(0..100_000).acknowledges(0).super_frame(),
            server(82_000).acknowledges(40_000),
            server(86_000).acknowledges(100_000),
            server(136_000).data(0..100).acknowledges(100_000),
        ]);
        let mut splitter = watching(&connection);
        push(&mut splitter, &connection, &packets);
        let markers = markers(&connection, 0..100_000, 0..100);
        assert!(splitter.has_seen(&markers));
        let split = splitter.resolve(&markers).unwrap();
        assert_eq!(parts(&split), (45_000, 50_000, 0));
        assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(55_000) });
    }
}

#[test]
fn an_acknowledgement_of_part_of_a_super_frame_ends_neither_upload_nor_a_round_trip() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..30_000).acknowledges(0),
        client(41_500).data(30_000..60_000).acknowledges(0),
        server(81_200).acknowledges(15_000),
        server(83_000).acknowledges(45_000),
        server(84_000).acknowledges(60_000),
        server(134_000).data(0..100).acknowledges(60_000),
    ]);
    let split = split(&connection, &packets, 0..60_000, 0..100);
    assert_eq!(split.flags, NONE);
    assert_eq!(parts(&split), (43_000, 50_000, 0));
    assert_eq!(split.rtt, Some(us(42_500)));
}

#[test]
fn a_bottleneck_queue_is_in_the_round_trip_but_not_in_the_least_one() {
    let connection = Connection::ipv4();
    let mut packets = opening();
    // Each segment waits 5 ms longer in the queue than the one before.
    for segment in 0..8 {
        let start = segment * 1500;
        let sent = 41_000 + 100 * i64::try_from(segment).unwrap();
        packets.push(client(sent).data(start..start + 1500).acknowledges(0));
    }
    for segment in 0..8 {
        let arrived = 81_000 + 5100 * i64::try_from(segment).unwrap();
        packets.push(server(arrived).acknowledges((segment + 1) * 1500));
    }
    packets.push(server(166_700).data(0..100).acknowledges(12_000));
    let split = split(&connection, &packets, 0..12_000, 0..100);
    // The last four round trips before the request's own: 55, 60, 65, 70 ms.
    assert_eq!(split.rtt, Some(us(55_000)));
    // By the least round trip it could be 85 ms, but 5.1 ms before the request's acknowledgement
    // the server did not have all of it.
    let bounds = bounds(&split);
    assert_eq!(bounds, InferenceBounds { low: us(50_000), high: us(56_100) });
}

/// Eight segments of 1500 bytes, sent at once to a bottleneck that takes 1.2 ms for two of them,
/// acknowledged in pairs; the queue before it was empty.
fn through_a_bottleneck() -> Vec<Packet> {
    let mut packets = opening();
    for segment in 0..8 {
        let start = segment * 1500;
        packets.push(client(41_000).data(start..start + 1500).acknowledges(0));
    }
    for pair in 1..5 {
        let arrived = 81_000 + 1200 * i64::try_from(pair).unwrap();
        packets.push(server(arrived).acknowledges(pair * 3000));
    }
    packets
}

#[test]
fn behind_a_queue_a_late_acknowledgement_is_expected_after_those_before_it() {
    let connection = Connection::ipv4();
    let mut packets = through_a_bottleneck();
    // The last bytes went out with the others, and their acknowledgement waits for 40 ms.
    packets.insert(11, client(41_000).data(12_000..12_500).acknowledges(0));
    packets.push(server(126_000).acknowledges(12_500));
    packets.push(server(186_000).data(0..100).acknowledges(12_500));
    let split = split(&connection, &packets, 0..12_500, 0..100);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK);
    // 500 bytes take 0.2 ms after the pair that was acknowledged at 85.8 ms.
    assert_eq!(parts(&split), (45_000, 100_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(95_200), high: us(101_200) });
}

#[test]
fn bytes_that_meet_no_queue_take_a_round_trip_whatever_those_before_them_took() {
    let connection = Connection::ipv4();
    let mut packets = through_a_bottleneck();
    packets.push(client(90_000).data(12_000..12_500).acknowledges(0));
    packets.push(server(170_000).acknowledges(12_500));
    packets.push(server(230_000).data(0..100).acknowledges(12_500));
    let split = split(&connection, &packets, 0..12_500, 0..100);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK);
    assert_eq!(split.rtt, Some(us(41_200)));
    assert_eq!(parts(&split), (90_200, 98_800, 0));
}

#[test]
fn the_pace_at_which_bytes_are_written_is_no_bottlenecks() {
    let connection = Connection::ipv4();
    let mut packets = opening();
    for segment in 0..5 {
        let start = segment * 1500;
        let sent = 41_000 + 5000 * i64::try_from(segment).unwrap();
        packets.push(client(sent).data(start..start + 1500).acknowledges(0));
    }
    packets.push(client(61_100).data(7500..9000).acknowledges(0));
    for segment in 0..4 {
        let arrived = 81_000 + 5000 * i64::try_from(segment).unwrap();
        packets.push(server(arrived).acknowledges((segment + 1) * 1500));
    }
    packets.push(server(131_100).data(0..100).acknowledges(9000));
    let split = split(&connection, &packets, 0..9000, 0..100);
    assert_eq!(split.flags, SplitFlags::PIGGYBACKED_ACK);
    assert_eq!(parts(&split), (60_100, 30_000, 0));
}

#[test]
fn a_train_of_acknowledgements_is_not_read_where_something_was_lost() {
    let connection = Connection::ipv4();
    let mut packets = opening();
    for segment in 0..7 {
        let start = segment * 1500;
        packets.push(client(41_000).data(start..start + 1500).acknowledges(0));
    }
    packets.push(server(91_000).acknowledges(1500));
    // Every second segment was lost. Each is sent again when the one before it is acknowledged,
    // which takes 50 ms, and lets the acknowledgements jump by 3000 bytes.
    for (lost, again) in [(1500, 101_000), (4500, 151_000), (7500, 201_000)] {
        packets.push(client(again).data(lost..lost + 1500).acknowledges(0));
        packets.push(server(again + 50_000).acknowledges(lost + 3000));
    }
    // At that pace the last 6000 bytes would take 100 ms; nothing was lost of them.
    packets.push(client(251_000).data(10_500..16_500).acknowledges(0).super_frame());
    packets.push(server(401_000).data(0..100).acknowledges(16_500));
    let split = split(&connection, &packets, 0..16_500, 0..100);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED | SplitFlags::PIGGYBACKED_ACK);
    assert_eq!(split.rtt, Some(us(50_000)));
    assert_eq!(parts(&split), (260_000, 100_000, 0));
}

#[test]
fn acknowledgements_that_do_not_go_further_say_that_the_request_was_not_complete() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(41_010).data(1500..3000).acknowledges(0),
        client(41_020).data(3000..4500).acknowledges(0),
        // The first segment was overtaken by 5 ms, and the server says so each time.
        server(81_010).acknowledges(0).block(1500..3000),
        server(83_500).acknowledges(0).block(1500..4500),
        server(85_000).acknowledges(4500),
        server(135_000).data(0..100).acknowledges(4500),
    ]);
    let split = split(&connection, &packets, 0..4500, 0..100);
    assert_eq!(parts(&split), (44_000, 50_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(52_500) });
}

#[test]
fn a_steady_queue_does_not_make_an_acknowledgement_late() {
    let connection = Connection::ipv4();
    let mut packets = opening();
    for segment in 0..6 {
        let start = segment * 1500;
        let sent = 41_000 + 600 * i64::try_from(segment).unwrap();
        packets.push(client(sent).data(start..start + 1500).acknowledges(0));
    }
    for segment in 0..6 {
        let arrived = 109_000 + 600 * i64::try_from(segment).unwrap();
        packets.push(server(arrived).acknowledges((segment + 1) * 1500));
    }
    packets.push(server(162_000).data(0..100).acknowledges(9000));
    let split = split(&connection, &packets, 0..9000, 0..100);
    assert_eq!(split.flags, NONE);
    assert_eq!(parts(&split), (71_000, 50_000, 0));
    assert_eq!(split.rtt, Some(us(68_000)));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(51_600) });
}

#[test]
fn a_reused_port_begins_another_stream() {
    let first = Connection::ipv4();
    let second = Connection { client_isn: 77_000, server_isn: 5, ..first };
    let mut splitter = watching(&first);
    push(&mut splitter, &first, &plain());
    let packets = [
        client(1_000_000).syn(),
        server(1_040_000).syn().acknowledges(0),
        client(1_041_000).data(0..500).acknowledges(0),
        server(1_081_000).acknowledges(500),
        server(1_101_000).data(0..100).acknowledges(500),
    ];
    push(&mut splitter, &second, &packets);
    let mut of_second = markers(&second, 0..500, 0..100);
    of_second.opened_at = moment(999_900);
    assert_eq!(parts(&splitter.resolve(&of_second).unwrap()), (40_000, 20_000, 0));
    let of_first = markers(&first, 0..3000, 0..1800);
    assert_eq!(parts(&splitter.resolve(&of_first).unwrap()), (41_000, 50_000, 1000));
    let of_third = Markers { opened_at: moment(2_000_000), ..of_second };
    assert_eq!(splitter.resolve(&of_third), None);
}

#[test]
fn an_agent_whose_clock_is_ahead_of_the_frames_finds_its_connections() {
    let first = Connection::ipv4();
    let second = Connection { client_isn: 77_000, ..first };
    let mut splitter = watching(&first);
    push(&mut splitter, &first, &[client(-400_000).syn()]);
    push(&mut splitter, &second, &plain());
    let markers = Markers { opened_at: moment(2000), ..markers(&second, 0..3000, 0..1800) };
    assert_eq!(parts(&splitter.resolve(&markers).unwrap()), (41_000, 50_000, 1000));
}

#[test]
fn interleaved_connections_do_not_mix() {
    let one = Connection::ipv4();
    let mut other = Connection { client_isn: 5, server_isn: 6, ..one };
    other.client.set_port(50_001);
    let mut splitter = watching(&one);
    splitter.watch(50_001);
    let frames = one.frames(&plain()).into_iter().zip(other.frames(&plain()));
    for (of_one, of_other) in frames {
        splitter.push(&of_one.as_frame());
        splitter.push(&of_other.as_frame());
    }
    for connection in [&one, &other] {
        let split = splitter.resolve(&markers(connection, 0..3000, 0..1800)).unwrap();
        assert_eq!(parts(&split), (41_000, 50_000, 1000));
        assert_eq!(split.flags, NONE);
    }
}

#[test]
fn exchanges_on_one_connection_follow_each_other() {
    let connection = Connection::ipv4();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &plain());
    let first = markers(&connection, 0..3000, 0..1800);
    assert!(splitter.has_seen(&first));
    splitter.resolve(&first).unwrap();
    let second = later(&connection, 3000..3500, 1800..2000);
    assert!(!splitter.has_seen(&second));
    push(
        &mut splitter,
        &connection,
        &[
            client(200_000).data(3000..3500).acknowledges(1800),
            server(240_000).acknowledges(3500),
            server(270_000).data(1800..2000).acknowledges(3500),
        ],
    );
    assert!(splitter.has_seen(&second));
    let split = splitter.resolve(&second).unwrap();
    assert_eq!(parts(&split), (40_000, 30_000, 0));
    assert_eq!((split.connect, split.flags), (None, NONE));
}

#[test]
fn a_repeated_end_of_the_response_before_may_acknowledge_the_request() {
    let connection = Connection::ipv4();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &plain());
    splitter.resolve(&markers(&connection, 0..3000, 0..1800)).unwrap();
    push(
        &mut splitter,
        &connection,
        &[
            client(200_000).data(3000..3500).acknowledges(1800),
            server(240_000).data(1000..1800).acknowledges(3500),
            server(290_000).data(1800..2000).acknowledges(3500),
        ],
    );
    let split = splitter.resolve(&later(&connection, 3000..3500, 1800..2000)).unwrap();
    assert_eq!(split.flags, NONE);
    assert_eq!(parts(&split), (40_000, 50_000, 0));
    assert_eq!(bounds(&split), InferenceBounds { low: us(50_000), high: us(50_000) });
}

#[test]
fn exchanges_that_share_a_segment_are_flagged() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..800).acknowledges(0),
        server(81_000).acknowledges(800),
        server(91_000).data(0..200).acknowledges(800),
    ]);
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    let first = splitter.resolve(&markers(&connection, 0..500, 0..100)).unwrap();
    let second = splitter.resolve(&later(&connection, 500..800, 100..200)).unwrap();
    for split in [first, second] {
        assert_eq!(split.flags, SplitFlags::SHARED_SEGMENT);
        assert_eq!(parts(&split), (40_000, 10_000, 0));
    }
}

#[test]
fn sequence_numbers_wrap_inside_the_exchange() {
    let connection = Connection {
        client_isn: u32::MAX - 1000,
        server_isn: u32::MAX - 500,
        ..Connection::ipv4()
    };
    let split = split(&connection, &plain(), 0..3000, 0..1800);
    assert_eq!(parts(&split), (41_000, 50_000, 1000));
    assert_eq!(split.flags, NONE);
}

#[test]
fn a_snapshot_that_cuts_the_options_changes_nothing() {
    let stamped: Vec<Packet> = plain().into_iter().map(|packet| packet.stamps(1, 1)).collect();
    let expected = split(&Connection::ipv4(), &stamped, 0..3000, 0..1800);
    for snapshot in [54, 60, 64] {
        let connection = Connection { snapshot, ..Connection::ipv4() };
        assert_eq!(split(&connection, &stamped, 0..3000, 0..1800), expected, "{snapshot}");
    }
}

#[test]
fn a_stream_without_its_start_is_found_by_the_length_of_its_segments() {
    let connection = Connection::ipv4();
    let packets: Vec<Packet> = plain().into_iter().skip(2).collect();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    let markers = markers(&connection, 0..3000, 0..1800);
    assert!(splitter.has_seen(&markers));
    let split = splitter.resolve(&markers).unwrap();
    assert_eq!(split.flags, SplitFlags::NO_HANDSHAKE);
    assert_eq!(parts(&split), (41_000, 50_000, 1000));
    assert_eq!(split.connect, None);
}

#[test]
fn half_an_opening_is_no_handshake_but_enough_to_find_the_exchange() {
    let connection = Connection::ipv4();
    for missing in [0, 1] {
        let mut packets = plain();
        packets.remove(missing);
        let split = split(&connection, &packets, 0..3000, 0..1800);
        assert_eq!(split.flags, SplitFlags::NO_HANDSHAKE, "{missing}");
        assert_eq!(parts(&split), (41_000, 50_000, 1000), "{missing}");
        assert_eq!(split.connect, None, "{missing}");
    }
}

#[test]
fn a_request_on_a_stream_without_its_start_can_be_resolved_after_another() {
    let connection = Connection::ipv4();
    let packets: Vec<Packet> = plain().into_iter().skip(2).collect();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    splitter.resolve(&markers(&connection, 0..3000, 0..1800)).unwrap();
    push(
        &mut splitter,
        &connection,
        &[
            client(200_000).data(3000..3500).acknowledges(1800),
            server(240_000).acknowledges(3500),
            server(270_000).data(1800..2000).acknowledges(3500),
        ],
    );
    let split = splitter.resolve(&later(&connection, 3000..3500, 1800..2000)).unwrap();
    assert_eq!(parts(&split), (40_000, 30_000, 0));
}

#[test]
fn a_stream_without_its_start_and_without_fitting_segments_has_no_times() {
    let connection = Connection::ipv4();
    let packets: Vec<Packet> = plain().into_iter().skip(2).collect();
    let split = split(&connection, &packets, 0..2999, 0..1800);
    assert_eq!(split.flags, SplitFlags::NO_HANDSHAKE | SplitFlags::CAPTURE_GAP);
    assert_eq!(split.times, None);
}

#[test]
fn a_connection_of_which_nothing_was_seen_has_no_split() {
    let connection = Connection::ipv4();
    let mut splitter = watching(&connection);
    let markers = markers(&connection, 0..3000, 0..1800);
    assert_eq!(splitter.resolve(&markers), None);
    push(&mut splitter, &connection, &plain());
    splitter.unwatch(connection.client.port());
    push(&mut splitter, &connection, &plain());
    assert!(!splitter.has_seen(&markers));
    assert_eq!(splitter.resolve(&markers), None);
}

#[test]
fn a_gap_inside_the_request_is_flagged_and_keeps_the_times() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1000).acknowledges(0),
        client(41_000).data(2000..3000).acknowledges(0),
        server(81_000).acknowledges(3000),
        server(131_000).data(0..100).acknowledges(3000),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    assert_eq!(split.flags, SplitFlags::CAPTURE_GAP);
    assert_eq!(parts(&split), (40_000, 50_000, 0));
}

#[test]
fn a_gap_at_a_boundary_leaves_no_times() {
    let connection = Connection::ipv4();
    let all = plain();
    // Without the request's start, its end, the response's start, the response's end.
    for missing in [3, 4, 7, 8] {
        let mut packets = all.clone();
        packets.remove(missing);
        let mut splitter = watching(&connection);
        push(&mut splitter, &connection, &packets);
        let markers = markers(&connection, 0..3000, 0..1800);
        assert!(!splitter.has_seen(&markers), "{missing}");
        let split = splitter.resolve(&markers).unwrap();
        assert_eq!(split.times, None, "{missing}");
        assert_eq!(split.flags, SplitFlags::CAPTURE_GAP, "{missing}");
    }
}

#[test]
fn an_early_response_has_no_times() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        client(42_000).data(1500..3000).acknowledges(0),
        server(81_000).data(0..100).acknowledges(1500),
        server(82_000).acknowledges(3000),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    assert_eq!(split.flags, SplitFlags::EARLY_RESPONSE);
    assert_eq!(split.times, None);
}

#[test]
fn a_response_before_the_request_was_sent_is_early_and_no_gap() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..1500).acknowledges(0),
        server(81_000).data(0..100).acknowledges(1500),
    ]);
    let split = split(&connection, &packets, 0..3000, 0..100);
    assert_eq!(split.flags, SplitFlags::EARLY_RESPONSE);
    assert_eq!(split.times, None);
}

#[test]
fn a_clock_stepped_back_leaves_no_times() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(81_000).acknowledges(500),
        server(31_000).data(0..100).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..100);
    assert_eq!(split.flags, SplitFlags::CLOCK_STEPPED);
    assert_eq!(split.times, None);
    assert_eq!(split.connect, Some(us(40_000)));
}

#[test]
fn a_clock_stepped_back_in_the_handshake_spares_the_exchange() {
    let connection = Connection::ipv4();
    let mut packets = plain();
    *packets.get_mut(0).unwrap() = client(500_000).syn();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &packets);
    let split = splitter.resolve(&markers(&connection, 0..3000, 0..1800)).unwrap();
    assert_eq!(split.flags, SplitFlags::CLOCK_STEPPED);
    assert_eq!(split.connect, None);
    assert_eq!(parts(&split), (41_000, 50_000, 1000));
}

#[test]
fn stamps_a_little_out_of_order_are_no_step() {
    let connection = Connection::ipv4();
    let packets = after_opening([
        client(41_000).data(0..500).acknowledges(0),
        server(81_005).acknowledges(500),
        server(81_000).data(0..100).acknowledges(500),
    ]);
    let split = split(&connection, &packets, 0..500, 0..100);
    assert_eq!(split.flags, NONE);
    assert_eq!(parts(&split), (40_000, 0, 0));
}

#[test]
fn an_incomplete_response_is_split_as_far_as_it_was_read() {
    let connection = Connection::ipv4();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &plain());
    let markers = Markers { complete: false, ..markers(&connection, 0..3000, 0..1200) };
    let split = splitter.resolve(&markers).unwrap();
    assert_eq!(split.flags, SplitFlags::TRUNCATED);
    assert_eq!(parts(&split), (41_000, 50_000, 1000));
}

#[test]
fn a_request_without_a_response_has_no_times() {
    let connection = Connection::ipv4();
    let packets = &plain()[..7];
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, packets);
    let markers = Markers { complete: false, ..markers(&connection, 0..3000, 0..0) };
    assert!(splitter.has_seen(&markers));
    let split = splitter.resolve(&markers).unwrap();
    assert_eq!((split.times, split.flags), (None, SplitFlags::TRUNCATED));
    assert_eq!(split.request_first, Some(moment(41_000)));
}

#[test]
fn a_stream_that_is_never_resolved_stays_bounded_and_says_what_is_missing() {
    let connection = Connection::ipv4();
    let mut splitter = watching(&connection);
    push(&mut splitter, &connection, &opening());
    for segment in 0..70_000 {
        let at = 41_000 + i64::try_from(segment).unwrap();
        push(&mut splitter, &connection, &[client(at).data(segment..segment + 1).acknowledges(0)]);
    }
    push(
        &mut splitter,
        &connection,
        &[server(200_000).acknowledges(70_000), server(210_000).data(0..10).acknowledges(70_000)],
    );
    let split = splitter.resolve(&markers(&connection, 0..70_000, 0..10)).unwrap();
    assert_eq!((split.times, split.flags), (None, SplitFlags::CAPTURE_GAP));
}
