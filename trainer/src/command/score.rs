//! `armol-trainer score`: a ground truth and a list of detections in, figures out.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::metrics::{
    bootstrap::{Bootstrap, BootstrapError},
    f1::Thresholds,
};
use clap::Args;
use thiserror::Error;

use super::word_table::{self, WordTableError};
use crate::scoring::{self, Resampling, Rows, ScoredSet, Scores, ScoringError};

/// How good a list of detections is: COCO's twelve figures, VOC's average precision, F1 and the
/// value of each image.
///
/// COCO's figures are those of pycocotools. The categories of the ground truth are the groups; what
/// leads to none of them is left out and counted.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer score --ground-truth instances_val2017.json --detections merged.json.gz

The ground truth is in the COCO instances format. The detections are a list of COCO results:
  [{\"image_id\": 139, \"category_id\": 62, \"bbox\": [left, top, width, height], \"score\": 0.9}, ...]
with \"category\", a word for it, in place of category_id where that is easier: \"tv\" is a ground
truth's \"tvmonitor\". Both may be packed with gzip.")]
pub struct ScoreArguments {
    /// What is truly in the images, in the COCO instances format
    #[arg(long, value_name = "FILE")]
    ground_truth: PathBuf,
    /// What was detected, as a list of COCO results
    #[arg(long, value_name = "FILE")]
    detections: PathBuf,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// The least score of a detection that counts for F1
    #[arg(long, value_name = "NUMBER", default_value_t = 0.5, value_parser = share, allow_negative_numbers = true)]
    score_threshold: f64,
    /// Draw the images again so many times for 95 % intervals of AP, AP50 and v; 1000 are usual
    #[arg(long, value_name = "RESAMPLES")]
    bootstrap: Option<u32>,
    /// What images are drawn by; the same seed gives the same intervals
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// What the lines of the table or of CSV are about
    #[arg(long, value_enum, default_value_t = Rows::Category, conflicts_with = "json")]
    by: Rows,
    /// Write JSON: fractions of 1, with every category and every image
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV: fractions of 1, one line a category or an image
    #[arg(long)]
    csv: bool,
}

/// How sure an interval is.
const LEVEL: f64 = 0.95;

/// The least overlap of a detection that is right, for F1.
const LEAST_OVERLAP: f64 = 0.5;

/// Why there are no figures.
#[derive(Debug, Error)]
pub enum ScoreError {
    /// The files cannot be used.
    #[error(transparent)]
    Files(#[from] ScoringError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// No intervals can be drawn.
    #[error("--bootstrap cannot be used")]
    Bootstrap(#[source] BootstrapError),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl ScoreError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Files(_) | Self::WordTable(_) | Self::Bootstrap(_) => true,
            Self::Write(_) => false,
        }
    }
}

/// Reads, scores and writes the result to `output`.
///
/// # Errors
/// Where a file cannot be used, or `output` fails.
pub fn run(arguments: &ScoreArguments, output: &mut impl Write) -> Result<(), ScoreError> {
    let bootstrap = arguments.bootstrap.map(|resamples| Bootstrap::new(resamples, LEVEL));
    let bootstrap = bootstrap.transpose().map_err(ScoreError::Bootstrap)?;
    let resampling = bootstrap.map(|bootstrap| Resampling { bootstrap, seed: arguments.seed });
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let set = ScoredSet::read(&arguments.ground_truth, &arguments.detections, &table)?;
    let thresholds = Thresholds { score: arguments.score_threshold, overlap: LEAST_OVERLAP };
    let scores = scoring::scores(&set, thresholds, resampling);
    let result = rendered(arguments, &scores).map_err(ScoreError::Write)?;
    output.write_all(&result).and_then(|()| output.flush()).map_err(ScoreError::Write)
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("it must be a number from 0 to 1")
}

/// The scores in the form that was asked for.
fn rendered(arguments: &ScoreArguments, scores: &Scores<'_>) -> io::Result<Vec<u8>> {
    let mut result = Vec::new();
    if arguments.json {
        scoring::json(scores, &mut result)?;
    } else if arguments.csv {
        scoring::csv(scores, arguments.by, &mut result)?;
    } else {
        scoring::table(scores, arguments.by, &mut result)?;
    }
    Ok(result)
}
