//! What asking providers costs and how long it takes at the mean: what a choice reckons with before
//! anyone is asked.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{baseline::number, problem::Problem, rewards::ScoredImage, subset::Subset};

/// What asking each provider costs, and how long it takes, at the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Numbers")]
pub(crate) struct Tariff {
    /// In thousandths of a US dollar.
    prices: Vec<f64>,
    seconds: Vec<f64>,
    /// What a second of waiting takes from a value.
    latency_weight: f64,
}

/// A stored tariff, whatever its numbers are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    prices: Vec<f64>,
    seconds: Vec<f64>,
    latency_weight: f64,
}

/// Why there is no tariff.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TariffError {
    /// A price or a latency is none.
    #[error("{what} of provider {place}, counted from 0, must be a number that is not below 0")]
    Number {
        /// What it is.
        what: &'static str,
        /// The provider's place.
        place: usize,
    },
    /// The weight of waiting is none.
    #[error("the weight of latency is {0}; it must be a number that is not below 0")]
    LatencyWeight(f64),
    /// There are prices of others than there are latencies of.
    #[error("there are {prices} prices and {latencies} latencies; each provider has one of both")]
    Lengths {
        /// How many prices.
        prices: usize,
        /// How many latencies.
        latencies: usize,
    },
    /// The published reward does not go by prices.
    #[error("the published reward is for sac, td3 and ppo; leave out --published")]
    Published,
}

impl Tariff {
    /// The means over the images of a problem.
    ///
    /// # Errors
    /// Where the reward is the published one, or a number is none.
    pub(crate) fn of(problem: &Problem<'_>) -> Result<Self, TariffError> {
        if problem.objective.published {
            return Err(TariffError::Published);
        }
        let prices = problem.images.iter().map(ScoredImage::prices_microusd);
        let mut seconds = vec![0.0; problem.providers];
        let images = count(problem.images.len());
        for place in 0..problem.images.len() {
            let latencies = problem.latencies.map_or(&[][..], |known| known.row(place));
            for (mean, latency) in seconds.iter_mut().zip(latencies) {
                *mean += f64::from(*latency) / images;
            }
        }
        let latency_weight = problem.objective.latency_weight;
        Numbers { prices: mean_prices(prices, problem.providers), seconds, latency_weight }
            .try_into()
    }

    /// The same where a provider is paid for and waited for in any case, so that it takes nothing.
    #[must_use]
    pub(crate) fn with_free(mut self, place: usize) -> Self {
        for numbers in [&mut self.prices, &mut self.seconds] {
            if let Some(number) = numbers.get_mut(place) {
                *number = 0.0;
            }
        }
        self
    }

    /// How many providers there are.
    pub(crate) const fn providers(&self) -> usize {
        self.prices.len()
    }

    /// Whether waiting takes anything from a value.
    pub(crate) fn counts_waiting(&self) -> bool {
        self.latency_weight > 0.0
    }

    /// What asking a subset at once adds to a value, which is not above 0: the sum of prices, where a
    /// thousandth of a US dollar adds `beta`, and the longest of latencies.
    pub(crate) fn charge(&self, subset: Subset, beta: f64) -> f64 {
        let (mut cost, mut longest) = (0.0, 0.0_f64);
        for (place, (price, seconds)) in self.prices.iter().zip(&self.seconds).enumerate() {
            if subset.contains(place) {
                cost += price;
                longest = longest.max(*seconds);
            }
        }
        beta.mul_add(cost, -self.latency_weight * longest)
    }
}

impl TryFrom<Numbers> for Tariff {
    type Error = TariffError;

    fn try_from(numbers: Numbers) -> Result<Self, TariffError> {
        let Numbers { prices, seconds, latency_weight } = numbers;
        if prices.len() != seconds.len() {
            let (prices, latencies) = (prices.len(), seconds.len());
            return Err(TariffError::Lengths { prices, latencies });
        }
        for (what, numbers) in [("the price", &prices), ("the latency", &seconds)] {
            if let Some(place) = numbers.iter().position(|one| !is_not_below_0(*one)) {
                return Err(TariffError::Number { what, place });
            }
        }
        if !is_not_below_0(latency_weight) {
            return Err(TariffError::LatencyWeight(latency_weight));
        }
        Ok(Self { prices, seconds, latency_weight })
    }
}

/// What a call of each provider costs at the mean over images, in thousandths of a US dollar; each row
/// has the prices of one image in millionths.
pub(crate) fn mean_prices(
    rows: impl ExactSizeIterator<Item = impl AsRef<[u64]>>,
    providers: usize,
) -> Vec<f64> {
    let images = count(rows.len());
    let mut sums = vec![0_u64; providers];
    for row in rows {
        for (sum, price) in sums.iter_mut().zip(row.as_ref()) {
            *sum = sum.saturating_add(*price);
        }
    }
    sums.into_iter().map(|sum| number(sum) / 1e3 / images).collect()
}

fn is_not_below_0(number: f64) -> bool {
    number.is_finite() && number >= 0.0
}

/// A count to divide by.
fn count(images: usize) -> f64 {
    number(u64::try_from(images).unwrap_or(u64::MAX)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff() -> Tariff {
        let numbers = serde_json::json!({
            "prices": [1.0, 2.0, 4.0], "seconds": [0.5, 0.25, 1.0], "latency_weight": 0.5,
        });
        serde_json::from_value(numbers).unwrap()
    }

    #[test]
    fn prices_add_up_and_the_longest_wait_counts() {
        let pair = Subset::single(0).with(1);
        assert!((tariff().charge(pair, -0.1) - (-0.3 - 0.25)).abs() < 1e-12);
        assert!((tariff().with_free(0).charge(pair, -0.1) - (-0.2 - 0.125)).abs() < 1e-12);
        assert!(tariff().charge(Subset::default(), -0.1).abs() < 1e-12);
    }

    #[test]
    fn means_are_over_images() {
        let means = mean_prices([[1_000, 0], [2_000, 500]].iter(), 2);
        assert_eq!(means, [1.5, 0.25]);
    }

    #[test]
    fn stored_numbers_that_are_none_are_refused_by_name() {
        let refused = |field: &str, value: serde_json::Value| {
            let mut stored = serde_json::to_value(tariff()).unwrap();
            stored[field] = value;
            serde_json::from_value::<Tariff>(stored).unwrap_err().to_string()
        };
        let price = refused("prices", serde_json::json!([1.0, -1.0, 1.0]));
        assert!(price.contains("the price of provider 1"), "{price}");
        let few = refused("seconds", serde_json::json!([1.0]));
        assert!(few.contains("3 prices and 1 latencies"), "{few}");
        let weight = refused("latency_weight", serde_json::json!(-1.0));
        assert!(weight.contains("the weight of latency is -1"), "{weight}");
    }
}
