//! 32-bit sequence numbers as 64-bit positions in a stream.
//!
//! A position counts payload bytes from the first byte after the SYN. A stream that was already
//! open when it was first seen has positions too, but counted from an arbitrary start.

use std::ops::Range;

/// Where the positions of a stream that was already open begin: far enough from 0 that what came
/// before the first segment seen has a position too.
const MIDDLE: u64 = 1 << 40;
/// No sender is further ahead than the largest window (RFC 7323); what claims to be belongs to
/// another stream.
const LARGEST_WINDOW: i32 = 1 << 30;

/// Knows which position in one direction's stream a sequence number stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbering {
    furthest: u64,
    furthest_sequence: u32,
    exact: bool,
}

impl Numbering {
    /// A stream whose first payload byte has this sequence number.
    pub(crate) const fn from_start(first: u32) -> Self {
        Self { furthest: 0, furthest_sequence: first, exact: true }
    }

    /// A stream of which a segment with this sequence number was seen first.
    pub(crate) const fn from_middle(sequence: u32) -> Self {
        Self { furthest: MIDDLE, furthest_sequence: sequence, exact: false }
    }

    /// Whether positions count from the stream's first byte.
    pub(crate) const fn is_exact(&self) -> bool {
        self.exact
    }

    /// How far the stream has come.
    pub(crate) const fn furthest(&self) -> u64 {
        self.furthest
    }

    /// The position of a sequence number; `None` where it cannot be of this stream.
    pub(crate) fn position(&self, sequence: u32) -> Option<u64> {
        let ahead = sequence.wrapping_sub(self.furthest_sequence).cast_signed();
        if ahead > LARGEST_WINDOW {
            return None;
        }
        self.furthest.checked_add_signed(i64::from(ahead))
    }

    /// The positions of a segment's payload, noting how far the stream has come; `None` where it
    /// cannot be of this stream.
    pub(crate) fn observe(&mut self, sequence: u32, payload: u32) -> Option<Range<u64>> {
        let start = self.position(sequence)?;
        let end = start.checked_add(u64::from(payload))?;
        if end > self.furthest {
            self.furthest = end;
            self.furthest_sequence = sequence.wrapping_add(payload);
        }
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_grow_through_many_wraps() {
        let mut numbering = Numbering::from_start(u32::MAX - 10);
        let step = 1 << 29;
        for turn in 0..40_u32 {
            let sequence = (u32::MAX - 10).wrapping_add(step * (turn % 8));
            let start = u64::from(step) * u64::from(turn);
            assert_eq!(numbering.observe(sequence, step), Some(start..start + u64::from(step)));
        }
    }

    #[test]
    fn a_resent_segment_has_its_old_position() {
        let mut numbering = Numbering::from_start(u32::MAX);
        assert_eq!(numbering.observe(u32::MAX, 100), Some(0..100));
        assert_eq!(numbering.observe(99, 100), Some(100..200));
        assert_eq!(numbering.observe(u32::MAX, 100), Some(0..100));
        assert_eq!(numbering.position(199), Some(200));
    }

    #[test]
    fn refuses_what_lies_before_the_stream_or_beyond_any_window() {
        let numbering = Numbering::from_start(1000);
        assert_eq!(numbering.position(999), None);
        assert_eq!(numbering.position(1000 + (1 << 30) + 1), None);
        let open = Numbering::from_middle(1000);
        assert_eq!(open.position(999), Some(MIDDLE - 1));
        assert!(!open.is_exact());
    }
}
