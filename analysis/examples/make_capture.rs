//! Writes a large capture of uploads over TLS, always the same for the same size:
//! `cargo run --release --example make_capture -- FILE MEGABYTES`.
//!
//! Connections follow each other; on each, images go up in records of 16 KiB and a short answer
//! comes back. Payload is there in full, so that a reader that looks at it has to.

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
};

use armol_analysis::testing::{
    CaptureFormat, CaptureWriter, CapturedFrame, Connection, Packet, client, server,
};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The bytes of a full segment.
const SEGMENT: u64 = 1448;
const REQUESTS: usize = 20;
const ROUND_TRIP: i64 = 20_000;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, megabytes] = arguments.as_slice() else {
        return Err("usage: make_capture FILE MEGABYTES".into());
    };
    let wanted = megabytes.parse::<u64>()? * 1_000_000;
    let mut file = BufWriter::new(File::create(path)?);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut written = 0;
    let mut port = 10_000;
    let mut now = 0;
    while written < wanted {
        let conversation = Conversation::new(&mut random, port, now);
        let mut writer = CaptureWriter::new(CaptureFormat::Pcap, false, 1);
        let header = if written == 0 { 0 } else { writer.bytes().len() };
        writer.frames(&conversation.frames);
        now = conversation.now + 1_000_000;
        port = if port == 60_000 { 10_000 } else { port + 1 };
        let bytes = writer.bytes().get(header..).unwrap_or_default();
        file.write_all(bytes)?;
        written += u64::try_from(bytes.len())?;
    }
    Ok(file.flush()?)
}

/// A connection from its opening to its last answer.
struct Conversation {
    connection: Connection,
    frames: Vec<CapturedFrame>,
    /// The bytes that each side has sent, and how many of them were put in frames.
    sent: Stream,
    received: Stream,
    /// The microsecond of the next frame.
    now: i64,
}

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    framed: u64,
}

impl Conversation {
    fn new(random: &mut ChaCha8Rng, port: u16, now: i64) -> Self {
        let mut connection = Connection { snapshot: usize::MAX, ..Connection::ipv4() };
        connection.client.set_port(port);
        connection.client_isn = random.random();
        connection.server_isn = random.random();
        let (sent, received) = (Stream::default(), Stream::default());
        let mut made = Self { connection, frames: Vec::new(), sent, received, now };
        made.open(random);
        for _ in 0..REQUESTS {
            let image = random.random_range(50_000..300_000);
            made.sent.put_records(random, APPLICATION, image);
            made.upload();
            made.now += ROUND_TRIP + random.random_range(20_000..200_000);
            made.received.put_records(random, APPLICATION, 2000);
            made.answer();
        }
        made
    }

    fn open(&mut self, random: &mut ChaCha8Rng) {
        let began = self.now;
        self.frame(&client(began).syn());
        self.frame(&server(began + ROUND_TRIP).syn().acknowledges(0));
        self.now += ROUND_TRIP + 50;
        self.sent.put_records(random, HANDSHAKE, 500);
        self.upload();
        self.now += ROUND_TRIP;
        self.received.put_records(random, HANDSHAKE, 120);
        self.received.put_records(random, APPLICATION, 3000);
        self.answer();
        self.now += 300;
        self.sent.put_records(random, APPLICATION, 53);
        self.upload();
        self.now += ROUND_TRIP;
    }

    /// Sends what the client has to send; every second segment is acknowledged a round trip later.
    fn upload(&mut self) {
        let mut acknowledgements = Vec::new();
        while let Some(part) = self.sent.next() {
            let is_last = part.end == self.sent.length();
            if (part.start / SEGMENT) % 2 == 1 || is_last {
                acknowledgements.push((self.now + ROUND_TRIP, part.end));
            }
            let acknowledged = self.received.framed;
            self.frame(&client(self.now).data(part).acknowledges(acknowledged));
            self.now += 15;
        }
        for (at, position) in acknowledgements {
            let read = self.received.framed;
            self.frame(&server(at).data(read..read).acknowledges(position));
        }
    }

    fn answer(&mut self) {
        while let Some(part) = self.received.next() {
            let acknowledged = self.sent.framed;
            self.frame(&server(self.now).data(part.clone()).acknowledges(acknowledged));
            self.now += 15;
            let read = self.sent.framed;
            self.frame(&client(self.now).data(read..read).acknowledges(part.end));
        }
    }

    /// Appends a packet, with the bytes of its stream in its payload.
    fn frame(&mut self, packet: &Packet) {
        let mut frame = self.connection.frame(packet);
        let stream = if packet.is_by_client() { &self.sent } else { &self.received };
        let range = packet.payload();
        let length = usize::try_from(range.end - range.start).unwrap_or(0);
        let start = usize::try_from(range.start).unwrap_or(0);
        let place = frame.bytes.len() - length;
        if let (Some(place), Some(bytes)) =
            (frame.bytes.get_mut(place..), stream.bytes.get(start..start + length))
        {
            place.copy_from_slice(bytes);
        }
        self.frames.push(frame);
    }
}

impl Stream {
    fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// The next segment's bytes; `None` where all are sent.
    fn next(&mut self) -> Option<Range<u64>> {
        let start = self.framed;
        self.framed = self.length().min(start + SEGMENT);
        (start < self.framed).then_some(start..self.framed)
    }

    /// Appends TLS records that hold so many bytes.
    fn put_records(&mut self, random: &mut ChaCha8Rng, kind: u8, length: usize) {
        const LONGEST: usize = 16_384;
        let mut left = length;
        while left > 0 {
            let part = left.min(LONGEST);
            let size = u16::try_from(part).unwrap_or(u16::MAX).to_be_bytes();
            self.bytes.extend([kind, 3, 3, size[0], size[1]]);
            let start = self.bytes.len();
            self.bytes.resize(start + part, 0);
            if let Some(place) = self.bytes.get_mut(start..) {
                random.fill_bytes(place);
            }
            left -= part;
        }
    }
}
