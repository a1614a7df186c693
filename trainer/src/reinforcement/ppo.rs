//! Proximal policy optimisation (Schulman et al. 2017): a policy that is moved by what its last steps
//! brought, not far from what made them.

mod agent;
#[cfg(test)]
mod peer;
mod rollout;

use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use agent::{ProximalAgent, Work};
use rollout::Rollout;

use super::{
    ActionRange, Environment, EpochFigures, LearningError, NetworkChooser,
    experience::Walk,
    figures::Tally,
    inputs::StateRows,
    mapping::nearest_subset,
    options::{check, check_count, check_rate, check_share, check_weight},
};
use crate::network::Scratch;

/// How it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PpoOptions {
    /// The numbers of hidden layers, of the policy and of the value network.
    pub hidden: Vec<usize>,
    /// After every so many steps the networks learn from them.
    pub epoch: usize,
    /// How much of what comes after counts; 0 for a bandit, where nothing depends on an action.
    pub gamma: f32,
    /// How much of what is believed of a later step counts, against what it brought.
    pub lambda: f32,
    /// How far the ratio of likelihoods may move an action's gain or loss.
    pub clip: f32,
    /// The policy is moved no more once the divergence from what acted is half as much again.
    pub target_divergence: f32,
    /// How often each network is moved in an epoch, at most.
    pub iterations: usize,
    /// The learning rate of the policy.
    pub policy_rate: f64,
    /// The learning rate of the value network.
    pub value_rate: f64,
    /// The logarithm of the deviation that actions begin with.
    pub log_deviation: f32,
    /// What is made of a number before it is held against a half.
    pub range: ActionRange,
}

/// A learner and what it learns on.
#[derive(Debug)]
pub struct Ppo<'a> {
    state: PpoCheckpoint,
    environment: Environment<'a>,
    rows: StateRows<'a>,
    work: Work,
    scratch: Scratch,
}

/// All that a learner needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PpoCheckpoint {
    options: PpoOptions,
    walk: Walk,
    rollout: Rollout,
    agent: ProximalAgent,
}

impl PpoOptions {
    /// The options of the published code.
    pub fn published() -> Self {
        Self {
            hidden: vec![64, 64],
            epoch: 4_000,
            gamma: 0.99,
            lambda: 0.97,
            clip: 0.2,
            target_divergence: 0.01,
            iterations: 80,
            policy_rate: 3e-4,
            value_rate: 1e-3,
            log_deviation: -0.5,
            range: ActionRange::Signed,
        }
    }

    fn check(&self) -> Result<(), LearningError> {
        check_count("epoch", self.epoch)?;
        check_share("gamma", self.gamma)?;
        check_share("lambda", self.lambda)?;
        check_share("clip", self.clip)?;
        check_weight("target_divergence", self.target_divergence)?;
        check_count("iterations", self.iterations)?;
        check_rate("policy_rate", self.policy_rate)?;
        check_rate("value_rate", self.value_rate)?;
        check("log_deviation", self.log_deviation.into(), [-20.0, 2.0], "from -20 to 2")
    }
}

impl Default for PpoOptions {
    /// Those of a bandit: nothing that comes after counts, and at first every provider is asked as
    /// often as not.
    fn default() -> Self {
        Self { gamma: 0.0, range: ActionRange::Unit, ..Self::published() }
    }
}

impl<'a> Ppo<'a> {
    /// A learner that has not made a step.
    ///
    /// # Errors
    /// Where an option cannot be what it is.
    pub fn new(
        options: PpoOptions,
        mut environment: Environment<'a>,
        seed: u64,
    ) -> Result<Self, LearningError> {
        options.check()?;
        let mut walk = Walk::new(&mut environment, seed);
        let agent = ProximalAgent::new(&options, environment.shape(), &mut walk.generator)?;
        let rollout = Rollout::default();
        Ok(Self::made(PpoCheckpoint { options, walk, rollout, agent }, environment))
    }

    /// The learner that a checkpoint was made of.
    ///
    /// # Errors
    /// Where the checkpoint is damaged, or the environment is not the one that it was made in.
    pub fn resume(
        checkpoint: PpoCheckpoint,
        mut environment: Environment<'a>,
    ) -> Result<Self, LearningError> {
        let PpoCheckpoint { options, walk, rollout, agent } = &checkpoint;
        options.check()?;
        walk.resume(&mut environment)?;
        let [_, providers] = environment.shape();
        if !rollout.fits(environment.states().images(), providers, options.epoch) {
            return Err(LearningError::Checkpoint("rollout"));
        }
        if !agent.fits(options, environment.shape()) {
            return Err(LearningError::Checkpoint("networks"));
        }
        Ok(Self::made(checkpoint, environment))
    }

    fn made(state: PpoCheckpoint, environment: Environment<'a>) -> Self {
        let (rows, work) = (StateRows::new(environment.states()), state.agent.work());
        Self { state, environment, rows, work, scratch: Scratch::default() }
    }

    /// Makes so many steps, and learns after every epoch of them.
    ///
    /// # Errors
    /// Where a reward or a loss is not finite; the learner is of no more use then.
    pub fn advance(&mut self, steps: u64) -> Result<EpochFigures, LearningError> {
        let mut tally = Tally::new(self.environment.providers());
        for _ in 0..steps {
            self.act(&mut tally)?;
            let PpoCheckpoint { options, walk, rollout, agent } = &mut self.state;
            if rollout.len() >= options.epoch {
                rollout.cut(self.environment.observation());
                self.work.begin(agent, &self.rows, rollout, options);
                agent.update(options, &self.rows, &mut self.work, (&mut tally, walk.steps()))?;
                *rollout = Rollout::default();
            }
        }
        Ok(tally.figures(self.state.walk.steps()))
    }

    /// What it has learned.
    ///
    /// # Errors
    /// Where a parameter is not finite.
    pub fn chooser(&self) -> Result<NetworkChooser, LearningError> {
        let actor = self.state.agent.actor.clone();
        Ok(NetworkChooser::new(actor, self.state.options.range, None)?)
    }

    /// What it needs to go on to the bit.
    pub fn checkpoint(&self) -> PpoCheckpoint {
        self.state.clone()
    }

    fn act(&mut self, tally: &mut Tally) -> Result<(), LearningError> {
        let PpoCheckpoint { options, walk, rollout, agent } = &mut self.state;
        let image = self.environment.observation();
        let state = self.environment.states().row(image);
        let means = agent.actor.predict(state, &mut self.scratch).iter();
        let mut action = Vec::with_capacity(agent.log_deviations.len());
        for (mean, log_deviation) in means.zip(&agent.log_deviations) {
            let noise: f32 = walk.generator.sample(StandardNormal);
            action.push(mean + log_deviation.exp() * noise);
        }
        let point: Vec<f32> = action.iter().map(|one| options.range.of_signed(*one)).collect();
        let step = walk.ask(&mut self.environment, nearest_subset(&point), tally)?;
        rollout.push(image, &action, step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{assert_solved, environment, states},
        *,
    };
    use crate::subset::Subset;

    fn options(options: &PpoOptions) -> PpoOptions {
        PpoOptions {
            hidden: vec![16],
            epoch: 100,
            iterations: 20,
            policy_rate: 1e-2,
            value_rate: 1e-2,
            target_divergence: 0.05,
            ..options.clone()
        }
    }

    #[test]
    fn a_known_bandit_is_solved() {
        let states = states();
        for seed in 0..2 {
            let options = options(&PpoOptions::default());
            let mut learner = Ppo::new(options, environment(&states), seed).unwrap();
            let figures = learner.advance(3000).unwrap();
            assert_solved(&learner.chooser().unwrap());
            assert!(figures.losses.iter().all(|loss| loss.mean.is_finite()));
        }
    }

    #[test]
    fn resumed_learning_is_uninterrupted_learning_to_the_bit() {
        let states = states();
        for options in [PpoOptions::published(), PpoOptions::default()].map(|one| options(&one)) {
            let published = options.gamma > 0.0;
            let here = || {
                let environment = environment(&states);
                if published { environment.published() } else { environment }
            };
            let mut once = Ppo::new(options, here(), 7).unwrap();
            once.advance(150).unwrap();
            let text = serde_json::to_string(&once.checkpoint()).unwrap();
            let read: PpoCheckpoint = serde_json::from_str(&text).unwrap();
            let mut again = Ppo::resume(read, here()).unwrap();
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
        let mut learner = Ppo::new(options(&PpoOptions::default()), environment, 1).unwrap();
        let refusal = learner.advance(200).unwrap_err();
        assert!(refusal.to_string().starts_with("the reward is NaN at step"), "{refusal}");
    }
}
