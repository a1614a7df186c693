//! What a learner made of images, whichever learner it was: a chooser for every price of money.

use armol_analysis::merge::Merger;

use super::{Options, TrainingError, fixed::FixedModel};
use crate::{
    direct::{DirectModel, DirectOptions},
    evidence::Evidence,
    policy::{Chooser, Learner},
    problem::Problem,
    sequential::{SequentialModel, SequentialOptions},
};

/// A chooser for every price of money.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Model<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Fixed(FixedModel<'a>),
    Direct(DirectModel),
    Sequential(Box<SequentialModel<'a>>),
}

impl<'a> Model<'a> {
    /// Learns; `first` is who is asked in any case, because states are made of what it answers, and
    /// `merger` merges answers so far.
    ///
    /// # Errors
    /// Where the learner can make nothing of the images.
    pub fn fit(
        problem: Problem<'a>,
        first: Option<usize>,
        merger: &Merger,
        options: &Options,
    ) -> Result<Self, TrainingError> {
        match options.learner {
            Learner::Fixed => Ok(Self(Kind::Fixed(FixedModel::new(problem)))),
            Learner::Direct => {
                let direct = DirectOptions { first, ..options.direct.clone() };
                let model = DirectModel::fit(&problem, &direct, options.seed)?;
                Ok(Self(Kind::Direct(model)))
            }
            Learner::Cascade | Learner::Sequential if first.is_some() => {
                Err(TrainingError::AnswersTwice(options.learner))
            }
            Learner::Cascade | Learner::Sequential => {
                let evidence = Evidence::new(problem.images, problem.providers, merger);
                let sequential =
                    SequentialOptions { threads: options.threads, ..options.sequential };
                let model = SequentialModel::fit(&problem, &evidence, &sequential, options.seed)?;
                Ok(Self(Kind::Sequential(Box::new(model))))
            }
            Learner::Sac | Learner::Td3 | Learner::Ppo => {
                Err(TrainingError::NoBudget(options.learner))
            }
        }
    }

    /// The chooser at a price of money: what a thousandth of a US dollar adds to a value.
    ///
    /// # Errors
    /// Where the learner can make nothing of the images at this price.
    pub fn at(&self, beta: f64) -> Result<Chooser, TrainingError> {
        match &self.0 {
            Kind::Fixed(fixed) => Ok(Chooser::Fixed(fixed.at(beta))),
            Kind::Sequential(sequential) => Ok(Chooser::Sequential(Box::new(sequential.at(beta)?))),
            Kind::Direct(direct) => Ok(Chooser::Direct(Box::new(direct.at(beta)?))),
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
