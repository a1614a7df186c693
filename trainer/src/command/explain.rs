//! `armol-trainer explain`: why a policy asks whom, or what a policy is.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;
use thiserror::Error;

use super::policy_data::{self, PolicyData, PolicyDataError};
use crate::{
    dataset::Dataset,
    evaluation::Figures,
    explanation,
    objective::Objective,
    policy::{KnownProvider, Learner, Policy, PolicyFileError, TrainingData},
};

/// Shows what a policy is; of an image, whom it asks and why, step by step.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer explain --policy policy.armol
  armol-trainer explain --policy policy.armol data/voc-test --image 2008_000042.jpg")]
pub struct ExplainArguments {
    /// The data set's folder
    #[arg(value_name = "DIR", requires = "image")]
    folder: Option<PathBuf>,
    /// The policy's file, as train makes it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The image that is asked about, by its name in the data set or its id
    #[arg(long, value_name = "NAME|ID", requires = "folder")]
    image: Option<String>,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Why nothing is explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// The policy cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// The policy cannot be used on the data set.
    #[error(transparent)]
    Data(#[from] PolicyDataError),
    /// There is no such image.
    #[error("the data set {dataset} has no image {image}; use a name or an id of its ground truth")]
    NoImage {
        /// The data set.
        dataset: String,
        /// What was asked for.
        image: String,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl ExplainError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Policy(error) => error.is_wrong_use(),
            Self::Data(error) => error.is_wrong_use(),
            Self::NoImage { .. } => true,
            Self::Write(_) => false,
        }
    }
}

/// What a policy is.
#[derive(Serialize)]
struct Description<'a> {
    simulated: bool,
    learner: Learner,
    options: &'a serde_json::Value,
    objective: Objective,
    providers: &'a [KnownProvider],
    asked_first: Option<&'a str>,
    state_numbers: usize,
    categories: &'a [String],
    dropped_words: &'a [String],
    merge: &'static str,
    vote: &'static str,
    training: &'a TrainingData,
    validation: Option<&'a Figures>,
}

/// Reads, explains and writes the result to `output`.
///
/// # Errors
/// Where a file cannot be used, there is no such image, or `output` fails.
pub fn run(arguments: &ExplainArguments, output: &mut impl Write) -> Result<(), ExplainError> {
    let mut result = Vec::new();
    let written = if let (Some(folder), Some(image)) = (&arguments.folder, &arguments.image) {
        let label_groups = arguments.label_groups.as_deref();
        let data = policy_data::read(&arguments.policy, folder, label_groups)?;
        explain_image(&data, image, arguments.json, &mut result)?
    } else {
        let policy = Policy::load(&arguments.policy)?;
        let description = Description::of(&policy);
        if arguments.json {
            write_json(&description, &mut result)
        } else {
            description.write(&mut result)
        }
    };
    written.map_err(ExplainError::Write)?;
    output.write_all(&result).and_then(|()| output.flush()).map_err(ExplainError::Write)
}

fn explain_image(
    data: &PolicyData,
    image: &str,
    json: bool,
    output: &mut Vec<u8>,
) -> Result<io::Result<()>, ExplainError> {
    let PolicyData { policy, dataset, states, .. } = data;
    let place = place_of(dataset, image);
    let found = place.and_then(|place| Some((dataset.images.get(place)?, states.row(place))));
    let (image, state) = found.ok_or_else(|| ExplainError::NoImage {
        dataset: dataset.name.clone(),
        image: image.to_owned(),
    })?;
    let explained = explanation::explain(policy, dataset, image, state);
    Ok(if json {
        explanation::json(&explained, output)
    } else {
        explanation::text(&explained, output)
    })
}

/// The place of the image of this name, or else of this id.
fn place_of(dataset: &Dataset, image: &str) -> Option<usize> {
    let by_name = dataset.images.iter().position(|known| known.name == image);
    by_name.or_else(|| {
        let id: u64 = image.parse().ok()?;
        dataset.images.iter().position(|known| known.id == id)
    })
}

fn write_json(description: &Description<'_>, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, description)?;
    writeln!(output)
}

impl<'a> Description<'a> {
    fn of(policy: &'a Policy) -> Self {
        let first = policy.strategy.first.and_then(|place| policy.providers.get(place));
        Self {
            simulated: policy.simulated(),
            learner: policy.learner,
            options: &policy.options,
            objective: policy.objective,
            providers: &policy.providers,
            asked_first: first.map(|provider| provider.name.as_str()),
            state_numbers: policy.state.dimension(),
            categories: &policy.categories,
            dropped_words: &policy.dropped_words,
            merge: policy.merger.method().as_str(),
            vote: policy.merger.vote().as_str(),
            training: &policy.training,
            validation: policy.validation.as_ref(),
        }
    }

    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        if self.simulated {
            writeln!(output, "SIMULATED: it was trained on a simulator's answers")?;
        }
        writeln!(output, "learner     {} {}", self.learner, self.options)?;
        let Objective { beta, latency_weight, published } = self.objective;
        let published = if published { ", as published" } else { "" };
        writeln!(
            output,
            "objective   beta {beta} of 1e-3 USD, latency weight {latency_weight}{published}"
        )?;
        for KnownProvider { name, price, .. } in self.providers {
            writeln!(output, "provider    {name}, {price:.3} e-3 USD a call")?;
        }
        if let Some(first) = self.asked_first {
            writeln!(output, "asked first {first}, of whose answer the state is made")?;
        }
        writeln!(output, "state       {} numbers", self.state_numbers)?;
        writeln!(output, "merge       {}, {} vote", self.merge, self.vote)?;
        writeln!(output, "categories  {}", self.categories.join(", "))?;
        let TrainingData { dataset, images, validation_images, seed, .. } = self.training;
        writeln!(
            output,
            "trained on  {dataset}, {images} images, {validation_images} of them to judge by, seed {seed}"
        )?;
        let Some(figures) = self.validation else { return Ok(()) };
        let shown =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
        writeln!(
            output,
            "judged      v {}, AP50 {}, cost {:.3} e-3 USD",
            shown(figures.mean_v),
            shown(figures.ap50),
            figures.mean_cost
        )
    }
}
