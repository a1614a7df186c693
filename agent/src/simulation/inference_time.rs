//! How long a simulated provider thinks about an image.
//!
//! Log-normal around the means that the published system measured (INFOCOM 2022): AWS 329.58,
//! Azure 277.77, Google 312.33 ms. Or anything between two times, all equally likely, for those
//! who compare methods of measuring and want short and long times alike.

use std::{num::ParseIntError, ops::RangeInclusive, str::FromStr, time::Duration};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use thiserror::Error;

use super::{SimulationError, provider::SimulatedProvider};

/// The largest factor on inference times.
const LARGEST_SCALE: f64 = 1000.0;

/// A factor on inference times, 0 to 1000.
#[derive(Clone, Copy, Debug)]
pub struct TimeScale(f64);

/// The longest time of a [`TimeRange`].
const LONGEST_MS: u64 = 3_600_000;

/// Which inference times all providers draw from.
#[derive(Clone, Debug)]
pub enum InferenceTimes {
    /// The published ones, scaled.
    Published(TimeScale),
    /// All that lie in a range, equally likely.
    Within(TimeRange),
}

/// A shortest and a longest time in whole milliseconds, such as `5-300`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRange(RangeInclusive<u64>);

/// Why a text is no [`TimeRange`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} must be two numbers of milliseconds up to {LONGEST_MS}, such as 5-300")]
pub struct TimeRangeError(String);

/// One provider's inference times.
#[derive(Clone, Debug)]
pub(super) enum InferenceTime {
    Published { seconds: LogNormal<f64>, scale: f64 },
    Within(RangeInclusive<u64>),
}

impl TimeScale {
    /// Takes a factor.
    ///
    /// # Errors
    /// Returns it where it is not a number from 0 to 1000.
    pub fn new(factor: f64) -> Result<Self, SimulationError> {
        if (0.0..=LARGEST_SCALE).contains(&factor) {
            Ok(Self(factor))
        } else {
            Err(SimulationError::TimeScale(factor))
        }
    }
}

impl TimeRange {
    /// The times from the first to the last, in milliseconds.
    ///
    /// # Errors
    /// Returns the range where it holds no time, or one of more than an hour.
    pub fn new(shortest_ms: u64, longest_ms: u64) -> Result<Self, TimeRangeError> {
        if shortest_ms <= longest_ms && longest_ms <= LONGEST_MS {
            Ok(Self(shortest_ms..=longest_ms))
        } else {
            Err(TimeRangeError(format!("{shortest_ms}-{longest_ms}")))
        }
    }
}

impl FromStr for TimeRange {
    type Err = TimeRangeError;

    fn from_str(text: &str) -> Result<Self, TimeRangeError> {
        let malformed = |_: ParseIntError| TimeRangeError(text.to_owned());
        let (shortest, longest) =
            text.split_once('-').ok_or_else(|| TimeRangeError(text.to_owned()))?;
        Self::new(shortest.parse().map_err(malformed)?, longest.parse().map_err(malformed)?)
    }
}

impl InferenceTime {
    /// A provider's times.
    pub(super) fn of(provider: SimulatedProvider, times: &InferenceTimes) -> Self {
        let scale = match times {
            InferenceTimes::Within(range) => return Self::Within(range.0.clone()),
            InferenceTimes::Published(scale) => scale,
        };
        let (mean_ms, spread): (f64, f64) = match provider {
            SimulatedProvider::Aws => (329.58, 0.20),
            SimulatedProvider::Azure => (277.77, 0.15),
            SimulatedProvider::Google => (312.33, 0.25),
        };
        // The mean of a log-normal lies above its median by this much.
        let location = (mean_ms / 1000.0).ln() - spread * spread / 2.0;
        #[expect(clippy::expect_used, reason = "the spreads above are finite and positive")]
        let seconds = LogNormal::new(location, spread).expect("a finite spread");
        Self::Published { seconds, scale: scale.0 }
    }

    /// The time for one image.
    pub(super) fn draw(&self, generator: &mut ChaCha8Rng) -> Duration {
        match self {
            Self::Published { seconds, scale } => {
                let seconds = seconds.sample(generator) * scale;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
            Self::Within(range) => {
                let microseconds = range.start() * 1000..=range.end() * 1000;
                Duration::from_micros(generator.random_range(microseconds))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_mean_is_the_published_one() {
        let times = InferenceTimes::Published(TimeScale::new(0.5).unwrap());
        for (provider, mean_ms) in [
            (SimulatedProvider::Aws, 329.58),
            (SimulatedProvider::Azure, 277.77),
            (SimulatedProvider::Google, 312.33),
        ] {
            let times = InferenceTime::of(provider, &times);
            let mut generator = ChaCha8Rng::seed_from_u64(7);
            let sum: Duration = (0..10_000).map(|_| times.draw(&mut generator)).sum();
            let drawn_ms = sum.as_secs_f64() * 1000.0 / 10_000.0;
            assert!((drawn_ms - mean_ms / 2.0).abs() < 1.0, "{provider:?}: {drawn_ms}");
        }
    }

    #[test]
    fn a_range_gives_times_from_end_to_end() {
        let times = InferenceTimes::Within("5-8".parse().unwrap());
        let times = InferenceTime::of(SimulatedProvider::Aws, &times);
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let drawn = (0..1000).map(|_| times.draw(&mut generator)).collect::<Vec<_>>();
        let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
        assert!((5000..5100).contains(&least.as_micros()), "{least:?}");
        assert!((7900..=8000).contains(&most.as_micros()), "{most:?}");
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in ["", "5", "8-5", "-5-8", "5-x", "0-3600001"] {
            assert!(text.parse::<TimeRange>().is_err(), "{text}");
        }
        assert_eq!("0-0".parse(), TimeRange::new(0, 0));
    }

    #[test]
    fn refuses_factors_that_no_time_has() {
        for factor in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(TimeScale::new(factor).is_err());
        }
    }
}
