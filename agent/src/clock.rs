//! The agent's only source of time.
//!
//! Everything that needs to know the time is handed a [`Clock`], so that a test can say what time
//! it is.

use std::{
    fmt::Debug,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use armol_analysis::time::{Timestamp, nanoseconds};

/// Tells the time of day and measures lengths of time.
pub trait Clock: Debug + Send + Sync {
    /// The time of day, by the clock that packets are stamped with.
    fn now(&self) -> Timestamp;

    /// The time since some fixed moment; never steps.
    fn monotonic(&self) -> Duration;
}

/// How often both clocks are read for one moment, at most.
const READINGS: usize = 5;

/// Both clocks are read within this, else they are read again.
const SAME_MOMENT: Duration = Duration::from_micros(100);

/// One moment by both clocks. A thread that is interrupted between the two readings would seem to
/// see one of them step, so they are read again then, and the closest readings count.
pub fn moment(clock: &dyn Clock) -> (Timestamp, Duration) {
    let mut best: Option<(Timestamp, Duration, Duration)> = None;
    for _ in 0..READINGS {
        let before = clock.monotonic();
        let wall = clock.now();
        let apart = clock.monotonic().saturating_sub(before);
        if best.is_none_or(|(.., closest)| apart < closest) {
            best = Some((wall, before.saturating_add(apart / 2), apart));
        }
        if apart <= SAME_MOMENT {
            break;
        }
    }
    best.map_or_else(|| (clock.now(), clock.monotonic()), |(wall, monotonic, _)| (wall, monotonic))
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// The machine's clocks, the monotonic one counted from this call.
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_unix_ns(nanoseconds(since_epoch))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
