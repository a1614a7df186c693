//! Round trips of one connection, as the server's acknowledgements of the client's bytes tell.
//!
//! A sample is taken only where it is plain which transmission an acknowledgement answers (Karn's
//! rule): it ends exactly at a segment, and nothing that it covers was sent twice; or else its
//! echoed timestamp names a single transmission (RFC 7323).

use std::{collections::VecDeque, mem::size_of, ops::Range, time::Duration};

use crate::{flow::shrink, segment::TcpStamps, time::Timestamp};

/// The most transmissions that wait for their acknowledgement, more than the largest window that
/// Linux gives a sender has full segments; of more the oldest give no round trip.
const MOST_OUTSTANDING: usize = 1 << 14;
/// The most samples that are kept; of older ones only the least. A split looks at the last few of
/// its upload.
const MOST_SAMPLES: usize = 1 << 12;

/// What is outstanding and what was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoundTrips {
    outstanding: VecDeque<Transmission>,
    acknowledged: u64,
    samples: VecDeque<Sample>,
    /// The least of the samples that are no longer kept, and of the handshake's.
    earlier_least: Option<Duration>,
}

/// One measured round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The acknowledgement that ended it.
    pub(crate) acknowledged: u64,
    /// How long it took.
    pub(crate) length: Duration,
}

/// Bytes that were sent and are not acknowledged.
#[derive(Clone, Debug)]
struct Transmission {
    range: Range<u64>,
    at: Timestamp,
    value: Option<u32>,
    resent: bool,
}

impl RoundTrips {
    /// The memory that it takes beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.outstanding.capacity() * size_of::<Transmission>()
            + self.samples.capacity() * size_of::<Sample>()
    }

    /// How far the server has acknowledged.
    pub(crate) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether bytes were sent that are not acknowledged.
    pub(crate) fn is_outstanding(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// The samples since the last exchange that was resolved, in order.
    pub(crate) fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.samples.iter().copied()
    }

    /// The least round trip of the connection, without the sample that this acknowledgement ended.
    pub(crate) fn least_without(&self, acknowledged: Option<u64>) -> Option<Duration> {
        self.samples()
            .filter(|sample| Some(sample.acknowledged) != acknowledged)
            .map(|sample| sample.length)
            .chain(self.earlier_least)
            .min()
    }

    /// The greatest of the samples since the last exchange that was resolved, without the one that
    /// this acknowledgement ended.
    pub(crate) fn greatest_without(&self, acknowledged: u64) -> Option<Duration> {
        let others = self.samples().filter(|sample| sample.acknowledged != acknowledged);
        others.map(|sample| sample.length).max()
    }

    /// Notes the handshake's round trip.
    pub(crate) fn handshake(&mut self, length: Duration) {
        self.earlier_least = Some(least(self.earlier_least, length));
    }

    /// Notes a transmission. Bytes that the server has, as in a probe whether it is still there,
    /// wait for nothing.
    pub(crate) fn send(
        &mut self,
        range: Range<u64>,
        at: Timestamp,
        stamps: Option<TcpStamps>,
        resent: bool,
    ) {
        if range.end <= self.acknowledged {
            return;
        }
        if resent {
            for earlier in &mut self.outstanding {
                earlier.resent |= overlap(&earlier.range, &range);
            }
        }
        if self.outstanding.len() == MOST_OUTSTANDING {
            self.outstanding.pop_front();
        }
        let value = stamps.map(|stamps| stamps.value);
        self.outstanding.push_back(Transmission { range, at, value, resent });
    }

    /// Notes a cumulative acknowledgement; returns whether it goes further than any before.
    pub(crate) fn acknowledge(
        &mut self,
        position: u64,
        at: Timestamp,
        stamps: Option<TcpStamps>,
    ) -> bool {
        if position <= self.acknowledged {
            return false;
        }
        let echo = stamps.map(|stamps| stamps.echo);
        let answered = self.answered(&(self.acknowledged..position), echo);
        if let Some(length) = answered.and_then(|sent| at.since(sent)) {
            if self.samples.len() == MOST_SAMPLES {
                self.forget_oldest();
            }
            self.samples.push_back(Sample { acknowledged: position, length });
        }
        while self.outstanding.pop_front_if(|sent| sent.range.end <= position).is_some() {}
        self.acknowledged = position;
        true
    }

    /// When the transmission was sent that an acknowledgement of these bytes answers; `None` where
    /// that is not plain.
    fn answered(&self, fresh: &Range<u64>, echo: Option<u32>) -> Option<Timestamp> {
        let mut exact = None;
        let mut clean = true;
        let covered = self.outstanding.iter().take_while(|sent| sent.range.start < fresh.end);
        for sent in covered.filter(|sent| overlap(&sent.range, fresh)) {
            clean &= !sent.resent;
            if sent.range.end == fresh.end {
                exact = Some(sent.at);
            }
        }
        if clean {
            return exact;
        }
        let echoed = |sent: &&Transmission| {
            echo.is_some() && sent.value == echo && overlap(&sent.range, fresh)
        };
        let mut candidates = self.outstanding.iter().filter(echoed);
        let only = candidates.next()?;
        candidates.next().is_none().then_some(only.at)
    }

    /// Takes no sample across this moment, because the clock was stepped.
    pub(crate) fn interrupt(&mut self) {
        self.outstanding.clear();
    }

    /// Keeps of the samples up to an acknowledgement only the least, and of what is outstanding
    /// only what the server lacks.
    pub(crate) fn forget(&mut self, acknowledged: u64) {
        while self.samples.front().is_some_and(|sample| sample.acknowledged <= acknowledged) {
            self.forget_oldest();
        }
        let received = self.acknowledged;
        self.outstanding.retain(|sent| sent.range.end > received);
        shrink(&mut self.outstanding);
        shrink(&mut self.samples);
    }

    /// Keeps nothing but the least sample.
    pub(crate) fn forget_all(&mut self) {
        let least = self.least_without(None);
        *self = Self { acknowledged: self.acknowledged, earlier_least: least, ..Self::default() };
    }

    fn forget_oldest(&mut self) {
        if let Some(sample) = self.samples.pop_front() {
            self.earlier_least = Some(least(self.earlier_least, sample.length));
        }
    }
}

fn least(known: Option<Duration>, length: Duration) -> Duration {
    known.map_or(length, |known| known.min(length))
}

/// Whether two ranges share a byte.
pub(crate) const fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_ns(milliseconds * 1_000_000)
    }

    fn lengths(trips: &RoundTrips) -> Vec<u128> {
        trips.samples().map(|sample| sample.length.as_millis()).collect()
    }

    const fn stamps(value: u32, echo: u32) -> TcpStamps {
        TcpStamps { value, echo }
    }

    #[test]
    fn an_acknowledgement_inside_a_segment_is_no_sample() {
        let mut trips = RoundTrips::default();
        trips.send(0..40_000, at(0), None, false);
        assert!(trips.acknowledge(20_000, at(30), None));
        assert!(trips.acknowledge(40_000, at(44), None));
        assert_eq!(lengths(&trips), [44]);
    }

    #[test]
    fn what_was_sent_twice_is_no_sample_unless_a_timestamp_tells() {
        let mut trips = RoundTrips::default();
        trips.send(0..100, at(0), None, false);
        trips.send(0..100, at(200), None, true);
        trips.acknowledge(100, at(210), None);
        assert_eq!(lengths(&trips), [0; 0]);
        trips.send(100..200, at(300), Some(stamps(7, 0)), false);
        trips.send(100..200, at(500), Some(stamps(9, 0)), true);
        trips.acknowledge(200, at(512), Some(stamps(0, 9)));
        assert_eq!(lengths(&trips), [12]);
    }

    #[test]
    fn a_hole_filled_by_a_second_try_spoils_what_waited_behind_it() {
        let mut trips = RoundTrips::default();
        trips.send(0..100, at(0), None, false);
        trips.send(100..200, at(1), None, false);
        trips.send(0..100, at(50), None, true);
        trips.acknowledge(200, at(60), None);
        assert_eq!(lengths(&trips), [0; 0]);
    }

    #[test]
    fn what_the_server_has_is_not_outstanding_when_it_is_sent_again() {
        let mut trips = RoundTrips::default();
        trips.send(0..100, at(0), None, false);
        trips.acknowledge(100, at(5), None);
        trips.send(99..100, at(1000), None, true);
        assert!(!trips.is_outstanding());
    }

    #[test]
    fn is_bounded_whatever_is_sent_and_acknowledged() {
        let mut trips = RoundTrips::default();
        for position in 0..40_000_u64 {
            trips.send(position..position + 1, at(0), None, false);
        }
        for position in 1..=40_000 {
            trips.acknowledge(position, at(7), None);
        }
        assert_eq!(trips.samples().count(), MOST_SAMPLES);
        let most = trips.held_bytes();
        assert!(most <= MOST_OUTSTANDING * 64 + MOST_SAMPLES * 32, "{most}");
        trips.forget(40_000);
        assert!(trips.held_bytes() * 8 < most, "{}", trips.held_bytes());
        assert_eq!(trips.least_without(None), Some(Duration::from_millis(7)));
    }

    #[test]
    fn forgotten_samples_leave_their_least() {
        let mut trips = RoundTrips::default();
        trips.handshake(Duration::from_millis(9));
        trips.send(0..100, at(0), None, false);
        trips.acknowledge(100, at(5), None);
        assert_eq!(trips.least_without(Some(100)), Some(Duration::from_millis(9)));
        trips.forget(100);
        assert_eq!(lengths(&trips), [0; 0]);
        assert_eq!(trips.least_without(Some(100)), Some(Duration::from_millis(5)));
    }
}
