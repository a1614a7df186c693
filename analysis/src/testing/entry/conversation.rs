//! A script of the live path: connections of watched ports, and markers as an agent has them.

use std::{net::SocketAddr, ops::Range};

use super::{Input, MOST_HELD, Span, check_held};
use crate::{
    splitter::{Markers, Splitter},
    testing::{Connection, Packet, client, moment, server},
};

/// How many connections there are: two of one local port, and two of others, over IPv4 and IPv6.
const CONNECTIONS: usize = 4;

/// Any bytes as a script of what goes over connections and of what the agent asks.
///
/// # Panics
/// Where the engine breaks a promise.
pub fn splitter(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut script = Script::new();
    while let Some(step) = input.byte() {
        script.step(step, &mut input);
        check_held(script.splitter.held_bytes(), script.splitter.connections());
    }
    for side in 0..CONNECTIONS {
        script.resolve(side, Input(&[0xff; 8]));
    }
}

struct Script {
    splitter: Splitter,
    talks: [Talk; CONNECTIONS],
    now: i64,
    span: Span,
}

/// A connection, how far its streams have come, and how far they are resolved.
struct Talk {
    connection: Connection,
    opened: i64,
    sent: u64,
    received: u64,
    resolved: (u64, u64),
}

impl Script {
    fn new() -> Self {
        let mut splitter = Splitter::new(Connection::ipv4().link_type).holding_at_most(MOST_HELD);
        let shared = Connection::ipv4();
        let mut other = Connection::ipv4();
        other.server = SocketAddr::from(([10, 0, 0, 3], 443));
        let mut apart = Connection::ipv6();
        apart.client.set_port(50_001);
        let mut third = Connection { client_isn: u32::MAX - 5, ..Connection::ipv4() };
        third.client.set_port(50_002);
        let talks = [shared, other, apart, third].map(Talk::new);
        for talk in &talks {
            splitter.watch(talk.connection.client.port());
        }
        Self { splitter, talks, now: 0, span: Span::default() }
    }

    /// The lower half of a step says what happens, the rest on which connection and with what.
    fn step(&mut self, step: u8, input: &mut Input<'_>) {
        let index = usize::from(step >> 4) % CONNECTIONS;
        let odd = step & 0x80 != 0;
        match step & 0x0f {
            12 => self.now += i64::from(input.number()),
            13 => self.now += i64::from(input.number()) * if odd { -100 } else { 100_000 },
            14 => self.resolve(index, *input),
            15 => self.toggle(index, odd),
            kind => {
                let now = self.now;
                let Some(talk) = self.talks.get_mut(index) else { return };
                let packet = talk.packet(kind, odd, now, input);
                let frame = talk.connection.frame(&packet);
                self.span.note(frame.timestamp);
                self.splitter.push(&frame.as_frame());
                self.now += 1;
            }
        }
    }

    fn toggle(&mut self, index: usize, odd: bool) {
        let Some(talk) = self.talks.get(index) else { return };
        let port = talk.connection.client.port();
        if odd {
            self.splitter.unwatch(port);
        } else {
            self.splitter.watch(port);
        }
    }

    /// Asks for the exchange since the last, or for another that the bytes name.
    fn resolve(&mut self, index: usize, mut input: Input<'_>) {
        let Some(talk) = self.talks.get_mut(index) else { return };
        let markers = talk.markers(&mut input);
        self.splitter.has_seen(&markers);
        if let Some(split) = self.splitter.resolve(&markers) {
            self.span.check_split(&split);
        }
    }
}

impl Talk {
    const fn new(connection: Connection) -> Self {
        Self { connection, opened: 0, sent: 0, received: 0, resolved: (0, 0) }
    }

    fn packet(&mut self, kind: u8, odd: bool, now: i64, input: &mut Input<'_>) -> Packet {
        let length = u64::from(input.number());
        match kind {
            0 => {
                if odd {
                    self.connection.client_isn = self.connection.client_isn.wrapping_add(7919);
                    (self.sent, self.received, self.resolved) = (0, 0, (0, 0));
                    self.opened = now;
                }
                client(now).syn()
            }
            1 => server(now).syn().acknowledges(0),
            2 | 3 => {
                self.sent += if kind == 3 { length % 4096 } else { 0 };
                let start = self.sent;
                self.sent += length;
                let packet = client(now).data(start..self.sent).acknowledges(self.received);
                if odd { packet.super_frame() } else { packet }
            }
            4 | 5 => {
                self.received += if kind == 5 { length % 4096 } else { 0 };
                let start = self.received;
                self.received += length;
                let acknowledged = self.sent.saturating_sub(if odd { length } else { 0 });
                server(now).data(start..self.received).acknowledges(acknowledged)
            }
            6 => client(now).data(again(self.sent, length)).acknowledges(self.received),
            7 => server(now).data(again(self.received, length)).acknowledges(self.sent),
            8 => server(now).acknowledges(self.sent.saturating_sub(length)),
            9 => {
                let twice = again(self.sent, length);
                server(now).acknowledges(twice.end).block(twice).stamps(1, 1)
            }
            10 if odd => client(now).closes().acknowledges(self.received),
            10 => server(now).closes().acknowledges(self.sent),
            _ if odd => client(now).resets(),
            _ => client(now).data(self.sent..self.sent).stamps(u32::from(input.number()), 0),
        }
    }

    fn markers(&mut self, input: &mut Input<'_>) -> Markers {
        let form = input.byte().unwrap_or_default();
        let (sent, received) = self.resolved;
        let (mut request, mut response) = (sent..self.sent, received..self.received);
        if form & 1 == 0 {
            self.resolved = (self.sent, self.received);
        } else {
            request = arbitrary(sent, input);
            response = arbitrary(received, input);
        }
        Markers {
            client: self.connection.client,
            server: self.connection.server,
            opened_at: moment(self.opened),
            first: form & 2 == 0,
            handshake: sent..sent + u64::from(form),
            request,
            response,
            complete: form & 4 == 0,
        }
    }
}

/// Bytes that went before this position.
const fn again(end: u64, length: u64) -> Range<u64> {
    let start = end.saturating_sub(length);
    start..start + (end - start) / 2
}

/// A range that may be empty, of no stream, or end before it begins.
fn arbitrary(near: u64, input: &mut Input<'_>) -> Range<u64> {
    let start = near.wrapping_add(u64::from(input.number())).wrapping_sub(1 << 12);
    start..near.wrapping_add(u64::from(input.number()))
}
