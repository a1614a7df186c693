//! The networks of soft actor-critic, and one update of them.

#![expect(clippy::indexing_slicing, reason = "outputs have a row for each place of an image")]

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        LearningError,
        critics::{CriticWork, Critics},
        figures::Tally,
        inputs::{Inputs, Part, StateBatch, StateRows},
        off_policy::{Agent, Drawing, Learning},
        options::draw_noise,
        replay::Batch,
    },
    SacOptions,
};
use crate::{
    baseline::number,
    features::single,
    network::{
        Activation, Adam, Network, NetworkError, Trace,
        gaussian::{squash, squash_gradient},
    },
};

/// A policy with its critics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct SoftAgent {
    /// Of each provider a mean, then of each the logarithm of a deviation.
    pub(super) actor: Network,
    pub(super) optimiser: Adam,
    pub(super) critics: Critics,
}

/// Where an update is calculated.
#[derive(Debug)]
pub(in super::super) struct Work {
    pub(super) batch: Batch,
    /// What actions of the policy are drawn with, of the images and of those after them.
    pub(super) noise: Vec<f32>,
    pub(super) next_noise: Vec<f32>,
    pub(super) critics: CriticWork,
    /// The gradient of the policy's loss.
    pub(super) gradients: Vec<f32>,
    pub(super) states: StateBatch,
    trace: Trace,
    actions: Vec<f32>,
    log_probabilities: Vec<f32>,
    goals: Vec<f32>,
    /// What the slow critics believe, or the gradient with respect to actions.
    values: Vec<f32>,
}

impl Agent for SoftAgent {
    type Options = SacOptions;
    type Work = Work;

    fn new(
        options: &SacOptions,
        shape: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, LearningError> {
        let [actor_sizes, critic_sizes] = sizes(options, shape);
        let actor = Network::new(&actor_sizes, Activation::Relu, Activation::Identity, generator)?;
        let optimiser = Adam::new(actor.parameters().len(), options.rate);
        let critics = Critics::new(&critic_sizes, options.rate, generator)?;
        Ok(Self { actor, optimiser, critics })
    }

    fn fits(&self, options: &SacOptions, shape: [usize; 2]) -> bool {
        let [actor_sizes, critic_sizes] = sizes(options, shape);
        self.actor.sizes() == actor_sizes
            && self.actor.activations() == [Activation::Relu, Activation::Identity]
            && self.optimiser.fits(self.actor.parameters().len())
            && self.critics.fit(&critic_sizes)
    }

    fn work(&self) -> Work {
        Work {
            batch: Batch::default(),
            noise: Vec::new(),
            next_noise: Vec::new(),
            critics: self.critics.work(),
            gradients: self.actor.zeros(),
            states: StateBatch::default(),
            trace: Trace::default(),
            actions: Vec::new(),
            log_probabilities: Vec::new(),
            goals: Vec::new(),
            values: Vec::new(),
        }
    }

    fn draw(&self, options: &SacOptions, drawing: Drawing<'_>, action: &mut Vec<f32>) {
        let Drawing { state, generator, scratch } = drawing;
        let outputs = self.actor.predict(state, scratch);
        let (means, log_deviations) = outputs.split_at(outputs.len() / 2);
        action.clear();
        for (mean, log_deviation) in means.iter().zip(log_deviations) {
            let draw = squash(*mean, *log_deviation, generator.sample(StandardNormal));
            action.push(options.off_policy.range.of_signed(draw.action));
        }
    }

    fn update(
        &mut self,
        learning: Learning<'_, SacOptions>,
        work: &mut Work,
        tally: &mut Tally,
    ) -> Result<(), LearningError> {
        let Learning { options, rows, experience, .. } = learning;
        let (common, step) = (&options.off_policy, experience.walk.steps());
        experience.replay.sample(common.batch, &mut experience.walk.generator, &mut work.batch);
        let next = if common.looks_ahead() { work.batch.next_images.as_slice() } else { &[] };
        work.states.gather(rows, &work.batch.images, next);
        draw_noise(&mut experience.walk.generator, work.batch.actions.len(), &mut work.noise);
        if common.looks_ahead() {
            draw_noise(
                &mut experience.walk.generator,
                work.batch.actions.len(),
                &mut work.next_noise,
            );
        }
        tally.loss("loss_q", self.critic_loss(options, rows, work), step)?;
        self.critics.step(&work.critics);
        tally.loss("loss_pi", self.policy_loss(options, rows, work), step)?;
        self.step_policy(options, work);
        Ok(())
    }

    fn actor(&self) -> Result<Network, NetworkError> {
        self.actor.first_outputs(self.actor.outputs() / 2, Activation::Tanh)
    }

    fn critic(&self) -> &Network {
        let [first, _] = &self.critics.networks;
        first
    }
}

impl SoftAgent {
    /// The loss of the critics, whose gradients are left in the work, and in its trace what the policy
    /// gave for the batch.
    pub(super) fn critic_loss(
        &self,
        options: &SacOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        // The policy does not move before its own loss, for which its outputs are wanted again.
        work.states.whole(rows).forward(&self.actor, &mut work.trace);
        work.goals.clone_from(&work.batch.rewards);
        if options.off_policy.looks_ahead() {
            let part = work.states.next(rows);
            let draws = self.draws(options, part, &work.next_noise);
            let outputs = work.trace.output().chunks(self.actor.outputs());
            let outputs = outputs.skip(work.states.next_start());
            draws.squash(outputs, &mut work.actions, &mut work.log_probabilities);
            let inputs = Inputs { part, actions: &work.actions };
            self.critics.target_values(inputs, &mut work.critics, &mut work.values);
            let ahead = work.values.iter().zip(&work.log_probabilities);
            let gamma = options.off_policy.gamma;
            let goals = work.goals.iter_mut().zip(&work.batch.continues);
            for ((goal, continues), (value, log_probability)) in goals.zip(ahead) {
                *goal += gamma * continues * (value - options.alpha * log_probability);
            }
        }
        let inputs = Inputs { part: work.states.acted(rows), actions: &work.batch.actions };
        self.critics.loss(inputs, &work.goals, &mut work.critics)
    }

    /// The loss of the policy against the critics as they are, whose gradient is left in the work,
    /// given its outputs from [`critic_loss`](Self::critic_loss).
    pub(super) fn policy_loss(
        &self,
        options: &SacOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        let part = work.states.acted(rows);
        work.trace.truncate(part.images());
        let draws = self.draws(options, part, &work.noise);
        let outputs = work.trace.output().chunks(self.actor.outputs());
        draws.squash(outputs, &mut work.actions, &mut work.log_probabilities);
        let inputs = Inputs { part, actions: &work.actions };
        let worth = self.critics.lower(inputs, &mut work.critics, &mut work.values);
        let entropy: f64 = work.log_probabilities.iter().map(|one| f64::from(*one)).sum();
        draws.gradient(&mut work.trace, &work.values);
        part.backward(&self.actor, &mut work.trace, &mut work.gradients);
        (f64::from(options.alpha) * entropy - worth) / number(work.log_probabilities.len() as u64)
    }

    /// Moves the policy against the gradient in the work, and the slow critics towards the others.
    pub(super) fn step_policy(&mut self, options: &SacOptions, work: &Work) {
        self.optimiser.step(self.actor.parameters_mut(), &work.gradients);
        if options.off_policy.looks_ahead() {
            self.critics.follow(options.off_policy.polyak);
        }
    }

    fn draws<'a>(&self, options: &'a SacOptions, part: Part<'a>, noise: &'a [f32]) -> Draws<'a> {
        Draws { options, places: part.places, providers: self.actor.outputs() / 2, noise }
    }
}

/// What makes actions of a policy's outputs.
#[derive(Clone, Copy, Debug)]
struct Draws<'a> {
    options: &'a SacOptions,
    /// The place of each action's image among the outputs.
    places: &'a [u32],
    providers: usize,
    noise: &'a [f32],
}

impl Draws<'_> {
    /// The actions and their log-probabilities.
    fn squash<'a>(
        &self,
        outputs: impl Iterator<Item = &'a [f32]>,
        actions: &mut Vec<f32>,
        log_probabilities: &mut Vec<f32>,
    ) {
        let (providers, range) = (self.providers, self.options.off_policy.range);
        // The density of a number that is spread over a range half as wide is twice as high.
        let spread = -single(number(providers as u64)) * range.slope().ln();
        let outputs: Vec<&[f32]> = outputs.collect();
        actions.clear();
        log_probabilities.clear();
        for (place, noise) in self.places.iter().zip(self.noise.chunks(providers)) {
            let (means, log_deviations) = outputs[*place as usize].split_at(providers);
            let mut log_probability = spread;
            for ((mean, log_deviation), noise) in means.iter().zip(log_deviations).zip(noise) {
                let draw = squash(*mean, *log_deviation, *noise);
                actions.push(range.of_signed(draw.action));
                log_probability += draw.log_probability;
            }
            log_probabilities.push(log_probability);
        }
    }

    /// Leaves in the trace the gradient of the policy's loss with respect to its outputs, given that
    /// with respect to its actions.
    fn gradient(&self, trace: &mut Trace, action_gradient: &[f32]) {
        let (providers, slope) = (self.providers, self.options.off_policy.range.slope());
        let log_gradient = self.options.alpha / single(number(self.places.len() as u64));
        let (gradients, outputs) = trace.gradient_and_output();
        gradients.fill(0.0);
        let given = self.noise.chunks(providers).zip(action_gradient.chunks(providers));
        for (place, (noise, action_gradient)) in self.places.iter().zip(given) {
            let start = *place as usize * 2 * providers;
            for (place, (noise, gradient)) in noise.iter().zip(action_gradient).enumerate() {
                let (mean, log_deviation) = (start + place, start + providers + place);
                let given = [gradient * slope, log_gradient];
                let gradient =
                    squash_gradient(outputs[mean], outputs[log_deviation], *noise, given);
                gradients[mean] += gradient.mean;
                gradients[log_deviation] += gradient.log_deviation;
            }
        }
    }
}

/// The sizes of the policy and of a critic.
fn sizes(options: &SacOptions, [dimension, providers]: [usize; 2]) -> [Vec<usize>; 2] {
    options.off_policy.sizes(dimension, providers, 2 * providers)
}
