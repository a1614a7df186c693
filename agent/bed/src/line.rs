//! What happens to frames that go one way over a link: delay, loss, a bottleneck, reordering.
//!
//! Pure: frames and the time come in, the time says which frames come out. The `wire` thread
//! drives two of these, one for each way.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// How one way of a link treats frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LineSettings {
    /// How long a frame is under way, after it has left the bottleneck.
    pub(crate) delay: Duration,
    /// The share of frames that are lost.
    pub(crate) loss: f64,
    /// The slowest part of the way; `None` where every part is fast.
    pub(crate) bottleneck: Option<Bottleneck>,
    /// Which frames are overtaken; `None` where none is.
    pub(crate) reordering: Option<Reordering>,
}

/// A part of the way that sends at a rate, with a queue before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bottleneck {
    /// Bits a second.
    pub(crate) rate: u64,
    /// How many bytes may wait; a frame that would not fit is dropped.
    pub(crate) queue_bytes: u64,
}

/// Frames that are held back while others overtake them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reordering {
    /// The share of frames.
    pub(crate) share: f64,
    /// For how long.
    pub(crate) held: Duration,
}

/// What became of the frames so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LineCounts {
    /// Sent on, or waiting to be.
    pub(crate) carried: u64,
    /// Lost by chance.
    pub(crate) lost: u64,
    /// Dropped because the queue was full.
    pub(crate) overflowed: u64,
    /// Held back.
    pub(crate) held: u64,
    /// Handed on more than [`LATE`] after they were due, because the machine was busy.
    pub(crate) late: u64,
}

/// From when on a frame is late: less is the time that the frames of a burst take one by one.
pub(crate) const LATE: Duration = Duration::from_millis(1);

/// One way of a link.
#[derive(Debug)]
pub(crate) struct Line<F> {
    settings: LineSettings,
    generator: ChaCha8Rng,
    /// When the bottleneck has sent all that waits before it.
    free_at: Duration,
    under_way: BinaryHeap<Reverse<UnderWay<F>>>,
    counts: LineCounts,
}

/// A frame and when it arrives; of frames that arrive together the one sent first comes first.
#[derive(Debug)]
struct UnderWay<F> {
    due: Duration,
    number: u64,
    frame: F,
}

impl<F> Line<F> {
    /// A line that frames have yet to be sent on.
    pub(crate) fn new(settings: LineSettings, seed: u64) -> Self {
        Self {
            settings,
            generator: ChaCha8Rng::seed_from_u64(seed),
            free_at: Duration::ZERO,
            under_way: BinaryHeap::new(),
            counts: LineCounts::default(),
        }
    }

    /// Sends a frame that is so many bytes long.
    pub(crate) fn send(&mut self, now: Duration, bytes: u64, frame: F) {
        // Drawn for every frame alike, so that one frame's fate leaves those of others as they are.
        let lost = self.generator.random::<f64>() < self.settings.loss;
        let held = self.held();
        if lost {
            self.counts.lost += 1;
            return;
        }
        let Some(left_at) = self.pass_bottleneck(now, bytes) else {
            self.counts.overflowed += 1;
            return;
        };
        self.counts.held += u64::from(!held.is_zero());
        let due = left_at + self.settings.delay + held;
        self.under_way.push(Reverse(UnderWay { due, number: self.counts.carried, frame }));
        self.counts.carried += 1;
    }

    /// When the next frame arrives.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.under_way.peek().map(|Reverse(next)| next.due)
    }

    /// The next frame that has arrived by this time.
    pub(crate) fn receive(&mut self, now: Duration) -> Option<F> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse(next) = self.under_way.pop()?;
        self.counts.late += u64::from(now.saturating_sub(next.due) > LATE);
        Some(next.frame)
    }

    /// What became of the frames so far.
    pub(crate) const fn counts(&self) -> LineCounts {
        self.counts
    }

    fn held(&mut self) -> Duration {
        match self.settings.reordering {
            Some(reordering) if self.generator.random::<f64>() < reordering.share => {
                reordering.held
            }
            _ => Duration::ZERO,
        }
    }

    /// When a frame has left the bottleneck; `None` where its queue is full.
    fn pass_bottleneck(&mut self, now: Duration, bytes: u64) -> Option<Duration> {
        let Some(Bottleneck { rate, queue_bytes }) = self.settings.bottleneck else {
            return Some(now);
        };
        let waiting = sendable(self.free_at.saturating_sub(now), rate);
        if waiting.saturating_add(bytes) > queue_bytes {
            return None;
        }
        self.free_at = self.free_at.max(now) + sending_time(bytes, rate);
        Some(self.free_at)
    }
}

/// How long sending takes at a rate of bits a second.
fn sending_time(bytes: u64, rate: u64) -> Duration {
    let nanoseconds = u128::from(bytes) * 8 * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// How many bytes can be sent in a time at a rate of bits a second.
fn sendable(time: Duration, rate: u64) -> u64 {
    let bytes = time.as_nanos() * u128::from(rate) / 8 / 1_000_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl<F> UnderWay<F> {
    const fn key(&self) -> (Duration, u64) {
        (self.due, self.number)
    }
}

impl<F> PartialEq for UnderWay<F> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<F> Eq for UnderWay<F> {}

impl<F> PartialOrd for UnderWay<F> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<F> Ord for UnderWay<F> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLEAR: LineSettings = LineSettings {
        delay: Duration::from_millis(20),
        loss: 0.0,
        bottleneck: None,
        reordering: None,
    };

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// What arrives and when, of frames that are named for their places.
    fn arrivals(line: &mut Line<usize>) -> Vec<(Duration, usize)> {
        let mut arrived = Vec::new();
        while let Some(due) = line.next_due() {
            arrived.push((due, line.receive(due).unwrap()));
        }
        arrived
    }

    fn sent(settings: LineSettings, frames: &[(Duration, u64)]) -> Line<usize> {
        let mut line = Line::new(settings, 7);
        for (place, (at, bytes)) in frames.iter().enumerate() {
            line.send(*at, *bytes, place);
        }
        line
    }

    #[test]
    fn a_frame_arrives_after_the_delay_and_not_before() {
        let mut line = sent(CLEAR, &[(ms(1), 1500)]);
        assert_eq!(line.next_due(), Some(ms(21)));
        assert_eq!(line.receive(Duration::from_nanos(20_999_999)), None);
        assert_eq!(line.receive(ms(21)), Some(0));
        assert_eq!(line.next_due(), None);
    }

    #[test]
    fn frames_that_are_fetched_late_are_counted() {
        let mut line = sent(CLEAR, &[(ms(0), 100), (ms(0), 100)]);
        assert_eq!(line.receive(ms(21)), Some(0));
        assert_eq!(line.counts().late, 0);
        assert_eq!(line.receive(Duration::from_micros(21_001)), Some(1));
        assert_eq!(line.counts().late, 1);
    }

    #[test]
    fn a_bottleneck_spaces_frames_by_their_sending_time() {
        let bottleneck = Some(Bottleneck { rate: 12_000_000, queue_bytes: 100_000 });
        let settings = LineSettings { bottleneck, ..CLEAR };
        // 1500 bytes take a millisecond at 12 Mbit/s.
        let mut line = sent(settings, &[(ms(0), 1500), (ms(0), 1500), (ms(10), 750)]);
        let expected = [(ms(21), 0), (ms(22), 1), (ms(30) + Duration::from_micros(500), 2)];
        assert_eq!(arrivals(&mut line), expected);
    }

    #[test]
    fn a_full_queue_drops_what_comes_and_takes_more_once_it_has_drained() {
        let bottleneck = Some(Bottleneck { rate: 12_000_000, queue_bytes: 3000 });
        let settings = LineSettings { bottleneck, ..CLEAR };
        let mut line =
            sent(settings, &[(ms(0), 1500), (ms(0), 1500), (ms(0), 1500), (ms(1), 1500)]);
        let kept = arrivals(&mut line).into_iter().map(|(_, place)| place).collect::<Vec<_>>();
        assert_eq!(kept, [0, 1, 3]);
        assert_eq!(
            line.counts(),
            LineCounts { carried: 3, overflowed: 1, ..LineCounts::default() }
        );
    }

    #[test]
    fn a_frame_that_is_held_back_is_overtaken() {
        let reordering = Some(Reordering { share: 0.2, held: ms(3) });
        let settings = LineSettings { reordering, ..CLEAR };
        let frames = (0..100).map(|place| (ms(place), 100)).collect::<Vec<_>>();
        let mut line = sent(settings, &frames);
        let order = arrivals(&mut line).into_iter().map(|(_, place)| place).collect::<Vec<_>>();
        assert!(!order.is_sorted(), "{order:?}");
        assert!((10..30).contains(&line.counts().held), "{:?}", line.counts());
    }

    #[test]
    fn the_same_seed_loses_the_same_frames() {
        let settings = LineSettings { loss: 0.01, ..CLEAR };
        let frames = vec![(ms(0), 1500); 10_000];
        let one = arrivals(&mut sent(settings, &frames));
        let mut again = sent(settings, &frames);
        assert_eq!(one, arrivals(&mut again));
        assert!((70..130).contains(&again.counts().lost), "{:?}", again.counts());
    }

    proptest! {
        #[test]
        fn without_reordering_frames_keep_their_order_and_none_is_early_or_unaccounted(
            gaps in proptest::collection::vec((0_u64..2000, 60_u64..1514), 1..200),
            rate in 1_000_000_u64..100_000_000,
            queue_bytes in 1514_u64..200_000,
            loss in 0.0..0.5,
            seed: u64,
        ) {
            let bottleneck = Some(Bottleneck { rate, queue_bytes });
            let mut line = Line::new(LineSettings { loss, bottleneck, ..CLEAR }, seed);
            let mut now = Duration::ZERO;
            let mut sent_at = Vec::new();
            for (place, (gap, bytes)) in gaps.iter().enumerate() {
                now += Duration::from_micros(*gap);
                sent_at.push(now);
                line.send(now, *bytes, place);
            }
            let counts = line.counts();
            let arrived = arrivals(&mut line);
            prop_assert!(arrived.is_sorted());
            let longest = CLEAR.delay + sending_time(queue_bytes, rate) + Duration::from_micros(1);
            for (due, place) in &arrived {
                prop_assert!(*due >= sent_at[*place] + CLEAR.delay);
                prop_assert!(*due <= sent_at[*place] + longest);
            }
            prop_assert_eq!(arrived.len() as u64, counts.carried);
            let all = counts.carried + counts.lost + counts.overflowed;
            prop_assert_eq!(all, gaps.len() as u64);
        }
    }
}
