//! Scripts of captures that nobody annotated: what clients and servers say, in whatever order.

use std::net::SocketAddr;

use super::{Input, Span, check_held, finder, finish};
use crate::{
    offline::ExchangeFinder,
    testing::{Connection, Packet, client, server},
};

/// What HTTP/1.1 is made of, so that a script need not spell it.
const HEADS: [&[u8]; 8] = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"a\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
];

/// Any bytes as what goes both ways over one connection that speaks TLS: raw bytes and whole
/// records, with gaps, again, and out of order.
///
/// # Panics
/// Where the engine breaks a promise.
pub fn tls_records(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut script = Script::new();
    let form = input.byte().unwrap_or_default();
    if form & 1 == 0 {
        script.push(0, &client(0).syn());
        script.push(0, &server(1000).syn().acknowledges(0));
    }
    while let Some(step) = input.byte() {
        script.step(0, step, &mut input, record);
    }
    script.finish();
}

/// The same over several connections, of HTTP/1.1 and of anything.
///
/// # Panics
/// Where the engine breaks a promise.
pub fn exchanges(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut script = Script::new();
    while let (Some(index), Some(step)) = (input.byte(), input.byte()) {
        script.step(usize::from(index), step, &mut input, head);
    }
    script.finish();
}

/// A record of a type and a length that the input names.
fn record(input: &mut Input<'_>) -> Vec<u8> {
    let kind = 20 + input.byte().unwrap_or_default() % 5;
    let length = input.number() % 17_000;
    let [high, low] = length.to_be_bytes();
    let mut bytes = vec![kind, 3, 3, high, low];
    bytes.resize(5 + usize::from(length), 0);
    bytes
}

fn head(input: &mut Input<'_>) -> Vec<u8> {
    let number = usize::from(input.byte().unwrap_or_default()) % HEADS.len();
    HEADS.get(number).map(|head| head.to_vec()).unwrap_or_default()
}

struct Script {
    finder: ExchangeFinder,
    talks: Vec<Talk>,
    now: i64,
    span: Span,
}

/// A connection and how far its two streams have come.
struct Talk {
    connection: Connection,
    reached: [u64; 2],
}

impl Script {
    fn new() -> Self {
        let talk = |number: u8| {
            let base = if number & 4 == 0 { Connection::ipv4() } else { Connection::ipv6() };
            let mut connection = Connection { snapshot: 1 << 17, ..base };
            connection.client.set_port(50_000 + u16::from(number & 1));
            if number & 6 == 2 {
                connection.server = SocketAddr::from(([10, 0, 0, 3], 8443));
            }
            Talk { connection, reached: [0; 2] }
        };
        let talks = (0..8).map(talk).collect();
        Self { finder: finder(), talks, now: 2000, span: Span::default() }
    }

    /// The step's lowest bit says who speaks, the next three what, the others how much later.
    fn step(
        &mut self,
        index: usize,
        step: u8,
        input: &mut Input<'_>,
        whole: fn(&mut Input<'_>) -> Vec<u8>,
    ) {
        self.now += 1 << (u32::from(step >> 4) * 2);
        let (now, index) = (self.now, index % self.talks.len());
        let Some(talk) = self.talks.get_mut(index) else { return };
        let by_client = step & 1 == 0;
        let [sent, received] = &mut talk.reached;
        let (own, other) = if by_client { (sent, received) } else { (received, sent) };
        let packet = if by_client { client(now) } else { server(now) };
        let length = |input: &mut Input<'_>| usize::from(input.byte().unwrap_or_default());
        let mut say = |bytes: &[u8]| {
            let start = *own;
            *own += bytes.len() as u64;
            packet.clone().bytes(start, bytes).acknowledges(*other)
        };
        let packet = match step >> 1 & 7 {
            0 => {
                let length = length(input);
                say(input.take(length))
            }
            1 | 2 => say(&whole(input)),
            3 => {
                *own += u64::from(input.number());
                let length = length(input);
                let start = *own;
                packet.bytes(start, input.take(length)).acknowledges(*other)
            }
            4 => {
                let start = own.saturating_sub(u64::from(input.number()));
                let length = length(input);
                packet.bytes(start, input.take(length)).acknowledges(*other)
            }
            5 => {
                let short = u64::from(input.byte().unwrap_or_default());
                packet.data(*own..*own).acknowledges(other.saturating_sub(short))
            }
            6 if *own == 0 => packet.syn(),
            6 => packet.syn().acknowledges(*other),
            _ if input.byte().unwrap_or_default() & 1 == 0 => packet.closes().acknowledges(*other),
            _ => packet.resets(),
        };
        self.push(index, &packet);
    }

    fn push(&mut self, index: usize, packet: &Packet) {
        let Some(talk) = self.talks.get(index) else { return };
        let frame = talk.connection.frame(packet);
        self.span.note(frame.timestamp);
        let span = &self.span;
        let link_type = talk.connection.link_type;
        self.finder.push(link_type, &frame.as_frame(), &mut |finding| span.check(&finding));
        check_held(self.finder.held_bytes(), self.finder.streams());
    }

    fn finish(self) {
        finish(self.finder, &self.span);
    }
}
