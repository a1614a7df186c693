//! Why there is no policy.

use thiserror::Error;

use super::merging::MergingError;
use crate::rewards::TooManyProviders;

/// Why there is no policy.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainingError {
    /// There is nothing to learn from.
    #[error("the data set has no image, or no provider; import one with answers")]
    Empty,
    /// Nothing says which answers are right.
    #[error(
        "the data set {0} does not say where anything is in its images, and answers are judged by \
         boxes; import a ground truth with boxes"
    )]
    NoTruth(String),
    /// All images are kept apart.
    #[error("no image is left to learn from at --validation-share {0}; lower it")]
    NothingToLearnFrom(f64),
    /// No image is kept apart.
    #[error("--budget is met on images that are kept apart; raise --validation-share")]
    NothingToJudgeBy,
    /// Answers cannot be merged.
    #[error(transparent)]
    Merging(#[from] MergingError),
    /// There are too many subsets.
    #[error(transparent)]
    Providers(#[from] TooManyProviders),
    /// Nobody is cheap enough.
    #[error(
        "no choice that was learned costs {budget} thousandths of a US dollar an image at the mean or \
         less; the cheapest costs {least}: raise the budget"
    )]
    Budget {
        /// The budget.
        budget: f64,
        /// What the cheapest choice costs.
        least: f64,
    },
}
