//! `armol-trainer dataset import`: files in, a data set out.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use armol_analysis::identity::Name;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    DatasetCommandError,
    source::{AnswersPath, NamedNumber, TruthArguments, TruthRead, source},
    summary,
};
use crate::{
    command::word_table,
    dataset::{
        features::{ArrayDescription, FeatureArchive},
        folder::{self, Origin},
        joining::{Source, join},
        records::{Provider, Records},
    },
};

/// What a call is taken to cost where nothing says otherwise, in US dollars: what the large vendors
/// charge, and what the published work counts.
const USUAL_PRICE_USD: f64 = 0.001;

/// Makes a data set of a ground truth and files of answers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset import --name voc --ground-truth gt.json.gz \\
      --answers yolox=yolox.json.gz --answers aws=dir/ --price aws=0.001 --out data/voc

FORM is coco, armol (the published text folders), voc, yolo, lines or labels. Answers come as COCO
results, or in the form of a ground truth with scores. docs/datasets.md describes all of them.")]
pub struct ImportArguments {
    /// What the data set is to be called
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    name: Name,
    #[command(flatten)]
    truth: TruthArguments,
    /// A provider and its answers; once for each provider, in their order
    #[arg(long, value_name = "NAME=[FORM:]PATH")]
    answers: Vec<AnswersPath>,
    /// The state of each image: a `.npz` file of arrays with the images' ids in `image_id`, or
    /// their file names in `image_name`
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// What the bytes of an array of the features are to be multiplied by
    #[arg(long, value_name = "ARRAY=NUMBER", requires = "features")]
    feature_scale: Vec<NamedNumber>,
    /// What a call of a provider costs in US dollars; 0.001 where nothing says
    #[arg(long, value_name = "NAME=USD")]
    price: Vec<NamedNumber>,
    /// The answers are a simulator's
    #[arg(long)]
    simulated: bool,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Reads, joins and writes; says on `output` what came of it.
pub(super) fn run(
    arguments: &ImportArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    if arguments.out.exists() {
        return Err(folder::FolderError::Exists(arguments.out.clone()).into());
    }
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let progress = progress(arguments);
    progress.set_message("ground truth");
    let TruthRead { truth, ranks, prices_usd, mut sources } = arguments.truth.read()?;
    progress.inc(1);
    let prices = prices(arguments, prices_usd)?;
    let mut providers = Vec::with_capacity(arguments.answers.len());
    for AnswersPath { provider, source: formed } in &arguments.answers {
        progress.set_message(provider.to_string());
        let (name, path) = (provider.as_str().to_owned(), &formed.path);
        let answers = formed.form()?.read_answers(&name, path, &truth, ranks.as_deref())?;
        sources.push(source(&format!("answers of {name}"), path)?);
        let price_usd = prices.get(&name).copied().unwrap_or(USUAL_PRICE_USD);
        let (simulated, price_microusd) = (arguments.simulated, micro(price_usd));
        let provider = Provider { name, simulated, price_microusd };
        providers.push(Source { provider, answers });
        progress.inc(1);
    }
    let archive = match &arguments.features {
        None => None,
        Some(path) => {
            sources.push(source("features", path)?);
            Some((path, FeatureArchive::open_for(path, &truth.images)?))
        }
    };
    let records = join(arguments.name.as_str(), truth, providers)?;
    let features = match archive {
        None => None,
        Some((path, mut archive)) => {
            let arrays = described(arguments, path, &mut archive, &records)?;
            Some((archive, arrays))
        }
    };
    progress.set_message("writing");
    let origin = Origin { sources, table: &table, features };
    folder::write(&records, origin, &arguments.out)?;
    progress.finish_and_clear();
    summary::write(&arguments.out, &table, output)
}

/// A bar with a step a file; hidden where standard error is no terminal.
fn progress(arguments: &ImportArguments) -> ProgressBar {
    let files = u64::try_from(arguments.answers.len()).unwrap_or(u64::MAX);
    let progress = ProgressBar::new(files.saturating_add(2));
    // The template is fixed, and a bar in the usual style will do should it be refused.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        progress.set_style(style);
    }
    progress
}

/// The prices that files and flags give, in US dollars; flags count.
fn prices(
    arguments: &ImportArguments,
    in_files: Vec<(String, f64)>,
) -> Result<BTreeMap<String, f64>, DatasetCommandError> {
    let mut prices: BTreeMap<String, f64> = in_files.into_iter().collect();
    for NamedNumber { name, number } in &arguments.price {
        if !arguments.answers.iter().any(|answers| answers.provider.as_str() == name) {
            return Err(DatasetCommandError::PriceOfNobody(name.clone()));
        }
        prices.insert(name.clone(), *number);
    }
    Ok(prices)
}

/// The arrays of the features, which must be of some of the images.
fn described(
    arguments: &ImportArguments,
    path: &Path,
    archive: &mut FeatureArchive,
    records: &Records,
) -> Result<Vec<ArrayDescription>, DatasetCommandError> {
    let ids: std::collections::HashSet<u64> = archive.ids().iter().copied().collect();
    if !records.images.iter().any(|image| ids.contains(&image.truth.id)) {
        let (path, images) = (path.to_owned(), records.images.len());
        return Err(DatasetCommandError::OtherFeatures { path, images });
    }
    let scales = arguments.feature_scale.iter().map(|scale| (scale.name.clone(), scale.number));
    Ok(archive.describe(&scales.collect())?)
}

/// US dollars as millionths, rounded to the nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a price is finite and not negative, and casts stop at the largest number"
)]
fn micro(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}
