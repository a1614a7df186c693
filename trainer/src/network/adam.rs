//! How parameters follow gradients: Adam (Kingma and Ba 2015, algorithm 1), and slow copies.

use serde::{Deserialize, Serialize};

use super::weights;
use crate::features::single;

/// How fast the mean of gradients forgets.
const FIRST_DECAY: f64 = 0.9;

/// How fast the mean of their squares forgets.
const SECOND_DECAY: f64 = 0.999;

/// What is added to the root, so that nothing is divided by 0.
const EPSILON: f32 = 1e-8;

/// An optimiser of one vector of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    rate: f64,
    steps: u32,
    #[serde(with = "weights")]
    first: Vec<f32>,
    #[serde(with = "weights")]
    second: Vec<f32>,
}

impl Adam {
    /// An optimiser of so many parameters that has not made a step, with a learning rate.
    pub fn new(parameters: usize, rate: f64) -> Self {
        Self { rate, steps: 0, first: vec![0.0; parameters], second: vec![0.0; parameters] }
    }

    /// Whether it fits this many parameters, and its numbers can be those of an optimiser.
    pub fn fits(&self, parameters: usize) -> bool {
        let lengths = [self.first.len(), self.second.len()];
        lengths == [parameters; 2]
            && self.rate.is_finite()
            && self.second.iter().all(|square| *square >= 0.0)
    }

    /// How many steps it has made.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// Moves parameters against their gradients.
    ///
    /// # Panics
    /// Where parameters or gradients are not as many as the optimiser is for.
    pub fn step(&mut self, parameters: &mut [f32], gradients: &[f32]) {
        assert_eq!(parameters.len(), self.first.len(), "an optimiser is for so many parameters");
        assert_eq!(gradients.len(), self.first.len(), "each parameter has a gradient");
        self.steps = self.steps.saturating_add(1);
        let correction = |decay: f64| 1.0 - decay.powi(self.steps.cast_signed());
        let size = single(self.rate / correction(FIRST_DECAY));
        let root = single(correction(SECOND_DECAY).sqrt());
        let [first_keep, first_take] = [FIRST_DECAY, 1.0 - FIRST_DECAY].map(single);
        let [second_keep, second_take] = [SECOND_DECAY, 1.0 - SECOND_DECAY].map(single);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in
            parameters.iter_mut().zip(gradients).zip(moments)
        {
            *first = first_keep * *first + first_take * gradient;
            *second = second_keep * *second + second_take * gradient * gradient;
            *parameter -= size * *first / (second.sqrt() / root + EPSILON);
        }
    }
}

/// Moves a slow copy of parameters towards them: `keep` of it stays.
///
/// # Panics
/// Where the copy is not as long as the parameters.
pub fn polyak(copy: &mut [f32], parameters: &[f32], keep: f32) {
    assert_eq!(copy.len(), parameters.len(), "a copy has as many parameters");
    for (slow, parameter) in copy.iter_mut().zip(parameters) {
        *slow = keep * *slow + (1.0 - keep) * parameter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_worked_out_by_hand() {
        let mut adam = Adam::new(2, 0.1);
        let mut parameters = [1.0, -1.0];
        // The first step is the rate against the sign, however small the gradient.
        adam.step(&mut parameters, &[0.5, -0.25]);
        let near = |one: f32, other: f32| (one - other).abs() < 1e-6;
        assert!(near(parameters[0], 0.9) && near(parameters[1], -0.9), "{parameters:?}");
        // first 0.9 * 0.05 - 0.1 * 0.5, second 0.999 * 0.00025 + 0.00025.
        adam.step(&mut parameters, &[-0.5, 0.0]);
        let size = 0.1 / (1.0 - 0.81);
        let root = (0.000_499_75_f64 / (1.0 - 0.998_001)).sqrt();
        let expected = 0.9 - size * -0.005 / root;
        assert!((f64::from(parameters[0]) - expected).abs() < 1e-6, "{parameters:?} {expected}");
        assert_eq!(adam.steps(), 2);
    }

    #[test]
    fn a_slow_copy_moves_by_its_share() {
        let mut copy = [1.0, 0.0];
        polyak(&mut copy, &[0.0, 2.0], 0.75);
        assert_eq!(copy.map(f32::to_bits), [0.75_f32, 0.5].map(f32::to_bits));
    }
}
