//! Fully connected networks: what every learner with hidden layers learns with.
//!
//! A batch is rows one after the other, a number for each input. A network's parameters are one flat
//! vector, layer by layer: the weights, a row for each input, then the biases. [`Adam`] and
//! [`polyak`] move such vectors; [`gaussian`] makes draws of outputs. Products are `gemm`'s, on the
//! caller's thread.

mod activation;
mod adam;
pub mod gaussian;
mod pass;
pub mod product;
pub mod weights;

use std::mem;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use activation::Activation;
pub use adam::{Adam, polyak};
pub use pass::Trace;
use product::Matrix;

use crate::{baseline::number, features::single};

/// The most parameters of a network: a gigabyte of them.
const MOST_PARAMETERS: usize = 1 << 28;

/// Layers of sums with a function after each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Network {
    sizes: Vec<usize>,
    hidden: Activation,
    output: Activation,
    #[serde(with = "weights")]
    parameters: Vec<f32>,
}

/// Why there is no network of this shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// There is no input, no output, a layer of nothing, or more than can be held.
    #[error(
        "a network cannot have layers of {0:?} numbers; it needs inputs and outputs, a number at \
         least in each layer, and at most {MOST_PARAMETERS} parameters"
    )]
    Sizes(Vec<usize>),
    /// There are more or fewer parameters than the layers have.
    #[error(
        "a network with layers of {sizes:?} numbers has {expected} parameters, not {found}; the \
         file is damaged, make it again"
    )]
    Parameters {
        /// The sizes of layers.
        sizes: Vec<usize>,
        /// How many parameters such layers have.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

/// Where [`Network::predict`] calculates.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    values: Vec<f32>,
    next: Vec<f32>,
}

/// A network as it is stored, before it is known to be one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    sizes: Vec<usize>,
    hidden: Activation,
    output: Activation,
    #[serde(with = "weights")]
    parameters: Vec<f32>,
}

/// One layer's parameters.
#[derive(Clone, Copy, Debug)]
struct Layer<'a> {
    inputs: usize,
    outputs: usize,
    weights: &'a [f32],
    biases: &'a [f32],
    activation: Activation,
}

impl Network {
    /// Draws a network with these numbers of inputs, of each hidden layer, and of outputs.
    ///
    /// Weights and biases are uniform within 1/sqrt(inputs of the layer), as those of
    /// `torch.nn.Linear` are.
    ///
    /// # Errors
    /// Where there are not two sizes, one of them is 0, or they make a network too large.
    pub fn new(
        sizes: &[usize],
        hidden: Activation,
        output: Activation,
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, NetworkError> {
        let mut parameters = vec![0.0; parameter_count(sizes)?];
        let mut rest = parameters.as_mut_slice();
        for (inputs, outputs) in layer_shapes(sizes) {
            let bound = 1.0 / single(number(inputs as u64).sqrt());
            let (layer, behind) = rest.split_at_mut((inputs + 1) * outputs);
            layer.fill_with(|| generator.random_range(-bound..bound));
            rest = behind;
        }
        Ok(Self { sizes: sizes.to_vec(), hidden, output, parameters })
    }

    /// How many numbers it takes.
    pub fn inputs(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// How many numbers it gives.
    pub fn outputs(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// The numbers of inputs, of each hidden layer, and of outputs.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The functions after hidden layers and after the last.
    pub const fn activations(&self) -> [Activation; 2] {
        [self.hidden, self.output]
    }

    /// The network of the first outputs only, with another function after them.
    ///
    /// # Errors
    /// Where there are not so many outputs, or none is asked for.
    pub fn first_outputs(&self, count: usize, output: Activation) -> Result<Self, NetworkError> {
        let mut sizes = self.sizes.clone();
        sizes.pop();
        sizes.push(count);
        let expected = parameter_count(&sizes)?;
        let Some(last) = self.layers().last().filter(|last| last.outputs >= count) else {
            return Err(NetworkError::Sizes(sizes));
        };
        let before = self.parameters.len() - last.weights.len() - last.outputs;
        let mut parameters = Vec::with_capacity(expected);
        parameters.extend(self.parameters.iter().take(before));
        for row in last.weights.chunks(last.outputs).chain([last.biases]) {
            parameters.extend(row.iter().take(count));
        }
        Ok(Self { sizes, hidden: self.hidden, output, parameters })
    }

    /// All weights and biases.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// All weights and biases, to change.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }

    /// A zero for each parameter.
    pub fn zeros(&self) -> Vec<f32> {
        vec![0.0; self.parameters.len()]
    }

    /// Whether no parameter is infinite or no number.
    pub fn is_finite(&self) -> bool {
        self.parameters.iter().all(|parameter| parameter.is_finite())
    }

    /// What it gives for one row of inputs; nothing is allocated once the scratch has been used.
    ///
    /// # Panics
    /// Where there is not a number for each input.
    pub fn predict<'a>(&self, inputs: &[f32], scratch: &'a mut Scratch) -> &'a [f32] {
        assert_eq!(inputs.len(), self.inputs(), "there is a number for each input");
        scratch.values.clear();
        scratch.values.extend_from_slice(inputs);
        for layer in self.layers() {
            scratch.next.clear();
            scratch.next.resize(layer.outputs, 0.0);
            for (value, weights) in scratch.values.iter().zip(layer.weights.chunks(layer.outputs)) {
                // Most inputs of an image are 0, and so is half of what a ReLU gives.
                if *value != 0.0 {
                    add_scaled(&mut scratch.next, weights, *value);
                }
            }
            layer.activation.apply(&mut scratch.next, layer.biases);
            mem::swap(&mut scratch.values, &mut scratch.next);
        }
        &scratch.values
    }

    /// The layers from inputs to outputs.
    fn layers(&self) -> impl Iterator<Item = Layer<'_>> {
        let mut rest = self.parameters.as_slice();
        let last = self.sizes.len().saturating_sub(2);
        layer_shapes(&self.sizes).enumerate().map(move |(place, (inputs, outputs))| {
            let (weights, behind) = rest.split_at(inputs * outputs);
            let (biases, behind) = behind.split_at(outputs);
            rest = behind;
            let activation = if place == last { self.output } else { self.hidden };
            Layer { inputs, outputs, weights, biases, activation }
        })
    }
}

impl TryFrom<Stored> for Network {
    type Error = NetworkError;

    fn try_from(stored: Stored) -> Result<Self, NetworkError> {
        let Stored { sizes, hidden, output, parameters } = stored;
        let expected = parameter_count(&sizes)?;
        let found = parameters.len();
        if found != expected {
            return Err(NetworkError::Parameters { sizes, expected, found });
        }
        Ok(Self { sizes, hidden, output, parameters })
    }
}

impl<'a> Layer<'a> {
    /// The weights, a row for each input.
    fn matrix(&self) -> Matrix<'a> {
        Matrix::new(self.weights, self.inputs, self.outputs)
    }
}

/// Inputs and outputs of each layer.
fn layer_shapes(sizes: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    sizes.iter().copied().zip(sizes.iter().copied().skip(1))
}

/// How many parameters layers of these sizes have.
fn parameter_count(sizes: &[usize]) -> Result<usize, NetworkError> {
    let layer = |(inputs, outputs): (usize, usize)| inputs.checked_add(1)?.checked_mul(outputs);
    let count = layer_shapes(sizes).try_fold(0_usize, |all, shape| all.checked_add(layer(shape)?));
    let fits = sizes.len() >= 2 && sizes.iter().all(|size| *size > 0);
    let count = count.filter(|count| fits && *count <= MOST_PARAMETERS);
    count.ok_or_else(|| NetworkError::Sizes(sizes.to_vec()))
}

/// Adds a multiple of numbers to others.
fn add_scaled(sums: &mut [f32], numbers: &[f32], factor: f32) {
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += factor * number);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn network(sizes: &[usize], hidden: Activation, output: Activation) -> Network {
        Network::new(sizes, hidden, output, &mut ChaCha8Rng::seed_from_u64(5)).unwrap()
    }

    const ALL: [Activation; 3] = [Activation::Identity, Activation::Relu, Activation::Tanh];

    #[test]
    fn first_parameters_are_spread_as_torch_spreads_them() {
        let network = network(&[400, 100, 2], Activation::Relu, Activation::Identity);
        let (first, second) = network.parameters().split_at(401 * 100);
        let spread =
            |numbers: &[f32]| numbers.iter().fold(0.0_f32, |most, one| most.max(one.abs()));
        assert!((0.0499..=0.05).contains(&spread(first)), "{}", spread(first));
        assert!((0.09..=0.1).contains(&spread(second)), "{}", spread(second));
        let mean = first.iter().map(|number| f64::from(*number)).sum::<f64>() / 40_100.0;
        assert!(mean.abs() < 1e-3, "{mean}");
    }

    #[test]
    fn sizes_that_make_no_network_are_refused() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        for sizes in [&[][..], &[3], &[3, 0, 2], &[usize::MAX, usize::MAX], &[1 << 20, 1 << 20]] {
            let made = Network::new(sizes, Activation::Relu, Activation::Identity, &mut generator);
            assert_eq!(made, Err(NetworkError::Sizes(sizes.to_vec())));
        }
    }

    #[test]
    fn one_row_gives_what_a_batch_of_it_gives() {
        for hidden in ALL {
            let network = network(&[5, 7, 3], hidden, Activation::Tanh);
            let inputs = [0.5, 0.0, -1.5, 0.25, 2.0];
            let mut trace = Trace::default();
            network.forward(&inputs, &mut trace);
            let mut scratch = Scratch::default();
            let alone = network.predict(&inputs, &mut scratch);
            for (one, other) in alone.iter().zip(trace.output()) {
                assert!((one - other).abs() < 1e-6, "{alone:?}");
            }
        }
    }

    #[test]
    fn the_first_outputs_are_those_of_the_whole() {
        let whole = network(&[4, 5, 6], Activation::Relu, Activation::Identity);
        let part = whole.first_outputs(2, Activation::Tanh).unwrap();
        let mut scratch = Scratch::default();
        let inputs = [0.2, -0.4, 1.5, 3.0];
        let expected: Vec<f32> =
            whole.predict(&inputs, &mut scratch)[..2].iter().map(|sum| sum.tanh()).collect();
        assert_eq!(part.predict(&inputs, &mut scratch), expected);
        for count in [0, 7] {
            let refusal = whole.first_outputs(count, Activation::Tanh);
            assert_eq!(refusal, Err(NetworkError::Sizes(vec![4, 5, count])));
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for (hidden, output) in ALL.into_iter().flat_map(|one| ALL.map(|other| (one, other))) {
            let network = network(&[3, 6, 4, 2], hidden, output);
            let batch: Vec<f32> = (0..15_u8).map(|n| (f32::from(n) * 0.7).sin()).collect();
            let factors: Vec<f32> = (0..10_u8).map(|n| (f32::from(n) * 1.3).cos()).collect();
            let mut trace = Trace::default();
            let loss = |network: &Network, batch: &[f32], trace: &mut Trace| {
                network.forward(batch, trace);
                let products = trace.output().iter().zip(&factors);
                products.map(|(output, factor)| f64::from(output * factor)).sum::<f64>()
            };
            loss(&network, &batch, &mut trace);
            trace.gradient_mut().copy_from_slice(&factors);
            let (mut gradients, mut inputs) = (network.zeros(), vec![0.0; batch.len()]);
            network.backward(&batch, &mut trace, Some(&mut gradients), Some(&mut inputs));
            let step = 1.0 / 1024.0;
            let assert_near = |gradient: f32, above: f64, below: f64| {
                let expected = (above - below) * 512.0;
                let off = (f64::from(gradient) - expected).abs();
                assert!(off < 2e-3, "{hidden:?} {output:?}: {gradient}, expected {expected}");
            };
            for (place, gradient) in gradients.iter().enumerate() {
                let mut moved = network.clone();
                moved.parameters[place] += step;
                let above = loss(&moved, &batch, &mut trace);
                moved.parameters[place] -= 2.0 * step;
                assert_near(*gradient, above, loss(&moved, &batch, &mut trace));
            }
            for (place, gradient) in inputs.iter().enumerate() {
                let mut moved = batch.clone();
                moved[place] += step;
                let above = loss(&network, &moved, &mut trace);
                moved[place] -= 2.0 * step;
                assert_near(*gradient, above, loss(&network, &moved, &mut trace));
            }
        }
    }

    #[test]
    fn the_gradient_of_inputs_needs_none_of_weights() {
        let network = network(&[3, 6, 1], Activation::Relu, Activation::Identity);
        let batch = [0.3, -0.2, 0.9, 1.0, 0.1, -0.7];
        let mut trace = Trace::default();
        let (mut with, mut without) = (vec![0.0; 6], vec![0.0; 6]);
        let mut gradients = network.zeros();
        for (wanted, inputs) in [(Some(&mut gradients), &mut with), (None, &mut without)] {
            network.forward(&batch, &mut trace);
            trace.gradient_mut().fill(1.0);
            let wanted = wanted.map(Vec::as_mut_slice);
            network.backward(&batch, &mut trace, wanted, Some(inputs));
        }
        assert_eq!(with, without);
    }

    #[test]
    fn a_damaged_network_is_refused() {
        let network = network(&[2, 1], Activation::Relu, Activation::Identity);
        let text = serde_json::to_string(&network).unwrap();
        let refusal = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            let read = serde_json::from_str::<Network>(&text.replacen(from, to, 1));
            read.unwrap_err().to_string()
        };
        let numbers = text.split('"').rev().nth(1).unwrap();
        let not_a_number = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            [f32::NAN, 1.0, 2.0].map(f32::to_le_bytes).concat(),
        );
        assert!(refusal(numbers, &not_a_number).contains("number 0 is infinite or none"));
        assert!(refusal(numbers, "AAAAAAA=").contains("cut short"));
        assert!(refusal(numbers, "AAAAAAAAAAA=").contains("has 3 parameters, not 2"));
        assert!(refusal(numbers, "*").contains("not base64"));
        assert!(refusal("[2,1]", "[2]").contains("layers of [2]"));
        assert!(refusal("[2,1]", "[9223372036854775807,9]").contains("cannot have layers"));
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_to_the_bit(
            sizes in proptest::collection::vec(1..9_usize, 2..5),
            seed in any::<u64>(),
        ) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let network =
                Network::new(&sizes, Activation::Tanh, Activation::Identity, &mut generator);
            let network = network.unwrap();
            let text = serde_json::to_string(&network).unwrap();
            prop_assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
        }
    }
}
