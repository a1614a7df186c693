//! The bytes that go one way on a connection.

use std::ops::Range;

use crate::{
    flow::{
        coverage::{Added, Coverage},
        numbering::Numbering,
    },
    time::Timestamp,
};

/// The most segment ends that are tried to find a range in a stream without a start.
const MOST_EDGES: usize = 64;

/// What is known of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Direction {
    /// How sequence numbers become positions; `None` before the first segment.
    pub(crate) numbering: Option<Numbering>,
    /// The bytes that were seen.
    pub(crate) covered: Coverage,
    /// Since when bytes have been missing before others.
    pub(crate) hole_since: Option<Timestamp>,
    /// Positions before this one belong to resolved exchanges.
    pub(crate) resolved: u64,
}

impl Direction {
    /// Notes the sequence number of the stream's first byte.
    pub(crate) fn begin(&mut self, first: u32) {
        if self.numbering.is_none() {
            self.numbering = Some(Numbering::from_start(first));
            self.covered = Coverage::from_start();
        }
    }

    /// Notes a segment's payload and returns its positions; `None` where it has none of this
    /// stream.
    pub(crate) fn add(&mut self, sequence: u32, payload: u32) -> Option<(Range<u64>, Added)> {
        let numbering = self.numbering.get_or_insert_with(|| Numbering::from_middle(sequence));
        let range = numbering.observe(sequence, payload)?;
        if range.is_empty() {
            return None;
        }
        let added = self.covered.add(range.clone());
        Some((range, added))
    }

    /// The positions of a range that counts from the stream's start. Where that start was not seen
    /// it is the latest place where two segment edges are as far apart as the range is long: each
    /// side writes its request or response in one go, after waiting for the other.
    pub(crate) fn locate<'s>(
        &self,
        range: &Range<u64>,
        segments: &(impl DoubleEndedIterator<Item = &'s Range<u64>> + Clone),
    ) -> Option<Range<u64>> {
        let length = range.end.checked_sub(range.start)?;
        if length == 0 || self.numbering.is_some_and(|numbering| numbering.is_exact()) {
            return Some(range.clone());
        }
        let ends = segments.clone().rev().map(|segment| segment.end).take(MOST_EDGES);
        ends.filter_map(|end| Some(end.checked_sub(length)?..end))
            .find(|place| segments.clone().any(|segment| segment.start == place.start))
    }

    /// Forgets what lies before a position.
    pub(crate) fn forget(&mut self, position: u64) {
        self.covered.forget(position);
        self.resolved = self.resolved.max(position);
        if !self.covered.has_holes() {
            self.hole_since = None;
        }
    }
}
