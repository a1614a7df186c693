//! Points in time as the measuring machine saw them.
//!
//! A [`Timestamp`] is an integer, so that a time survives the wire and the database unchanged and
//! two times can be compared exactly. Lengths of time are [`Duration`]s in code and integer
//! nanoseconds with the suffix `_ns` where they cross a border.

use std::{fmt, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z (`CLOCK_REALTIME`), of one machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from nanoseconds since the epoch.
    pub const fn from_unix_ns(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the epoch.
    pub const fn unix_ns(self) -> i64 {
        self.0
    }

    /// The time that passed since `earlier`; `None` where `earlier` is later.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let nanoseconds = self.0.checked_sub(earlier.0)?;
        u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
    }

    /// This time moved forward; stops at the last time that can be represented.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(length)))
    }

    /// This time moved back; stops at the first time that can be represented.
    #[must_use]
    pub fn minus(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(nanoseconds(length)))
    }

    /// The same instant for calendars and time zones.
    pub const fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the nanosecond.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Nanos, true))
    }
}

/// A length as the integer nanoseconds of the wire and the database; 292 years is the longest.
pub fn nanoseconds(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// A length from the wire or the database; `None` where it is negative, which no length is.
pub fn duration_from_ns(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_absent_when_time_runs_backwards() {
        let early = Timestamp::from_unix_ns(5);
        let late = Timestamp::from_unix_ns(9);
        assert_eq!(late.since(early), Some(Duration::from_nanos(4)));
        assert_eq!(early.since(late), None);
        assert_eq!(late.minus(Duration::from_nanos(4)), early);
    }

    #[test]
    fn displays_utc_to_the_nanosecond() {
        let time = Timestamp::from_unix_ns(1_620_435_661_000_000_007);
        assert_eq!(time.to_string(), "2021-05-08T01:01:01.000000007Z");
    }
}
