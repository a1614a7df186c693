//! Why there is no policy that asks one after another.

use thiserror::Error;

use super::SequentialOptions;
use crate::{
    evidence::Evidence, problem::Problem, subset::MOST_SOUGHT, tariff::TariffError,
    trees::TreesError,
};

/// Why there is no policy.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SequentialError {
    /// There is nobody to ask, or nothing to ask about.
    #[error(
        "there are {images} images of {providers} providers to learn from; name a data set that has both"
    )]
    Empty {
        /// How many images there are.
        images: usize,
        /// How many providers there are.
        providers: usize,
    },
    /// There are more providers than can be chosen from.
    #[error(
        "{0} providers are too many to choose from; name at most {MOST_SOUGHT} of them (--providers)"
    )]
    Providers(usize),
    /// Evidence is about other providers.
    #[error(
        "evidence is about {evidence} providers, not {providers}; make it of the same data set"
    )]
    Evidence {
        /// How many it is about.
        evidence: usize,
        /// How many there are.
        providers: usize,
    },
    /// States are not those of the images.
    #[error("there are states of {states} images, not of {images}; give each image its state")]
    States {
        /// How many states there are.
        states: usize,
        /// How many images there are.
        images: usize,
    },
    /// Images cannot be shared out.
    #[error(
        "{0} folds leave no images to learn from; use at least 2 and not more than there are images"
    )]
    Folds(usize),
    /// The value of an answer is none.
    #[error("what an answer about image {image}, counted from 0, is worth is not a finite number")]
    Value {
        /// The image's place.
        image: usize,
    },
    /// There are no prices or latencies to choose by.
    #[error("cannot say what calls cost")]
    Tariff(#[from] TariffError),
    /// The price of money is none.
    #[error("beta {0} must be a finite number that is not above 0")]
    Beta(f64),
    /// Trees cannot be fitted.
    #[error("cannot learn what a call adds")]
    Trees(#[from] TreesError),
    /// A stored policy is none.
    #[error("a stored policy has {0}; train it again")]
    Stored(&'static str),
}

/// Refuses what no policy can be learned from.
pub(super) fn check(
    problem: &Problem<'_>,
    evidence: &Evidence,
    options: &SequentialOptions,
) -> Result<(), SequentialError> {
    let (images, providers) = (problem.images.len(), problem.providers);
    if images == 0 || providers == 0 {
        return Err(SequentialError::Empty { images, providers });
    }
    if providers > MOST_SOUGHT {
        return Err(SequentialError::Providers(providers));
    }
    if evidence.providers() != providers {
        return Err(SequentialError::Evidence { evidence: evidence.providers(), providers });
    }
    let states = problem.states.images();
    if problem.states.dimension() > 0 && options.state_numbers > 0 && states != images {
        return Err(SequentialError::States { states, images });
    }
    if options.folds < 2 || options.folds > images {
        return Err(SequentialError::Folds(options.folds));
    }
    Ok(())
}
