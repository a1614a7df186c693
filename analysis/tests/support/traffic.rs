//! What an agent's packet engine sees and is asked, day after day, made instead of waited for.
//!
//! Some connections at a time, each with one small request after the other; they are replaced now
//! and then, on ports that come again. Segments are lost, come twice, late and out of order,
//! acknowledgements wait, some requests are never answered, and strangers speak on the same wire.
#![allow(clippy::expect_used, reason = "made-up traffic that cannot be is a fault of this file")]

use std::collections::VecDeque;

use armol_analysis::{
    splitter::Markers,
    testing::{CapturedFrame, Connection, Packet, client, moment, server},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// All in microseconds.
const SECOND: i64 = 1_000_000;
const ROUND_TRIP: i64 = 20_000;
const BETWEEN_SEGMENTS: i64 = 12;
/// How often a connection is asked, and how long the agent waits for an answer.
const INTERVAL: i64 = SECOND / 4;
const GIVE_UP: i64 = 5 * SECOND;
/// How late a frame may be because another thread of the kernel has it.
const JITTER: i64 = 400;
const SEGMENT: u64 = 1448;
/// The TLS handshake's bytes of either side.
const CLIENT_HANDSHAKE: u64 = 580;
const SERVER_HANDSHAKE: u64 = 2800;
/// The ports that Linux gives to clients.
const PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// What happens next.
#[derive(Debug)]
pub(crate) enum Step {
    /// The agent is about to connect from this port.
    Watch(u16),
    /// It has closed the connection.
    Unwatch(u16),
    /// A frame is captured.
    Frame(CapturedFrame),
    /// An exchange is over, and its inference took so many microseconds; `None` where it was not
    /// answered.
    Ask(Markers, Option<i64>),
}

/// An endless source of steps in the order of time, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Traffic {
    random: ChaCha8Rng,
    slots: Vec<Slot>,
    next_port: u16,
}

/// A place for a connection.
#[derive(Debug, Default)]
struct Slot {
    steps: VecDeque<(i64, Step)>,
    talk: Option<Talk>,
    /// When the next request is due, and when the last was over.
    due: i64,
    free: i64,
    /// Whether its connection is never replaced.
    lasts: bool,
}

/// A connection and how far its streams have come.
#[derive(Debug)]
struct Talk {
    connection: Connection,
    opened: i64,
    sent: u64,
    received: u64,
    requests: u64,
}

impl Slot {
    fn next_at(&self) -> i64 {
        self.steps.front().map_or_else(|| self.due.max(self.free), |(at, _)| *at)
    }
}

impl Traffic {
    /// Traffic of so many requests a second, four of them on a connection.
    pub(crate) fn new(seed: u64, requests_a_second: i64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let count = requests_a_second * INTERVAL / SECOND;
        let slot =
            |number| Slot { due: number * INTERVAL / count, lasts: number == 0, ..Slot::default() };
        Self { random, slots: (0..count).map(slot).collect(), next_port: *PORTS.start() }
    }

    /// The next step, and its microsecond.
    pub(crate) fn next(&mut self) -> (i64, Step) {
        loop {
            let times = self.slots.iter().map(Slot::next_at);
            let (_, index) = times.zip(0..).min().expect("there are slots");
            let slot = self.slots.get_mut(index).expect("an index of a slot");
            if let Some(step) = slot.steps.pop_front() {
                return step;
            }
            self.plan(index);
        }
    }

    /// A port that no connection has.
    fn free_port(&mut self) -> u16 {
        loop {
            let port = self.next_port;
            self.next_port = if port == *PORTS.end() { *PORTS.start() } else { port + 1 };
            let talks = self.slots.iter().filter_map(|slot| slot.talk.as_ref());
            if talks.into_iter().all(|talk| talk.connection.client.port() != port) {
                return port;
            }
        }
    }

    /// Plans the next exchange of a slot.
    fn plan(&mut self, index: usize) {
        let slot = self.slots.get_mut(index).expect("an index of a slot");
        let begin = slot.due.max(slot.free);
        slot.due += INTERVAL;
        let lasts = slot.lasts;
        let talk = slot.talk.take();
        let port = if talk.is_none() { self.free_port() } else { 0 };
        let mut plan = Plan { random: &mut self.random, steps: Vec::new(), now: begin };
        let mut talk = talk.unwrap_or_else(|| plan.open(port));
        if plan.random.random_bool(0.2) {
            plan.stranger();
        }
        let answered = plan.exchange(&mut talk, lasts);
        let over = !answered || (!lasts && plan.random.random_bool(0.005));
        if over {
            plan.close(&talk, answered);
        }
        let Plan { mut steps, now, .. } = plan;
        steps.sort_by_key(|(at, _)| *at);
        let slot = self.slots.get_mut(index).expect("an index of a slot");
        slot.steps.extend(steps);
        slot.free = now;
        slot.talk = (!over).then_some(talk);
    }
}

/// The steps of one exchange while they are made up.
struct Plan<'t> {
    random: &'t mut ChaCha8Rng,
    steps: Vec<(i64, Step)>,
    now: i64,
}

impl Plan<'_> {
    fn frame(&mut self, connection: &Connection, at: i64, packet: Packet) {
        let ticks = u32::try_from(at / 1000 % (1 << 30)).expect("a small number");
        let frame = connection.frame(&packet.stamps(ticks, ticks.saturating_sub(20)));
        self.steps.push((at, Step::Frame(frame)));
    }

    fn jitter(&mut self) -> i64 {
        self.random.random_range(0..JITTER)
    }

    /// Opens a connection and speaks TLS on it.
    fn open(&mut self, port: u16) -> Talk {
        let mut connection = Connection { snapshot: 192, ..Connection::ipv4() };
        connection.client.set_port(port);
        connection.client_isn = self.random.random();
        connection.server_isn = self.random.random();
        let opened = self.now;
        self.steps.push((opened, Step::Watch(port)));
        let syn = opened + 30;
        self.frame(&connection, syn, client(syn).syn());
        let accepted = syn + ROUND_TRIP + self.jitter();
        self.frame(&connection, accepted, server(accepted).syn().acknowledges(0));
        let hello = accepted + 60;
        self.frame(&connection, hello, client(hello).data(0..500).acknowledges(0));
        let answer = hello + ROUND_TRIP + self.jitter();
        let first = server(answer).data(0..SEGMENT).acknowledges(500);
        self.frame(&connection, answer, first);
        let last = server(answer + 9).data(SEGMENT..SERVER_HANDSHAKE).acknowledges(500);
        self.frame(&connection, answer + 9, last);
        let finished = client(answer + 400).data(500..CLIENT_HANDSHAKE);
        self.frame(&connection, answer + 400, finished.acknowledges(SERVER_HANDSHAKE));
        self.now = answer + 500;
        let (sent, received) = (CLIENT_HANDSHAKE, SERVER_HANDSHAKE);
        Talk { connection, opened, sent, received, requests: 0 }
    }

    /// Somebody else's frame on the same wire.
    fn stranger(&mut self) {
        let mut connection = Connection { snapshot: 192, ..Connection::ipv4() };
        connection.client.set_port(self.random.random_range(10_000..20_000));
        let at = self.now + self.jitter();
        self.frame(&connection, at, server(at).data(0..SEGMENT).acknowledges(0));
    }

    /// A request and its answer; returns whether it came.
    fn exchange(&mut self, talk: &mut Talk, must_be_answered: bool) -> bool {
        let request = talk.sent..talk.sent + self.random.random_range(4000..10_000);
        let (arrived, waits) = self.send(talk, request.end);
        let inference = self.random.random_range(20_000..120_000);
        let from = talk.received;
        let answered = must_be_answered || !self.random.random_bool(0.003);
        if answered {
            self.answer(talk, arrived + inference, waits);
        } else {
            self.now = arrived + GIVE_UP;
        }
        let markers = Markers {
            client: talk.connection.client,
            server: talk.connection.server,
            opened_at: moment(talk.opened),
            first: talk.requests == 0,
            handshake: 0..if talk.requests == 0 { CLIENT_HANDSHAKE } else { 0 },
            request,
            response: from..talk.received,
            complete: answered,
        };
        talk.requests += 1;
        self.now += 300;
        // Of requests that ran out of time only some are asked for; the others resolve nothing.
        if answered || self.random.random_bool(0.5) {
            self.steps.push((self.now, Step::Ask(markers, answered.then_some(inference))));
        }
        answered
    }

    /// Sends a request up to a position; returns when the server's acknowledgement of all of it
    /// comes or would come, and whether it waits for the answer.
    fn send(&mut self, talk: &mut Talk, end: u64) -> (i64, bool) {
        let Talk { connection, received, .. } = talk;
        let lost = self.random.random_bool(0.02).then(|| talk.sent + SEGMENT);
        let waits = self.random.random_bool(0.1) && lost.is_none();
        let mut arrived = self.now;
        let mut count = 0;
        while talk.sent < end {
            let segment = talk.sent..end.min(talk.sent + SEGMENT);
            let at = self.now;
            let data = client(at).data(segment.clone()).acknowledges(*received);
            self.frame(connection, at, data);
            arrived = arrived.max(at + ROUND_TRIP + self.jitter());
            count += 1;
            let is_last = segment.end == end;
            let acknowledgement = server(arrived);
            match lost {
                Some(lost) if segment.start > lost => {
                    let block = lost + SEGMENT..segment.end;
                    let lacking = acknowledgement.acknowledges(lost).block(block);
                    self.frame(connection, arrived, lacking);
                }
                Some(lost) if segment.start == lost => {}
                _ if (is_last && !waits) || (!is_last && count % 2 == 0) => {
                    self.frame(connection, arrived, acknowledgement.acknowledges(segment.end));
                }
                _ => {}
            }
            talk.sent = segment.end;
            self.now += BETWEEN_SEGMENTS;
        }
        if let Some(lost) = lost {
            let again = arrived + 50;
            let segment = lost..end.min(lost + SEGMENT);
            self.frame(connection, again, client(again).data(segment).acknowledges(*received));
            arrived = again + ROUND_TRIP;
            self.frame(connection, arrived, server(arrived).acknowledges(end));
        }
        (arrived, waits)
    }

    /// Answers from a moment on; what is lost comes a round trip later, what is held up a little.
    fn answer(&mut self, talk: &mut Talk, begin: i64, waits: bool) {
        let Talk { connection, sent, .. } = talk;
        let end = talk.received + self.random.random_range(1000..4000);
        let (lost, held_up) = (self.random.random_bool(0.01), self.random.random_bool(0.01));
        let mut at = begin;
        let mut complete = begin;
        let mut first = !waits;
        while talk.received < end {
            let segment = talk.received..end.min(talk.received + SEGMENT);
            let delay = match (first, lost, held_up) {
                (true, true, _) => ROUND_TRIP + 200,
                (true, false, true) => 30,
                _ => 0,
            };
            let arrived = at + delay;
            let data = server(arrived).data(segment.clone()).acknowledges(*sent);
            self.frame(connection, arrived, data);
            complete = complete.max(arrived);
            talk.received = segment.end;
            at += BETWEEN_SEGMENTS;
            first = false;
        }
        let read = client(complete + 5).data(*sent..*sent).acknowledges(end);
        self.frame(connection, complete + 5, read);
        self.now = complete;
    }

    /// Closes the connection; what the server still says finds nobody.
    fn close(&mut self, talk: &Talk, in_peace: bool) {
        let Talk { connection, sent, received, .. } = talk;
        let at = self.now + 20;
        let end = client(at).data(*sent..*sent);
        let end = if in_peace { end.closes().acknowledges(*received) } else { end.resets() };
        self.frame(connection, at, end);
        self.steps.push((at + 10, Step::Unwatch(connection.client.port())));
        let after = at + ROUND_TRIP;
        let last = server(after).data(*received..*received).closes().acknowledges(*sent + 1);
        self.frame(connection, after, last);
        self.now = after;
    }
}
