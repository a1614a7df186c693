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
    /// Adds the biases to each row of sums, and takes the function of that.
    pub(super) fn apply(self, sums: &mut [f32], biases: &[f32]) {
        for row in sums.chunks_mut(biases.len()) {
            let pairs = row.iter_mut().zip(biases);
            match self {
                Self::Identity => pairs.for_each(|(sum, bias)| *sum += bias),
                Self::Relu => pairs.for_each(|(sum, bias)| {
                    let sum_up = *sum + bias;
                    // Not max, which would make 0 of what is no number.
                    *sum = if sum_up < 0.0 { 0.0 } else { sum_up };
                }),
                Self::Tanh => pairs.for_each(|(sum, bias)| *sum = (*sum + bias).tanh()),
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
