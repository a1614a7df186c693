//! How a learner learns, as the command line says it.

use clap::{Args, ValueEnum};

use crate::{
    command::numbers,
    direct::{NetworkOptions, Regression},
    policy::Learner,
    state::recipe::Source,
    training::{EpochOptions, Keep, Merging, Options, RewardKind},
};

/// What states are made of.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "States")]
pub(super) struct StateArguments {
    /// What is known of an image before anyone is asked; a state that is made of a provider's answer
    /// means that this provider is asked first about every image. Without this, features; nothing
    /// for fixed
    #[arg(long, value_enum)]
    state: Option<Source>,
    /// The array of the stored features; without it, the one whose name ends in probs, else the only
    /// one
    #[arg(long, value_name = "ARRAY")]
    features: Option<String>,
    /// The provider whose answer is the state; without it, the cheapest
    #[arg(long, value_name = "NAME")]
    answer_of: Option<String>,
    /// How many principal components stand for more numbers than that; 0 to take all numbers, which
    /// is usual where published; without it, 64
    #[arg(long, value_name = "COUNT")]
    components: Option<usize>,
    /// Whether to take the root of features; without it, of probabilities, and not where published
    #[arg(long, value_name = "BOOL")]
    square_root: Option<bool>,
    /// Bring each number to a mean of 0 and a deviation of 1
    #[arg(long)]
    standardise: bool,
}

/// How many principal components are usual.
const USUAL_COMPONENTS: usize = 64;

/// What predicts what a choice is worth, for the learner direct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RegressionKind {
    /// Weighted sums
    Ridge,
    /// A network with hidden layers
    Network,
}

/// How the learner learns.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Learning")]
pub(super) struct LearningArguments {
    /// What an answer is worth to the learner; without it, aligned for direct, cascade and sequential,
    /// else v
    #[arg(long, value_enum)]
    reward: Option<RewardKind>,
    /// How often what an answer adds to AP50 counts beside its value in the reward aligned
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = numbers::not_negative)]
    alignment: f64,
    /// What predicts, for direct
    #[arg(long, value_enum, default_value_t = RegressionKind::Ridge)]
    regression: RegressionKind,
    /// The penalty of ridge; without it, the one of the least expected error
    #[arg(long, value_name = "NUMBER", value_parser = numbers::not_negative)]
    lambda: Option<f64>,
    /// The hidden layers of a network, for direct
    #[arg(long, value_name = "SIZES", value_delimiter = ',', default_value = "64")]
    hidden: Vec<usize>,
    /// How often the network of direct sees every image
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    passes: u32,
    /// Learn as the published code does, with its reward, its settings and its faults, for sac, td3
    /// and ppo
    #[arg(long, conflicts_with_all = ["reward", "beta", "latency_weight"])]
    published: bool,
    /// How many steps sac, td3 and ppo make; without it, 20000, or as many as published
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Which epoch of sac, td3 and ppo is kept; without it, the best, and the last where published
    #[arg(long, value_enum)]
    keep: Option<Keep>,
    /// After how many epochs a checkpoint is written each time
    #[arg(long, value_name = "EPOCHS", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: u64,
    /// How many trees each model of cascade and sequential has
    #[arg(long, value_name = "COUNT")]
    trees: Option<usize>,
    /// How many questions a tree of cascade and sequential asks at most
    #[arg(long, value_name = "COUNT")]
    depth: Option<u32>,
}

impl StateArguments {
    /// Puts into the options what was asked for.
    fn apply(&self, options: &mut Options) {
        let published = options.epochs.published;
        let state = &mut options.state;
        if let Some(source) = self.state {
            state.source = source;
        }
        state.array.clone_from(&self.features);
        state.answer_of.clone_from(&self.answer_of);
        state.square_root = self.square_root.or_else(|| published.then_some(false));
        let components = self.components.unwrap_or(if published { 0 } else { USUAL_COMPONENTS });
        state.components = (components > 0).then_some(components);
        state.standardise = self.standardise;
    }
}

impl LearningArguments {
    /// The options of a learner.
    pub(super) fn options(
        &self,
        learner: Learner,
        merging: Merging,
        state: &StateArguments,
    ) -> Options {
        let mut options = Options::new(learner, merging);
        options.epochs = EpochOptions {
            published: self.published,
            steps: self.steps,
            keep: self.keep,
            checkpoint_every: self.checkpoint_every,
        };
        state.apply(&mut options);
        let trees = &mut options.sequential.trees;
        trees.trees = self.trees.unwrap_or(trees.trees);
        trees.depth = self.depth.unwrap_or(trees.depth);
        options.reward = self.reward.unwrap_or(options.reward);
        options.alignment = self.alignment;
        options.direct.regression = match self.regression {
            RegressionKind::Ridge => Regression::Ridge { lambda: self.lambda },
            RegressionKind::Network => Regression::Network(NetworkOptions {
                hidden: self.hidden.clone(),
                epochs: self.passes,
                ..NetworkOptions::default()
            }),
        };
        options
    }
}
