//! Linear algebra for learners: what numbers of a state explain, and which directions they vary in.
//!
//! A [`Ridge`] predicts several numbers of others by weighted sums, [`Components`] says a long row in
//! few numbers. Both see their data row by row, so that a large set is never held as a matrix, and
//! both calculate in `f64` on the caller's thread: the same data give the same bits.

mod cholesky;
mod components;
mod eigen;
mod moments;
mod ridge;

use thiserror::Error;

pub use components::Components;
pub use moments::{Scaling, Table};
pub use ridge::Ridge;

/// Why nothing can be fitted, or a stored fit not be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LinearError {
    /// There are too few rows.
    #[error("there are {0} images to fit on; name a data set with two or more")]
    Rows(usize),
    /// A row holds something that is no number.
    #[error("number {column} of image {row}, both counted from 0, is infinite or none at all")]
    NotFinite {
        /// The row's place.
        row: usize,
        /// The number's place in it.
        column: usize,
    },
    /// The penalty is none.
    #[error("lambda {0} must be a number above 0")]
    Lambda(f64),
    /// The sums cannot be solved for.
    #[error("the numbers of images explain each other too well to be told apart; raise lambda")]
    Singular,
    /// There are no such directions.
    #[error(
        "{count} components of {dimension} numbers are not to be had; ask for 1 to {dimension}"
    )]
    Components {
        /// How many were asked for.
        count: usize,
        /// How many numbers there are.
        dimension: usize,
    },
    /// A stored fit has the wrong numbers.
    #[error("a stored fit has {0}; the file is damaged, make it again")]
    Stored(&'static str),
}
