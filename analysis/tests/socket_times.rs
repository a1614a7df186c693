//! Splits by the kernel's stamps of a socket: what each kind of stamp makes of them, and what holds
//! however many are lost.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ops::Range, time::Duration};

use armol_analysis::{
    socket_times::{SocketCounts, SocketEvent, SocketOpening, SocketTimes},
    split::{Split, SplitFlags, SplitMethod, SplitTimes},
    splitter::Markers,
    time::Timestamp,
};
use proptest::prelude::*;

/// Round trip of the connections here, in microseconds.
const ROUND_TRIP: u64 = 20_000;

const HANDSHAKE: Range<u64> = 0..300;
const REQUEST: Range<u64> = 300..40_300;
const RESPONSE: Range<u64> = 1000..2000;

/// A moment, in microseconds.
fn at(microseconds: u64) -> Timestamp {
    Timestamp::from_unix_ns(1_000_000_000_000).plus(Duration::from_micros(microseconds))
}

fn times() -> SocketTimes {
    let round_trip = Some(Duration::from_micros(ROUND_TRIP));
    let opening = SocketOpening { at: at(0), length: Duration::from_micros(20_300), round_trip };
    let end = |text: &str| text.parse().unwrap();
    SocketTimes::new(end("10.0.0.1:40000"), end("10.0.0.2:443"), &opening)
}

fn markers() -> Markers {
    Markers {
        client: "10.0.0.1:40000".parse().unwrap(),
        server: "10.0.0.2:443".parse().unwrap(),
        opened_at: at(0),
        first: true,
        handshake: HANDSHAKE,
        request: REQUEST,
        response: RESPONSE,
        complete: true,
    }
}

fn resolve(events: Vec<SocketEvent>) -> Split {
    let mut times = times();
    for event in events {
        times.push(event);
    }
    times.resolve(&markers())
}

/// A handshake, and a request in two writes that leaves between 100 and 110 ms.
fn sent() -> Vec<SocketEvent> {
    vec![
        SocketEvent::Written(0..300, at(30_000)),
        SocketEvent::Sent(299, at(30_010)),
        SocketEvent::Acknowledged(299, at(50_010)),
        SocketEvent::Written(300..20_300, at(100_000)),
        SocketEvent::Sent(20_299, at(104_000)),
        SocketEvent::Written(20_300..40_300, at(104_100)),
        SocketEvent::Sent(40_299, at(110_000)),
        SocketEvent::Acknowledged(20_299, at(124_000)),
    ]
}

fn counted(resent: u32, duplicates: u32, moment: u64) -> SocketEvent {
    SocketEvent::Counted(SocketCounts { resent, duplicates }, at(moment))
}

/// The response, its first bytes at this moment and its last 3 ms later.
fn arrived(first: u64) -> [SocketEvent; 2] {
    [
        SocketEvent::Arrived(1000..1005, at(first)),
        SocketEvent::Arrived(1005..2000, at(first + 3_000)),
    ]
}

/// Upload, inference and download in microseconds.
fn parts(split: &Split) -> [u128; 3] {
    let times = split.times.expect("times");
    [times.upload(), times.inference(), times.download()].map(|part| part.as_micros())
}

/// The bounds of inference in microseconds.
fn bounds(split: &Split) -> (u128, u128) {
    let bounds = split.times.and_then(SplitTimes::bounds).expect("bounds");
    (bounds.low.as_micros(), bounds.high.as_micros())
}

#[test]
fn a_request_arrives_when_it_is_acknowledged() {
    let mut events = sent();
    events.push(SocketEvent::Acknowledged(40_299, at(130_200)));
    events.extend(arrived(180_200));
    let split = resolve(events);
    assert_eq!((split.method, split.flags), (SplitMethod::Socket, SplitFlags::empty()));
    assert_eq!(parts(&split), [30_200, 50_000, 3_000]);
    assert_eq!(bounds(&split), (50_000, 50_200));
    assert_eq!(split.request_first, Some(at(100_000)));
    assert_eq!(split.connect, Some(Duration::from_millis(20)));
    assert_eq!(split.tls, Some(Duration::from_micros(10)));
    assert_eq!((split.request_bytes, split.response_bytes), (40_000, 1000));
}

#[test]
fn stamps_may_come_in_any_order() {
    let mut events = sent();
    events.push(SocketEvent::Acknowledged(40_299, at(130_200)));
    events.extend(arrived(180_200));
    let expected = resolve(events.clone());
    events.reverse();
    assert_eq!(resolve(events), expected);
}

#[test]
fn a_late_acknowledgement_gives_way_to_the_round_trip() {
    let mut events = sent();
    events.push(SocketEvent::Acknowledged(40_299, at(170_000)));
    events.extend(arrived(180_000));
    let split = resolve(events);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK);
    assert_eq!(parts(&split), [30_000, 50_000, 3_000]);
    assert_eq!(bounds(&split), (49_000, 50_000));
}

#[test]
fn one_acknowledgement_of_several_writes_is_one() {
    let mut events = sent();
    // What covered the last write covered the one before too, and is stamped for it first.
    *events.last_mut().unwrap() = SocketEvent::Acknowledged(20_299, at(169_998));
    events.push(SocketEvent::Acknowledged(40_299, at(170_000)));
    events.extend(arrived(180_000));
    let split = resolve(events);
    assert!(split.flags.contains(SplitFlags::DELAYED_ACK), "{split:?}");
    assert_eq!(parts(&split), [30_000, 50_000, 3_000]);
}

#[test]
fn an_acknowledgement_stamped_just_after_the_response_rode_on_it() {
    let mut events = sent();
    events.extend(arrived(131_000));
    events.push(SocketEvent::Acknowledged(40_299, at(131_030)));
    let split = resolve(events.clone());
    assert_eq!(split.flags, SplitFlags::PIGGYBACKED_ACK);
    assert_eq!(parts(&split), [30_000, 1_000, 3_000]);
    // So it did where its stamp was lost: who answers has the request.
    events.pop();
    assert_eq!(resolve(events), split);
}

#[test]
fn a_response_before_the_request_is_complete_has_no_times() {
    let mut events = sent();
    events.extend(arrived(125_000));
    events.push(SocketEvent::Acknowledged(40_299, at(130_000)));
    let split = resolve(events);
    assert_eq!((split.times, split.flags), (None, SplitFlags::EARLY_RESPONSE));
}

#[test]
fn a_last_write_that_was_sent_again_arrives_by_its_second_transmission() {
    let mut events = sent();
    events.push(SocketEvent::Sent(40_299, at(330_000)));
    events.push(counted(1, 0, 330_020));
    events.push(SocketEvent::Acknowledged(40_299, at(350_100)));
    events.extend(arrived(400_100));
    let split = resolve(events);
    assert_eq!((split.flags, split.retransmissions), (SplitFlags::RETRANSMITTED, 1));
    assert_eq!(parts(&split), [250_100, 50_000, 3_000]);
    assert_eq!(bounds(&split), (50_000, 50_100));
}

#[test]
fn a_second_transmission_that_the_server_reports_as_a_duplicate_changed_nothing() {
    let mut events = sent();
    events.push(SocketEvent::Sent(40_299, at(330_000)));
    events.push(SocketEvent::Acknowledged(40_299, at(350_100)));
    events.push(counted(1, 1, 350_120));
    events.extend(arrived(400_000));
    let split = resolve(events);
    let expected = SplitFlags::RETRANSMITTED | SplitFlags::DSACK | SplitFlags::DELAYED_ACK;
    assert_eq!((split.flags, split.retransmissions), (expected, 1));
    assert_eq!(parts(&split), [30_000, 270_000, 3_000]);
    assert_eq!(bounds(&split), (49_900, 270_000));
}

#[test]
fn an_acknowledgement_may_answer_what_was_sent_again_without_a_stamp() {
    let with_resent = |counted_at| {
        let mut events = sent();
        events.push(counted(1, 0, counted_at));
        events.push(SocketEvent::Acknowledged(40_299, at(150_000)));
        events.extend(arrived(200_000));
        resolve(events)
    };
    // After the last write had left: the acknowledgement stands, the bounds allow for either.
    let split = with_resent(150_010);
    assert_eq!((split.flags, split.retransmissions), (SplitFlags::RETRANSMITTED, 1));
    assert_eq!(parts(&split), [50_000, 50_000, 3_000]);
    assert_eq!(bounds(&split), (50_000, 70_000));
    // Before that it does not matter any more.
    let split = with_resent(109_000);
    assert_eq!(split.flags, SplitFlags::RETRANSMITTED | SplitFlags::DELAYED_ACK);
    assert_eq!(parts(&split), [30_000, 70_000, 3_000]);
}

#[test]
fn without_the_stamp_of_the_last_write_there_are_no_times() {
    let mut events = sent();
    events.retain(|event| *event != SocketEvent::Sent(40_299, at(110_000)));
    events.push(SocketEvent::Acknowledged(40_299, at(130_000)));
    events.extend(arrived(180_000));
    let split = resolve(events);
    assert_eq!((split.times, split.flags), (None, SplitFlags::CAPTURE_GAP));
}

#[test]
fn a_second_exchange_knows_the_round_trips_of_the_first() {
    let mut times = times();
    let mut events = sent();
    events.push(SocketEvent::Acknowledged(40_299, at(130_000)));
    events.extend(arrived(180_000));
    for event in events {
        times.push(event);
    }
    times.resolve(&markers());
    let next = [
        SocketEvent::Written(40_300..41_000, at(300_000)),
        SocketEvent::Sent(40_999, at(300_010)),
        SocketEvent::Acknowledged(40_999, at(360_000)),
        SocketEvent::Arrived(2000..2005, at(370_010)),
    ];
    for event in next {
        times.push(event);
    }
    let markers =
        Markers { first: false, request: 40_300..41_000, response: 2000..2005, ..markers() };
    let split = times.resolve(&markers);
    assert_eq!(split.flags, SplitFlags::DELAYED_ACK | SplitFlags::RTT_BORROWED);
    assert_eq!(parts(&split), [20_010, 50_000, 0]);
    assert_eq!((split.connect, split.tls), (None, None));
}

fn any_event() -> impl Strategy<Value = SocketEvent> {
    let position = prop_oneof![0..60_000_u64, any::<u64>()];
    let moment = prop_oneof![0..500_000_u64, any::<u64>()].prop_map(at);
    (0..5_u8, position, 0..70_000_u64, moment).prop_map(|(kind, position, length, at)| {
        let range = position..position.saturating_add(length);
        match kind {
            0 => SocketEvent::Written(range, at),
            1 => SocketEvent::Sent(position, at),
            2 => SocketEvent::Acknowledged(position, at),
            3 => SocketEvent::Arrived(range, at),
            _ => {
                let resent = u32::try_from(length).unwrap();
                let duplicates = u32::try_from(position % 8).unwrap();
                SocketEvent::Counted(SocketCounts { resent, duplicates }, at)
            }
        }
    })
}

/// A request in writes of these lengths in microseconds apart, and its exchange's true inference.
fn exchange(writes: &[(u64, u64)], delayed: u64, inference: u64) -> (Markers, Vec<SocketEvent>) {
    let mut events = Vec::new();
    let mut now = 100_000;
    let mut end = 300;
    for (index, (length, pause)) in writes.iter().enumerate() {
        let range = end..end + length;
        end = range.end;
        events.push(SocketEvent::Written(range, at(now)));
        events.push(SocketEvent::Sent(end - 1, at(now + 10)));
        let late = if index + 1 == writes.len() { delayed } else { 0 };
        let acknowledged = now + 10 + ROUND_TRIP + late.min(inference);
        events.push(SocketEvent::Acknowledged(end - 1, at(acknowledged)));
        now += pause;
    }
    let last = events.iter().rev().find_map(|event| match event {
        SocketEvent::Sent(_, at) => Some(*at),
        _ => None,
    });
    let answered = last.unwrap().plus(Duration::from_micros(ROUND_TRIP + inference));
    events.push(SocketEvent::Arrived(1000..1005, answered));
    events.push(SocketEvent::Arrived(1005..2000, answered.plus(Duration::from_micros(40))));
    (Markers { request: 300..end, ..markers() }, events)
}

proptest! {
    #[test]
    fn no_stamps_make_it_panic_or_a_part_negative(
        events in prop::collection::vec(any_event(), 0..40),
        request in any::<(u32, u32)>(),
        response in any::<(u32, u32)>(),
    ) {
        let range = |(start, length): (u32, u32)| {
            u64::from(start)..u64::from(start) + u64::from(length % 70_000)
        };
        let mut times = times();
        let markers = Markers { request: range(request), response: range(response), ..markers() };
        for _ in 0..2 {
            for event in &events {
                times.push(event.clone());
            }
            let split = times.resolve(&markers);
            prop_assert_eq!(split.method, SplitMethod::Socket);
            if let Some(bounds) = split.times.and_then(SplitTimes::bounds) {
                prop_assert!(bounds.low <= bounds.high);
            }
        }
    }

    #[test]
    fn bounds_hold_the_truth_whichever_stamps_are_lost(
        writes in prop::collection::vec((1..20_000_u64, 0..30_000_u64), 1..8),
        delayed in 0..40_000_u64,
        inference in 0..200_000_u64,
        lost in prop::collection::vec(any::<bool>(), 40),
    ) {
        let (markers, events) = exchange(&writes, delayed, inference);
        let mut times = times();
        for (event, lost) in events.into_iter().zip(lost) {
            if !lost || matches!(event, SocketEvent::Written(..)) {
                times.push(event);
            }
        }
        if let Some(split) = times.resolve(&markers).times {
            let bounds = split.bounds().expect("the handshake's round trip gives bounds");
            let truth = Duration::from_micros(inference);
            prop_assert!(bounds.low <= truth && truth <= bounds.high, "{split:?} {truth:?}");
        }
    }
}
