//! Learning from replayed steps: the loop that soft actor-critic and TD3 have in common.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    ActionRange, Environment, EpochFigures, LearningError, NetworkChooser, Ranking, ReplayedAction,
    chooser::best,
    experience::{Experience, Walk},
    figures::Tally,
    inputs::StateRows,
    mapping::nearest_subset,
    options::{check_count, check_share},
};
use crate::network::{Network, NetworkError, Scratch};

/// When such a learner acts and learns, and from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffPolicyOptions {
    /// The numbers of hidden layers, of the policy and of both critics.
    pub hidden: Vec<usize>,
    /// How much of what comes after counts; 0 for a bandit, where nothing depends on an action.
    pub gamma: f32,
    /// How much of slow networks stays at an update.
    pub polyak: f32,
    /// How many transitions an update learns from.
    pub batch: usize,
    /// How many transitions are kept.
    pub replay: usize,
    /// How many first actions are drawn from the unit cube.
    pub random_steps: u64,
    /// Before which step nothing is learned.
    pub update_after: u64,
    /// After every so many steps there are as many updates.
    pub update_every: u64,
    /// What the numbers of an action lie between.
    pub range: ActionRange,
    /// What of an action is learned from.
    pub replayed: ReplayedAction,
    /// Among how many of the nearest subsets the first critic chooses; 1 to take the nearest.
    pub nearest: usize,
}

/// The networks of a learner.
pub(super) trait Agent: Sized {
    /// How they learn.
    type Options: AsRef<OffPolicyOptions>;
    /// Where an update is calculated.
    type Work;

    /// Draws networks for states and providers of these numbers.
    fn new(
        options: &Self::Options,
        shape: [usize; 2],
        generator: &mut ChaCha8Rng,
    ) -> Result<Self, LearningError>;

    /// Whether they are such as these options make for states and providers of these numbers.
    fn fits(&self, options: &Self::Options, shape: [usize; 2]) -> bool;

    fn work(&self) -> Self::Work;

    /// Draws an action for a state.
    fn draw(&self, options: &Self::Options, drawing: Drawing<'_>, action: &mut Vec<f32>);

    /// Learns from one batch.
    fn update(
        &mut self,
        learning: Learning<'_, Self::Options>,
        work: &mut Self::Work,
        tally: &mut Tally,
    ) -> Result<(), LearningError>;

    /// The policy without its draws: a number from -1 to 1 for each provider.
    fn actor(&self) -> Result<Network, NetworkError>;

    /// The first critic.
    fn critic(&self) -> &Network;
}

/// What an action is drawn by.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    pub(super) state: &'a [f32],
    pub(super) generator: &'a mut ChaCha8Rng,
    pub(super) scratch: &'a mut Scratch,
}

/// What an update learns from.
#[derive(Debug)]
pub(super) struct Learning<'a, O> {
    pub(super) options: &'a O,
    pub(super) rows: &'a StateRows<'a>,
    pub(super) experience: &'a mut Experience,
    /// Which of the updates that are due at once it is, from 0.
    pub(super) turn: u64,
}

/// A learner and what it learns on.
#[derive(Debug)]
pub(super) struct OffPolicy<'a, A: Agent> {
    state: State<A::Options, A>,
    environment: Environment<'a>,
    rows: StateRows<'a>,
    work: A::Work,
    scratch: Scratch,
}

/// All that a learner needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State<O, A> {
    options: O,
    experience: Experience,
    agent: A,
}

impl OffPolicyOptions {
    /// Refuses what nothing can be learned by.
    pub(super) fn check(&self) -> Result<(), LearningError> {
        check_share("gamma", self.gamma)?;
        check_share("polyak", self.polyak)?;
        check_count("batch", self.batch)?;
        check_count("replay", self.replay)?;
        check_count("update_every", usize::try_from(self.update_every).unwrap_or(usize::MAX))?;
        check_count("nearest", self.nearest)
    }

    /// Whether what comes after an action counts.
    pub(super) fn looks_ahead(&self) -> bool {
        self.gamma > 0.0
    }

    /// The sizes of a policy with so many outputs, and of a critic.
    pub(super) fn sizes(
        &self,
        dimension: usize,
        providers: usize,
        outputs: usize,
    ) -> [Vec<usize>; 2] {
        let policy = [&[dimension], self.hidden.as_slice(), &[outputs]].concat();
        [policy, [&[dimension + providers], self.hidden.as_slice(), &[1]].concat()]
    }

    /// How many updates follow once there were so many steps.
    const fn updates_after(&self, steps: u64) -> u64 {
        let Some(step) = steps.checked_sub(1) else { return 0 };
        let due = step >= self.update_after && step.is_multiple_of(self.update_every);
        if due { self.update_every } else { 0 }
    }
}

impl<'a, A: Agent> OffPolicy<'a, A> {
    /// A learner that has not made a step; its options were checked.
    pub(super) fn new(
        options: A::Options,
        mut environment: Environment<'a>,
        seed: u64,
    ) -> Result<Self, LearningError> {
        let mut walk = Walk::new(&mut environment, seed);
        let agent = A::new(&options, environment.shape(), &mut walk.generator)?;
        let experience = Experience::new(walk, environment.providers(), options.as_ref().replay);
        Ok(Self::made(State { options, experience, agent }, environment))
    }

    /// The learner that a state was kept of; its options were checked.
    pub(super) fn resume(
        state: State<A::Options, A>,
        mut environment: Environment<'a>,
    ) -> Result<Self, LearningError> {
        state.experience.walk.resume(&mut environment)?;
        let images = environment.states().images();
        if !state.experience.replay.fits(images, environment.providers()) {
            return Err(LearningError::Checkpoint("replay"));
        }
        if !state.agent.fits(&state.options, environment.shape()) {
            return Err(LearningError::Checkpoint("networks"));
        }
        Ok(Self::made(state, environment))
    }

    fn made(state: State<A::Options, A>, environment: Environment<'a>) -> Self {
        let (rows, work) = (StateRows::new(environment.states()), state.agent.work());
        Self { state, environment, rows, work, scratch: Scratch::default() }
    }

    pub(super) const fn state(&self) -> &State<A::Options, A> {
        &self.state
    }

    /// Makes so many steps, and the updates that are due after them.
    pub(super) fn advance(&mut self, steps: u64) -> Result<EpochFigures, LearningError> {
        let mut tally = Tally::new(self.environment.providers());
        for _ in 0..steps {
            self.act(&mut tally)?;
            let State { options, experience, agent } = &mut self.state;
            for turn in 0..options.as_ref().updates_after(experience.walk.steps()) {
                let learning = Learning { options: &*options, rows: &self.rows, experience, turn };
                agent.update(learning, &mut self.work, &mut tally)?;
            }
        }
        Ok(tally.figures(self.state.experience.walk.steps()))
    }

    pub(super) fn chooser(&self) -> Result<NetworkChooser, LearningError> {
        let options = self.state.options.as_ref();
        let ranking = (options.nearest > 1).then(|| Ranking {
            nearest: options.nearest,
            critic: self.state.agent.critic().clone(),
        });
        Ok(NetworkChooser::new(self.state.agent.actor()?, options.range, ranking)?)
    }

    fn act(&mut self, tally: &mut Tally) -> Result<(), LearningError> {
        let State { options, experience, agent } = &mut self.state;
        let state = self.environment.states().row(self.environment.observation());
        let providers = self.environment.providers();
        let mut action = Vec::with_capacity(providers);
        let common = options.as_ref();
        let random = experience.walk.steps() < common.random_steps;
        if random {
            experience.random_action(providers, &mut action);
        } else {
            let (generator, scratch) = (&mut experience.walk.generator, &mut self.scratch);
            agent.draw(options, Drawing { state, generator, scratch }, &mut action);
        }
        let subset = if random || common.nearest == 1 {
            nearest_subset(&action)
        } else {
            best(agent.critic(), state, &action, (common.nearest, &mut self.scratch))
        };
        experience.act(&mut self.environment, (subset, &mut action), common.replayed, tally)
    }
}

impl<O: AsRef<OffPolicyOptions>, A> State<O, A> {
    pub(super) const fn options(&self) -> &O {
        &self.options
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Sac, SacCheckpoint, SacOptions,
            testing::{assert_solved, environment, small, states},
        },
        *,
    };
    use crate::{state::States, subset::Subset};

    fn options(nearest: usize) -> SacOptions {
        let options = SacOptions { rate: 3e-3, ..SacOptions::default() };
        let off_policy = OffPolicyOptions { nearest, ..small(&options.off_policy) };
        SacOptions { off_policy, ..options }
    }

    #[test]
    fn updates_come_in_bursts_after_the_first_steps() {
        let published = SacOptions::published().off_policy;
        let updates = |steps: std::ops::RangeInclusive<u64>| {
            steps.map(|step| published.updates_after(step)).sum::<u64>()
        };
        assert_eq!((updates(0..=2_000), updates(0..=2_001)), (0, 50));
        assert_eq!(updates(0..=20_000), 18_000);
    }

    #[test]
    fn a_critic_that_chooses_among_all_subsets_solves_the_bandit_soon() {
        let states = states();
        let mut learner = Sac::new(options(7), environment(&states), 3).unwrap();
        learner.advance(400).unwrap();
        assert_solved(&learner.chooser().unwrap());
    }

    #[test]
    fn one_provider_and_twenty_can_be_learned_of() {
        let states = States::new(2, vec![1.0, 0.0, 0.0, 1.0]);
        for providers in [1, 16, 20] {
            for nearest in [1, 4] {
                let reward = |_: usize, subset: Subset| -f64::from(subset.count());
                let environment = Environment::new(&states, vec![0.5; providers], reward).unwrap();
                let mut learner = Sac::new(options(nearest), environment, 3).unwrap();
                let figures = learner.advance(140).unwrap();
                let calls: u64 = figures.calls.iter().sum();
                assert_eq!((figures.steps, figures.calls.len()), (140, providers));
                let cost = crate::baseline::number(calls) * 0.5 / 140.0;
                assert!((figures.mean_cost.unwrap() - cost).abs() < 1e-9);
                assert_eq!(learner.chooser().unwrap().providers(), providers);
            }
        }
    }

    #[test]
    fn the_same_seed_learns_the_same_and_another_does_not() {
        let states = states();
        let learned = |seed| {
            let mut learner = Sac::new(options(1), environment(&states), seed).unwrap();
            learner.advance(150).unwrap();
            learner.checkpoint()
        };
        assert_eq!(learned(4), learned(4));
        assert_ne!(learned(4), learned(5));
    }

    #[test]
    fn a_checkpoint_of_other_images_or_providers_is_refused() {
        let states = states();
        let mut learner = Sac::new(options(1), environment(&states), 1).unwrap();
        learner.advance(130).unwrap();
        let refused = |checkpoint: SacCheckpoint, environment: Environment<'_>| {
            Sac::resume(checkpoint, environment).unwrap_err()
        };
        let few = States::new(4, states.values()[..12].to_vec());
        let flat = States::new(2, states.values()[..16].to_vec());
        let free = |states, providers| Environment::new(states, vec![0.0; providers], |_, _| 0.0);
        let images = refused(learner.checkpoint(), free(&few, 3).unwrap());
        assert!(matches!(images, LearningError::Checkpoint(_)), "{images}");
        let providers = refused(learner.checkpoint(), free(&states, 2).unwrap());
        assert_eq!(providers, LearningError::Checkpoint("replay"));
        let dimension = refused(learner.checkpoint(), free(&flat, 3).unwrap());
        assert_eq!(dimension, LearningError::Checkpoint("networks"));
    }

    #[test]
    fn options_that_nothing_can_be_learned_by_are_refused_by_name() {
        let states = states();
        let refusal = |change: &dyn Fn(&mut SacOptions)| {
            let mut options = options(1);
            change(&mut options);
            Sac::new(options, environment(&states), 1).unwrap_err().to_string()
        };
        assert!(refusal(&|options| options.rate = f64::NAN).contains("option rate is NaN"));
        assert!(refusal(&|options| options.alpha = -1.0).contains("option alpha is -1"));
        assert!(refusal(&|options| options.off_policy.gamma = 1.5).contains("from 0 to 1"));
        for name in ["batch", "replay", "update_every", "nearest"] {
            let message = refusal(&|options| {
                let off_policy = &mut options.off_policy;
                match name {
                    "batch" => off_policy.batch = 0,
                    "replay" => off_policy.replay = 0,
                    "nearest" => off_policy.nearest = 0,
                    _ => off_policy.update_every = 0,
                }
            });
            assert!(message.contains(&format!("option {name} is 0")), "{message}");
        }
    }
}
