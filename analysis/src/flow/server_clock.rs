//! The server's own clock, as its timestamps option shows it (RFC 7323, section 5.4).
//!
//! What holds a packet up on its way here moves its arrival, not what the server wrote into it when
//! it sent it. The packet that was quickest tells how the two clocks stand to each other; one that
//! was sent and came later than that was held up for the rest. How fast the server's clock ticks is
//! not said, so that is measured, and taken for one of the usual lengths.

use std::time::Duration;

use super::Arrival;
use crate::time::{Timestamp, nanoseconds};

/// The ticks that operating systems have, the longest of use here.
const TICKS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(4)];

/// A tick is measured over so many, at least: what holds packets up is short beside them.
const FEWEST_TICKS: u32 = 50;

/// From so many on the tick is sure.
const TICKS_TO_SETTLE: u32 = 1000;

/// Clocks may run apart by one part in so many: 100 ppm.
const DRIFT: i64 = 10_000;

/// A packet is not held up for longer; a clock that says so is another machine's.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// The clock of one server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerClock {
    first: Option<(Timestamp, u32)>,
    tick: Option<Duration>,
    settled: bool,
    quickest: Option<Quickest>,
}

/// For how long a packet was held up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Most likely; 0 where it is not known, or less than a tick.
    pub(crate) length: Duration,
    /// It may be so much longer or shorter.
    pub(crate) tolerance: Duration,
}

/// The packet that took the least time to come.
#[derive(Clone, Copy, Debug)]
struct Quickest {
    at: Timestamp,
    /// By how much this machine's clock was ahead of the server's in it, up to a constant.
    ahead_ns: i64,
}

impl ServerClock {
    /// Notes what the clock showed in a packet that came at this moment.
    pub(super) fn note(&mut self, at: Timestamp, value: u32) {
        let Some((begun, first)) = self.first else {
            self.first = Some((at, value));
            return;
        };
        if !self.settled {
            self.measure(value.wrapping_sub(first), at.since(begun).unwrap_or_default());
        }
        let Some(ahead_ns) = self.ahead_ns(at, value) else { return };
        let is_quickest = self
            .quickest
            .is_none_or(|quickest| ahead_ns <= quickest.ahead_ns + drift_ns(quickest.at, at));
        if is_quickest {
            self.quickest = Some(Quickest { at, ahead_ns });
        }
    }

    fn measure(&mut self, ticks: u32, elapsed: Duration) {
        if (FEWEST_TICKS..u32::MAX / 2).contains(&ticks) {
            let tick = usual(elapsed / ticks);
            if tick != self.tick {
                self.quickest = None;
            }
            self.tick = tick;
            self.settled = ticks >= TICKS_TO_SETTLE;
        }
    }

    /// Forgets what was measured, because the capture's own clock was stepped.
    pub(super) fn interrupt(&mut self) {
        *self = Self::default();
    }

    /// For how long a packet was held up.
    pub(crate) fn held_up(&self, arrival: Arrival) -> Hold {
        self.hold(arrival).unwrap_or_default()
    }

    fn hold(&self, arrival: Arrival) -> Option<Hold> {
        let (tick, quickest) = self.tick.zip(self.quickest)?;
        let ahead_ns = self.ahead_ns(arrival.at, arrival.stamp?)?;
        let drift = drift_ns(quickest.at, arrival.at);
        let more = positive(ahead_ns - quickest.ahead_ns - drift)?;
        let sure = more.checked_sub(tick).filter(|_| more <= LONGEST_HOLD)?;
        // The middle of what it may be; less where it may as well be next to nothing.
        let length = sure.saturating_mul(2).min(more.saturating_sub(tick / 2));
        let off = more.saturating_sub(length).max(length.saturating_sub(sure));
        Some(Hold { length, tolerance: off.saturating_add(positive(drift)?) })
    }

    /// By how much this machine's clock is ahead of the server's, up to a constant, if the packet
    /// took no time.
    fn ahead_ns(&self, at: Timestamp, value: u32) -> Option<i64> {
        let (begun, first) = self.first?;
        let ticks = value.wrapping_sub(first).cast_signed();
        let server_ns = nanoseconds(self.tick?).checked_mul(i64::from(ticks))?;
        at.unix_ns().checked_sub(begun.unix_ns())?.checked_sub(server_ns)
    }
}

/// By how much clocks may have run apart between two moments.
fn drift_ns(one: Timestamp, other: Timestamp) -> i64 {
    let distance = one.unix_ns().abs_diff(other.unix_ns());
    i64::try_from(distance).unwrap_or(i64::MAX) / DRIFT
}

/// A length of 0 or more.
fn positive(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// The usual tick that a measured one is nearly as long as.
fn usual(measured: Duration) -> Option<Duration> {
    TICKS.into_iter().find(|tick| measured >= *tick * 3 / 4 && measured <= *tick * 5 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::moment;

    /// The clock after values that came at these microseconds.
    fn clock(values: &[(i64, u32)]) -> ServerClock {
        let mut clock = ServerClock::default();
        for (microseconds, value) in values {
            clock.note(moment(*microseconds), *value);
        }
        clock
    }

    fn held_up(clock: &ServerClock, microseconds: i64, value: u32) -> u128 {
        let arrival = Arrival { at: moment(microseconds), stamp: Some(value) };
        clock.held_up(arrival).length.as_micros()
    }

    #[test]
    fn the_tick_is_what_the_values_run_by() {
        let late = u32::MAX - 20;
        let wrapped = clock(&[(0, late), (60_000, late.wrapping_add(58))]);
        assert_eq!(wrapped.tick, Some(Duration::from_millis(1)));
        assert_eq!(clock(&[(0, 7), (260_000, 72)]).tick, Some(Duration::from_millis(4)));
    }

    #[test]
    fn a_clock_of_no_usual_pace_says_nothing() {
        for values in [
            [(0, 0), (40_000, 40)],
            [(0, 0), (1_000_000, 100)],
            [(0, 5), (1_000_000, 4)],
            [(0, 0), (100_000, 90_000)],
        ] {
            let clock = clock(&values);
            assert_eq!((clock.tick, held_up(&clock, 2_000_000, 1000)), (None, 0), "{values:?}");
        }
    }

    #[test]
    fn a_packet_that_comes_later_than_it_was_sent_was_held_up() {
        let clock = clock(&[(0, 100), (80_300, 180), (300_000, 395)]);
        // It came 7 ms after its value, the quickest 0.3 ms; half a tick, and what clocks drift.
        assert_eq!(held_up(&clock, 307_000, 400), 7000 - 300 - 500 - 23);
        assert_eq!(held_up(&clock, 301_200, 400), 0);
        assert_eq!(held_up(&clock, 2_307_000, 400), 0);
    }
}
