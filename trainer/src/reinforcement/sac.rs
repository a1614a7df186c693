//! Soft actor-critic (Haarnoja et al. 2018): draws of a squashed Gaussian that are worth much and
//! hard to foresee.

mod agent;
#[cfg(test)]
mod peer;

use serde::{Deserialize, Serialize};

use agent::SoftAgent;

use super::{
    ActionRange, Environment, EpochFigures, LearningError, NetworkChooser, OffPolicyOptions,
    ReplayedAction,
    off_policy::{OffPolicy, State},
    options::{check_rate, check_weight},
};

/// How it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SacOptions {
    /// When it acts and learns, and from what.
    pub off_policy: OffPolicyOptions,
    /// The learning rate of all networks.
    pub rate: f64,
    /// What a nat of the policy's entropy is worth.
    pub alpha: f32,
}

/// A learner and what it learns on.
#[derive(Debug)]
pub struct Sac<'a>(OffPolicy<'a, SoftAgent>);

/// All that a learner needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SacCheckpoint(State<SacOptions, SoftAgent>);

impl SacOptions {
    /// The options of the published code.
    pub fn published() -> Self {
        let off_policy = OffPolicyOptions {
            hidden: vec![256, 256],
            gamma: 0.9,
            polyak: 0.995,
            batch: 1024,
            replay: 1_000_000,
            random_steps: 1_500,
            update_after: 2_000,
            update_every: 50,
            range: ActionRange::Signed,
            replayed: ReplayedAction::Continuous,
            nearest: 1,
        };
        Self { off_policy, rate: 5e-4, alpha: 0.2 }
    }

    fn check(&self) -> Result<(), LearningError> {
        self.off_policy.check()?;
        check_rate("rate", self.rate)?;
        check_weight("alpha", self.alpha)
    }
}

impl Default for SacOptions {
    /// Those of a bandit: nothing that comes after counts, what is learned from is what was asked,
    /// and the entropy is worth less than the difference between subsets.
    fn default() -> Self {
        let published = Self::published();
        Self {
            alpha: 0.02,
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

impl AsRef<OffPolicyOptions> for SacOptions {
    fn as_ref(&self) -> &OffPolicyOptions {
        &self.off_policy
    }
}

impl<'a> Sac<'a> {
    /// A learner that has not made a step.
    ///
    /// # Errors
    /// Where an option cannot be what it is.
    pub fn new(
        options: SacOptions,
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
        checkpoint: SacCheckpoint,
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
    pub fn checkpoint(&self) -> SacCheckpoint {
        SacCheckpoint(self.0.state().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{assert_solved, environment, small, states},
        *,
    };
    use crate::subset::Subset;

    fn options(options: &SacOptions) -> SacOptions {
        SacOptions { off_policy: small(&options.off_policy), rate: 3e-3, ..options.clone() }
    }

    #[test]
    fn a_known_bandit_is_solved() {
        let states = states();
        for seed in 0..2 {
            let options = options(&SacOptions::default());
            let mut learner = Sac::new(options, environment(&states), seed).unwrap();
            let figures = learner.advance(600).unwrap();
            assert_solved(&learner.chooser().unwrap());
            assert!(figures.losses.iter().all(|loss| loss.mean.is_finite()));
        }
    }

    #[test]
    fn resumed_learning_is_uninterrupted_learning_to_the_bit() {
        let states = states();
        for options in [SacOptions::published(), SacOptions::default()].map(|one| options(&one)) {
            let published = options.off_policy.gamma > 0.0;
            let here = || {
                let environment = environment(&states);
                if published { environment.published() } else { environment }
            };
            let mut once = Sac::new(options, here(), 7).unwrap();
            once.advance(150).unwrap();
            let text = serde_json::to_string(&once.checkpoint()).unwrap();
            let read: SacCheckpoint = serde_json::from_str(&text).unwrap();
            let mut again = Sac::resume(read, here()).unwrap();
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
        let mut learner = Sac::new(options(&SacOptions::default()), environment, 1).unwrap();
        let refusal = learner.advance(200).unwrap_err();
        assert!(refusal.to_string().starts_with("the reward is NaN at step"), "{refusal}");
    }
}
