//! The direct method: what each choice of providers is worth is predicted of an image's state, and
//! the best is asked, once.
//!
//! All answers are stored, so that for every image the worth of every choice is known, whoever was
//! asked: nothing has to be explored, and learning is regression. Worth is beside the mean of its
//! image, for how hard an image is changes no choice. Prices and latencies are added at the choice, so
//! that one [`DirectModel`] serves every price of money: [`DirectModel::at`] gives the
//! [`DirectChooser`] of one.
//!
//! Up to [`MOST_PROVIDERS`] providers each subset has a prediction of its own; beyond, worth is made
//! of terms of providers and `pairs`, and the best set is sought.
//!
//! [`MOST_PROVIDERS`]: crate::subset::MOST_PROVIDERS

mod chooser;
mod estimator;
mod form;
mod network;
mod pairs;
mod search;

use thiserror::Error;

use crate::{
    linear::{LinearError, Table},
    network::NetworkError,
    problem::Problem,
    subset::{MOST_SOUGHT, Subset},
    tariff::{Tariff, TariffError},
};
use estimator::Estimator;
use form::Form;

use chooser::Parts;

pub use chooser::DirectChooser;
pub use network::NetworkOptions;

/// What predicts.
#[derive(Clone, Debug, PartialEq)]
pub enum Regression {
    /// Weighted sums.
    Ridge {
        /// The penalty on weights; without it, the one with the least expected error.
        lambda: Option<f64>,
    },
    /// A network with hidden layers.
    Network(NetworkOptions),
}

/// How to learn.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectOptions {
    /// What predicts.
    pub regression: Regression,
    /// The provider that is asked about every image before the choice, where its answer is the state:
    /// it is paid for and waited for in any case.
    pub first: Option<usize>,
}

impl Default for DirectOptions {
    fn default() -> Self {
        Self { regression: Regression::Ridge { lambda: None }, first: None }
    }
}

/// What was learned, for every price of money.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectModel {
    form: Form,
    estimator: Estimator,
    tariff: Tariff,
    /// Who is asked before the choice.
    first: Subset,
}

/// Why nothing can be learned, or what was stored not be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DirectError {
    /// There is nobody to choose, or too many are there.
    #[error("the direct method chooses of 1 to {MOST_SOUGHT} providers, not of {0} (--providers)")]
    Providers(usize),
    /// There are not as many states as images.
    #[error("there are {states} states for {images} images; make a state of each image")]
    States {
        /// How many states.
        states: usize,
        /// How many images.
        images: usize,
    },
    /// Nobody of that place can be asked first.
    #[error("provider {0}, counted from 0, cannot be asked first, for there is none")]
    First(usize),
    /// Money cannot be worth that.
    #[error(
        "beta {0} must be a number that is not above 0, for costs lower what an answer is worth"
    )]
    Beta(f64),
    /// There are no prices or latencies to choose by.
    #[error("cannot say what choices cost")]
    Tariff(#[from] TariffError),
    /// The regression fails.
    #[error("cannot predict what choices are worth")]
    Linear(#[from] LinearError),
    /// There is no such network.
    #[error("cannot predict with such a network")]
    Network(#[from] NetworkError),
    /// Learning with a network failed.
    #[error("the network learns nothing: {0}")]
    Learning(&'static str),
    /// A stored chooser has the wrong numbers.
    #[error("a stored chooser has {0}; the file is damaged, train again")]
    Stored(&'static str),
}

impl DirectModel {
    /// Learns what choices are worth; the same problem, options and seed give the same model.
    ///
    /// # Errors
    /// Where there are too few images, or too many providers, or numbers are none.
    pub fn fit(
        problem: &Problem<'_>,
        options: &DirectOptions,
        seed: u64,
    ) -> Result<Self, DirectError> {
        let providers = problem.providers;
        if providers == 0 || providers > MOST_SOUGHT {
            return Err(DirectError::Providers(providers));
        }
        let (states, images) = (problem.states.images(), problem.images.len());
        if states != images {
            return Err(DirectError::States { states, images });
        }
        let mut tariff = Tariff::of(problem)?;
        let mut first = Subset::default();
        if let Some(place) = options.first {
            if place >= providers {
                return Err(DirectError::First(place));
            }
            first = Subset::single(place);
            tariff = tariff.with_free(place);
        }
        let (form, targets) = Form::of(problem, seed)?;
        let input = |image: usize, values: &mut [f64]| {
            for (value, number) in values.iter_mut().zip(problem.states.row(image)) {
                *value = f64::from(*number);
            }
        };
        let output = |image: usize, values: &mut [f64]| targets.fill(image, values);
        let inputs = Table { rows: images, columns: problem.states.dimension(), fill: &input };
        let outputs = Table { rows: images, columns: form.outputs(providers), fill: &output };
        let estimator = Estimator::fit(inputs, outputs, &options.regression, seed)?;
        Ok(Self { form, estimator, tariff, first })
    }

    /// The chooser at a price of money: what a thousandth of a US dollar adds to a value, not above 0.
    ///
    /// # Errors
    /// Where the price is none.
    pub fn at(&self, beta: f64) -> Result<DirectChooser, DirectError> {
        let Self { form, estimator, tariff, first } = self.clone();
        Parts { form, estimator, tariff, first, beta }.try_into()
    }

    /// The penalty on weights that was learned with; `None` of a network.
    pub const fn lambda(&self) -> Option<f64> {
        self.estimator.lambda()
    }
}

#[cfg(test)]
mod tests;
