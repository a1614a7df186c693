//! The networks of TD3, and one update of them.

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
    Td3Options,
};
use crate::{
    baseline::number,
    network::{Activation, Adam, Network, NetworkError, Trace, polyak},
};

/// A policy and its slow copy, with critics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct DelayedAgent {
    /// A number from -1 to 1 for each provider.
    pub(super) actor: Network,
    pub(super) actor_target: Network,
    pub(super) optimiser: Adam,
    pub(super) critics: Critics,
}

/// Where an update is calculated.
#[derive(Debug)]
pub(in super::super) struct Work {
    pub(super) batch: Batch,
    /// What the actions that goals are made of are disturbed with.
    pub(super) next_noise: Vec<f32>,
    pub(super) critics: CriticWork,
    /// The gradient of the policy's loss.
    pub(super) gradients: Vec<f32>,
    pub(super) states: StateBatch,
    trace: Trace,
    actions: Vec<f32>,
    goals: Vec<f32>,
    /// What the slow critics believe, or the gradient with respect to actions.
    values: Vec<f32>,
}

impl Agent for DelayedAgent {
    type Options = Td3Options;
    type Work = Work;

    fn new(
        options: &Td3Options,
        shape: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, LearningError> {
        let [actor_sizes, critic_sizes] = sizes(options, shape);
        let actor = Network::new(&actor_sizes, Activation::Relu, Activation::Tanh, generator)?;
        let optimiser = Adam::new(actor.parameters().len(), options.policy_rate);
        let critics = Critics::new(&critic_sizes, options.critic_rate, generator)?;
        Ok(Self { actor_target: actor.clone(), actor, optimiser, critics })
    }

    fn fits(&self, options: &Td3Options, shape: [usize; 2]) -> bool {
        let [actor_sizes, critic_sizes] = sizes(options, shape);
        [&self.actor, &self.actor_target].into_iter().all(|actor| {
            actor.sizes() == actor_sizes
                && actor.activations() == [Activation::Relu, Activation::Tanh]
        }) && self.optimiser.fits(self.actor.parameters().len())
            && self.critics.fit(&critic_sizes)
    }

    fn work(&self) -> Work {
        Work {
            batch: Batch::default(),
            next_noise: Vec::new(),
            critics: self.critics.work(),
            gradients: self.actor.zeros(),
            states: StateBatch::default(),
            trace: Trace::default(),
            actions: Vec::new(),
            goals: Vec::new(),
            values: Vec::new(),
        }
    }

    fn draw(&self, options: &Td3Options, drawing: Drawing<'_>, action: &mut Vec<f32>) {
        let Drawing { state, generator, scratch } = drawing;
        action.clear();
        for number in self.actor.predict(state, scratch) {
            let noise: f32 = generator.sample(StandardNormal);
            let disturbed = (number + options.noise * noise).clamp(-1.0, 1.0);
            action.push(options.off_policy.range.of_signed(disturbed));
        }
    }

    fn update(
        &mut self,
        learning: Learning<'_, Td3Options>,
        work: &mut Work,
        tally: &mut Tally,
    ) -> Result<(), LearningError> {
        let Learning { options, rows, experience, turn } = learning;
        let (common, step) = (&options.off_policy, experience.walk.steps());
        experience.replay.sample(common.batch, &mut experience.walk.generator, &mut work.batch);
        let next = if common.looks_ahead() { work.batch.next_images.as_slice() } else { &[] };
        work.states.gather(rows, &work.batch.images, next);
        if common.looks_ahead() {
            draw_noise(
                &mut experience.walk.generator,
                work.batch.actions.len(),
                &mut work.next_noise,
            );
        }
        tally.loss("loss_q", self.critic_loss(options, rows, work), step)?;
        self.critics.step(&work.critics);
        if turn.is_multiple_of(options.delay as u64) {
            tally.loss("loss_pi", self.policy_loss(options, rows, work), step)?;
            self.step_policy(options, work);
        }
        Ok(())
    }

    fn actor(&self) -> Result<Network, NetworkError> {
        Ok(self.actor.clone())
    }

    fn critic(&self) -> &Network {
        let [first, _] = &self.critics.networks;
        first
    }
}

impl DelayedAgent {
    /// The loss of the critics, whose gradients are left in the work.
    pub(super) fn critic_loss(
        &self,
        options: &Td3Options,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        work.goals.clone_from(&work.batch.rewards);
        let common = &options.off_policy;
        if common.looks_ahead() {
            let part = work.states.next(rows);
            part.forward(&self.actor_target, &mut work.trace);
            each_action(part, work.trace.output(), &mut work.actions);
            let limit = options.noise_limit;
            for (number, noise) in work.actions.iter_mut().zip(&work.next_noise) {
                let noise = (options.target_noise * noise).clamp(-limit, limit);
                *number = common.range.of_signed((*number + noise).clamp(-1.0, 1.0));
            }
            let inputs = Inputs { part, actions: &work.actions };
            self.critics.target_values(inputs, &mut work.critics, &mut work.values);
            let ahead = work.values.iter().zip(&work.batch.continues);
            for (goal, (value, continues)) in work.goals.iter_mut().zip(ahead) {
                *goal += common.gamma * continues * value;
            }
        }
        let inputs = Inputs { part: work.states.acted(rows), actions: &work.batch.actions };
        self.critics.loss(inputs, &work.goals, &mut work.critics)
    }

    /// The loss of the policy against the first critic as it is, whose gradient is left in the work.
    pub(super) fn policy_loss(
        &self,
        options: &Td3Options,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        let range = options.off_policy.range;
        let part = work.states.acted(rows);
        part.forward(&self.actor, &mut work.trace);
        each_action(part, work.trace.output(), &mut work.actions);
        for number in &mut work.actions {
            *number = range.of_signed(*number);
        }
        let inputs = Inputs { part, actions: &work.actions };
        let worth = self.critics.first(inputs, &mut work.critics, &mut work.values);
        let (providers, gradients) = (self.actor.outputs(), work.trace.gradient_mut());
        gradients.fill(0.0);
        for (place, values) in part.places.iter().zip(work.values.chunks(providers)) {
            let start = *place as usize * providers;
            for (gradient, value) in gradients[start..].iter_mut().zip(values) {
                *gradient += value * range.slope();
            }
        }
        part.backward(&self.actor, &mut work.trace, &mut work.gradients);
        -worth / number(work.goals.len() as u64)
    }

    /// Moves the policy against the gradient in the work, and all slow copies towards the others.
    pub(super) fn step_policy(&mut self, options: &Td3Options, work: &Work) {
        self.optimiser.step(self.actor.parameters_mut(), &work.gradients);
        let common = &options.off_policy;
        if common.looks_ahead() {
            self.critics.follow(common.polyak);
            let target = self.actor_target.parameters_mut();
            polyak(target, self.actor.parameters(), common.polyak);
        }
    }
}

/// What a policy gave for the image of each transition.
fn each_action(part: Part<'_>, outputs: &[f32], actions: &mut Vec<f32>) {
    let providers = outputs.len() / part.images().max(1);
    actions.clear();
    for place in part.places {
        let start = *place as usize * providers;
        actions.extend_from_slice(&outputs[start..start + providers]);
    }
}

/// The sizes of the policy and of a critic.
fn sizes(options: &Td3Options, [dimension, providers]: [usize; 2]) -> [Vec<usize>; 2] {
    options.off_policy.sizes(dimension, providers, providers)
}
