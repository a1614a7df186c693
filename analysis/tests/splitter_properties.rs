//! What the packet engine promises of any conversation and of any bytes.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ops::Range, time::Duration};

use armol_analysis::{
    frame::{Frame, LinkType},
    split::{Split, SplitFlags},
    splitter::{Markers, Splitter},
    testing::{Connection, Packet, client, moment, server},
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// How long a server waits with the acknowledgement of a single segment, and how long both sides
/// wait before they send again, in microseconds.
const DELAYED_ACK: i64 = 40_000;
const RESEND_AFTER: i64 = 250_000;

/// What a network does to a conversation.
#[derive(Clone, Copy, Debug)]
struct Network {
    seed: u64,
    up: i64,
    down: i64,
    inference: i64,
    loss: f64,
    /// The most that a packet of the response is held up.
    jitter: i64,
}

/// A conversation as captured at the client, and what was true of it.
struct Conversation {
    packets: Vec<(i64, Packet)>,
    request: Range<u64>,
    response: Range<u64>,
    sent_first: i64,
    arrived_last: i64,
    inference: i64,
}

/// Plays one exchange: a handshake, a request in random segments, acknowledgements that may be
/// delayed, an answer in random segments; what is lost is sent again later.
struct Player {
    random: ChaCha8Rng,
    network: Network,
    packets: Vec<(i64, Packet)>,
}

impl Player {
    fn play(network: Network) -> Conversation {
        let random = ChaCha8Rng::seed_from_u64(network.seed);
        let mut player = Self { random, network, packets: Vec::new() };
        let opened = network.up + network.down;
        player.packets.push((0, client(0).syn()));
        player.packets.push((opened, server(opened).syn().acknowledges(0)));
        let sent_first = opened + 50;
        let (request, arrivals) = player.send_request(sent_first);
        let received = arrivals.iter().map(|(at, _)| *at).max().unwrap();
        player.acknowledge(&arrivals, received + network.inference);
        let answered = received + network.inference;
        let (response, arrived_last) = player.answer(answered, request);
        player.packets.sort_by_key(|(at, _)| *at);
        let inference = network.inference;
        let packets = player.packets;
        let (request, response) = (0..request, 0..response);
        Conversation { packets, request, response, sent_first, arrived_last, inference }
    }

    fn is_lost(&mut self) -> bool {
        let loss = self.network.loss;
        self.random.random_bool(loss)
    }

    /// Sends the request; returns its length and when which bytes reached the server.
    fn send_request(&mut self, begin: i64) -> (u64, Vec<(i64, Range<u64>)>) {
        let mut at = begin;
        let mut end = 0;
        let mut arrivals = Vec::new();
        for _ in 0..self.random.random_range(1..20) {
            let start = end;
            end += self.random.random_range(1..3000);
            let mut sent = at;
            self.packets.push((sent, client(sent).data(start..end).acknowledges(0)));
            while self.is_lost() {
                sent += RESEND_AFTER;
                self.packets.push((sent, client(sent).data(start..end).acknowledges(0)));
            }
            arrivals.push((sent + self.network.up, start..end));
            at += self.random.random_range(1..2000);
        }
        (end, arrivals)
    }

    /// Acknowledges every second segment at once, single ones late, unless the answer is sooner.
    fn acknowledge(&mut self, arrivals: &[(i64, Range<u64>)], answered: i64) {
        let mut arrivals = arrivals.to_vec();
        arrivals.sort_by_key(|(at, _)| *at);
        let mut waiting: Option<i64> = None;
        for (index, (at, _)) in arrivals.iter().enumerate() {
            let here = arrivals.get(..=index).unwrap();
            let mut position = 0;
            while let Some((_, next)) = here.iter().find(|(_, range)| range.start == position) {
                position = next.end;
            }
            let next = arrivals.get(index + 1).map_or(i64::MAX, |(at, _)| *at);
            let due = match waiting.take() {
                Some(_) => *at,
                None if self.random.random_bool(0.5) => *at,
                None => *at + DELAYED_ACK,
            };
            if due > next {
                waiting = Some(due);
            } else if due < answered && !self.is_lost() {
                let seen = due + self.network.down;
                self.packets.push((seen, server(seen).acknowledges(position)));
            }
        }
    }

    /// Sends the answer; returns its length and when it was complete at the client.
    fn answer(&mut self, begin: i64, request: u64) -> (u64, i64) {
        let mut at = begin;
        let mut end = 0;
        let mut last = 0;
        for _ in 0..self.random.random_range(1..8) {
            let start = end;
            end += self.random.random_range(1..1500);
            let mut arrived =
                at + self.network.down + self.random.random_range(0..=self.network.jitter);
            while self.is_lost() {
                arrived += RESEND_AFTER;
            }
            let data = server(arrived).data(start..end).acknowledges(request);
            self.packets.push((arrived, data));
            last = last.max(arrived);
            at += self.random.random_range(1..2000);
        }
        (end, last)
    }
}

impl Conversation {
    fn markers(&self, connection: &Connection) -> Markers {
        Markers {
            client: connection.client,
            server: connection.server,
            opened_at: moment(0),
            first: true,
            handshake: 0..0,
            request: self.request.clone(),
            response: self.response.clone(),
            complete: true,
        }
    }

    fn split(&self, connection: &Connection) -> Option<Split> {
        let mut splitter = Splitter::new(connection.link_type);
        splitter.watch(connection.client.port());
        for (_, packet) in &self.packets {
            splitter.push(&connection.frame(packet).as_frame());
        }
        splitter.resolve(&self.markers(connection))
    }
}

fn is_consistent(split: &Split) -> bool {
    split.times.is_none_or(|times| {
        let sum = times.upload() + times.inference() + times.download();
        let within = times.bounds().is_none_or(|bounds| {
            bounds.low <= times.inference() && times.inference() <= bounds.high
        });
        sum == times.total() && within
    })
}

fn microseconds(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap()
}

prop_compose! {
    fn steady_network()(
        seed: u64, up in 50..60_000_i64, down in 50..60_000_i64, inference in 0..200_000_i64,
    ) -> Network {
        Network { seed, up, down, inference, loss: 0.0, jitter: 0 }
    }
}

prop_compose! {
    fn any_network()(
        network in steady_network(), loss in 0.0..0.3_f64, jitter in 0..5000_i64,
    ) -> Network {
        Network { loss, jitter, ..network }
    }
}

fn any_connection() -> impl Strategy<Value = Connection> {
    let base = prop_oneof![Just(Connection::ipv4()), Just(Connection::ipv6())];
    (base, any::<u32>(), any::<u32>()).prop_map(|(base, client_isn, server_isn)| Connection {
        client_isn,
        server_isn,
        ..base
    })
}

fn any_link_type() -> impl Strategy<Value = LinkType> {
    prop_oneof![Just(LinkType::Ethernet), Just(LinkType::Loopback), Just(LinkType::Raw)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn without_loss_inference_is_true_within_the_allowance(
        network in steady_network(), connection in any_connection(),
    ) {
        let conversation = Player::play(network);
        let split = conversation.split(&connection).unwrap();
        let times = split.times.unwrap();
        let round_trip = network.up + network.down;
        let error = (microseconds(times.inference()) - conversation.inference).abs();
        prop_assert!(error <= 1000.max(round_trip / 8), "{split:?} {network:?}");
        let bounds = times.bounds().unwrap();
        prop_assert!(microseconds(bounds.low) <= conversation.inference, "{split:?}");
        prop_assert!(microseconds(bounds.high) >= conversation.inference, "{split:?}");
        prop_assert_eq!(split.retransmissions, 0);
        prop_assert!(is_consistent(&split));
    }

    #[test]
    fn parts_sum_to_the_total_and_bounds_hold_whatever_the_network_does(
        network in any_network(), connection in any_connection(),
    ) {
        let conversation = Player::play(network);
        let split = conversation.split(&connection).unwrap();
        prop_assert!(is_consistent(&split), "{split:?}");
        let total = conversation.arrived_last - conversation.sent_first;
        prop_assert_eq!(split.times.map(|times| microseconds(times.total())), Some(total));
        prop_assert!(!split.flags.contains(SplitFlags::CAPTURE_GAP));
    }

    #[test]
    fn a_torn_and_shuffled_capture_never_gives_inconsistent_times(
        network in any_network(), connection in any_connection(), kept in 0.3..1.0_f64,
        swaps in 0..20_usize,
    ) {
        let mut conversation = Player::play(network);
        let mut random = ChaCha8Rng::seed_from_u64(network.seed);
        conversation.packets.retain(|_| random.random_bool(kept));
        if swaps == 0 {
            conversation.packets.shuffle(&mut random);
        }
        for _ in 0..swaps.min(conversation.packets.len()) {
            let last = conversation.packets.len() - 1;
            conversation.packets.swap(random.random_range(0..=last), last);
        }
        if let Some(split) = conversation.split(&connection) {
            prop_assert!(is_consistent(&split), "{split:?}");
        }
    }

    #[test]
    fn damaged_frames_do_no_harm(
        network in any_network(), connection in any_connection(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..40),
    ) {
        let conversation = Player::play(network);
        let packets: Vec<Packet> =
            conversation.packets.iter().map(|(_, packet)| packet.clone()).collect();
        let mut frames = connection.frames(&packets);
        for (frame, byte, value) in damage {
            let count = frames.len();
            let frame = frames.get_mut(frame.index(count)).unwrap();
            let length = frame.bytes.len();
            *frame.bytes.get_mut(byte.index(length)).unwrap() = value;
        }
        let mut splitter = Splitter::new(connection.link_type);
        splitter.watch(connection.client.port());
        for frame in &frames {
            splitter.push(&frame.as_frame());
        }
        let markers = conversation.markers(&connection);
        splitter.has_seen(&markers);
        if let Some(split) = splitter.resolve(&markers) {
            prop_assert!(is_consistent(&split), "{split:?}");
        }
    }

    #[test]
    fn any_bytes_and_any_markers_do_no_harm(
        link_type in any_link_type(),
        frames in prop::collection::vec((any::<i64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..120)), 0..20),
        ranges in prop::array::uniform3((any::<u64>(), any::<u64>())),
        first: bool, complete: bool,
    ) {
        let connection = Connection { link_type, ..Connection::ipv4() };
        let mut splitter = Splitter::new(link_type);
        splitter.watch(connection.client.port());
        splitter.push(&connection.frame(&client(0).syn()).as_frame());
        for (nanoseconds, wire_len, bytes) in &frames {
            let timestamp = armol_analysis::time::Timestamp::from_unix_ns(*nanoseconds);
            splitter.push(&Frame { timestamp, wire_len: *wire_len, bytes });
        }
        let [request, response, handshake] = ranges.map(|(start, end)| start..end);
        let (client, server) = (connection.client, connection.server);
        let opened_at = moment(0);
        let markers =
            Markers { client, server, opened_at, first, handshake, request, response, complete };
        splitter.has_seen(&markers);
        prop_assert!(splitter.resolve(&markers).is_some_and(|split| is_consistent(&split)));
    }
}
