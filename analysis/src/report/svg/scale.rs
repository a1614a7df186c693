//! Axes: from values to places, with ticks at round numbers.
//!
//! Whatever the values are, a scale covers a range that is not empty, so every place is a finite
//! number.

use chrono::{DateTime, Utc};

use crate::{report::figures::as_number, time::Timestamp};

/// Widths of time that ticks may stand apart, in seconds.
const TIME_STEPS: [i64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_419_200, 7_257_600,
];
const SECOND: i64 = 1_000_000_000;

/// One axis.
#[derive(Clone, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<Tick>,
}

/// A place on an axis that is named.
#[derive(Clone, Debug)]
pub struct Tick {
    /// The place.
    pub value: f64,
    /// Its name.
    pub label: String,
}

impl Scale {
    /// From zero to at least `high`, with about this many ticks.
    pub fn from_zero(high: f64, ticks: i32) -> Self {
        let high = if high > 0.0 && high.is_finite() { high } else { 1.0 };
        let (step, decimals) = round_step(high / f64::from(ticks.max(1)));
        let mut scale = Self { low: 0.0, high: 0.0, logarithmic: false, ticks: Vec::new() };
        for count in 0..=ticks.saturating_mul(3) {
            let value = step * f64::from(count);
            scale.ticks.push(Tick { value, label: format!("{value:.decimals$}") });
            scale.high = value;
            // A hair's breadth above the last tick needs no further one.
            if value >= high * (1.0 - 1e-9) {
                break;
            }
        }
        scale
    }

    /// From about `low` to about `high`, each step a multiple of the last.
    pub fn logarithmic(low: f64, high: f64) -> Self {
        let low = if low > 0.0 && low.is_finite() { low } else { 1e-6 };
        let high = if high.is_finite() { high.max(low * 2.0) } else { low * 2.0 };
        let mantissas: &[f64] = if high / low > 1e3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut ticks = Vec::new();
        for exponent in -12..=12 {
            for mantissa in mantissas {
                let value = mantissa * 10_f64.powi(exponent);
                let decimals = usize::try_from(-exponent).unwrap_or(0);
                ticks.push(Tick { value, label: format!("{value:.decimals$}") });
            }
        }
        // One tick at or below the least value, one at or above the greatest.
        let first = ticks.iter().rposition(|tick| tick.value <= low * 1.000_001).unwrap_or(0);
        ticks.drain(..first);
        let last = ticks.iter().position(|tick| tick.value >= high * 0.999_999);
        ticks.truncate(last.map_or(ticks.len(), |last| last + 1));
        let (start, end) = (ticks.first(), ticks.last());
        Self {
            low: start.map_or(low, |tick| tick.value),
            high: end.map_or(high, |tick| tick.value),
            logarithmic: true,
            ticks,
        }
    }

    /// From one time to a later one, in nanoseconds since the epoch; values on it are nanoseconds
    /// since `first`.
    pub fn time(first: i64, last: i64) -> Self {
        let last = last.max(first.saturating_add(SECOND));
        let span = last.saturating_sub(first);
        let step = TIME_STEPS.into_iter().find(|step| span / (step * SECOND) <= 7);
        let step = step.unwrap_or(span / SECOND / 7).saturating_mul(SECOND);
        let format = time_format(first, last, step);
        let mut ticks = Vec::new();
        let mut next = Some(first.saturating_sub(first.rem_euclid(step)));
        while let Some(time) = next.filter(|time| *time <= last) {
            if time >= first {
                let label = utc(time).format(format).to_string();
                ticks.push(Tick { value: as_number(time.saturating_sub(first)), label });
            }
            next = time.checked_add(step);
        }
        Self { low: 0.0, high: as_number(span), logarithmic: false, ticks }
    }

    /// Where a value stands between the scale's ends, 0 to 1; values beyond stand at the end.
    pub fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The named places.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`, and its decimals.
fn round_step(least: f64) -> (f64, usize) {
    for exponent in -9..=18 {
        for mantissa in [1.0, 2.0, 5.0] {
            let step = mantissa * 10_f64.powi(exponent);
            if step >= least * (1.0 - 1e-9) {
                return (step, usize::try_from(-exponent).unwrap_or(0));
            }
        }
    }
    (least, 0)
}

/// As much of a time as tells the ticks apart.
fn time_format(first: i64, last: i64, step: i64) -> &'static str {
    let one_day = utc(first).date_naive() == utc(last).date_naive();
    match step / SECOND {
        86_400.. => "%d %b",
        60.. if one_day => "%H:%M",
        60.. => "%d %b %H:%M",
        _ => "%H:%M:%S",
    }
}

fn utc(nanoseconds: i64) -> DateTime<Utc> {
    Timestamp::from_unix_ns(nanoseconds).to_utc()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks().iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&Scale::from_zero(331.0, 5)), ["0", "100", "200", "300", "400"]);
        assert_eq!(labels(&Scale::from_zero(0.9, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            labels(&Scale::logarithmic(0.03, 1.0)),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
    }

    #[test]
    fn times_are_round_and_say_the_day_where_it_changes() {
        let midnight = 1_620_432_000 * SECOND;
        let scale = Scale::time(midnight + SECOND, midnight + 190 * SECOND);
        assert_eq!(
            labels(&scale),
            ["00:00:30", "00:01:00", "00:01:30", "00:02:00", "00:02:30", "00:03:00"]
        );
        let scale = Scale::time(midnight - 3600 * SECOND, midnight + 3600 * SECOND);
        assert_eq!(labels(&scale).first(), Some(&"07 May 23:00"));
    }

    #[test]
    fn nothing_and_one_value_have_finite_places() {
        for scale in [
            Scale::from_zero(0.0, 5),
            Scale::from_zero(f64::NAN, 5),
            Scale::logarithmic(0.0, 0.0),
            Scale::logarithmic(3.0, 3.0),
            Scale::time(5, 5),
            Scale::time(i64::MAX, i64::MAX),
            Scale::time(i64::MIN, i64::MAX),
        ] {
            for value in [0.0, 3.0, f64::NAN, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&scale.share(value)), "{scale:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn scales_hold_their_values_with_few_ticks(high in 1e-6_f64..1e12, low in 1e-6_f64..1.0) {
            let linear = Scale::from_zero(high, 5);
            prop_assert!(linear.high >= high * 0.999_999);
            prop_assert!((2..=7).contains(&linear.ticks().len()), "{:?}", linear);
            let logarithmic = Scale::logarithmic(low * high, high);
            prop_assert!(logarithmic.high >= high * 0.999);
            prop_assert!(logarithmic.low <= low * high * 1.001);
        }
    }
}
