//! `armol-trainer train`: a data set in, a policy file out.

mod learning;
mod limits;

use std::{
    io::{self, Write},
    num::NonZero,
    path::PathBuf,
    sync::atomic::AtomicBool,
    thread,
};

use clap::Args;
use thiserror::Error;

use learning::{LearningArguments, StateArguments};
use limits::LimitArguments;

use super::{
    baselines::{BaselinesError, merging::MergingArguments},
    numbers,
    word_table::{self, WordTableError},
};
use crate::{
    dataset::{
        Dataset,
        folder::{FolderError, Manifest},
        selection::{SelectedReadError, Selection},
    },
    policy::{Learner, PolicyFileError},
    training::{
        Merging, Options, Source, TrainingError, USUAL_BETA, Watch, remove_checkpoint, train,
    },
};

/// Learns whom to ask about which image, from stored answers and a ground truth.
///
/// A part of the images is kept apart to judge what was learned and to meet a budget; the policy is
/// then learned again from all. Costs are in thousandths of a US dollar an image: 1 is a call at 0.001
/// US dollars.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer train data/voc --learner sequential --budget 1.5 --out policy.armol
  armol-trainer train data/voc --learner direct --providers a,b,c --beta -0.05 --out policy.armol
  armol-trainer train data/voc --learner sac --published --steps 20000 --out sac.armol

Ctrl-C ends sac, td3 and ppo after the epoch that is under way; --resume goes on from there.")]
pub struct TrainArguments {
    /// The data set's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What learns
    #[arg(long, value_enum)]
    learner: Learner,
    /// Choose of these providers only, in this order
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    providers: Vec<String>,
    /// Take this word of a provider as one of no category; may be repeated
    #[arg(long, value_name = "WORD")]
    drop_word: Vec<String>,
    /// What a thousandth of a US dollar adds to the value of an answer, not above 0; without it, -0.1,
    /// or what meets the budget
    #[arg(long, value_name = "BETA", value_parser = numbers::beta, allow_negative_numbers = true)]
    beta: Option<f64>,
    /// What an image may cost at the mean of the images that are kept apart, in thousandths of a US
    /// dollar
    #[arg(long, value_name = "COST", value_parser = numbers::not_negative, allow_negative_numbers = true)]
    budget: Option<f64>,
    /// Which share of the images is kept apart
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = numbers::share)]
    validation_share: f64,
    /// Into how many folds images are dealt, so that each is judged by what was fitted without it
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    folds: u32,
    /// What random draws come from; the same seed gives the same policy
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// On how many threads answers are judged; without it, on all processors
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZero<usize>>,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Go on from the checkpoint that a training which was stopped left beside the policy's file; the
    /// result is the same as if it had not been stopped
    #[arg(long)]
    resume: bool,
    /// The policy's file to write; sac, td3 and ppo keep a log beside it, FILE.log.jsonl, and while
    /// they learn FILE.checkpoint
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    learning: LearningArguments,
    #[command(flatten)]
    state: StateArguments,
    #[command(flatten, next_help_heading = "Merging")]
    merging: MergingArguments,
    #[command(flatten)]
    limits: LimitArguments,
}

/// Why there is no policy.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// The data set cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The answers that are asked for cannot be read.
    #[error(transparent)]
    Selected(#[from] SelectedReadError),
    /// Answers cannot be merged as asked for.
    #[error(transparent)]
    Merging(#[from] BaselinesError),
    /// Nothing can be learned.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The policy cannot be written.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl TrainError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::WordTable(_) | Self::Selected(_) => true,
            Self::Training(error) => error.is_wrong_use(),
            Self::Merging(error) => error.is_wrong_use(),
            Self::Folder(error) => error.is_wrong_use(),
            Self::Policy(_) | Self::Write(_) => false,
        }
    }
}

/// Reads, learns and writes the policy; says on `output` what came of it. `stop`, set from outside,
/// ends learning as soon as it can be gone on from.
///
/// # Errors
/// Where the data set cannot be used, the options cannot be met, or a file cannot be written.
pub fn run(
    arguments: &TrainArguments,
    stop: &AtomicBool,
    output: &mut impl Write,
) -> Result<(), TrainError> {
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let manifest = Manifest::read(&arguments.folder)?;
    let selection = Selection {
        providers: arguments.providers.clone(),
        dropped_words: arguments.drop_word.clone(),
    };
    let dataset = Dataset::read_selected(&arguments.folder, &table, &selection)?;
    let source = Source {
        folder: &arguments.folder,
        dataset: &dataset,
        manifest: &manifest,
        table: &table,
        dropped_words: &selection.dropped_words,
    };
    // Where standard error is gone, nobody is left to be told.
    let mut told = |line: &str| drop(writeln!(io::stderr(), "{line}"));
    let merging = arguments.merging.merging(&dataset, &table, selection.dropped_words.clone())?;
    let watch = Watch { out: Some(&arguments.out), resume: arguments.resume, stop };
    let policy = train(source, &options(arguments, merging), watch, &mut told)?;
    policy.save(&arguments.out)?;
    remove_checkpoint(&arguments.out).map_err(TrainingError::Checkpoint)?;
    writeln!(output, "wrote {}", arguments.out.display()).map_err(TrainError::Write)
}

fn options(arguments: &TrainArguments, merging: Merging) -> Options {
    let usual_beta = if arguments.budget.is_some() { 0.0 } else { USUAL_BETA };
    let available = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    Options {
        beta: arguments.beta.unwrap_or(usual_beta),
        budget: arguments.budget,
        latency_weight: arguments.limits.latency_weight,
        waiting: arguments.limits.waiting(),
        quotas: arguments.limits.quota.clone(),
        images_a_day: arguments.limits.images_a_day.unwrap_or(1.0),
        validation_share: arguments.validation_share,
        folds: arguments.folds,
        seed: arguments.seed,
        threads: arguments.threads.unwrap_or_else(available),
        ..arguments.learning.options(arguments.learner, merging, &arguments.state)
    }
}
