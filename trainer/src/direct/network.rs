//! A network that predicts several numbers of a state.
//!
//! Inputs are brought to a deviation of 1, outputs beside their means to one of 1 over all. A tenth of
//! the images is not learned from: what the network was when it predicted those best is kept.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::DirectError;
use crate::{
    features::single,
    linear::{Moments, Scaling, Table, count},
    network::{Activation, Adam, Network, Scratch, Trace, weights},
};

/// How a network learns.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOptions {
    /// The numbers of its hidden layers.
    pub hidden: Vec<usize>,
    /// How often it sees every image.
    pub epochs: u32,
    /// How many images make a step.
    pub batch: usize,
    /// How far a step goes.
    pub rate: f64,
    /// Which share of the rate a step takes from each weight.
    pub decay: f64,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self { hidden: vec![64], epochs: 100, batch: 64, rate: 1e-3, decay: 0.1 }
    }
}

/// A network with the units of its inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub(super) struct ScaledNetwork {
    inputs: Scaling,
    network: Network,
    #[serde(with = "weights")]
    means: Vec<f32>,
    unit: f32,
}

/// A stored network, whatever its lengths are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    inputs: Scaling,
    network: Network,
    #[serde(with = "weights")]
    means: Vec<f32>,
    unit: f32,
}

impl ScaledNetwork {
    /// Learns to predict the rows of `outputs` of those of `inputs`.
    pub(super) fn fit(
        inputs: Table<'_>,
        outputs: Table<'_>,
        options: &NetworkOptions,
        seed: u64,
    ) -> Result<Self, DirectError> {
        if options.batch == 0 || options.epochs == 0 {
            return Err(DirectError::Learning("a batch and the epochs must be 1 at least"));
        }
        let positive = |number: f64| number.is_finite() && number >= 0.0;
        if !positive(options.rate) || !positive(options.decay) {
            return Err(DirectError::Learning("the rate and the decay must not be below 0"));
        }
        let scaling = Scaling::of(inputs)?;
        let Moments { means, deviations } = Moments::of(outputs)?;
        let variance = deviations.iter().map(|one| one * one).sum::<f64>() / count(means.len());
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let sizes = [&[inputs.columns], options.hidden.as_slice(), &[outputs.columns]].concat();
        let network = Network::new(&sizes, Activation::Relu, Activation::Identity, &mut generator)?;
        let mut scaled = Self {
            inputs: scaling,
            network,
            means: means.into_iter().map(single).collect(),
            unit: if variance > 0.0 { single(variance.sqrt()) } else { 1.0 },
        };
        scaled.learn(inputs, outputs, options, &mut generator)?;
        Ok(scaled)
    }

    /// How many numbers it gives.
    pub(super) fn outputs(&self) -> usize {
        self.network.outputs()
    }

    /// What it predicts of a state; a number that is not there counts as its mean.
    pub(super) fn predict(&self, state: &[f32]) -> Vec<f32> {
        let inputs = self.network.inputs();
        let mut row: Vec<f32> = state.iter().copied().take(inputs).collect();
        self.inputs.apply(&mut row);
        row.resize(inputs, 0.0);
        let mut scratch = Scratch::default();
        let predicted = self.network.predict(&row, &mut scratch).iter().zip(&self.means);
        predicted.map(|(value, mean)| value * self.unit + mean).collect()
    }

    fn learn(
        &mut self,
        inputs: Table<'_>,
        outputs: Table<'_>,
        options: &NetworkOptions,
        generator: &mut ChaCha8Rng,
    ) -> Result<(), DirectError> {
        let mut images: Vec<usize> = (0..inputs.rows).collect();
        images.shuffle(generator);
        let held_out = images.split_off(images.len() - images.len().div_ceil(10));
        let mut adam = Adam::new(self.network.parameters().len(), options.rate);
        let mut gradients = self.network.zeros();
        let mut best = (self.network.clone(), f64::INFINITY);
        let mut batch = Batch::default();
        let kept = single(1.0 - options.rate * options.decay);
        for _ in 0..options.epochs {
            images.shuffle(generator);
            for places in images.chunks(options.batch) {
                self.fill(&mut batch, places, inputs, outputs);
                self.network.forward(&batch.inputs, &mut batch.trace);
                batch.write_gradient();
                self.network.backward(&batch.inputs, &mut batch.trace, Some(&mut gradients), None);
                for parameter in self.network.parameters_mut() {
                    *parameter *= kept;
                }
                adam.step(self.network.parameters_mut(), &gradients);
            }
            let mut error = 0.0;
            for places in held_out.chunks(options.batch) {
                self.fill(&mut batch, places, inputs, outputs);
                self.network.forward(&batch.inputs, &mut batch.trace);
                error += batch.squared_error();
            }
            if error < best.1 {
                best = (self.network.clone(), error);
            }
        }
        if !best.1.is_finite() {
            return Err(DirectError::Learning("its errors grow without end; lower the rate"));
        }
        self.network = best.0;
        Ok(())
    }

    /// Takes images' rows in the network's units.
    fn fill(&self, batch: &mut Batch, images: &[usize], inputs: Table<'_>, outputs: Table<'_>) {
        batch.inputs.clear();
        batch.outputs.clear();
        let mut row = vec![0.0; inputs.columns.max(outputs.columns)];
        for &image in images {
            let start = batch.inputs.len();
            let (values, _) = row.split_at_mut(inputs.columns);
            (inputs.fill)(image, values);
            batch.inputs.extend(values.iter().copied().map(single));
            self.inputs.apply(batch.inputs.get_mut(start..).unwrap_or_default());
            let (values, _) = row.split_at_mut(outputs.columns);
            (outputs.fill)(image, values);
            let beside = values.iter().copied().map(single).zip(&self.means);
            batch.outputs.extend(beside.map(|(value, mean)| (value - mean) / self.unit));
        }
    }
}

/// Some images' rows, and what the network made of them.
#[derive(Default)]
struct Batch {
    inputs: Vec<f32>,
    outputs: Vec<f32>,
    trace: Trace,
}

impl Batch {
    /// Writes the gradient of the mean squared error.
    fn write_gradient(&mut self) {
        let share = single(2.0 / count(self.outputs.len()).max(1.0));
        let (gradient, predicted) = self.trace.gradient_and_output();
        for ((gradient, predicted), output) in gradient.iter_mut().zip(predicted).zip(&self.outputs)
        {
            *gradient = (predicted - output) * share;
        }
    }

    fn squared_error(&self) -> f64 {
        let pairs = self.trace.output().iter().zip(&self.outputs);
        pairs.map(|(predicted, output)| f64::from(predicted - output).powi(2)).sum()
    }
}

impl TryFrom<Parts> for ScaledNetwork {
    type Error = DirectError;

    fn try_from(parts: Parts) -> Result<Self, DirectError> {
        let Parts { inputs, network, means, unit } = parts;
        if inputs.dimension() != network.inputs() || means.len() != network.outputs() {
            return Err(DirectError::Stored("a network of other numbers than it has units of"));
        }
        if !unit.is_finite() || unit <= 0.0 {
            return Err(DirectError::Stored("a unit that is none"));
        }
        Ok(Self { inputs, network, means, unit })
    }
}
