//! Points in time as the measuring machine saw them.
//!
//! A [`Timestamp`] is an integer, so that a time survives the wire and the database unchanged and
//! two times can be compared exactly. Lengths of time are [`Duration`]s in code and integer
//! nanoseconds with the suffix `_ns` where they cross a border.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Nanoseconds since 1970-01-01T00:00:00Z (`CLOCK_REALTIME`), of one machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is no [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("time {0:?} must be RFC 3339 between 1678 and 2262, such as 2026-05-08T01:01:01Z")]
pub struct TimestampError(pub String);

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

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with any offset.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|time| time.timestamp_nanos_opt())
            .map(Self)
            .ok_or_else(|| TimestampError(text.to_owned()))
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

    #[test]
    fn reads_back_what_it_displays_and_other_offsets() {
        let time = Timestamp::from_unix_ns(1_620_435_661_000_000_007);
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!("2021-05-08T09:01:01.000000007+08:00".parse(), Ok(time));
        for bad in ["", "yesterday", "2021-05-08", "9999-01-01T00:00:00Z"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }
}
