//! What a layer makes of its sums.

use serde::{Deserialize, Serialize};

/// The function after a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// The sums themselves.
    Identity,
    /// Nothing below 0.
    Relu,
    /// Between -1 and 1.
    Tanh,
}

impl Activation {
    /// Takes the function of each sum.
    pub(super) fn apply(self, sums: &mut [f32]) {
        match self {
            Self::Identity => (),
            Self::Relu => {
                for sum in sums {
                    // Not max, which would make 0 of what is no number.
                    *sum = if *sum < 0.0 { 0.0 } else { *sum };
                }
            }
            Self::Tanh => {
                for sum in sums {
                    *sum = sum.tanh();
                }
            }
        }
    }

    /// Makes gradients with respect to outputs into those with respect to sums.
    pub(super) fn chain(self, outputs: &[f32], gradients: &mut [f32]) {
        let pairs = outputs.iter().zip(gradients);
        match self {
            Self::Identity => (),
            Self::Relu => {
                for (output, gradient) in pairs {
                    *gradient = if *output > 0.0 { *gradient } else { 0.0 };
                }
            }
            Self::Tanh => {
                for (output, gradient) in pairs {
                    *gradient *= 1.0 - output * output;
                }
            }
        }
    }
}
