//! One direction's bytes in their order.
//!
//! Segments come reordered, twice, in part, or not at all; whoever reads what a stream says needs
//! its bytes one after the other. Bytes that came too early are kept until those before them
//! arrive; where the receiver has acknowledged what the capture lacks, or too much waits, the gap
//! is stepped over and said so.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// The most captured bytes and segments that wait for one direction's gap to be filled.
const MOST_WAITING: usize = 256 << 10;
const MOST_SEGMENTS: usize = 1024;
/// About what a segment that waits takes beside its bytes.
const SEGMENT_BYTES: usize = 128;

/// Bytes of one segment that come next in their stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// The stream position of the first.
    pub(crate) position: u64,
    /// How many there are on the wire.
    pub(crate) length: u64,
    /// The first of them, as far as they were captured.
    pub(crate) bytes: &'a [u8],
    /// When their segment was captured.
    pub(crate) at: Timestamp,
    /// What their segment acknowledged of the other direction.
    pub(crate) acknowledged: u64,
    /// Whether bytes are missing before them.
    pub(crate) after_gap: bool,
}

impl<'a> Piece<'a> {
    /// The position behind the last byte.
    pub(crate) const fn end(&self) -> u64 {
        self.position + self.length
    }

    /// The captured bytes from a position on.
    pub(crate) fn captured_from(&self, position: u64) -> &'a [u8] {
        let skipped = usize::try_from(position.saturating_sub(self.position)).unwrap_or(usize::MAX);
        self.bytes.get(skipped..).unwrap_or_default()
    }

    /// The part from a position on.
    fn from(&self, position: u64) -> Self {
        let length = self.end().saturating_sub(position);
        Self { position, length, bytes: self.captured_from(position), ..*self }
    }
}

/// Puts one direction's segments into order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembly {
    next: Option<u64>,
    waiting: BTreeMap<u64, Waiting>,
    held: usize,
    /// How far the receiver has acknowledged.
    received: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    length: u64,
    bytes: Box<[u8]>,
    at: Timestamp,
    acknowledged: u64,
}

impl Assembly {
    /// A stream that is seen from this position on.
    pub(crate) fn from_position(position: u64) -> Self {
        Self { next: Some(position), ..Self::default() }
    }

    /// The memory that it takes beside itself, in bytes, about.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held + self.waiting.len() * SEGMENT_BYTES
    }

    /// Takes a segment's bytes and hands on those that are in order.
    pub(crate) fn push(&mut self, piece: &Piece<'_>, deliver: &mut impl FnMut(&Piece<'_>)) {
        let next = *self.next.get_or_insert(piece.position);
        if piece.end() <= next {
            return;
        }
        if piece.position > next {
            self.wait(piece);
            self.step_over_gaps(deliver);
            return;
        }
        deliver(&piece.from(next));
        self.next = Some(piece.end());
        if !self.waiting.is_empty() {
            self.deliver_waiting(deliver);
        }
    }

    /// Notes how far the receiver has acknowledged: what it has and the capture lacks will not
    /// come.
    pub(crate) fn acknowledge(&mut self, position: u64, deliver: &mut impl FnMut(&Piece<'_>)) {
        self.received = self.received.max(position);
        if !self.waiting.is_empty() {
            self.step_over_gaps(deliver);
        }
    }

    /// Hands on all that waits, gaps or not.
    pub(crate) fn finish(&mut self, deliver: &mut impl FnMut(&Piece<'_>)) {
        while let Some(start) = self.waiting.keys().next().copied() {
            self.step_to(start, deliver);
        }
    }

    fn wait(&mut self, piece: &Piece<'_>) {
        let known = self.waiting.get(&piece.position).map_or(0, |waiting| waiting.length);
        if piece.length <= known {
            return;
        }
        let Piece { length, bytes, at, acknowledged, .. } = *piece;
        let waiting = Waiting { length, bytes: bytes.into(), at, acknowledged };
        self.held += bytes.len();
        if let Some(shorter) = self.waiting.insert(piece.position, waiting) {
            self.held -= shorter.bytes.len();
        }
    }

    fn step_over_gaps(&mut self, deliver: &mut impl FnMut(&Piece<'_>)) {
        while let Some(start) = self.waiting.keys().next().copied() {
            let full = self.held > MOST_WAITING || self.waiting.len() > MOST_SEGMENTS;
            if start > self.received && !full {
                return;
            }
            self.step_to(start, deliver);
        }
    }

    fn step_to(&mut self, start: u64, deliver: &mut impl FnMut(&Piece<'_>)) {
        let gap = self.next.is_some_and(|next| start > next);
        let mut after_gap = gap;
        self.next = self.next.max(Some(start));
        self.deliver_waiting(&mut |piece| {
            deliver(&Piece { after_gap, ..*piece });
            after_gap = false;
        });
    }

    fn deliver_waiting(&mut self, deliver: &mut impl FnMut(&Piece<'_>)) {
        let mut next = self.next.unwrap_or_default();
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= next) {
            let position = *entry.key();
            let Waiting { length, bytes, at, acknowledged } = entry.remove();
            self.held -= bytes.len();
            let bytes = &*bytes;
            let piece = Piece { position, length, bytes, at, acknowledged, after_gap: false };
            if piece.end() > next {
                deliver(&piece.from(next));
                next = piece.end();
            }
        }
        self.next = Some(next);
    }
}
