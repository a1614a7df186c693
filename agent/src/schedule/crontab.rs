//! A crontab line in the words of the `cron` crate.
//!
//! That crate wants seconds, numbers days of the week from Sunday = 1, and asks for both days
//! where both are restricted; this file translates.

use std::{fmt, str::FromStr};

use chrono::NaiveDateTime;

/// A crontab line; yields local times without a zone.
#[derive(Clone)]
pub(super) struct Crontab {
    line: String,
    /// One schedule, or two where either of two days suffices.
    schedules: Vec<cron::Schedule>,
    fixed_time: bool,
}

impl fmt::Debug for Crontab {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Crontab").field(&self.line).finish()
    }
}

impl Crontab {
    /// Reads a line; the error says what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let fields = line.split_whitespace().collect::<Vec<_>>();
        let [minute, hour, day, month, week_day] = fields.as_slice() else {
            return Err(format!("a crontab line has 5 fields, not {}", fields.len()));
        };
        let week_days = week_days(week_day)?;
        let either = !day.starts_with('*') && !week_day.starts_with('*');
        let days = if either {
            vec![(*day, "*".to_owned()), ("*", week_days)]
        } else {
            vec![(*day, week_days)]
        };
        let mut schedules = Vec::with_capacity(days.len());
        for (day, week_day) in days {
            let line = format!("0 {minute} {hour} {day} {month} {week_day}");
            let schedule = cron::Schedule::from_str(&line).map_err(|error| error.to_string())?;
            schedules.push(schedule);
        }
        Ok(Self {
            line: line.to_owned(),
            schedules,
            fixed_time: is_number(minute) && is_number(hour),
        })
    }

    /// Whether the line names one time of day, rather than several or a pattern.
    pub(super) const fn has_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// The local times after `start`, in order, without repetition.
    pub(super) fn after(&self, start: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let start = start.and_utc();
        let mut sources = self
            .schedules
            .iter()
            .map(|schedule| schedule.after(&start).peekable())
            .collect::<Vec<_>>();
        std::iter::from_fn(move || {
            let next = sources.iter_mut().filter_map(|source| source.peek().copied()).min()?;
            for source in &mut sources {
                source.next_if(|due| *due == next);
            }
            Some(next.naive_utc())
        })
    }
}

fn is_number(field: &str) -> bool {
    field.parse::<u8>().is_ok()
}

/// Days of the week by name, from numbers with Sunday as 0 and 7; ranges and steps are expanded.
fn week_days(field: &str) -> Result<String, String> {
    if field == "*" {
        return Ok(field.to_owned());
    }
    let mut chosen = [false; NAMES.len()];
    for part in field.split(',') {
        let wrong = || format!("day of week {part:?} is not of 0-7 or sun-sat");
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse().ok().filter(|step| *step > 0).ok_or_else(wrong)?;
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (week_day(first), week_day(last)),
            None if range == "*" => (Some(0), Some(6)),
            None => (week_day(range), week_day(range)),
        };
        let (first, last) = first.zip(last).ok_or_else(wrong)?;
        // "sat-sun" and "5-7" end at Sunday as the seventh day.
        let last = if last < first && last == 0 { 7 } else { last };
        if last < first {
            return Err(wrong());
        }
        for day in (first..=last).step_by(step) {
            if let Some(chosen) = chosen.get_mut(day % NAMES.len()) {
                *chosen = true;
            }
        }
    }
    let names = NAMES.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(name, _)| *name);
    Ok(names.collect::<Vec<_>>().join(","))
}

/// Names of the days, Sunday first.
const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A day by number, 0 to 7, or by name.
fn week_day(word: &str) -> Option<usize> {
    match word.parse() {
        Ok(number) => (number <= NAMES.len()).then_some(number),
        Err(_) => NAMES.iter().position(|name| name.eq_ignore_ascii_case(word)),
    }
}
