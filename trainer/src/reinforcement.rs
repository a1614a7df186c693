//! The published learners: networks that learn whom to ask by asking.
//!
//! An [`Environment`] shows images one by one and says what asking a subset was worth. [`Sac`],
//! [`Td3`] and [`Ppo`] act on it with points of a cube, of which the nearest corner is the subset
//! that is asked ([`nearest_subset`]), and learn from what came of it; each is made in its published
//! form, or as a bandit with what that form gets wrong put right. What one has learned is a
//! [`NetworkChooser`]; what it needs to go on to the bit is its checkpoint.

mod chooser;
mod critics;
mod environment;
mod experience;
mod figures;
mod inputs;
mod mapping;
mod off_policy;
mod options;
#[cfg(test)]
mod peer;
mod ppo;
mod replay;
mod sac;
mod td3;
#[cfg(test)]
mod testing;

use thiserror::Error;

pub use chooser::{ChooserError, NetworkChooser, Ranking};
pub use environment::{Environment, EnvironmentError, Place, Step};
pub use figures::{EpochFigures, Loss};
pub use mapping::{nearest_subset, nearest_subsets};
pub use off_policy::OffPolicyOptions;
pub use options::{ActionRange, ReplayedAction};
pub use ppo::{Ppo, PpoCheckpoint, PpoOptions};
pub use sac::{Sac, SacCheckpoint, SacOptions};
pub use td3::{Td3, Td3Checkpoint, Td3Options};

use crate::network::NetworkError;

/// Why a learner cannot begin or go on.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LearningError {
    /// Something is infinite or no number.
    #[error(
        "{what} is {value} at step {step}; learn more slowly (a lower rate), or look for rewards and \
         states that are far too large"
    )]
    NotFinite {
        /// What it is: a loss, a reward.
        what: &'static str,
        /// What it came to.
        value: f64,
        /// How many steps there were before.
        step: u64,
    },
    /// An option has a value that it cannot have.
    #[error("the learner's option {option} is {value}; it must be {must}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        must: &'static str,
    },
    /// The networks cannot be made.
    #[error("the learner has no networks")]
    Network(#[from] NetworkError),
    /// A checkpoint is of other data, or damaged.
    #[error(
        "the checkpoint's {0} is not one of these images, providers and options; resume with those \
         that it was made with, or begin anew"
    )]
    Checkpoint(&'static str),
    /// What was learned does not make a policy.
    #[error("nothing was learned that could choose")]
    Chooser(#[from] ChooserError),
}
