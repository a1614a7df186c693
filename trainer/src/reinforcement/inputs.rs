//! What networks of learners take: states of images by their places, and for a critic the actions
//! behind them.
//!
//! States are not copied into every transition, nor actions behind states: the first layer's products
//! are those of the states and those of the actions, added. Where most numbers of states are 0, as
//! of probabilities in bytes, only the others are multiplied.

#![expect(clippy::indexing_slicing, reason = "places within buffers are made with them")]

use crate::{
    network::{
        Network, Trace,
        product::{Matrix, Onto, multiply},
    },
    state::States,
};

/// At most one number of so many may be other than 0 where products are made one by one.
const SPARSE: usize = 16;

/// The states of all images, ready to be multiplied.
#[derive(Debug)]
pub(super) struct StateRows<'a> {
    states: &'a States,
    sparse: Option<Sparse>,
}

/// The numbers of states that are not 0, image by image.
#[derive(Debug)]
struct Sparse {
    /// Where each image's numbers end.
    ends: Vec<usize>,
    numbers: Vec<(u32, f32)>,
}

/// The images of a batch, with their states where those are whole rows.
#[derive(Debug, Default)]
pub(super) struct StateBatch {
    images: Vec<u32>,
    rows: Vec<f32>,
}

/// What a network is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    pub(super) all: &'a StateRows<'a>,
    pub(super) states: &'a StateBatch,
    /// Rows of actions; empty for a network that takes none.
    pub(super) actions: &'a [f32],
}

impl<'a> StateRows<'a> {
    pub(super) fn new(states: &'a States) -> Self {
        let filled = states.values().iter().filter(|number| **number != 0.0).count();
        let sparse = filled.saturating_mul(SPARSE) <= states.values().len();
        Self { states, sparse: sparse.then(|| Sparse::new(states, filled)) }
    }

    /// Takes the images of a batch.
    pub(super) fn gather(&self, images: &[u32], batch: &mut StateBatch) {
        batch.images.clear();
        batch.images.extend_from_slice(images);
        batch.rows.clear();
        if self.sparse.is_none() {
            for image in images {
                batch.rows.extend_from_slice(self.states.row(*image as usize));
            }
        }
    }
}

impl Sparse {
    fn new(states: &States, filled: usize) -> Self {
        let mut sparse =
            Self { ends: Vec::with_capacity(states.images()), numbers: Vec::with_capacity(filled) };
        for image in 0..states.images() {
            let numbers = (0..).zip(states.row(image)).map(|(place, number)| (place, *number));
            sparse.numbers.extend(numbers.filter(|(_, number)| *number != 0.0));
            sparse.ends.push(sparse.numbers.len());
        }
        sparse
    }

    fn of(&self, image: u32) -> &[(u32, f32)] {
        let image = image as usize;
        let start = image.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.numbers[start..self.ends[image]]
    }
}

impl Inputs<'_> {
    /// Takes the inputs through a network.
    pub(super) fn forward(&self, network: &Network, trace: &mut Trace) {
        let (rows, dimension) = (self.states.images.len(), self.all.states.dimension());
        let (width, weights) = (network.sizes()[1], network.parameters());
        let sums = network.first_sums(rows, trace);
        if let Some(sparse) = &self.all.sparse {
            for (sum, image) in sums.chunks_mut(width).zip(&self.states.images) {
                for &(place, number) in sparse.of(*image) {
                    let start = place as usize * width;
                    add_scaled(sum, &weights[start..start + width], number);
                }
            }
        } else {
            let states = Matrix::new(&self.states.rows, rows, dimension);
            let weights = Matrix::new(&weights[..dimension * width], dimension, width);
            multiply(states, weights, sums, Onto::Present);
        }
        if !self.actions.is_empty() {
            let actions = Matrix::new(self.actions, rows, network.inputs() - dimension);
            multiply(actions, action_weights(network, dimension), sums, Onto::Present);
        }
        network.forward_rest(trace);
    }

    /// Takes the gradient that stands at the outputs back to all parameters.
    pub(super) fn backward(&self, network: &Network, trace: &mut Trace, gradients: &mut [f32]) {
        network.backward_rest(trace, Some(gradients));
        let (rows, dimension) = (self.states.images.len(), self.all.states.dimension());
        let width = network.sizes()[1];
        let (of_states, rest) = gradients.split_at_mut(dimension * width);
        let sums = Matrix::new(trace.first_gradient(), rows, width);
        if let Some(sparse) = &self.all.sparse {
            of_states.fill(0.0);
            for (sum, image) in trace.first_gradient().chunks(width).zip(&self.states.images) {
                for &(place, number) in sparse.of(*image) {
                    let start = place as usize * width;
                    add_scaled(&mut of_states[start..start + width], sum, number);
                }
            }
        } else {
            let states = Matrix::new(&self.states.rows, rows, dimension);
            multiply(states.transposed(), sums, of_states, Onto::Nothing);
        }
        if !self.actions.is_empty() {
            let providers = network.inputs() - dimension;
            let actions = Matrix::new(self.actions, rows, providers);
            multiply(actions.transposed(), sums, &mut rest[..providers * width], Onto::Nothing);
        }
    }

    /// Takes the gradient that stands at the outputs of a critic back to the actions only.
    pub(super) fn backward_to_actions(
        &self,
        network: &Network,
        trace: &mut Trace,
        gradient: &mut [f32],
        onto: Onto,
    ) {
        network.backward_rest(trace, None);
        let sums =
            Matrix::new(trace.first_gradient(), self.states.images.len(), network.sizes()[1]);
        let weights = action_weights(network, self.all.states.dimension());
        multiply(sums, weights.transposed(), gradient, onto);
    }
}

/// The first layer's weights of the inputs behind the states.
fn action_weights(network: &Network, dimension: usize) -> Matrix<'_> {
    let (inputs, width) = (network.inputs(), network.sizes()[1]);
    let weights = &network.parameters()[dimension * width..inputs * width];
    Matrix::new(weights, inputs - dimension, width)
}

fn add_scaled(sums: &mut [f32], numbers: &[f32], factor: f32) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += factor * number;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::network::Activation;

    /// Images of so many numbers, one in so many of which is not 0.
    fn states(dimension: usize, one_in: u32) -> States {
        let mut generator = ChaCha8Rng::seed_from_u64(2);
        let number = |generator: &mut ChaCha8Rng| match generator.random_range(0..one_in) {
            0 => generator.random_range(-1.0..1.0),
            _ => 0.0,
        };
        States::new(dimension, (0..dimension * 9).map(|_| number(&mut generator)).collect())
    }

    #[test]
    fn parts_give_what_whole_rows_give() {
        for one_in in [1, 40] {
            let states = states(50, one_in);
            let all = StateRows::new(&states);
            assert_eq!(all.sparse.is_some(), one_in == 40);
            let images = [3, 0, 8, 3];
            let actions: Vec<f32> = (0..8_u8).map(|n| f32::from(n) / 8.0).collect();
            let mut batch = StateBatch::default();
            all.gather(&images, &mut batch);
            let inputs = Inputs { all: &all, states: &batch, actions: &actions };
            let rows = images.iter().zip(actions.chunks(2));
            let whole: Vec<f32> =
                rows.flat_map(|(image, row)| [states.row(*image as usize), row].concat()).collect();
            let mut generator = ChaCha8Rng::seed_from_u64(4);
            let network =
                Network::new(&[52, 6, 1], Activation::Relu, Activation::Identity, &mut generator);
            let network = network.unwrap();
            let [mut one, mut other] = [Trace::default(), Trace::default()];
            let [mut gradients, mut expected] = [network.zeros(), network.zeros()];
            let [mut of_actions, mut of_inputs] = [vec![0.0; 8], vec![0.0; whole.len()]];
            inputs.forward(&network, &mut one);
            network.forward(&whole, &mut other);
            assert_near(one.output(), other.output());
            one.gradient_mut().fill(1.0);
            inputs.backward(&network, &mut one, &mut gradients);
            other.gradient_mut().fill(1.0);
            network.backward(&whole, &mut other, Some(&mut expected), Some(&mut of_inputs));
            assert_near(&gradients, &expected);
            inputs.forward(&network, &mut one);
            one.gradient_mut().fill(1.0);
            inputs.backward_to_actions(&network, &mut one, &mut of_actions, Onto::Nothing);
            let expected: Vec<f32> =
                of_inputs.chunks(52).flat_map(|row| row[50..].to_vec()).collect();
            assert_near(&of_actions, &expected);
        }
    }

    fn assert_near(one: &[f32], other: &[f32]) {
        assert_eq!(one.len(), other.len());
        let off = one.iter().zip(other).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "{one:?} {other:?}");
    }
}
