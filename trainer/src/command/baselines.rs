//! `armol-trainer baselines`: answers and a ground truth in, a table of methods out.

mod error;
pub(super) mod merging;
mod source;

use std::{
    fs,
    io::{self, Write},
    num::NonZero,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

pub use error::BaselinesError;
use merging::MergingArguments;
use source::SourceArguments;

use super::{numbers, word_table};
use crate::{
    baseline::{Options, Row, baselines},
    dataset::{Dataset, selection::SelectedReadError},
    rendering::{self, Baselines},
    rewards::{TableCache, TableSource, Valuation},
    subset::{MOST_PROVIDERS, Subset},
};

/// What asking several providers would bring, by stored answers and ground truth.
///
/// Of a database, the newest answer of each provider about each image is scored. The methods: each
/// provider alone, one at random, any subset at random, all, the best fixed set of each size, and
/// the best subset that choosing per image could pick.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer baselines data/voc --providers a,b,c --merge seed-wbf
  armol-trainer baselines data/voc --merge calibrated --calibrate-on data/voc-train --plot voc.svg
  armol-trainer baselines --db armol.sqlite --ground-truth instances_val2017.json --region us

The ground truth is in the COCO instances format; its images[].file_name is the key in event.json.")]
pub struct BaselinesArguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    merging: MergingArguments,
    /// Show every fixed set of up to so many providers
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    subsets: u32,
    /// Show the best that choosing per image could do by v + BETA x cost, the cost in 1e-3 US
    /// dollars an image as in the table; BETA is not above 0
    #[arg(long, value_name = "BETA", value_parser = numbers::beta, allow_negative_numbers = true)]
    beta: Option<f64>,
    /// Show the best at this mean cost, in thousandths of a US dollar an image
    #[arg(long, value_name = "COST", value_parser = numbers::not_negative, allow_negative_numbers = true)]
    budget: Option<f64>,
    /// What random choices are drawn from; the same seed gives the same table
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Judge every subset afresh: neither read nor keep what is in the data set's folder cache/
    #[arg(long)]
    no_cache: bool,
    /// Write JSON: fractions and thousandths of a US dollar
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV: fractions and thousandths of a US dollar
    #[arg(long)]
    csv: bool,
    /// Draw cost against AP50 into this file too, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
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
    let dataset = arguments.source.read(&table).await?;
    let dropped_words = arguments.source.selection().dropped_words;
    for word in &dataset.unheard_words {
        // Where standard error is gone, nobody is left to be told.
        drop(writeln!(io::stderr(), "--drop-word {word}: no answer has that word"));
    }
    let measure = arguments.merging.measure(&dataset);
    let merger = arguments.merging.merger(&dataset, measure, &table, dropped_words.clone())?;
    let valuation = Valuation { merger: &merger, rule: arguments.merging.rule() };
    let folder = arguments.source.folder().filter(|_| !arguments.no_cache);
    let kept = |folder| {
        let (dataset, dropped_words) = (&dataset, &dropped_words);
        let source = TableSource { folder, dataset, measure, table: &table, dropped_words };
        TableCache::new(&source, valuation).map_err(SelectedReadError::from)
    };
    let cache = folder.map(kept).transpose()?;
    let options = Options {
        measure,
        valuation,
        seed: arguments.seed,
        subsets: arguments.subsets,
        beta: arguments.beta,
        budget: arguments.budget,
        cache: cache.as_ref(),
        threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
    };
    let rows = scored(&dataset, &options)?;
    let baselines = Baselines {
        dataset: &dataset,
        rows: &rows,
        merger: &merger,
        measure,
        rule: arguments.merging.rule(),
        seed: arguments.seed,
        region: arguments.source.region(),
        stored: arguments.source.folder().is_none(),
    };
    if let Some(path) = &arguments.plot {
        fs::write(path, rendering::plot(&baselines))
            .map_err(|source| BaselinesError::Plot { path: path.clone(), source })?;
    }
    let result = rendered(arguments, &baselines).map_err(BaselinesError::Write)?;
    output.write_all(&result).and_then(|()| output.flush()).map_err(BaselinesError::Write)
}

/// The rows, with a bar of images on a terminal and a word of how long judging them took.
fn scored(dataset: &Dataset, options: &Options<'_>) -> Result<Vec<Row>, BaselinesError> {
    let images = dataset.images.len();
    let progress = ProgressBar::new(u64::try_from(images).unwrap_or(u64::MAX));
    // The template is fixed, and a bar in the usual style will do should it be refused.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} images judged") {
        progress.set_style(style);
    }
    let providers = dataset.providers.len();
    let what = match Subset::each(providers).count() {
        subsets if providers <= MOST_PROVIDERS => {
            format!("judged {images} images x {subsets} subsets")
        }
        _ => format!("sought subsets for {images} images"),
    };
    let judged = AtomicUsize::new(0);
    let done = |more| {
        progress.inc(u64::try_from(more).unwrap_or(u64::MAX));
        if judged.fetch_add(more, Ordering::Relaxed).saturating_add(more) == images {
            let seconds = progress.elapsed().as_secs_f64();
            progress.finish_and_clear();
            // Where standard error is gone, nobody is left to be told.
            drop(writeln!(io::stderr(), "{what} in {seconds:.2} s"));
        }
    };
    Ok(baselines(dataset, options, &done)?)
}

/// The baselines of a data set in the form that was asked for.
fn rendered(arguments: &BaselinesArguments, baselines: &Baselines<'_>) -> io::Result<Vec<u8>> {
    let mut result = Vec::new();
    if arguments.json {
        rendering::json(baselines, &mut result)?;
    } else if arguments.csv {
        rendering::csv(baselines, &mut result)?;
    } else {
        rendering::table(baselines, &mut result)?;
    }
    Ok(result)
}
