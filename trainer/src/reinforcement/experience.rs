//! How a learner comes to see what asking brings, and what one that learns from replayed steps has
//! seen.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    Environment, LearningError, Place, ReplayedAction,
    environment::Step,
    figures::{Tally, finite},
    mapping::corner,
    replay::{Replay, Transition},
};
use crate::{features::single, subset::Subset};

/// How many steps were made, and where the environment and the draws stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Walk {
    pub(super) generator: ChaCha8Rng,
    steps: u64,
    place: Place,
}

/// A walk, and the steps that are learned from again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Experience {
    pub(super) walk: Walk,
    pub(super) replay: Replay,
}

impl Walk {
    pub(super) fn new(environment: &mut Environment<'_>, seed: u64) -> Self {
        environment.reset(seed);
        let generator = ChaCha8Rng::seed_from_u64(seed);
        Self { generator, steps: 0, place: environment.place() }
    }

    /// Puts the environment where it was.
    pub(super) fn resume(&self, environment: &mut Environment<'_>) -> Result<(), LearningError> {
        let there = environment.resume(self.place).is_some();
        if there { Ok(()) } else { Err(LearningError::Checkpoint("place among the images")) }
    }

    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Asks a subset.
    pub(super) fn ask(
        &mut self,
        environment: &mut Environment<'_>,
        subset: Subset,
        tally: &mut Tally,
    ) -> Result<Step, LearningError> {
        let step = environment.step(subset);
        // What is kept is of single precision.
        finite("the reward", f64::from(single(step.reward)), self.steps)?;
        tally.step(environment, subset, step.reward);
        self.steps += 1;
        self.place = environment.place();
        Ok(step)
    }
}

impl Experience {
    /// Nothing yet, of so many providers and at most so many transitions.
    pub(super) const fn new(walk: Walk, providers: usize, capacity: usize) -> Self {
        Self { walk, replay: Replay::new(providers, capacity) }
    }

    /// A point of the unit cube.
    pub(super) fn random_action(&mut self, providers: usize, action: &mut Vec<f32>) {
        action.clear();
        action.extend((0..providers).map(|_| self.walk.generator.random::<f32>()));
    }

    /// Asks a subset, and keeps what came of the action that it was chosen by.
    pub(super) fn act(
        &mut self,
        environment: &mut Environment<'_>,
        (subset, action): (Subset, &mut Vec<f32>),
        kept: ReplayedAction,
        tally: &mut Tally,
    ) -> Result<(), LearningError> {
        let image = place_of(environment.observation());
        let Step { observation, reward, terminated, .. } =
            self.walk.ask(environment, subset, tally)?;
        if kept == ReplayedAction::Discrete {
            action.clear();
            action.extend(corner(subset, environment.providers()));
        }
        let (reward, next_image) = (single(reward), place_of(observation));
        self.replay.push(Transition { image, action, reward, next_image, terminated });
        Ok(())
    }
}

/// The place of an image as it is kept; no environment has more images.
pub(super) fn place_of(image: usize) -> u32 {
    u32::try_from(image).unwrap_or(u32::MAX)
}
