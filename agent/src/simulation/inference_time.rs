//! How long a simulated provider thinks about an image.
//!
//! Log-normal around the means that the published system measured (INFOCOM 2022): AWS 329.58,
//! Azure 277.77, Google 312.33 ms.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::{SimulationError, provider::SimulatedProvider};

/// The largest factor on inference times.
const LARGEST_SCALE: f64 = 1000.0;

/// A factor on inference times, 0 to 1000.
#[derive(Clone, Copy, Debug)]
pub struct TimeScale(f64);

/// One provider's inference times.
#[derive(Clone, Copy, Debug)]
pub(super) struct InferenceTime {
    seconds: LogNormal<f64>,
    scale: f64,
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

impl InferenceTime {
    /// A provider's times.
    pub(super) fn of(provider: SimulatedProvider, scale: TimeScale) -> Self {
        let (mean_ms, spread): (f64, f64) = match provider {
            SimulatedProvider::Aws => (329.58, 0.20),
            SimulatedProvider::Azure => (277.77, 0.15),
            SimulatedProvider::Google => (312.33, 0.25),
        };
        // The mean of a log-normal lies above its median by this much.
        let location = (mean_ms / 1000.0).ln() - spread * spread / 2.0;
        #[expect(clippy::expect_used, reason = "the spreads above are finite and positive")]
        let seconds = LogNormal::new(location, spread).expect("a finite spread");
        Self { seconds, scale: scale.0 }
    }

    /// The time for one image.
    pub(super) fn draw(&self, generator: &mut ChaCha8Rng) -> Duration {
        let seconds = self.seconds.sample(generator) * self.scale;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_mean_is_the_published_one() {
        let scale = TimeScale::new(0.5).unwrap();
        for (provider, mean_ms) in [
            (SimulatedProvider::Aws, 329.58),
            (SimulatedProvider::Azure, 277.77),
            (SimulatedProvider::Google, 312.33),
        ] {
            let times = InferenceTime::of(provider, scale);
            let mut generator = ChaCha8Rng::seed_from_u64(7);
            let sum: Duration = (0..10_000).map(|_| times.draw(&mut generator)).sum();
            let drawn_ms = sum.as_secs_f64() * 1000.0 / 10_000.0;
            assert!((drawn_ms - mean_ms / 2.0).abs() < 1.0, "{provider:?}: {drawn_ms}");
        }
    }

    #[test]
    fn refuses_factors_that_no_time_has() {
        for factor in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(TimeScale::new(factor).is_err());
        }
    }
}
