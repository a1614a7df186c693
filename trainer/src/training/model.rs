//! What a learner made of images, whichever learner it was: a chooser for every price of money.

use super::{Options, TrainingError, fixed::FixedModel};
use crate::{
    policy::{Chooser, Learner},
    problem::Problem,
};

/// A chooser for every price of money.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Model<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Fixed(FixedModel<'a>),
}

impl<'a> Model<'a> {
    /// Learns.
    ///
    /// # Errors
    /// Where the learner can make nothing of the images.
    pub fn fit(problem: Problem<'a>, options: &Options) -> Result<Self, TrainingError> {
        match options.learner {
            Learner::Fixed => Ok(Self(Kind::Fixed(FixedModel::new(problem)))),
        }
    }

    /// The chooser at a price of money: what a thousandth of a US dollar adds to a value.
    ///
    /// # Errors
    /// Where the learner can make nothing of the images at this price.
    pub fn at(&self, beta: f64) -> Result<Chooser, TrainingError> {
        match &self.0 {
            Kind::Fixed(fixed) => Ok(Chooser::Fixed(fixed.at(beta))),
        }
    }

    /// The chooser at a price of money that was found to meet a budget.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn chosen(&self, beta: f64, budget: Option<f64>) -> Result<Chooser, TrainingError> {
        match (&self.0, budget) {
            // Between the sets that some price of money makes the best, there are others.
            (Kind::Fixed(fixed), Some(budget)) => match fixed.within(budget) {
                Some(set) => Ok(Chooser::Fixed(set)),
                None => Err(TrainingError::Budget { budget, least: fixed.least_cost() }),
            },
            _ => self.at(beta),
        }
    }
}
