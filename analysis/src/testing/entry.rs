//! What a fuzzer calls: any bytes, made into what the packet engine takes.
//!
//! Each function reads its bytes as a file, as frames, or as a script of what goes over
//! connections, hands that to the engine, and asserts what must hold whatever came in: no time is
//! negative or longer than all of the capture, the parts are in order, an inference lies within its
//! bounds, and what is retained within its own. `fuzz/` runs them under a sanitizer, property tests
//! with every build.

mod conversation;
mod streams;

use std::time::Duration;

use crate::{
    capture_file::{CaptureReader, CapturedFrame},
    fragments::Fragments,
    frame::{Frame, LinkType},
    offline::{ExchangeFinder, Finding, StreamFilter, StreamSummary},
    split::Split,
    splitter::Splitter,
    time::Timestamp,
};

pub use self::{
    conversation::splitter,
    streams::{exchanges, tls_records},
};

/// The bound on memory that the engine is given here: so little that scripts reach it.
const MOST_HELD: usize = 48 << 10;
/// What a connection may take beside what is counted against the bound.
const UNCOUNTED: usize = 512;

/// Any bytes as a capture file, with all that its frames go through.
///
/// # Panics
/// Where the engine breaks a promise.
pub fn capture_file(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::new(bytes) else { return };
    let mut engine = Engine::new();
    let mut packets = 0;
    while let Some(captured) = reader.next_frame() {
        engine.push(captured);
        packets += 1;
    }
    engine.finish();
    assert_eq!(packets + reader.tally().not_understood(), reader.tally().packets);
    let unread = reader.end().damage().and_then(|damage| damage.unread_bytes).unwrap_or(0);
    assert!(reader.tally().captured_bytes + unread <= bytes.len() as u64);
}

/// Any bytes as frames of any link type: of each the link type, the length and what was cut of it
/// stand before it.
///
/// # Panics
/// Where the engine breaks a promise.
pub fn link_layer(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut engine = Engine::new();
    let mut at = 0;
    while let (Some(kind), Some(length), Some(cut)) = (input.byte(), input.byte(), input.byte()) {
        let Some(link_type) = LinkType::ALL.get(usize::from(kind) % LinkType::ALL.len()) else {
            return;
        };
        let bytes = input.take(usize::from(length));
        let wire_len = u32::try_from(bytes.len()).unwrap_or(0) + u32::from(cut);
        let frame = Frame { timestamp: Timestamp::from_unix_ns(at), wire_len, bytes };
        engine.push(CapturedFrame { link_type: *link_type, frame, timed: true });
        at += 1_000_000;
    }
    engine.finish();
}

/// All that frames of a file may go through.
struct Engine {
    fragments: Fragments,
    splitters: [Splitter; 5],
    finder: ExchangeFinder,
    span: Span,
}

impl Engine {
    fn new() -> Self {
        let splitters = LinkType::ALL.map(|link_type| {
            let mut splitter = Splitter::new(link_type).holding_at_most(MOST_HELD);
            (0..=u16::MAX).step_by(251).for_each(|port| splitter.watch(port));
            splitter
        });
        Self { fragments: Fragments::new(), splitters, finder: finder(), span: Span::default() }
    }

    fn push(&mut self, captured: CapturedFrame<'_>) {
        assert!(captured.frame.wire_len as usize >= captured.frame.bytes.len());
        self.span.note(captured.frame.timestamp);
        for splitter in &mut self.splitters {
            splitter.push(&captured.frame);
            check_held(splitter.held_bytes(), splitter.connections());
        }
        let Some(whole) = self.fragments.whole(captured) else { return };
        assert!(whole.frame.wire_len as usize >= whole.frame.bytes.len());
        let span = &self.span;
        self.finder.push(whole.link_type, &whole.frame, &mut |finding| span.check(&finding));
        check_held(self.finder.held_bytes(), self.finder.streams());
    }

    fn finish(mut self) {
        finish(self.finder, &self.span);
        for splitter in &mut self.splitters {
            (0..=u16::MAX).step_by(251).for_each(|port| splitter.unwatch(port));
            assert_eq!((splitter.held_bytes(), splitter.connections()), (0, 0));
        }
    }
}

fn finder() -> ExchangeFinder {
    ExchangeFinder::new(StreamFilter::default()).holding_at_most(MOST_HELD)
}

fn finish(mut finder: ExchangeFinder, span: &Span) {
    finder.finish(&mut |finding| span.check(&finding));
    assert_eq!((finder.held_bytes(), finder.streams()), (0, 0));
}

fn check_held(held: usize, connections: usize) {
    assert!(held <= MOST_HELD + connections * UNCOUNTED, "{held} held of {connections}");
}

/// The earliest and the latest stamp of all frames.
#[derive(Clone, Copy, Debug, Default)]
struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    fn note(&mut self, at: Timestamp) {
        let (first, last) = self.0.unwrap_or((at, at));
        self.0 = Some((first.min(at), last.max(at)));
    }

    fn check(&self, finding: &Finding) {
        match finding {
            Finding::Exchange(found) => self.check_split(&found.split),
            Finding::Stream(summary) => self.check_summary(summary),
        }
    }

    /// Moments in order are parts that are not negative, which their type says, and that sum to no
    /// more than there was time.
    fn check_split(&self, split: &Split) {
        let Some((first, last)) = self.0 else { unreachable!("a split of no frame: {split:?}") };
        // Where the clock was stepped by centuries there is no length to compare with.
        let longest = last.since(first).unwrap_or(Duration::MAX);
        assert!(split.request_first.is_none_or(|at| first <= at && at <= last), "{split:?}");
        for length in [split.connect, split.tls, split.rtt] {
            assert!(length.is_none_or(|length| length <= longest), "{split:?}");
        }
        let Some(times) = split.times else { return };
        assert_eq!(times.upload() + times.inference() + times.download(), times.total());
        assert!(times.total() <= longest, "{split:?}");
        if let Some(bounds) = times.bounds() {
            assert!(bounds.low <= times.inference(), "{split:?}");
            assert!(times.inference() <= bounds.high && bounds.high <= longest, "{split:?}");
        }
    }

    fn check_summary(&self, summary: &StreamSummary) {
        const HEADER: u64 = 5;
        assert!(self.0.is_some_and(|(first, _)| first <= summary.span.0), "{summary:?}");
        for side in [summary.up, summary.down] {
            let records = side.application_records + side.handshake_records;
            assert!(records * HEADER <= side.payload_bytes, "{summary:?}");
            assert!(side.retransmissions <= side.packets, "{summary:?}");
        }
    }
}

/// Bytes that are read as numbers and as bytes.
#[derive(Clone, Copy, Debug)]
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// A number of 16 bits; zero where the bytes end.
    fn number(&mut self) -> u16 {
        let mut next = || self.byte().unwrap_or_default();
        u16::from_le_bytes([next(), next()])
    }

    /// So many bytes, or as many as there are.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}
