//! What was learned, whatever learned it: a choice of whom to ask next.

use serde::{Deserialize, Serialize};

use super::Observation;
use crate::{
    direct::DirectChooser, reinforcement::NetworkChooser, sequential::SequentialChooser,
    subset::Subset,
};

/// Chooses whom to ask next, all at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chooser {
    /// The same providers for every image.
    Fixed(Subset),
    /// The best by what is predicted of the state.
    Direct(Box<DirectChooser>),
    /// One provider after another, as the answers so far decide.
    Sequential(Box<SequentialChooser>),
    /// What a network says of the state.
    Network(Box<NetworkChooser>),
}

impl Chooser {
    /// Whom to ask next; nobody where the answers so far are enough. Who was asked is not asked again.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        match self {
            Self::Fixed(subset) if observation.asked.is_empty() => *subset,
            Self::Fixed(_) => Subset::default(),
            Self::Direct(direct) => direct.choose(observation),
            Self::Sequential(sequential) => sequential.choose(observation),
            Self::Network(network) => network.choose(observation),
        }
    }

    /// What asking each subset next is taken to be worth, what it costs included; empty where it does
    /// not say.
    pub fn worths(&self, observation: &Observation<'_>) -> Vec<(Subset, f64)> {
        match self {
            Self::Fixed(_) | Self::Network(_) => Vec::new(),
            Self::Direct(direct) => direct.worths(observation),
            Self::Sequential(sequential) => sequential.worths(observation),
        }
    }

    /// Whether it chooses of so many providers, by states of so many numbers.
    pub fn is_of(&self, providers: usize, dimension: usize) -> bool {
        match self {
            Self::Fixed(set) => !set.is_empty() && set.beyond(Subset::all(providers)).is_empty(),
            Self::Direct(direct) => direct.providers() == providers,
            Self::Sequential(sequential) => sequential.providers() == providers,
            Self::Network(network) => {
                network.providers() == providers && network.dimension() == dimension
            }
        }
    }

    /// Whether it asks once, by the state alone, rather than look at answers.
    pub const fn asks_once(&self) -> bool {
        !matches!(self, Self::Sequential(_))
    }
}
