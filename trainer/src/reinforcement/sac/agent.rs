//! The networks of soft actor-critic, and one update of them.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        LearningError,
        critics::{CriticWork, Critics},
        figures::Tally,
        inputs::{Inputs, StateBatch, StateRows},
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
    pub(super) next_states: StateBatch,
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
            next_states: StateBatch::default(),
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
        rows.gather(&work.batch.images, &mut work.states);
        draw_noise(&mut experience.walk.generator, work.batch.actions.len(), &mut work.noise);
        if common.looks_ahead() {
            rows.gather(&work.batch.next_images, &mut work.next_states);
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
    /// The loss of the critics, whose gradients are left in the work.
    pub(super) fn critic_loss(
        &self,
        options: &SacOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        work.goals.clone_from(&work.batch.rewards);
        if options.off_policy.looks_ahead() {
            let (states, actions) = (&work.next_states, &[][..]);
            let inputs = Inputs { all: rows, states, actions };
            inputs.forward(&self.actor, &mut work.trace);
            let draws = self.draws(options, &work.next_noise);
            draws.squash(work.trace.output(), &mut work.actions, &mut work.log_probabilities);
            let inputs = Inputs { actions: &work.actions, ..inputs };
            self.critics.target_values(inputs, &mut work.critics, &mut work.values);
            let ahead = work.values.iter().zip(&work.log_probabilities);
            let gamma = options.off_policy.gamma;
            let goals = work.goals.iter_mut().zip(&work.batch.continues);
            for ((goal, continues), (value, log_probability)) in goals.zip(ahead) {
                *goal += gamma * continues * (value - options.alpha * log_probability);
            }
        }
        let inputs = Inputs { all: rows, states: &work.states, actions: &work.batch.actions };
        self.critics.loss(inputs, &work.goals, &mut work.critics)
    }

    /// The loss of the policy against the critics as they are, whose gradient is left in the work.
    pub(super) fn policy_loss(
        &self,
        options: &SacOptions,
        rows: &StateRows<'_>,
        work: &mut Work,
    ) -> f64 {
        let inputs = Inputs { all: rows, states: &work.states, actions: &[] };
        inputs.forward(&self.actor, &mut work.trace);
        let draws = self.draws(options, &work.noise);
        draws.squash(work.trace.output(), &mut work.actions, &mut work.log_probabilities);
        work.values.resize(work.actions.len(), 0.0);
        let critic_inputs = Inputs { actions: &work.actions, ..inputs };
        let worth = self.critics.lower(critic_inputs, &mut work.critics, &mut work.values);
        let entropy: f64 = work.log_probabilities.iter().map(|one| f64::from(*one)).sum();
        draws.gradient(&mut work.trace, &work.values);
        inputs.backward(&self.actor, &mut work.trace, &mut work.gradients);
        (f64::from(options.alpha) * entropy - worth) / number(work.log_probabilities.len() as u64)
    }

    /// Moves the policy against the gradient in the work, and the slow critics towards the others.
    pub(super) fn step_policy(&mut self, options: &SacOptions, work: &Work) {
        self.optimiser.step(self.actor.parameters_mut(), &work.gradients);
        if options.off_policy.looks_ahead() {
            self.critics.follow(options.off_policy.polyak);
        }
    }

    fn draws<'a>(&self, options: &'a SacOptions, noise: &'a [f32]) -> Draws<'a> {
        Draws { options, providers: self.actor.outputs() / 2, noise }
    }
}

/// What makes actions of a policy's outputs.
#[derive(Clone, Copy, Debug)]
struct Draws<'a> {
    options: &'a SacOptions,
    providers: usize,
    noise: &'a [f32],
}

impl Draws<'_> {
    /// The actions and their log-probabilities, of rows of outputs.
    fn squash(&self, outputs: &[f32], actions: &mut Vec<f32>, log_probabilities: &mut Vec<f32>) {
        let (providers, range) = (self.providers, self.options.off_policy.range);
        // The density of a number that is spread over a range half as wide is twice as high.
        let spread = -single(number(providers as u64)) * range.slope().ln();
        actions.clear();
        log_probabilities.clear();
        for (outputs, noise) in outputs.chunks(2 * providers).zip(self.noise.chunks(providers)) {
            let (means, log_deviations) = outputs.split_at(providers);
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
        let rows = number((self.noise.len() / providers) as u64);
        let log_gradient = self.options.alpha / single(rows);
        let (gradients, outputs) = trace.gradient_and_output();
        let rows = gradients.chunks_mut(2 * providers).zip(outputs.chunks(2 * providers));
        let given = self.noise.chunks(providers).zip(action_gradient.chunks(providers));
        for ((gradients, outputs), (noise, action_gradient)) in rows.zip(given) {
            let (means, log_deviations) = outputs.split_at(providers);
            let (of_means, of_log_deviations) = gradients.split_at_mut(providers);
            let outputs = means.iter().zip(log_deviations);
            let places = of_means.iter_mut().zip(of_log_deviations);
            for (((mean, log_deviation), (noise, action_gradient)), (of_mean, of_log)) in
                outputs.zip(noise.iter().zip(action_gradient)).zip(places)
            {
                let given = [action_gradient * slope, log_gradient];
                let gradient = squash_gradient(*mean, *log_deviation, *noise, given);
                (*of_mean, *of_log) = (gradient.mean, gradient.log_deviation);
            }
        }
    }
}

/// The sizes of the policy and of a critic.
fn sizes(options: &SacOptions, [dimension, providers]: [usize; 2]) -> [Vec<usize>; 2] {
    options.off_policy.sizes(dimension, providers, 2 * providers)
}
