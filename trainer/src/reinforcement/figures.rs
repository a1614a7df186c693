//! What an epoch came to.

use serde::{Deserialize, Serialize};

use super::{Environment, LearningError};
use crate::{baseline::number, subset::Subset};

/// The figures of the steps since the epoch before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// How many steps there were, from the beginning of learning.
    pub steps: u64,
    /// The mean reward of a step; `None` where there was none.
    pub mean_reward: Option<f64>,
    /// What asking came to in thousandths of a US dollar an image; `None` where there was no step.
    pub mean_cost: Option<f64>,
    /// How often each provider was asked.
    pub calls: Vec<u64>,
    /// The mean of each loss over the updates, where there were any.
    pub losses: Vec<Loss>,
}

/// The mean of a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Which loss.
    pub name: String,
    /// Its mean over the updates of an epoch.
    pub mean: f64,
}

/// Adds up an epoch.
#[derive(Debug, Default)]
pub(super) struct Tally {
    steps: u64,
    reward: f64,
    cost: f64,
    calls: Vec<u64>,
    losses: Vec<(&'static str, f64, u64)>,
}

impl Tally {
    pub(super) fn new(providers: usize) -> Self {
        Self { calls: vec![0; providers], ..Self::default() }
    }

    pub(super) fn step(&mut self, environment: &Environment<'_>, asked: Subset, reward: f64) {
        self.steps += 1;
        self.reward += reward;
        self.cost += environment.cost(asked);
        for (place, calls) in self.calls.iter_mut().enumerate() {
            *calls += u64::from(asked.contains(place));
        }
    }

    /// Adds a loss, unless it is not finite.
    pub(super) fn loss(
        &mut self,
        what: &'static str,
        value: f64,
        step: u64,
    ) -> Result<(), LearningError> {
        finite(what, value, step)?;
        match self.losses.iter_mut().find(|(name, ..)| *name == what) {
            Some((_, sum, count)) => {
                *sum += value;
                *count += 1;
            }
            None => self.losses.push((what, value, 1)),
        }
        Ok(())
    }

    /// The figures, after so many steps from the beginning.
    pub(super) fn figures(self, steps: u64) -> EpochFigures {
        let mean = |sum: f64| (self.steps > 0).then(|| sum / number(self.steps));
        let loss = |(name, sum, count): (&str, f64, u64)| Loss {
            name: name.to_owned(),
            mean: sum / number(count),
        };
        EpochFigures {
            steps,
            mean_reward: mean(self.reward),
            mean_cost: mean(self.cost),
            losses: self.losses.into_iter().map(loss).collect(),
            calls: self.calls,
        }
    }
}

/// Refuses what is infinite or no number.
pub(super) fn finite(what: &'static str, value: f64, step: u64) -> Result<(), LearningError> {
    if value.is_finite() { Ok(()) } else { Err(LearningError::NotFinite { what, value, step }) }
}
