//! What networks of learners take: states of images by their places, and for a critic the actions
//! behind them.
//!
//! An image comes more than once in a batch, and states are not copied into every transition, nor
//! actions behind states. So what depends on the image alone is calculated once for each, and the
//! first layer's products are those of the states and those of the actions, added. Where most numbers
//! of states are 0, as of probabilities in bytes, only the others are multiplied.

#![expect(clippy::indexing_slicing, reason = "places within buffers are made with them")]

use std::ops::Range;

use super::experience::place_of;
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

/// The images of a batch, each once: those that are acted on only, those that are and that come
/// after, and those that come after only.
#[derive(Debug, Default)]
pub(super) struct StateBatch {
    images: Vec<u32>,
    /// Their states, where those are whole rows.
    rows: Vec<f32>,
    /// Where in `images` those that are acted on end, and where those that come after start.
    acted_end: usize,
    next_start: usize,
    /// The place of each transition's image among those that are acted on, and of the one after it
    /// among those that come after.
    acted: Vec<u32>,
    next: Vec<u32>,
    /// Of every image in which role it is, then where it stands.
    marks: Vec<u32>,
}

/// Images of a batch in one role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    all: &'a StateRows<'a>,
    images: &'a [u32],
    rows: &'a [f32],
    /// The place of each transition's image among the images.
    pub(super) places: &'a [u32],
}

/// Images in one role with an action for each transition, as a critic takes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    pub(super) part: Part<'a>,
    /// Rows of actions.
    pub(super) actions: &'a [f32],
}

/// Marks of an image that is acted on, and of one that comes after.
const ACTED: u32 = 1;
const NEXT: u32 = 2;

impl<'a> StateRows<'a> {
    pub(super) fn new(states: &'a States) -> Self {
        let filled = states.values().iter().filter(|number| **number != 0.0).count();
        let sparse = filled.saturating_mul(SPARSE) <= states.values().len();
        Self { states, sparse: sparse.then(|| Sparse::new(states, filled)) }
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

impl StateBatch {
    /// Takes the images of transitions, and those that come after them where they matter.
    pub(super) fn gather(&mut self, all: &StateRows<'_>, acted: &[u32], next: &[u32]) {
        self.marks.resize(all.states.images(), 0);
        self.images.clear();
        for (images, mark) in [(acted, ACTED), (next, NEXT)] {
            for image in images {
                let marks = &mut self.marks[*image as usize];
                if *marks == 0 {
                    self.images.push(*image);
                }
                *marks |= mark;
            }
        }
        let order = |image: &u32| match self.marks[*image as usize] {
            ACTED => 0_u8,
            NEXT => 2,
            _ => 1,
        };
        self.images.sort_unstable_by_key(|image| (order(image), *image));
        self.next_start = self.images.partition_point(|image| order(image) == 0);
        self.acted_end = self.images.partition_point(|image| order(image) < 2);
        for (place, image) in (0..).zip(&self.images) {
            self.marks[*image as usize] = place;
        }
        self.acted.clear();
        self.acted.extend(acted.iter().map(|image| self.marks[*image as usize]));
        let start = place_of(self.next_start);
        self.next.clear();
        self.next.extend(next.iter().map(|image| self.marks[*image as usize] - start));
        self.rows.clear();
        for image in &self.images {
            self.marks[*image as usize] = 0;
            if all.sparse.is_none() {
                self.rows.extend_from_slice(all.states.row(*image as usize));
            }
        }
    }

    /// The images that are acted on.
    pub(super) fn acted<'a>(&'a self, all: &'a StateRows<'a>) -> Part<'a> {
        self.part(all, 0..self.acted_end, &self.acted)
    }

    /// The images that come after.
    pub(super) fn next<'a>(&'a self, all: &'a StateRows<'a>) -> Part<'a> {
        self.part(all, self.next_start..self.images.len(), &self.next)
    }

    /// All images, with the places of those that are acted on; those that come after are behind
    /// [`next_start`](Self::next_start).
    pub(super) fn whole<'a>(&'a self, all: &'a StateRows<'a>) -> Part<'a> {
        self.part(all, 0..self.images.len(), &self.acted)
    }

    /// Behind how many images the first one that comes after stands.
    pub(super) const fn next_start(&self) -> usize {
        self.next_start
    }

    fn part<'a>(
        &'a self,
        all: &'a StateRows<'a>,
        range: Range<usize>,
        places: &'a [u32],
    ) -> Part<'a> {
        let dimension = if all.sparse.is_some() { 0 } else { all.states.dimension() };
        let rows = &self.rows[range.start * dimension..range.end * dimension];
        Part { all, images: &self.images[range], rows, places }
    }
}

impl Part<'_> {
    /// How many images there are.
    pub(super) const fn images(&self) -> usize {
        self.images.len()
    }

    /// Takes each image through a network of states.
    pub(super) fn forward(&self, network: &Network, trace: &mut Trace) {
        let sums = network.first_sums(self.images.len(), trace);
        self.multiply(network, sums);
        network.forward_rest(trace);
    }

    /// Takes the gradient that stands at the outputs for each image back to all parameters.
    pub(super) fn backward(&self, network: &Network, trace: &mut Trace, gradients: &mut [f32]) {
        network.backward_rest(trace, Some(gradients));
        let weights = &mut gradients[..self.all.states.dimension() * network.sizes()[1]];
        self.multiply_back(trace.first_gradient(), weights);
    }

    /// Products of the images' states with the first layer's weights.
    fn multiply(&self, network: &Network, products: &mut [f32]) {
        let (width, dimension) = (network.sizes()[1], self.all.states.dimension());
        let weights = &network.parameters()[..dimension * width];
        let Some(sparse) = &self.all.sparse else {
            let states = Matrix::new(self.rows, self.images.len(), dimension);
            let weights = Matrix::new(weights, dimension, width);
            return multiply(states, weights, products, Onto::Nothing);
        };
        products.fill(0.0);
        for (product, image) in products.chunks_mut(width).zip(self.images) {
            for &(place, number) in sparse.of(*image) {
                let start = place as usize * width;
                add_scaled(product, &weights[start..start + width], number);
            }
        }
    }

    /// The gradient of the first layer's weights of states, given that of each image's products.
    fn multiply_back(&self, products: &[f32], weights: &mut [f32]) {
        let dimension = self.all.states.dimension();
        let width = weights.len() / dimension.max(1);
        let Some(sparse) = &self.all.sparse else {
            let states = Matrix::new(self.rows, self.images.len(), dimension);
            let products = Matrix::new(products, self.images.len(), width);
            return multiply(states.transposed(), products, weights, Onto::Nothing);
        };
        weights.fill(0.0);
        for (product, image) in products.chunks(width).zip(self.images) {
            for &(place, number) in sparse.of(*image) {
                let start = place as usize * width;
                add_scaled(&mut weights[start..start + width], product, number);
            }
        }
    }
}

impl Inputs<'_> {
    /// Takes each transition through a critic; `products` is where those of states are calculated.
    pub(super) fn forward(&self, network: &Network, trace: &mut Trace, products: &mut Vec<f32>) {
        let (width, dimension) = (network.sizes()[1], self.part.all.states.dimension());
        let providers = network.inputs() - dimension;
        products.resize(self.part.images.len() * width, 0.0);
        self.part.multiply(network, products);
        let sums = network.first_sums(self.part.places.len(), trace);
        let weights = &network.parameters()[dimension * width..network.inputs() * width];
        let rows = sums.chunks_mut(width).zip(self.actions.chunks(providers));
        for ((sum, action), place) in rows.zip(self.part.places) {
            let start = *place as usize * width;
            sum.copy_from_slice(&products[start..start + width]);
            for (number, weights) in action.iter().zip(weights.chunks(width)) {
                add_scaled(sum, weights, *number);
            }
        }
        network.forward_rest(trace);
    }

    /// Takes the gradient that stands at the outputs back to all parameters.
    pub(super) fn backward(
        &self,
        network: &Network,
        trace: &mut Trace,
        gradients: &mut [f32],
        products: &mut Vec<f32>,
    ) {
        network.backward_rest(trace, Some(gradients));
        let (width, dimension) = (network.sizes()[1], self.part.all.states.dimension());
        let providers = network.inputs() - dimension;
        products.clear();
        products.resize(self.part.images.len() * width, 0.0);
        for (sum, place) in trace.first_gradient().chunks(width).zip(self.part.places) {
            let start = *place as usize * width;
            add_scaled(&mut products[start..start + width], sum, 1.0);
        }
        let (of_states, rest) = gradients.split_at_mut(dimension * width);
        self.part.multiply_back(products, of_states);
        let actions = Matrix::new(self.actions, self.part.places.len(), providers);
        let sums = Matrix::new(trace.first_gradient(), self.part.places.len(), width);
        multiply(actions.transposed(), sums, &mut rest[..providers * width], Onto::Nothing);
    }
}

/// Takes the gradient that stands at the outputs of a critic back to the actions only, of the rows
/// that are in the trace.
pub(super) fn backward_to_actions(
    network: &Network,
    trace: &mut Trace,
    providers: usize,
    gradient: &mut Vec<f32>,
) {
    network.backward_rest(trace, None);
    let (inputs, width) = (network.inputs(), network.sizes()[1]);
    let weights = &network.parameters()[(inputs - providers) * width..inputs * width];
    gradient.resize(trace.rows() * providers, 0.0);
    let weights = Matrix::new(weights, providers, width).transposed();
    let sums = Matrix::new(trace.first_gradient(), trace.rows(), width);
    multiply(sums, weights, gradient, Onto::Nothing);
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

    fn network(inputs: usize) -> Network {
        let mut generator = ChaCha8Rng::seed_from_u64(4);
        Network::new(&[inputs, 6, 1], Activation::Relu, Activation::Identity, &mut generator)
            .unwrap()
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
            batch.gather(&all, &images, &[]);
            let inputs = Inputs { part: batch.acted(&all), actions: &actions };
            let rows = images.iter().zip(actions.chunks(2));
            let whole: Vec<f32> =
                rows.flat_map(|(image, row)| [states.row(*image as usize), row].concat()).collect();
            let (network, mut products) = (network(52), Vec::new());
            let [mut one, mut other] = [Trace::default(), Trace::default()];
            let [mut gradients, mut expected] = [network.zeros(), network.zeros()];
            let [mut of_actions, mut of_inputs] = [vec![0.0; 8], vec![0.0; whole.len()]];
            inputs.forward(&network, &mut one, &mut products);
            network.forward(&whole, &mut other);
            assert_near(one.output(), other.output());
            one.gradient_mut().fill(1.0);
            inputs.backward(&network, &mut one, &mut gradients, &mut products);
            other.gradient_mut().fill(1.0);
            network.backward(&whole, &mut other, Some(&mut expected), Some(&mut of_inputs));
            assert_near(&gradients, &expected);
            inputs.forward(&network, &mut one, &mut products);
            one.gradient_mut().fill(1.0);
            one.keep_rows(&[1, 3]);
            backward_to_actions(&network, &mut one, 2, &mut of_actions);
            let kept = [&of_inputs[102..104], &of_inputs[206..208]].concat();
            assert_near(&of_actions, &kept);
        }
    }

    #[test]
    fn images_in_two_roles_are_taken_once() {
        let states = states(20, 1);
        let all = StateRows::new(&states);
        let mut batch = StateBatch::default();
        for (acted, next) in [([7, 2, 2, 5], [5, 3, 3, 6]), ([0, 0, 0, 0], [0, 0, 0, 0])] {
            batch.gather(&all, &acted, &next);
            let whole = batch.whole(&all);
            let mut sorted: Vec<u32> = [acted, next].concat();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(whole.images(), sorted.len());
            let after = &whole.images[batch.next_start()..];
            for (place, image) in batch.next(&all).places.iter().zip(next) {
                assert_eq!(after[*place as usize], image);
            }
            for part in [(batch.acted(&all), acted), (whole, acted), (batch.next(&all), next)] {
                let (network, mut trace) = (network(20), Trace::default());
                part.0.forward(&network, &mut trace);
                for (place, image) in part.0.places.iter().zip(part.1) {
                    let mut expected = Trace::default();
                    network.forward(states.row(image as usize), &mut expected);
                    assert_near(&trace.output()[*place as usize..][..1], expected.output());
                }
            }
        }
    }

    fn assert_near(one: &[f32], other: &[f32]) {
        assert_eq!(one.len(), other.len());
        let off = one.iter().zip(other).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "{one:?} {other:?}");
    }
}
