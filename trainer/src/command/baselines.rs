//! `armol-trainer baselines`: stored answers and a ground truth in, a table of methods out.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    identity::Name,
    label_groups::CategoriesError,
    merge::{Merger, MergerError, Method, Vote},
};
use armol_collector::store::{CallFilter, Reader, StoreError};
use clap::Args;
use thiserror::Error;

use super::word_table::{self, WordTableError};
use crate::{
    baseline::baselines,
    dataset::{Dataset, DatasetError, collected::collect},
    format::{FormatError, coco},
    rendering::{self, Baselines},
    subset::MOST_PROVIDERS,
};

/// What asking several providers would bring, by stored answers and ground truth.
///
/// The newest answer of each provider about each image is scored: each provider alone, one at
/// random, any subset at random, all, and the best subset that choosing per image could pick.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer baselines --db armol.sqlite --ground-truth instances_val2017.json --region us

The ground truth is in the COCO instances format; its images[].file_name is the key in event.json.")]
pub struct BaselinesArguments {
    /// The collector's database
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// What is truly in the images, in the COCO instances format
    #[arg(long, value_name = "FILE")]
    ground_truth: PathBuf,
    /// Score only answers to agents in this region; without it, the newest from any region
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Name::new(text))]
    region: Option<Name>,
    /// How many providers must see an object: affirmative (one), consensus (more than half) or
    /// unanimous (all that answered)
    #[arg(long, default_value_t = Vote::Affirmative)]
    vote: Vote,
    /// What random choices are drawn from; the same seed gives the same table
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Write JSON: fractions and US dollars
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV: fractions and US dollars
    #[arg(long)]
    csv: bool,
}

/// Why there is no table.
#[derive(Debug, Error)]
pub enum BaselinesError {
    /// The ground truth cannot be used.
    #[error(transparent)]
    GroundTruth(#[from] FormatError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Answers and ground truth do not go together.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The table of words does not fit the ground truth.
    #[error(transparent)]
    Categories(#[from] CategoriesError),
    /// There are more subsets than can be tried.
    #[error(
        "{0} providers answered, but at most {MOST_PROVIDERS} can be compared, for every subset of \
         them is tried; name a region that fewer were called from"
    )]
    TooManyProviders(usize),
    /// Answers cannot be merged as asked for.
    #[error(transparent)]
    Merger(#[from] MergerError),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl BaselinesError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::GroundTruth(_)
            | Self::WordTable(_)
            | Self::Categories(_)
            | Self::Merger(_)
            | Self::Dataset(DatasetError::NoOverlap { .. }) => true,
            Self::Store(error) => error.is_wrong_use(),
            Self::Dataset(_) | Self::TooManyProviders(_) | Self::Write(_) => false,
        }
    }
}

/// Reads, scores and writes the result to `output`.
///
/// # Errors
/// Where a file cannot be used, answers and ground truth do not go together, or `output` fails.
pub async fn run(
    arguments: &BaselinesArguments,
    output: &mut impl Write,
) -> Result<(), BaselinesError> {
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let truth = coco::read(&arguments.ground_truth)?;
    let reader = Reader::open(&arguments.db).await?;
    let filter = CallFilter { region: arguments.region.clone(), ..CallFilter::default() };
    let answers = reader.newest_answers(&filter).await?;
    let collected = collect("stored answers", truth, &answers)?;
    let dataset = Dataset::from_records(collected.records, &table)?;
    if dataset.providers.len() > MOST_PROVIDERS {
        return Err(BaselinesError::TooManyProviders(dataset.providers.len()));
    }
    let merger = Merger::new(arguments.vote, Method::default())?;
    let result = rendered(arguments, &dataset, &merger).map_err(BaselinesError::Write)?;
    output.write_all(&result).and_then(|()| output.flush()).map_err(BaselinesError::Write)
}

/// The baselines of a data set in the form that was asked for.
fn rendered(
    arguments: &BaselinesArguments,
    dataset: &Dataset,
    merger: &Merger,
) -> io::Result<Vec<u8>> {
    let rows = baselines(dataset, merger, arguments.seed);
    let baselines = Baselines {
        dataset,
        rows: &rows,
        vote: arguments.vote,
        seed: arguments.seed,
        region: arguments.region.as_ref().map(Name::as_str),
    };
    let mut result = Vec::new();
    if arguments.json {
        rendering::json(&baselines, &mut result)?;
    } else if arguments.csv {
        rendering::csv(&baselines, &mut result)?;
    } else {
        rendering::table(&baselines, &mut result)?;
    }
    Ok(result)
}
