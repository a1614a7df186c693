//! Policies: ways to choose, image by image, whom to ask.
//!
//! A [`Strategy`] says whom to ask next of what is known so far ([`Observation`]); a [`rollout()`] asks
//! as it says until it has enough. A [`Policy`] is a strategy with all that it needs where it is
//! used: how answers are merged, whom it may ask, which words it knows. It goes to and comes from one
//! file.

mod chooser;
mod document;
mod file;
mod observation;
mod rollout;
mod strategy;

pub use chooser::Chooser;
pub use document::{KnownProvider, Learner, Policy, TrainingData, UnfitPolicy, words_sha256};
pub(crate) use file::write_whole;
pub use file::{FORMAT, FORMAT_VERSION, PolicyFileError};
pub use observation::Observation;
pub use rollout::{Rollout, observation, rollout};
pub use strategy::{Limit, Strategy};
