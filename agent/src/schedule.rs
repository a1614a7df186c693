//! When runs are due: a five-field crontab line in a time zone.
//!
//! The line means what cron(8) says: minute, hour, day of month, month, day of week; 0 and 7 are
//! Sunday; where both days are restricted, either suffices. When clocks are put forward, a line
//! with one time of day that is left out runs once, right after the gap; when they are put back and
//! that time comes twice, it runs the first time. A line with several times of day follows the
//! clock: what is left out does not run, and what comes twice runs twice.

mod crontab;

use std::{str::FromStr, time::Duration};

use armol_analysis::time::Timestamp;
use chrono::{DateTime, Local, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use crontab::Crontab;

/// The times at which runs are due.
#[derive(Clone, Debug)]
pub struct Schedule {
    crontab: Crontab,
    zone: Zone,
}

/// The time zone that a schedule is meant in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The machine's own.
    Local,
    /// One of the IANA time zone database.
    Named(Tz),
}

/// Why a schedule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// The line is not a crontab line.
    #[error("cron line {line:?}: {reason}; write five fields such as \"23 * * * *\"")]
    Cron {
        /// The line.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The zone is not known.
    #[error("unknown time zone {0:?}; use \"local\", \"UTC\" or a name such as \"Asia/Singapore\"")]
    Zone(String),
    /// No time matches.
    #[error("cron line {0:?} never comes due; no month has such a day")]
    Never(String),
}

/// The farthest that clocks are put back or forward, and then some.
const LARGEST_SHIFT: TimeDelta = TimeDelta::hours(26);

impl FromStr for Zone {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        if name.eq_ignore_ascii_case("local") {
            return Ok(Self::Local);
        }
        name.parse().map(Self::Named).map_err(|_| ScheduleError::Zone(name.to_owned()))
    }
}

impl Schedule {
    /// Reads a crontab line.
    ///
    /// # Errors
    /// Where the line is not of five fields that cron knows, or no time ever matches it.
    pub fn new(line: &str, zone: Zone) -> Result<Self, ScheduleError> {
        let crontab = Crontab::parse(line)
            .map_err(|reason| ScheduleError::Cron { line: line.to_owned(), reason })?;
        // Leap days come every eight years at the latest; the cron library looks farther.
        if crontab.after(DateTime::UNIX_EPOCH.naive_utc()).next().is_none() {
            return Err(ScheduleError::Never(line.to_owned()));
        }
        Ok(Self { crontab, zone })
    }

    /// The first time after `time` at which a run is due; `None` at the end of calendars.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let time = time.to_utc();
        let local = self.zone.local(time);
        let mut next: Option<DateTime<Utc>> = None;
        for due in self.crontab.after(local - LARGEST_SHIFT) {
            if next.is_some_and(|next| due > self.zone.local(next) + LARGEST_SHIFT) {
                break;
            }
            for instant in self.instants(due) {
                if instant > time && next.is_none_or(|next| instant < next) {
                    next = Some(instant);
                }
            }
        }
        next.and_then(|next| next.timestamp_nanos_opt()).map(Timestamp::from_unix_ns)
    }

    /// The hour, 0 to 23, that clocks in the schedule's zone show.
    pub fn hour(&self, time: Timestamp) -> usize {
        usize::try_from(self.zone.local(time.to_utc()).hour()).unwrap_or(0)
    }

    /// The instants at which clocks show `due`, as far as a run is due then.
    fn instants(&self, due: NaiveDateTime) -> Vec<DateTime<Utc>> {
        let instants = self.zone.instants(due);
        match instants.as_slice() {
            [] if self.crontab.has_fixed_time() => self.zone.end_of_gap(due).into_iter().collect(),
            [first, ..] if self.crontab.has_fixed_time() => vec![*first],
            _ => instants,
        }
    }
}

impl Zone {
    /// What clocks show at an instant.
    fn local(self, instant: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Self::Local => instant.with_timezone(&Local).naive_local(),
            Self::Named(zone) => instant.with_timezone(&zone).naive_local(),
        }
    }

    /// When clocks show a time: never in a gap, twice in a fold, else once; in order.
    fn instants(self, local: NaiveDateTime) -> Vec<DateTime<Utc>> {
        fn of<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Vec<DateTime<Utc>> {
            let found = zone.from_local_datetime(&local);
            let both = [found.clone().earliest(), found.latest()];
            let mut instants =
                both.into_iter().flatten().map(|time| time.to_utc()).collect::<Vec<_>>();
            instants.dedup();
            instants
        }
        match self {
            Self::Local => of(&Local, local),
            Self::Named(zone) => of(&zone, local),
        }
    }

    /// The first minute after the gap that a local time falls into.
    fn end_of_gap(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let whole_minute = local.with_second(0).unwrap_or(local);
        let minutes = LARGEST_SHIFT.num_minutes();
        (1..=minutes).find_map(|minute| {
            self.instants(whole_minute + TimeDelta::minutes(minute)).first().copied()
        })
    }
}

/// How long to wait before looking at the clock again: the whole way to what is due, but never
/// long, because the clock may be set in between.
pub fn nap(now: Timestamp, due: Timestamp) -> Duration {
    const LONGEST: Duration = Duration::from_secs(20);
    due.since(now).unwrap_or(Duration::ZERO).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Australia::Lord_Howe, Europe::Berlin};
    use proptest::{prop_assert_eq, proptest, sample::select};

    use super::*;

    fn at(text: &str) -> Timestamp {
        let time = text.parse::<DateTime<Utc>>().unwrap();
        Timestamp::from_unix_ns(time.timestamp_nanos_opt().unwrap())
    }

    fn next(line: &str, zone: Tz, after: &str) -> String {
        let schedule = Schedule::new(line, Zone::Named(zone)).unwrap();
        let next = schedule.next_after(at(after)).unwrap();
        next.to_utc().format("%Y-%m-%dT%H:%MZ").to_string()
    }

    #[test]
    fn runs_at_the_published_minute_of_every_hour() {
        assert_eq!(next("23 * * * *", Tz::UTC, "2026-03-01T10:23:00Z"), "2026-03-01T11:23Z");
        assert_eq!(next("23 * * * *", Tz::UTC, "2026-03-01T10:22:59Z"), "2026-03-01T10:23Z");
    }

    #[test]
    fn days_of_the_week_count_from_sunday_at_zero_and_seven() {
        // 2026-03-01 is a Sunday.
        for (days, due) in [
            ("0", "2026-03-08"),
            ("7", "2026-03-08"),
            ("1-5", "2026-03-02"),
            ("5-7", "2026-03-06"),
            ("sat", "2026-03-07"),
            ("2,4", "2026-03-03"),
            ("*/3", "2026-03-04"),
        ] {
            let line = format!("0 0 * * {days}");
            assert_eq!(next(&line, Tz::UTC, "2026-03-01T12:00:00Z"), format!("{due}T00:00Z"));
        }
    }

    #[test]
    fn either_day_suffices_where_both_are_restricted() {
        assert_eq!(next("0 0 13 * 5", Tz::UTC, "2026-03-01T12:00:00Z"), "2026-03-06T00:00Z");
        assert_eq!(next("0 0 13 * 5", Tz::UTC, "2026-04-11T12:00:00Z"), "2026-04-13T00:00Z");
    }

    #[test]
    fn a_fixed_time_in_a_gap_runs_once_after_it() {
        // Clocks in New York go from 02:00 to 03:00 on 2026-03-08, at 07:00 UTC.
        assert_eq!(next("30 2 * * *", New_York, "2026-03-08T05:00:00Z"), "2026-03-08T07:00Z");
        assert_eq!(next("30 2 * * *", New_York, "2026-03-08T07:00:00Z"), "2026-03-09T06:30Z");
        assert_eq!(next("30 * * * *", New_York, "2026-03-08T06:30:00Z"), "2026-03-08T07:30Z");
    }

    #[test]
    fn a_fixed_time_in_a_fold_runs_once_and_a_wildcard_twice() {
        // Clocks in New York go from 02:00 back to 01:00 on 2026-11-01, at 06:00 UTC.
        assert_eq!(next("30 1 * * *", New_York, "2026-11-01T04:00:00Z"), "2026-11-01T05:30Z");
        assert_eq!(next("30 1 * * *", New_York, "2026-11-01T05:30:00Z"), "2026-11-02T06:30Z");
        assert_eq!(next("30 * * * *", New_York, "2026-11-01T05:30:00Z"), "2026-11-01T06:30Z");
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let schedule = Schedule::new("23 * * * *", Zone::Named(Berlin)).unwrap();
        assert_eq!(schedule.hour(at("2026-07-01T22:23:00Z")), 0);
    }

    #[test]
    fn refuses_what_is_no_crontab_line() {
        let refused = |line| Schedule::new(line, Zone::Local).unwrap_err().to_string();
        assert!(refused("* * * *").contains("5 fields, not 4"));
        assert!(refused("0 23 * * * *").contains("5 fields, not 6"));
        assert!(refused("61 * * * *").contains("61"));
        assert!(refused("0 0 * * 8").contains("day of week"));
        assert!(refused("0 0 30 2 *").contains("never comes due"));
        assert!("Mars/Base".parse::<Zone>().is_err());
        assert_eq!("local".parse(), Ok(Zone::Local));
    }

    #[test]
    fn naps_are_short_and_end_when_due() {
        let now = Timestamp::from_unix_ns(0);
        assert_eq!(nap(now, now.plus(Duration::from_secs(5))), Duration::from_secs(5));
        assert_eq!(nap(now, now.plus(Duration::from_hours(1))), Duration::from_secs(20));
        assert_eq!(nap(now.plus(Duration::from_secs(1)), now), Duration::ZERO);
    }

    proptest! {
        /// The cron crate numbers days differently and knows no folds; croner does both right.
        #[test]
        fn agrees_with_an_independent_implementation(
            minute in select(vec!["*", "23", "*/20", "0,30"]),
            hour in select(vec!["*", "1", "2", "3", "0-6", "1,2"]),
            day in select(vec!["*", "1", "8", "1-7", "29"]),
            month in select(vec!["*", "3", "10,11", "jan-jun"]),
            week_day in select(vec!["*", "0", "7", "1-5", "6-7", "sun", "2,4"]),
            zone in select(vec![Tz::UTC, New_York, Berlin, Lord_Howe]),
            start in 1_767_225_600_i64..1_830_297_600,
        ) {
            let line = format!("{minute} {hour} {day} {month} {week_day}");
            let schedule = Schedule::new(&line, Zone::Named(zone)).unwrap();
            let oracle = line.parse::<croner::Cron>().unwrap();
            let mut time = DateTime::from_timestamp(start, 0).unwrap();
            for _ in 0..4 {
                let expected =
                    oracle.find_next_occurrence(&time.with_timezone(&zone), false).unwrap();
                let nanoseconds = time.timestamp_nanos_opt().unwrap();
                let next = schedule.next_after(Timestamp::from_unix_ns(nanoseconds)).unwrap();
                prop_assert_eq!(next.to_utc(), expected.to_utc(), "{} after {}", line, time);
                time = next.to_utc();
            }
        }
    }
}
