//! What asking costs, whatever is answered: list prices and usual latencies.

use serde::{Deserialize, Serialize};

use super::DirectError;
use crate::{baseline::number, problem::Problem, subset::Subset};

/// What the published reward takes for each call.
const PUBLISHED_PRICE: f64 = 0.1;

/// What asking each provider costs, and how long it takes, at the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tariff {
    /// In thousandths of a US dollar.
    prices: Vec<f64>,
    seconds: Vec<f64>,
    /// What a second of waiting takes from a value.
    latency_weight: f64,
    /// Whether each call takes the same from a value, whatever it costs.
    published: bool,
    /// Who is asked before the choice.
    first: Option<usize>,
}

impl Tariff {
    /// The means over the images of a problem.
    pub(super) fn of(problem: &Problem<'_>, first: Option<usize>) -> Result<Self, DirectError> {
        let images = number(u64::try_from(problem.images.len()).unwrap_or(u64::MAX)).max(1.0);
        let mut prices = vec![0.0; problem.providers];
        let mut seconds = prices.clone();
        for (place, image) in problem.images.iter().enumerate() {
            for (sum, price) in prices.iter_mut().zip(image.prices_microusd()) {
                *sum += number(*price) / 1e3 / images;
            }
            let latencies = problem.latencies.map_or(&[][..], |known| known.row(place));
            for (sum, latency) in seconds.iter_mut().zip(latencies) {
                *sum += f64::from(*latency) / images;
            }
        }
        let objective = problem.objective;
        let (latency_weight, published) = (objective.latency_weight, objective.published);
        Self { prices, seconds, latency_weight, published, first }.checked()
    }

    /// The tariff, if a problem can have it.
    pub(super) fn checked(self) -> Result<Self, DirectError> {
        for (what, numbers) in [("the price", &self.prices), ("the latency", &self.seconds)] {
            if let Some(place) = numbers.iter().position(|one| !one.is_finite() || *one < 0.0) {
                return Err(DirectError::Tariff { what, place });
            }
        }
        if self.prices.len() != self.seconds.len() {
            return Err(DirectError::Stored("more prices than latencies, or fewer"));
        }
        if !self.latency_weight.is_finite() || self.latency_weight < 0.0 {
            return Err(DirectError::Stored("a weight of latency that is none"));
        }
        match self.first.filter(|first| *first >= self.prices.len()) {
            Some(first) => Err(DirectError::First(first)),
            None => Ok(self),
        }
    }

    /// How many providers there are.
    pub(super) const fn providers(&self) -> usize {
        self.prices.len()
    }

    /// Who is asked before the choice; nobody where it needs no answer.
    pub(super) fn first(&self) -> Subset {
        self.first.map_or_else(Subset::default, Subset::single)
    }

    /// What asking a provider takes from a value, without waiting; nothing for who is asked in any
    /// case.
    pub(super) fn price(&self, place: usize, beta: f64) -> f64 {
        match self.prices.get(place) {
            Some(price) if self.first != Some(place) => {
                if self.published {
                    PUBLISHED_PRICE
                } else {
                    -beta * price
                }
            }
            _ => 0.0,
        }
    }

    /// What waiting for a provider takes from a value; nothing for who is asked before the choice.
    pub(super) fn wait(&self, place: usize) -> f64 {
        match self.seconds.get(place) {
            Some(seconds) if self.first != Some(place) && !self.published => {
                self.latency_weight * seconds
            }
            _ => 0.0,
        }
    }

    /// What asking a subset at once takes from a value.
    pub(super) fn burden(&self, subset: Subset, beta: f64) -> f64 {
        let asked = (0..self.providers()).filter(|place| subset.contains(*place));
        let (price, wait) = asked.fold((0.0, 0.0_f64), |(price, wait), place| {
            (price + self.price(place, beta), wait.max(self.wait(place)))
        });
        price + wait
    }
}
