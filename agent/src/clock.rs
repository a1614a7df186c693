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
