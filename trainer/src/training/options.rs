//! What is asked of training.

use std::{num::NonZero, time::Duration};

use serde_json::{Map, Value, json};

use super::{Merging, RewardKind, conditions::WaitingOptions, epochs::EpochOptions, quota::Quota};
use crate::{
    direct::{DirectOptions, Regression},
    objective::Objective,
    policy::Learner,
    sequential::{Form, SequentialOptions},
    state::recipe::{RecipeOptions, Source},
};

/// What is asked of training.
#[derive(Clone, Debug)]
pub struct Options {
    /// What learns.
    pub learner: Learner,
    /// How answers are merged.
    pub merging: Merging,
    /// What the states of images are made of.
    pub state: RecipeOptions,
    /// How the direct method learns.
    pub direct: DirectOptions,
    /// How the cascade and the sequential method learn.
    pub sequential: SequentialOptions,
    /// How the published learners learn.
    pub epochs: EpochOptions,
    /// What answers are worth.
    pub reward: RewardKind,
    /// How often what an answer adds to AP50 counts in the aligned reward.
    pub alignment: f64,
    /// What a thousandth of a US dollar adds to a value, not above 0.
    pub beta: f64,
    /// What an image may cost at the mean, in thousandths of a US dollar: money is made dearer than
    /// `beta` until it is met.
    pub budget: Option<f64>,
    /// What a second of waiting takes from a value, not below 0.
    pub latency_weight: f64,
    /// How long calls may take, and which stored calls tell.
    pub waiting: WaitingOptions,
    /// How many calls providers may get a day.
    pub quotas: Vec<Quota>,
    /// How many images a day quotas are for.
    pub images_a_day: f64,
    /// Which share of the images is kept to judge what was learned.
    pub validation_share: f64,
    /// Into how many folds images are dealt, so that each is judged by what was fitted without it.
    pub folds: u32,
    /// What random draws come from.
    pub seed: u64,
    /// On how many threads subsets are judged.
    pub threads: NonZero<usize>,
}

/// What a thousandth of a US dollar adds to a value where nothing says: what a call takes from it in
/// the published code.
pub const USUAL_BETA: f64 = -0.1;

impl Options {
    /// What is usual for a learner.
    pub fn new(learner: Learner, merging: Merging) -> Self {
        Self {
            learner,
            merging,
            state: RecipeOptions {
                // Those that look at answers gain little from features.
                source: match learner {
                    Learner::Fixed | Learner::Cascade | Learner::Sequential => Source::Nothing,
                    _ => Source::Features,
                },
                ..RecipeOptions::default()
            },
            direct: DirectOptions::default(),
            sequential: SequentialOptions {
                form: if learner == Learner::Cascade { Form::Cascade } else { Form::Sequential },
                ..SequentialOptions::default()
            },
            epochs: EpochOptions::default(),
            reward: match learner {
                Learner::Direct | Learner::Cascade | Learner::Sequential => RewardKind::Aligned,
                _ => RewardKind::V,
            },
            alignment: 1.0,
            beta: USUAL_BETA,
            budget: None,
            latency_weight: 0.0,
            waiting: WaitingOptions::default(),
            quotas: Vec::new(),
            images_a_day: 0.0,
            validation_share: 0.2,
            folds: 5,
            seed: 1,
            threads: NonZero::<usize>::MIN,
        }
    }

    /// What is to be as high as can be, before a budget is met.
    pub const fn objective(&self) -> Objective {
        let published = self.epochs.published;
        Objective { beta: self.beta, latency_weight: self.latency_weight, published }
    }

    /// Whether it matters how long calls take.
    pub const fn counts_waiting(&self) -> bool {
        let WaitingOptions { replay, most } = &self.waiting;
        self.latency_weight > 0.0 || most.is_some() || replay.deadline.is_some()
    }

    /// What was learned with, as a policy file has it.
    pub fn described(&self) -> Value {
        let mut described = Map::new();
        let mut add = |name: &str, value: Value| drop(described.insert(name.to_owned(), value));
        add("reward", self.reward.as_str().into());
        if self.reward == RewardKind::Aligned {
            add("alignment", self.alignment.into());
        }
        add("budget", self.budget.into());
        if self.counts_waiting() {
            let seconds = |length: Option<Duration>| length.map(|length| length.as_secs_f64());
            let WaitingOptions { replay, most } = &self.waiting;
            add("region", replay.region.clone().into());
            add("hour", replay.hour.into());
            add("deadline_s", seconds(replay.deadline).into());
            add("max_latency_s", seconds(*most).into());
        }
        if !self.quotas.is_empty() {
            let quotas = self.quotas.iter().map(|quota| (&quota.provider, quota.calls_a_day));
            add("quotas", quotas.map(|(name, calls)| json!({ name: calls })).collect());
            add("images_a_day", self.images_a_day.into());
        }
        add("validation_share", self.validation_share.into());
        add("folds", self.folds.into());
        match self.learner {
            Learner::Fixed => (),
            Learner::Direct => add("regression", regression(&self.direct.regression)),
            Learner::Cascade | Learner::Sequential => add("trees", trees(&self.sequential)),
            Learner::Sac | Learner::Td3 | Learner::Ppo => {
                add("published", self.epochs.published.into());
                add("steps", self.epochs.steps(self.learner).into());
                add("keep", self.epochs.keep().as_str().into());
            }
        }
        described.into()
    }
}

fn regression(regression: &Regression) -> Value {
    match regression {
        Regression::Ridge { lambda } => json!({ "ridge": lambda }),
        Regression::Network(network) => json!({
            "hidden": network.hidden,
            "epochs": network.epochs,
            "batch": network.batch,
            "rate": network.rate,
            "decay": network.decay,
        }),
    }
}

fn trees(sequential: &SequentialOptions) -> Value {
    let trees = &sequential.trees;
    json!({
        "trees": trees.trees,
        "rate": trees.rate,
        "depth": trees.depth,
        "leaves": trees.leaves,
        "least_rows": trees.least_rows,
        "ridge": trees.ridge,
        "row_share": trees.row_share,
        "column_share": trees.column_share,
        "state_numbers": sequential.state_numbers,
    })
}
