//! The networks of proximal policy optimisation, and what an epoch makes of them.

#![expect(clippy::indexing_slicing, reason = "outputs have a row for each place of an image")]

use std::f32::consts::TAU;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        LearningError,
        figures::Tally,
        inputs::{StateBatch, StateRows},
    },
    PpoOptions,
    rollout::{Discount, Rollout},
};
use crate::{
    baseline::number,
    features::single,
    network::{Activation, Adam, Network, Trace, weights},
};

/// A policy, and what believes how much a state is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProximalAgent {
    /// The mean of each number of an action.
    pub(super) actor: Network,
    /// The logarithms of their deviations, the same in every state.
    #[serde(with = "weights")]
    pub(super) log_deviations: Vec<f32>,
    pub(super) value: Network,
    pub(super) actor_optimiser: Adam,
    pub(super) deviation_optimiser: Adam,
    pub(super) value_optimiser: Adam,
}

/// Where an epoch is calculated.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) states: StateBatch,
    pub(super) actions: Vec<f32>,
    /// Of the actions, when they were taken.
    pub(super) old_log_probabilities: Vec<f32>,
    pub(super) advantages: Vec<f32>,
    pub(super) returns: Vec<f32>,
    pub(super) actor_gradients: Vec<f32>,
    pub(super) deviation_gradients: Vec<f32>,
    pub(super) value_gradients: Vec<f32>,
    trace: Trace,
    log_probabilities: Vec<f32>,
}

impl Work {
    /// Takes the steps that networks learn from, judged as the networks believe.
    pub(super) fn begin(
        &mut self,
        agent: &ProximalAgent,
        rows: &StateRows<'_>,
        rollout: &Rollout,
        options: &PpoOptions,
    ) {
        let cuts: Vec<u32> = rollout.cuts().collect();
        let mut believed = |images: &[u32]| -> Vec<f32> {
            self.states.gather(rows, images, &[]);
            let part = self.states.acted(rows);
            part.forward(&agent.value, &mut self.trace);
            part.places.iter().map(|place| self.trace.output()[*place as usize]).collect()
        };
        let (cut, values) = (believed(&cuts), believed(&rollout.images));
        let by = Discount { gamma: options.gamma, lambda: options.lambda };
        [self.advantages, self.returns] = rollout.judge(&values, &cut, by);
        self.actions.clone_from(&rollout.actions);
        agent.take_log_probabilities(rows, self);
        self.old_log_probabilities.clone_from(&self.log_probabilities);
    }

    /// How far the policy has come from what acted.
    pub(super) fn divergence(&self) -> f64 {
        let pairs = self.old_log_probabilities.iter().zip(&self.log_probabilities);
        let sum: f64 = pairs.map(|(old, new)| f64::from(*old) - f64::from(*new)).sum();
        sum / number(self.log_probabilities.len() as u64)
    }
}

impl ProximalAgent {
    /// Draws networks for states and providers of these numbers.
    pub(super) fn new(
        options: &PpoOptions,
        [dimension, providers]: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, LearningError> {
        let mut draw = |outputs| {
            let sizes = [&[dimension], options.hidden.as_slice(), &[outputs]].concat();
            Network::new(&sizes, Activation::Tanh, Activation::Identity, generator)
        };
        let (actor, value) = (draw(providers)?, draw(1)?);
        Ok(Self {
            actor_optimiser: Adam::new(actor.parameters().len(), options.policy_rate),
            deviation_optimiser: Adam::new(providers, options.policy_rate),
            value_optimiser: Adam::new(value.parameters().len(), options.value_rate),
            actor,
            log_deviations: vec![options.log_deviation; providers],
            value,
        })
    }

    /// Whether they are such as these options make for states and providers of these numbers.
    pub(super) fn fits(&self, options: &PpoOptions, [dimension, providers]: [usize; 2]) -> bool {
        let networks = [
            (&self.actor, &self.actor_optimiser, providers),
            (&self.value, &self.value_optimiser, 1),
        ];
        let fit = |(network, optimiser, outputs): (&Network, &Adam, usize)| {
            network.sizes() == [&[dimension], options.hidden.as_slice(), &[outputs]].concat()
                && network.activations() == [Activation::Tanh, Activation::Identity]
                && optimiser.fits(network.parameters().len())
        };
        networks.into_iter().all(fit)
            && self.log_deviations.len() == providers
            && self.deviation_optimiser.fits(providers)
    }

    pub(super) fn work(&self) -> Work {
        Work {
            states: StateBatch::default(),
            actions: Vec::new(),
            old_log_probabilities: Vec::new(),
            advantages: Vec::new(),
            returns: Vec::new(),
            actor_gradients: self.actor.zeros(),
            deviation_gradients: vec![0.0; self.log_deviations.len()],
            value_gradients: self.value.zeros(),
            trace: Trace::default(),
            log_probabilities: Vec::new(),
        }
    }

    /// Learns from the steps in the work; says how often the policy was moved.
    pub(super) fn update(
        &mut self,
        options: &PpoOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
        (tally, step): (&mut Tally, u64),
    ) -> Result<usize, LearningError> {
        let most = 1.5 * f64::from(options.target_divergence);
        let mut moved = 0;
        while moved < options.iterations {
            let loss = self.policy_loss(options, rows, work);
            tally.loss("loss_pi", loss, step)?;
            if work.divergence() > most {
                break;
            }
            self.step_policy(work);
            moved += 1;
        }
        for _ in 0..options.iterations {
            tally.loss("loss_v", self.value_loss(rows, work), step)?;
            self.value_optimiser.step(self.value.parameters_mut(), &work.value_gradients);
        }
        Ok(moved)
    }

    /// The clipped loss of the policy, whose gradients are left in the work.
    pub(super) fn policy_loss(
        &self,
        options: &PpoOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        self.take_log_probabilities(rows, work);
        let share = 1.0 / number(work.advantages.len() as u64);
        let [low, high] = [1.0 - options.clip, 1.0 + options.clip];
        let (mut loss, providers) = (0.0, self.log_deviations.len());
        work.deviation_gradients.fill(0.0);
        let part = work.states.acted(rows);
        let (gradients, means) = work.trace.gradient_and_output();
        gradients.fill(0.0);
        let taken = work.old_log_probabilities.iter().zip(&work.log_probabilities);
        let steps = work.actions.chunks(providers).zip(work.advantages.iter().zip(taken));
        for (place, (actions, (advantage, (old, new)))) in part.places.iter().zip(steps) {
            let start = *place as usize * providers;
            let ratio = (new - old).exp();
            let (free, held) = (ratio * advantage, ratio.clamp(low, high) * advantage);
            loss -= f64::from(if held < free { held } else { free }) * share;
            let slope = if held < free { 0.0 } else { -free * single(share) };
            let numbers = means[start..].iter().zip(actions).zip(&self.log_deviations);
            let places = gradients[start..].iter_mut().zip(&mut work.deviation_gradients);
            for (((mean, action), log_deviation), (of_mean, of_deviation)) in numbers.zip(places) {
                let deviation = log_deviation.exp();
                let away = (action - mean) / deviation;
                *of_mean += slope * away / deviation;
                *of_deviation += slope * (away * away - 1.0);
            }
        }
        part.backward(&self.actor, &mut work.trace, &mut work.actor_gradients);
        loss
    }

    /// Moves the policy against the gradients in the work.
    pub(super) fn step_policy(&mut self, work: &Work) {
        self.actor_optimiser.step(self.actor.parameters_mut(), &work.actor_gradients);
        self.deviation_optimiser.step(&mut self.log_deviations, &work.deviation_gradients);
    }

    /// The mean squared error of what is believed of states, whose gradient is left in the work.
    pub(super) fn value_loss(&self, rows: &StateRows<'_>, work: &mut Work) -> f64 {
        let part = work.states.acted(rows);
        part.forward(&self.value, &mut work.trace);
        let share = 1.0 / number(work.returns.len() as u64);
        let (gradients, values) = work.trace.gradient_and_output();
        gradients.fill(0.0);
        let mut loss = 0.0;
        for (place, goal) in part.places.iter().zip(&work.returns) {
            let error = values[*place as usize] - goal;
            loss += f64::from(error) * f64::from(error) * share;
            gradients[*place as usize] += single(2.0 * share) * error;
        }
        part.backward(&self.value, &mut work.trace, &mut work.value_gradients);
        loss
    }

    /// The logarithms of the densities of the actions in the work, whose means stay in its trace.
    fn take_log_probabilities(&self, rows: &StateRows<'_>, work: &mut Work) {
        let part = work.states.acted(rows);
        part.forward(&self.actor, &mut work.trace);
        let providers = self.log_deviations.len();
        let means = work.trace.output();
        work.log_probabilities.clear();
        for (place, actions) in part.places.iter().zip(work.actions.chunks(providers)) {
            let start = *place as usize * providers;
            let numbers = means[start..].iter().zip(actions).zip(&self.log_deviations);
            let densities = numbers.map(|((mean, action), log_deviation)| {
                let away = (action - mean) / log_deviation.exp();
                -0.5 * (away * away + TAU.ln()) - log_deviation
            });
            work.log_probabilities.push(densities.sum());
        }
    }
}
