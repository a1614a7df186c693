//! Which bytes of a stream have been seen.
//!
//! Byte ranges, not packets: a super-frame, its parts sent again, and an acknowledgement of half
//! of it all meet here.

use std::{mem::size_of, ops::Range};

/// The most separate ranges that are kept; with more holes than this the oldest are given up, and
/// their bytes count as not seen.
const MOST_RANGES: usize = 256;
/// The room for ranges that is kept once there are no holes.
const KEPT_RANGES: usize = 4;

/// A set of stream positions, as ranges in order that do not touch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    ranges: Vec<Range<u64>>,
}

/// What adding a range did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// Some of its bytes had been there before.
    pub(crate) repeated: bool,
    /// It lies, in part, before bytes that had been there already.
    pub(crate) behind: bool,
}

impl Coverage {
    /// The memory that it takes beside itself, in bytes.
    pub(super) const fn held_bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<Range<u64>>()
    }

    /// No bytes yet, of a stream that begins at 0: what is missing before the first is a hole.
    pub(crate) fn from_start() -> Self {
        Self { ranges: vec![Range { start: 0, end: 0 }] }
    }

    /// Adds a range that is not empty.
    pub(crate) fn add(&mut self, range: Range<u64>) -> Added {
        let Some(last) = self.ranges.last_mut() else {
            self.ranges.push(range);
            return Added { repeated: false, behind: false };
        };
        if range.start == last.end {
            last.end = range.end;
            return Added { repeated: false, behind: false };
        }
        let behind = range.start < last.end;
        let first = self.ranges.partition_point(|kept| kept.end < range.start);
        let touched = self.ranges.get(first..).unwrap_or_default();
        let count = touched.iter().take_while(|kept| kept.start <= range.end).count();
        let mut merged = range.clone();
        let mut repeated = false;
        for kept in touched.iter().take(count) {
            repeated |= kept.start < range.end && range.start < kept.end;
            merged = merged.start.min(kept.start)..merged.end.max(kept.end);
        }
        self.ranges.splice(first..first + count, [merged]);
        if self.ranges.len() > MOST_RANGES {
            self.ranges.remove(0);
        }
        Added { repeated, behind }
    }

    /// Whether every byte of a range is in the set; an empty range always is.
    pub(crate) fn covers(&self, range: &Range<u64>) -> bool {
        range.is_empty()
            || self.ranges.iter().any(|kept| kept.start <= range.start && range.end <= kept.end)
    }

    /// Whether bytes are missing between those of the set.
    pub(crate) fn has_holes(&self) -> bool {
        self.ranges.len() > 1
    }

    /// Gives up the ranges that end at or before a position, but never the last.
    pub(crate) fn forget(&mut self, position: u64) {
        let gone = self.ranges.partition_point(|kept| kept.end <= position);
        self.ranges.drain(..gone.min(self.ranges.len().saturating_sub(1)));
        if self.ranges.len() == 1 {
            self.ranges.shrink_to(KEPT_RANGES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Added = Added { repeated: false, behind: false };

    #[test]
    fn a_filled_hole_leaves_one_range() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.add(0..10), FRESH);
        assert_eq!(coverage.add(20..30), FRESH);
        assert!(coverage.has_holes());
        assert!(!coverage.covers(&(5..25)));
        assert_eq!(coverage.add(10..20), Added { repeated: false, behind: true });
        assert!(!coverage.has_holes());
        assert!(coverage.covers(&(0..30)));
    }

    #[test]
    fn tells_bytes_that_were_there_before() {
        let mut coverage = Coverage::default();
        coverage.add(0..10);
        assert_eq!(coverage.add(5..15), Added { repeated: true, behind: true });
        assert!(coverage.covers(&(0..15)));
        assert_eq!(coverage.add(40..50), FRESH);
        assert_eq!(coverage.add(2..60), Added { repeated: true, behind: true });
        assert!(coverage.covers(&(0..60)));
    }

    #[test]
    fn a_missing_start_is_a_hole() {
        let mut coverage = Coverage::from_start();
        assert_eq!(coverage.add(10..20), FRESH);
        assert!(coverage.has_holes());
        assert_eq!(coverage.add(0..10), Added { repeated: false, behind: true });
        assert!(!coverage.has_holes());
    }

    #[test]
    fn is_bounded_however_many_holes_there_are() {
        let mut coverage = Coverage::default();
        for hole in 0..10_000_u64 {
            coverage.add(hole * 10..hole * 10 + 1);
        }
        assert_eq!(coverage.ranges.len(), MOST_RANGES);
        assert!(coverage.held_bytes() <= 2 * MOST_RANGES * size_of::<Range<u64>>());
        coverage.forget(u64::MAX);
        assert!(coverage.ranges.len() == 1 && coverage.covers(&(99_990..99_991)));
    }
}
