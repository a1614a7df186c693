//! SAC, TD3 and PPO as one: what advances by epochs, chooses, and can be kept.

use serde::{Deserialize, Serialize};

use crate::{
    policy::{Chooser, Learner},
    reinforcement::{
        Environment, EpochFigures, LearningError, Ppo, PpoCheckpoint, PpoOptions, Sac,
        SacCheckpoint, SacOptions, Td3, Td3Checkpoint, Td3Options,
    },
    training::Options,
};

/// A learner that advances by epochs.
pub(super) enum EpochLearner<'a> {
    Sac(Sac<'a>),
    Td3(Td3<'a>),
    Ppo(Ppo<'a>),
}

/// All that such a learner needs to go on to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::training) enum LearnerState {
    Sac(Box<SacCheckpoint>),
    Td3(Box<Td3Checkpoint>),
    Ppo(Box<PpoCheckpoint>),
}

impl<'a> EpochLearner<'a> {
    /// The learner that the options ask for.
    pub(super) fn new(
        options: &Options,
        environment: Environment<'a>,
    ) -> Result<Self, LearningError> {
        let (published, seed) = (options.epochs.published, options.seed);
        Ok(match options.learner {
            Learner::Sac => {
                let sac = if published { SacOptions::published() } else { SacOptions::default() };
                Self::Sac(Sac::new(sac, environment, seed)?)
            }
            Learner::Td3 => {
                let td3 = if published { Td3Options::published() } else { Td3Options::default() };
                Self::Td3(Td3::new(td3, environment, seed)?)
            }
            _ => {
                let ppo = if published { PpoOptions::published() } else { PpoOptions::default() };
                Self::Ppo(Ppo::new(ppo, environment, seed)?)
            }
        })
    }

    /// The learner that was kept.
    pub(super) fn resume(
        state: LearnerState,
        environment: Environment<'a>,
    ) -> Result<Self, LearningError> {
        Ok(match state {
            LearnerState::Sac(sac) => Self::Sac(Sac::resume(*sac, environment)?),
            LearnerState::Td3(td3) => Self::Td3(Td3::resume(*td3, environment)?),
            LearnerState::Ppo(ppo) => Self::Ppo(Ppo::resume(*ppo, environment)?),
        })
    }

    pub(super) fn advance(&mut self, steps: u64) -> Result<EpochFigures, LearningError> {
        match self {
            Self::Sac(sac) => sac.advance(steps),
            Self::Td3(td3) => td3.advance(steps),
            Self::Ppo(ppo) => ppo.advance(steps),
        }
    }

    pub(super) fn chooser(&self) -> Result<Chooser, LearningError> {
        let network = match self {
            Self::Sac(sac) => sac.chooser(),
            Self::Td3(td3) => td3.chooser(),
            Self::Ppo(ppo) => ppo.chooser(),
        };
        Ok(Chooser::Network(Box::new(network?)))
    }

    pub(super) fn state(&self) -> LearnerState {
        match self {
            Self::Sac(sac) => LearnerState::Sac(Box::new(sac.checkpoint())),
            Self::Td3(td3) => LearnerState::Td3(Box::new(td3.checkpoint())),
            Self::Ppo(ppo) => LearnerState::Ppo(Box::new(ppo.checkpoint())),
        }
    }
}
