//! Which numbers are predicted, and what they say of a choice.

use serde::{Deserialize, Serialize};

use super::{DirectError, pairs::Pairs};
use crate::{
    linear::count,
    problem::Problem,
    subset::{MOST_PROVIDERS, Subset},
};

/// Which numbers are predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    /// The worth of each subset.
    Each,
    /// What terms of providers and pairs come to.
    Pairs(Pairs),
}

/// What is to be predicted of each image.
pub(super) enum Targets<'a> {
    /// The worth of each subset, beside their mean.
    Each(&'a Problem<'a>),
    /// Rows that were worked out beforehand, of so many numbers.
    Rows(Vec<f32>, usize),
}

impl Form {
    /// The form for the providers of a problem, and what is to be predicted of its images.
    pub(super) fn of<'a>(
        problem: &'a Problem<'a>,
        seed: u64,
    ) -> Result<(Self, Targets<'a>), DirectError> {
        if problem.providers <= MOST_PROVIDERS {
            return Ok((Self::Each, Targets::Each(problem)));
        }
        let (pairs, sample) = Pairs::new(problem.providers, seed)?;
        let targets = Targets::Rows(sample.targets(problem), pairs.outputs());
        Ok((Self::Pairs(pairs), targets))
    }

    /// How many numbers are predicted.
    pub(super) fn outputs(&self, providers: usize) -> usize {
        match self {
            Self::Each => Subset::each(providers).count(),
            Self::Pairs(pairs) => pairs.outputs(),
        }
    }
}

impl Targets<'_> {
    /// Writes the numbers of an image.
    pub(super) fn fill(&self, image: usize, values: &mut [f64]) {
        match self {
            Self::Each(problem) => {
                for (value, subset) in values.iter_mut().zip(Subset::each(problem.providers)) {
                    *value = problem.value(image, subset);
                }
                let mean = values.iter().sum::<f64>() / count(values.len());
                for value in values {
                    *value -= mean;
                }
            }
            Self::Rows(rows, columns) => {
                let row = rows.get(image * columns..).unwrap_or_default();
                for (value, number) in values.iter_mut().zip(row) {
                    *value = f64::from(*number);
                }
            }
        }
    }
}
