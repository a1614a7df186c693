//! What was learned, whatever learned it: a choice of whom to ask next.

use serde::{Deserialize, Serialize};

use super::Observation;
use crate::subset::Subset;

/// Chooses whom to ask next, all at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chooser {
    /// The same providers for every image.
    Fixed(Subset),
}

impl Chooser {
    /// Whom to ask next; nobody where the answers so far are enough. Who was asked is not asked again.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        match self {
            Self::Fixed(subset) if observation.asked.is_empty() => *subset,
            Self::Fixed(_) => Subset::default(),
        }
    }

    /// Whether it chooses of so many providers.
    pub const fn is_of(&self, providers: usize) -> bool {
        match self {
            Self::Fixed(set) => !set.is_empty() && set.beyond(Subset::all(providers)).is_empty(),
        }
    }

    /// Whether it asks once, by the state alone, rather than look at answers.
    pub const fn asks_once(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
        }
    }
}
