//! What predicts numbers of a state.

use serde::{Deserialize, Serialize};

use super::{DirectError, Regression, network::ScaledNetwork};
use crate::linear::{Ridge, Table};

/// What predicts numbers of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Estimator {
    /// Weighted sums.
    Ridge(Ridge),
    /// A network with hidden layers.
    Network(ScaledNetwork),
}

impl Estimator {
    /// Learns to predict the rows of `outputs` of those of `inputs`.
    pub(super) fn fit(
        inputs: Table<'_>,
        outputs: Table<'_>,
        regression: &Regression,
        seed: u64,
    ) -> Result<Self, DirectError> {
        match regression {
            Regression::Ridge { lambda } => Ok(Self::Ridge(Ridge::fit(inputs, outputs, *lambda)?)),
            Regression::Network(options) => {
                Ok(Self::Network(ScaledNetwork::fit(inputs, outputs, options, seed)?))
            }
        }
    }

    /// How many numbers it gives.
    pub(super) fn outputs(&self) -> usize {
        match self {
            Self::Ridge(ridge) => ridge.outputs(),
            Self::Network(network) => network.outputs(),
        }
    }

    /// The penalty on weights; `None` of a network.
    pub(super) const fn lambda(&self) -> Option<f64> {
        match self {
            Self::Ridge(ridge) => Some(ridge.lambda()),
            Self::Network(_) => None,
        }
    }

    /// What it predicts of a state; a number that is not there counts as its mean.
    pub(super) fn predict(&self, state: &[f32]) -> Vec<f32> {
        match self {
            Self::Ridge(ridge) => ridge.predict(state),
            Self::Network(network) => network.predict(state),
        }
    }
}
