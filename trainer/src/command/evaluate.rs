//! `armol-trainer evaluate`: a policy and a data set in, what it brings out.

use std::{
    fs,
    io::{self, Write},
    num::NonZero,
    path::{Path, PathBuf},
    thread,
};

use armol_analysis::metrics::{
    bootstrap::{Bootstrap, BootstrapError},
    image_value::ValueRule,
};
use clap::Args;
use thiserror::Error;

use super::policy_data::{self, PolicyData, PolicyDataError};
use crate::{
    baseline::{self, BaselineError, baselines},
    dataset::Part,
    evaluation::{
        choice_list, choices, detections, figures, intervals,
        rendering::{self, Evaluation},
    },
    rewards::{Measure, Valuation},
    scoring::Resampling,
};

/// Asks about every image of a data set as a policy says, and shows what that brings and costs.
///
/// Stored answers stand for calls. Costs are in thousandths of a US dollar an image: 1 is a call at
/// 0.001 US dollars.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer evaluate data/voc-test --policy policy.armol --bootstrap 1000
  armol-trainer evaluate data/voc-test --policy policy.armol --json --detections merged.json

The detections are a list of COCO results in the numbers of the ground truth, as armol-trainer score
and pycocotools read them. The choices have a line an image, such as 7,cat.jpg,aws>azure+google,3,1:
names of who was asked at once are joined by +, one step and the next by >.")]
pub struct EvaluateArguments {
    /// The data set's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The policy's file, as train makes it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What an image's answer is worth: AP50 where a detection may find several objects (seed) or
    /// one (one-object)
    #[arg(long, value_name = "RULE", default_value_t = ValueRule::Seed)]
    value: ValueRule,
    /// Write the merged answers into this file, as a list of COCO results
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
    /// Write who was asked about each image into this file, as CSV
    #[arg(long, value_name = "FILE")]
    choices: Option<PathBuf>,
    /// Draw the images again so many times for 95 % intervals of AP50, v and cost; 1000 are usual
    #[arg(long, value_name = "RESAMPLES")]
    bootstrap: Option<u32>,
    /// What images are drawn by; the same seed gives the same intervals
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Write JSON: fractions of 1, and thousandths of a US dollar
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV: fractions of 1, and thousandths of a US dollar
    #[arg(long)]
    csv: bool,
    /// Draw cost against AP50 into this file too, as SVG, beside ways that know nothing of an image
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// How sure an interval is.
const LEVEL: f64 = 0.95;

/// Why there are no figures.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The policy cannot be used on the data set.
    #[error(transparent)]
    Data(#[from] PolicyDataError),
    /// No intervals can be drawn.
    #[error("--bootstrap cannot be used")]
    Bootstrap(#[source] BootstrapError),
    /// There is nothing to draw beside the policy.
    #[error("--plot cannot be used")]
    Plot(#[source] BaselineError),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl EvaluateError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Data(error) => error.is_wrong_use(),
            Self::Bootstrap(_) | Self::Plot(_) => true,
            Self::File { .. } | Self::Write(_) => false,
        }
    }
}

/// Reads, asks and writes the result to `output`.
///
/// # Errors
/// Where a file cannot be used, the policy does not fit the data set, or `output` fails.
pub fn run(arguments: &EvaluateArguments, output: &mut impl Write) -> Result<(), EvaluateError> {
    let bootstrap = arguments.bootstrap.map(|resamples| Bootstrap::new(resamples, LEVEL));
    let bootstrap = bootstrap.transpose().map_err(EvaluateError::Bootstrap)?;
    let data =
        policy_data::read(&arguments.policy, &arguments.folder, arguments.label_groups.as_deref())?;
    let PolicyData { policy, dataset, states, manifest } = &data;
    let valuation = Valuation { merger: &policy.merger, rule: arguments.value };
    let part = Part::whole(dataset);
    let chosen = choices(&part, states, &policy.strategy, valuation);
    if let Some(path) = &arguments.detections {
        let text = detections::text(dataset, &manifest.categories, &chosen);
        write_file(path, text.map_err(io::Error::other).and_then(|text| fs::write(path, text)))?;
    }
    if let Some(path) = &arguments.choices {
        let mut text = Vec::new();
        let written = choice_list::write(dataset, &chosen, &mut text);
        write_file(path, written.and_then(|()| fs::write(path, text)))?;
    }
    let seed = arguments.seed;
    let intervals =
        bootstrap.map(|bootstrap| intervals(&part, &chosen, Resampling { bootstrap, seed }));
    let evaluation = Evaluation {
        dataset,
        policy,
        file: &arguments.policy.to_string_lossy(),
        figures: &figures(&part, &chosen),
        intervals: intervals.as_ref(),
        is_training_data: data.is_training_data(),
    };
    if let Some(path) = &arguments.plot {
        let drawing = plot(arguments, &evaluation)?;
        write_file(path, fs::write(path, drawing))?;
    }
    let result = rendered(arguments, &evaluation).map_err(EvaluateError::Write)?;
    output.write_all(&result).and_then(|()| output.flush()).map_err(EvaluateError::Write)
}

fn write_file(path: &Path, written: io::Result<()>) -> Result<(), EvaluateError> {
    written.map_err(|source| EvaluateError::File { path: path.to_owned(), source })
}

/// The drawing of the policy beside fixed sets, merged as the policy merges.
fn plot(
    arguments: &EvaluateArguments,
    evaluation: &Evaluation<'_>,
) -> Result<String, EvaluateError> {
    let options = baseline::Options {
        measure: Measure::Boxes,
        cache: None,
        valuation: Valuation { merger: &evaluation.policy.merger, rule: arguments.value },
        seed: arguments.seed,
        subsets: 0,
        beta: None,
        budget: None,
        threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
    };
    let rows = baselines(evaluation.dataset, &options, &|_| ()).map_err(EvaluateError::Plot)?;
    Ok(rendering::plot(evaluation, &rows))
}

/// The evaluation in the form that was asked for.
fn rendered(arguments: &EvaluateArguments, evaluation: &Evaluation<'_>) -> io::Result<Vec<u8>> {
    let mut result = Vec::new();
    if arguments.json {
        rendering::json(evaluation, &mut result)?;
    } else if arguments.csv {
        rendering::csv(evaluation, &mut result)?;
    } else {
        rendering::table(evaluation, &mut result)?;
    }
    Ok(result)
}
