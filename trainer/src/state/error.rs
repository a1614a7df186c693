//! Why there are no states.

use thiserror::Error;

use crate::{dataset::features::FeaturesError, linear::LinearError};

/// Why there are no states.
#[derive(Debug, Error)]
pub enum StateError {
    /// There is nothing to make states of.
    #[error(
        "the data set {0} has no stored features; import it with --features, or make states of a \
         provider's answer"
    )]
    NoFeatures(String),
    /// It is not clear which of the features are meant.
    #[error("the data set {dataset} has the features {found}; name the array that is meant")]
    Choice {
        /// The data set.
        dataset: String,
        /// The names of arrays, a comma between them.
        found: String,
    },
    /// The features that are asked for are not there.
    #[error("the data set {dataset} has no features {array}; it has {found}")]
    NoArray {
        /// The data set.
        dataset: String,
        /// The name of the array.
        array: String,
        /// The names of arrays, a comma between them.
        found: String,
    },
    /// The features cannot be read.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// Rows are longer or shorter than those that were learned from.
    #[error(
        "the features {array} of the data set {dataset} have {found} numbers an image, not \
         {expected}; make them with the model that was learned with"
    )]
    Dimension {
        /// The data set.
        dataset: String,
        /// The name of the array.
        array: String,
        /// How many numbers a row has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// One image has no row.
    #[error("the features {array} have no row for image {image:?}; make features of all images")]
    NoRow {
        /// The name of the array.
        array: String,
        /// The image's name.
        image: String,
    },
    /// One image has a row of no use.
    #[error(
        "the features {array} of image {image:?} hold {value}, {problem}; make the features again, or \
         name another array"
    )]
    Value {
        /// The name of the array.
        array: String,
        /// The image's name.
        image: String,
        /// What the row holds.
        value: f32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Nobody is called that.
    #[error("{name} is no provider of the data set; it has {known}")]
    UnknownProvider {
        /// The name.
        name: String,
        /// The providers that there are.
        known: String,
    },
    /// Another provider stands where the one was whose answers make states.
    #[error(
        "states are made of what provider {place}, counted from 0, answers, which was {expected} when \
         they were learned from; name the same providers in the same order"
    )]
    OtherProvider {
        /// The provider's place.
        place: usize,
        /// Who it should be.
        expected: String,
    },
    /// Answers are about other categories.
    #[error(
        "the data set {dataset} has {found} categories, not {expected}; use one of the categories that \
         were learned from"
    )]
    Categories {
        /// The data set.
        dataset: String,
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// The numbers of images cannot be fitted.
    #[error("cannot fit states")]
    Fit(#[source] LinearError),
    /// A stored recipe has the wrong numbers.
    #[error("a stored recipe of states has {0}; the file is damaged, make it again")]
    Stored(&'static str),
}
