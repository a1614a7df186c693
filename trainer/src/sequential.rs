//! Learning to ask one provider after another: the answers so far decide who is next.
//!
//! What is known after some answers is their [`Evidence`] and, by option, the image's state. Of each
//! set of providers asked so far, trees learn what each further call adds to the value of the merged
//! answer, by backward induction: the largest sets first, so that what a call is worth counts what
//! the policy then does. The policy asks what promises most beyond its price, and stops where
//! nothing does. A cascade is the same with one decision only, after a first call that is the same
//! for every image.
//!
//! What a model says of the images that it was fitted on is too good, so what the policy does next
//! is taken from models fitted without the image in question, and valued by what truly came of it.
//! Prices come in at the choice; [`SequentialModel::at`] fits again only what depends on them.

mod chooser;
mod error;
mod fitting;
mod opening;
mod parallel;
mod plan;
mod situations;

use std::num::NonZero;

use crate::{evidence::Evidence, problem::Problem, tariff::Tariff, trees::TreesOptions};

pub use chooser::SequentialChooser;
pub use error::SequentialError;

use fitting::Fitted;
use situations::Situations;

/// How the answers so far decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Again and again, until nothing is worth its price.
    #[default]
    Sequential,
    /// Once, after a first call that is the same for every image.
    Cascade,
}

/// How a policy is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequentialOptions {
    /// How the answers so far decide.
    pub form: Form,
    /// How many numbers of an image's state are looked at, from its first; 0 to go by answers alone.
    pub state_numbers: usize,
    /// Into how many parts images are shared out, of which each is judged by models fitted on the
    /// others.
    pub folds: usize,
    /// How trees are fitted.
    pub trees: TreesOptions,
    /// How many situations of each stage are learned from at most, where there are too many
    /// providers to look at all of them.
    pub most_rows: usize,
    /// On how many threads models are fitted; the result is the same.
    pub threads: NonZero<usize>,
}

impl Default for SequentialOptions {
    fn default() -> Self {
        Self {
            form: Form::default(),
            state_numbers: 16,
            folds: 5,
            trees: TreesOptions::default(),
            most_rows: 40_000,
            threads: NonZero::<usize>::MIN,
        }
    }
}

/// What is learned of a problem, for any price of money.
#[derive(Clone, Debug)]
pub struct SequentialModel<'a> {
    problem: Problem<'a>,
    options: SequentialOptions,
    seed: u64,
    evidence: Evidence,
    /// Which part each image is in.
    folds: Vec<usize>,
    tariff: Tariff,
    /// What there is to learn from, the largest sets first.
    situations: Vec<Situations>,
    /// What each action of each stage adds, where that depends on no price.
    learned: Vec<Vec<Option<Fitted>>>,
}

impl<'a> SequentialModel<'a> {
    /// Learns what does not depend on the price of money; the same input gives the same model on any
    /// number of threads.
    ///
    /// # Errors
    /// Where there is nothing to learn from, states or evidence are not those of the images, or an
    /// option is out of range.
    pub fn fit(
        problem: &Problem<'a>,
        evidence: &Evidence,
        options: &SequentialOptions,
        seed: u64,
    ) -> Result<Self, SequentialError> {
        error::check(problem, evidence, options)?;
        let dimension = problem.states.dimension();
        let options =
            SequentialOptions { state_numbers: options.state_numbers.min(dimension), ..*options };
        let mut model = Self {
            problem: *problem,
            options,
            seed,
            evidence: evidence.clone(),
            folds: fitting::folds(problem.images.len(), options.folds, seed),
            tariff: Tariff::of(problem)?,
            situations: Vec::new(),
            learned: Vec::new(),
        };
        model.situations = situations::all(&model)?;
        model.learned = fitting::of_any_price(&model)?;
        Ok(model)
    }

    /// The policy for a price of money: what a thousandth of a US dollar adds to a value, not above
    /// 0.
    ///
    /// # Errors
    /// Where the price is not a finite number, or is above 0.
    pub fn at(&self, beta: f64) -> Result<SequentialChooser, SequentialError> {
        if !beta.is_finite() || beta > 0.0 {
            return Err(SequentialError::Beta(beta));
        }
        fitting::chooser(self, beta)
    }
}

#[cfg(test)]
mod tests;
