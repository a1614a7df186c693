//! Why there is no policy.

use armol_analysis::metrics::{balanced::InvalidKappa, influence::InvalidShrinkage};
use thiserror::Error;

use super::{checkpoint::CheckpointError, merging::MergingError};
use crate::{
    dataset::folder::FolderError,
    direct::DirectError,
    latency::ReplayError,
    policy::Learner,
    reinforcement::{EnvironmentError, LearningError},
    rewards::TooManyProviders,
    sequential::SequentialError,
    state::StateError,
};

/// Why there is no policy.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// There is nothing to learn from.
    #[error("the data set has no image, or no provider; import one with answers")]
    Empty,
    /// Nothing says which answers are right.
    #[error(
        "the data set {0} does not say where anything is in its images, and answers are judged by \
         boxes; import a ground truth with boxes"
    )]
    NoTruth(String),
    /// All images are kept apart.
    #[error("no image is left to learn from at --validation-share {0}; lower it")]
    NothingToLearnFrom(f64),
    /// No image is kept apart.
    #[error("--budget is met on images that are kept apart; raise --validation-share")]
    NothingToJudgeBy,
    /// Answers cannot be merged.
    #[error(transparent)]
    Merging(#[from] MergingError),
    /// What a false detection costs is no number.
    #[error(transparent)]
    Kappa(#[from] InvalidKappa),
    /// AP50 cannot be taken apart.
    #[error(transparent)]
    Influence(#[from] InvalidShrinkage),
    /// States cannot be made.
    #[error(transparent)]
    State(#[from] StateError),
    /// The direct method learns nothing.
    #[error(transparent)]
    Direct(#[from] DirectError),
    /// Answers are looked at anyhow.
    #[error(
        "{0} looks at answers itself, and chooses whom to ask first; give it --state nothing or features"
    )]
    AnswersTwice(Learner),
    /// The sequential method learns nothing.
    #[error(transparent)]
    Sequential(#[from] SequentialError),
    /// The learner has no price of money to seek.
    #[error(
        "{0} learns by asking at one price of money, and meets no --budget; give it a --beta, or take \
         direct, cascade or sequential"
    )]
    NoBudget(Learner),
    /// A published learner has nothing to act on.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A published learner fails.
    #[error(transparent)]
    Learning(#[from] LearningError),
    /// The files beside the policy cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Nothing was kept to go on from.
    #[error("{0} keeps no checkpoint, for it learns all at once; leave out --resume")]
    NothingToResume(Learner),
    /// Training was stopped.
    #[error("training was stopped before it had a policy")]
    Stopped,
    /// Training was stopped, and can go on.
    #[error("training was stopped after {0} epochs; go on with the same command and --resume")]
    StoppedAfter(u64),
    /// Stored calls cannot be read.
    #[error("cannot replay the calls that the data set holds")]
    Calls(#[source] FolderError),
    /// There are no calls to replay.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Nobody is fast enough.
    #[error(
        "nobody answers within {most_s} s at the mean; the fastest takes {least_s:.3} s: raise \
         --max-latency"
    )]
    Waiting {
        /// What calls may take, in seconds.
        most_s: f64,
        /// What the fastest takes.
        least_s: f64,
    },
    /// There is no published form of the learner.
    #[error("{0} has no published form; take sac, td3 or ppo, or leave out --published")]
    NotPublished(Learner),
    /// The learner keeps no quotas.
    #[error("{0} keeps no --quota; take direct, cascade or sequential")]
    NoQuota(Learner),
    /// Quotas make what is asked too dear.
    #[error(
        "with the quotas kept, an image costs {spent} thousandths of a US dollar at the mean, above the \
         budget of {budget}: raise the budget or a quota"
    )]
    BudgetWithQuotas {
        /// The budget.
        budget: f64,
        /// What an image costs.
        spent: f64,
    },
    /// A quota is for nobody.
    #[error("--quota {0} is for no provider that is chosen from; use the name of one that is")]
    QuotaOfNobody(String),
    /// A quota cannot be kept.
    #[error(
        "the quota of provider {0}, counted from 0, cannot be kept beside the others, however dear it is \
         made; raise a quota, or leave out --images-a-day"
    )]
    Quota(usize),
    /// There are too many subsets.
    #[error(transparent)]
    Providers(#[from] TooManyProviders),
    /// Nobody is cheap enough.
    #[error(
        "no choice that was learned costs {budget} thousandths of a US dollar an image at the mean or \
         less; the cheapest costs {least}: raise the budget"
    )]
    Budget {
        /// The budget.
        budget: f64,
        /// What the cheapest choice costs.
        least: f64,
    },
}

impl TrainingError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Stopped
            | Self::StoppedAfter(_)
            | Self::Learning(LearningError::NotFinite { .. }) => false,
            Self::Checkpoint(error) => error.is_wrong_use(),
            _ => true,
        }
    }
}
