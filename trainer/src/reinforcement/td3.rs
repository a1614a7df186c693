//! TD3 (Fujimoto et al. 2018): a policy without draws, whose actions are disturbed to explore.

mod agent;
#[cfg(test)]
mod peer;

use serde::{Deserialize, Serialize};

use agent::DelayedAgent;

use super::{
    ActionRange, Environment, EpochFigures, LearningError, NetworkChooser, OffPolicyOptions,
    ReplayedAction,
    off_policy::{OffPolicy, State},
    options::{check_count, check_rate, check_weight},
};

/// How it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Td3Options {
    /// When it acts and learns, and from what.
    pub off_policy: OffPolicyOptions,
    /// The learning rate of the policy.
    pub policy_rate: f64,
    /// The learning rate of the critics.
    pub critic_rate: f64,
    /// The deviation of what is added to actions, between -1 and 1.
    pub noise: f32,
    /// The deviation of what is added to actions that goals are made of.
    pub target_noise: f32,
    /// How much is added to those at most.
    pub noise_limit: f32,
    /// The policy is moved at the first of every so many updates.
    pub delay: usize,
}

/// A learner and what it learns on.
#[derive(Debug)]
pub struct Td3<'a>(OffPolicy<'a, DelayedAgent>);

/// All that a learner needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Td3Checkpoint(State<Td3Options, DelayedAgent>);

impl Td3Options {
    /// The options of the published code.
    pub fn published() -> Self {
        let off_policy = OffPolicyOptions {
            hidden: vec![256, 256],
            gamma: 0.99,
            polyak: 0.995,
            batch: 100,
            replay: 1_000_000,
            random_steps: 10_000,
            update_after: 1_000,
            update_every: 50,
            range: ActionRange::Signed,
            replayed: ReplayedAction::Continuous,
            nearest: 1,
        };
        Self {
            off_policy,
            policy_rate: 1e-3,
            critic_rate: 1e-3,
            noise: 0.1,
            target_noise: 0.2,
            noise_limit: 0.5,
            delay: 2,
        }
    }

    fn check(&self) -> Result<(), LearningError> {
        self.off_policy.check()?;
        check_rate("policy_rate", self.policy_rate)?;
        check_rate("critic_rate", self.critic_rate)?;
        check_weight("noise", self.noise)?;
        check_weight("target_noise", self.target_noise)?;
        check_weight("noise_limit", self.noise_limit)?;
        check_count("delay", self.delay)
    }
}

impl Default for Td3Options {
    /// Those of a bandit: nothing that comes after counts, and what is learned from is what was
    /// asked.
    fn default() -> Self {
        let published = Self::published();
        Self {
            off_policy: OffPolicyOptions {
                gamma: 0.0,
                range: ActionRange::Unit,
                replayed: ReplayedAction::Discrete,
                ..published.off_policy
            },
            ..published
        }
    }
}

impl AsRef<OffPolicyOptions> for Td3Options {
    fn as_ref(&self) -> &OffPolicyOptions {
        &self.off_policy
    }
}

impl<'a> Td3<'a> {
    /// A learner that has not made a step.
    ///
    /// # Errors
    /// Where an option cannot be what it is.
    pub fn new(
        options: Td3Options,
        environment: Environment<'a>,
        seed: u64,
    ) -> Result<Self, LearningError> {
        options.check()?;
        OffPolicy::new(options, environment, seed).map(Self)
    }

    /// The learner that a checkpoint was made of.
    ///
    /// # Errors
    /// Where the checkpoint is damaged, or the environment is not the one that it was made in.
    pub fn resume(
        checkpoint: Td3Checkpoint,
        environment: Environment<'a>,
    ) -> Result<Self, LearningError> {
        checkpoint.0.options().check()?;
        OffPolicy::resume(checkpoint.0, environment).map(Self)
    }

    /// Makes so many steps, and the updates that are due after them.
    ///
    /// # Errors
    /// Where a reward or a loss is not finite; the learner is of no more use then.
    pub fn advance(&mut self, steps: u64) -> Result<EpochFigures, LearningError> {
        self.0.advance(steps)
    }

    /// What it has learned.
    ///
    /// # Errors
    /// Where a parameter is not finite.
    pub fn chooser(&self) -> Result<NetworkChooser, LearningError> {
        self.0.chooser()
    }

    /// What it needs to go on to the bit.
    pub fn checkpoint(&self) -> Td3Checkpoint {
        Td3Checkpoint(self.0.state().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{assert_solved, environment, is_solved, small, states},
        *,
    };
    use crate::subset::Subset;

    fn options(options: &Td3Options) -> Td3Options {
        Td3Options {
            off_policy: small(&options.off_policy),
            policy_rate: 1e-3,
            critic_rate: 3e-3,
            noise: 0.3,
            ..options.clone()
        }
    }

    #[test]
    fn a_known_bandit_is_solved() {
        let states = states();
        for seed in 1..3 {
            let options = options(&Td3Options::default());
            let mut learner = Td3::new(options, environment(&states), seed).unwrap();
            let figures = learner.advance(1_000).unwrap();
            assert_solved(&learner.chooser().unwrap());
            assert!(figures.losses.iter().all(|loss| loss.mean.is_finite()));
        }
    }

    #[test]
    fn a_policy_at_a_local_best_is_led_on_by_its_critic() {
        let states = states();
        let mut solved = Vec::new();
        for nearest in [1, 7] {
            let options = options(&Td3Options::default());
            let off_policy = OffPolicyOptions { nearest, ..options.off_policy.clone() };
            let options = Td3Options { off_policy, ..options };
            let mut learner = Td3::new(options, environment(&states), 0).unwrap();
            learner.advance(1_000).unwrap();
            solved.push(is_solved(&learner.chooser().unwrap()));
        }
        assert_eq!(solved, [false, true]);
    }

    #[test]
    fn resumed_learning_is_uninterrupted_learning_to_the_bit() {
        let states = states();
        for options in [Td3Options::published(), Td3Options::default()].map(|one| options(&one)) {
            let published = options.off_policy.gamma > 0.0;
            let here = || {
                let environment = environment(&states);
                if published { environment.published() } else { environment }
            };
            let mut once = Td3::new(options, here(), 7).unwrap();
            once.advance(150).unwrap();
            let text = serde_json::to_string(&once.checkpoint()).unwrap();
            let read: Td3Checkpoint = serde_json::from_str(&text).unwrap();
            let mut again = Td3::resume(read, here()).unwrap();
            let expected = once.advance(90).unwrap();
            assert_eq!(again.advance(90).unwrap(), expected);
            assert_eq!(again.checkpoint(), once.checkpoint());
        }
    }

    #[test]
    fn what_is_no_number_stops_and_says_where() {
        let states = states();
        let broken = |_: usize, subset: Subset| if subset.count() > 2 { f64::NAN } else { 0.0 };
        let environment = Environment::new(&states, vec![1.0; 3], broken).unwrap();
        let mut learner = Td3::new(options(&Td3Options::default()), environment, 1).unwrap();
        let refusal = learner.advance(200).unwrap_err();
        assert!(refusal.to_string().starts_with("the reward is NaN at step"), "{refusal}");
    }
}
