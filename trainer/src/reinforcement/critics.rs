//! Two critics that say what an action is worth, their slow copies, and how they learn.
//!
//! The lower of two estimates is believed, as one alone is too hopeful of what it has not seen
//! (Fujimoto et al. 2018).

#![expect(
    clippy::indexing_slicing,
    reason = "every row has as many numbers as there are providers"
)]

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::inputs::{Inputs, backward_to_actions};
use crate::{
    baseline::number,
    features::single,
    network::{Activation, Adam, Network, NetworkError, Trace, polyak},
};

/// The critics. What is in arrays is of the first and of the second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Critics {
    pub(super) networks: [Network; 2],
    pub(super) targets: [Network; 2],
    pub(super) optimisers: [Adam; 2],
}

/// Where critics calculate.
#[derive(Debug)]
pub(super) struct CriticWork {
    traces: [Trace; 2],
    pub(super) gradients: [Vec<f32>; 2],
    /// Of states with first layers.
    products: Vec<f32>,
    /// The rows of which a critic gives the lower estimate, and the gradient of their actions.
    rows: Vec<u32>,
    of_actions: Vec<f32>,
}

impl Critics {
    /// Draws critics of these sizes, the output among them.
    pub(super) fn new(
        sizes: &[usize],
        rate: f64,
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, NetworkError> {
        let mut draw = || Network::new(sizes, Activation::Relu, Activation::Identity, generator);
        let networks = [draw()?, draw()?];
        let optimiser = Adam::new(networks[0].parameters().len(), rate);
        Ok(Self { targets: networks.clone(), networks, optimisers: [optimiser.clone(), optimiser] })
    }

    /// Whether all have these sizes, and are critics.
    pub(super) fn fit(&self, sizes: &[usize]) -> bool {
        let networks = self.networks.iter().chain(&self.targets);
        let optimisers = self.networks.iter().zip(&self.optimisers);
        networks.into_iter().all(|network| {
            network.sizes() == sizes
                && network.activations() == [Activation::Relu, Activation::Identity]
        }) && optimisers
            .into_iter()
            .all(|(network, optimiser)| optimiser.fits(network.parameters().len()))
    }

    pub(super) fn work(&self) -> CriticWork {
        CriticWork {
            traces: Default::default(),
            gradients: [self.networks[0].zeros(), self.networks[1].zeros()],
            products: Vec::new(),
            rows: Vec::new(),
            of_actions: Vec::new(),
        }
    }

    /// What the slow copies believe the inputs are worth.
    pub(super) fn target_values(
        &self,
        inputs: Inputs<'_>,
        work: &mut CriticWork,
        values: &mut Vec<f32>,
    ) {
        for (network, trace) in self.targets.iter().zip(&mut work.traces) {
            inputs.forward(network, trace, &mut work.products);
        }
        values.clear();
        let [one, other] = &work.traces;
        values.extend(
            one.output().iter().zip(other.output()).map(|(one, other)| lower(*one, *other)),
        );
    }

    /// The sum of both critics' mean squared errors, whose gradients are left in `work`.
    pub(super) fn loss(&self, inputs: Inputs<'_>, goals: &[f32], work: &mut CriticWork) -> f64 {
        let mut loss = 0.0;
        for (place, network) in self.networks.iter().enumerate() {
            let (Some(trace), Some(gradients)) =
                (work.traces.get_mut(place), work.gradients.get_mut(place))
            else {
                continue;
            };
            inputs.forward(network, trace, &mut work.products);
            loss += squared_error(trace, goals);
            inputs.backward(network, trace, gradients, &mut work.products);
        }
        loss
    }

    /// Moves the critics against the gradients in `work`.
    pub(super) fn step(&mut self, work: &CriticWork) {
        for ((network, optimiser), gradients) in
            self.networks.iter_mut().zip(&mut self.optimisers).zip(&work.gradients)
        {
            optimiser.step(network.parameters_mut(), gradients);
        }
    }

    /// Moves the slow copies towards the critics: `keep` of them stays.
    pub(super) fn follow(&mut self, keep: f32) {
        for (target, network) in self.targets.iter_mut().zip(&self.networks) {
            polyak(target.parameters_mut(), network.parameters(), keep);
        }
    }

    /// The sum over rows of the lower estimate, and the gradient with respect to the actions of its
    /// mean, negated: of a loss that is to be lowered.
    pub(super) fn lower(
        &self,
        inputs: Inputs<'_>,
        work: &mut CriticWork,
        action_gradient: &mut Vec<f32>,
    ) -> f64 {
        for (network, trace) in self.networks.iter().zip(&mut work.traces) {
            inputs.forward(network, trace, &mut work.products);
        }
        let [one, other] = &work.traces;
        let rows = one.output().len();
        let providers = inputs.actions.len() / rows.max(1);
        let pairs = || one.output().iter().zip(other.output());
        let sum = pairs().map(|(one, other)| f64::from(lower(*one, *other))).sum();
        let is_first: Vec<bool> = pairs().map(|(one, other)| one <= other).collect();
        action_gradient.resize(inputs.actions.len(), 0.0);
        let share = -1.0 / single(number(rows as u64));
        let both = self.networks.iter().zip(&mut work.traces);
        for ((network, trace), first) in both.zip([true, false]) {
            // What the other critic is believed about has no gradient here.
            let rows = (0..).zip(&is_first).filter(|(_, is_first)| **is_first == first);
            work.rows.clear();
            work.rows.extend(rows.map(|(row, _)| row));
            trace.keep_rows(&work.rows);
            trace.gradient_mut().fill(share);
            backward_to_actions(network, trace, providers, &mut work.of_actions);
            for (row, gradient) in work.rows.iter().zip(work.of_actions.chunks(providers)) {
                let start = *row as usize * providers;
                action_gradient[start..start + providers].copy_from_slice(gradient);
            }
        }
        sum
    }

    /// As [`lower`](Self::lower), of what the first critic alone believes.
    pub(super) fn first(
        &self,
        inputs: Inputs<'_>,
        work: &mut CriticWork,
        action_gradient: &mut Vec<f32>,
    ) -> f64 {
        let ([network, _], [trace, _]) = (&self.networks, &mut work.traces);
        inputs.forward(network, trace, &mut work.products);
        let sum = trace.output().iter().map(|value| f64::from(*value)).sum();
        let rows = trace.output().len();
        trace.gradient_mut().fill(-1.0 / single(number(rows as u64)));
        let providers = inputs.actions.len() / rows.max(1);
        backward_to_actions(network, trace, providers, action_gradient);
        sum
    }
}

/// The mean squared error of what a network of one output gave, whose gradient is left in the trace.
fn squared_error(trace: &mut Trace, goals: &[f32]) -> f64 {
    let share = 1.0 / number(goals.len() as u64);
    let scale = single(2.0 * share);
    let (gradients, values) = trace.gradient_and_output();
    let mut sum = 0.0;
    for ((gradient, value), goal) in gradients.iter_mut().zip(values).zip(goals) {
        let error = value - goal;
        sum += f64::from(error) * f64::from(error);
        *gradient = scale * error;
    }
    sum * share
}

/// The lower of two numbers; none where one of them is none.
const fn lower(one: f32, other: f32) -> f32 {
    if other < one || other.is_nan() { other } else { one }
}
