//! `armol-trainer features`: images and a model, or a data set's answers, in; a file of features out.

mod answers;

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use armol_analysis::cause::chain;
use clap::Args;
use image::{ImageError, ImageReader};
use indicatif::{ProgressBar, ProgressStyle};
use rten::ThreadPool;
use serde::Serialize;
use thiserror::Error;

use super::WordTableError;
use crate::{
    dataset::folder::FolderError,
    features::{
        feature_file::{self, ImageFeatures},
        image_model::{FeatureError, ImageModel, ModelError},
    },
    format::{FormatError, coco},
};

/// What an image model says of each image, or what one provider answered: the state from which a
/// policy decides.
///
/// The model is a classifier in the ONNX format, such as MobileNetV3 exported from timm; it runs in
/// pure Rust. Images are prepared as timm does for evaluation. Without a model, --dataset makes numbers
/// of one provider's answers: each category's greatest score and count, the number of boxes, the
/// greatest score, and the mean share of the image that a box covers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer features --images images/ --model mobilenetv3.onnx --out features.npz
  armol-trainer features --dataset data/voc --answers-of yolox --out features.npz

The file has the arrays image_name, image_id (with --ground-truth or --dataset) and features, a row
an image; docs/datasets.md has the columns of --dataset.
Exit code 1 where some images could not be read; the file has the others.")]
pub struct FeaturesArguments {
    /// A folder of JPEG and PNG images
    #[arg(long, value_name = "DIR", requires = "model", required_unless_present = "dataset")]
    images: Option<PathBuf>,
    /// An image classifier in the ONNX format
    #[arg(long, value_name = "FILE", requires = "images")]
    model: Option<PathBuf>,
    /// A data set whose answers say what is known of each image
    #[arg(long, value_name = "DIR", conflicts_with_all = ["images", "model", "ground_truth", "raw"])]
    dataset: Option<PathBuf>,
    /// The provider whose answers they are; without it, the cheapest
    #[arg(long, value_name = "PROVIDER", requires = "dataset")]
    answers_of: Option<String>,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE", requires = "dataset")]
    label_groups: Option<PathBuf>,
    /// Where to write the features, as NumPy's .npz
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which number each image has; only images of this COCO file are read
    #[arg(long, value_name = "FILE")]
    ground_truth: Option<PathBuf>,
    /// Keep the model's output as it is, where it has no logits
    #[arg(long)]
    raw: bool,
    /// Write what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Why there are no features.
#[derive(Debug, Error)]
pub enum FeaturesError {
    /// The folder cannot be read.
    #[error("cannot read the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is nothing to do.
    #[error("{0} has no JPEG or PNG image of those asked for")]
    NoImages(PathBuf),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The ground truth cannot be used.
    #[error(transparent)]
    GroundTruth(#[from] FormatError),
    /// Neither images nor a data set were named.
    #[error("give --images and --model, or --dataset")]
    NoSource,
    /// The data set cannot be used.
    #[error(transparent)]
    Dataset(#[from] FolderError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// The data set has no such provider.
    #[error("{folder} has no provider {wanted:?}; its providers are {known}")]
    NoProvider {
        /// The data set.
        folder: PathBuf,
        /// Who was asked for.
        wanted: String,
        /// Who is there, a comma between them.
        known: String,
    },
    /// The provider answered about no image.
    #[error(
        "{0} has no answer to make features of; name a provider that answered, or import answers"
    )]
    NoAnswers(PathBuf),
    /// No image has features.
    #[error("none of {0} images could be used, so no file is written")]
    NoneUsable(usize),
    /// Some images have no features.
    #[error("{0} images could not be used; the file has the others")]
    Unusable(usize),
    /// The features cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The report cannot be written.
    #[error("cannot write the result")]
    Report(#[source] io::Error),
}

/// Why one image has no features.
#[derive(Debug, Error)]
enum ImageProblem {
    #[error("cannot read image {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: ImageError,
    },
    #[error("no features of {path}")]
    Features {
        path: PathBuf,
        #[source]
        source: FeatureError,
    },
}

/// What was done.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    out: &'a Path,
    images: usize,
    unusable: usize,
    dimension: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_px: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unanswered: Option<usize>,
}

/// Features, and what is to be said of them.
#[derive(Debug, Default)]
struct Extracted {
    features: Vec<ImageFeatures>,
    problems: Vec<ImageProblem>,
    size_px: Option<u32>,
    /// Whose answers the features are, where they are a provider's.
    provider: Option<String>,
    /// How many images that provider did not answer.
    unanswered: Option<usize>,
}

impl FeaturesError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Folder { .. }
            | Self::NoImages(_)
            | Self::Model(_)
            | Self::GroundTruth(_)
            | Self::NoSource
            | Self::WordTable(_)
            | Self::NoProvider { .. }
            | Self::NoAnswers(_) => true,
            Self::Dataset(error) => error.is_wrong_use(),
            Self::NoneUsable(_) | Self::Unusable(_) | Self::Write { .. } | Self::Report(_) => false,
        }
    }
}

/// Makes the features, writes them, and reports to `output`.
///
/// # Errors
/// Where a file cannot be used or written. Images that cannot be used are named, and left out.
pub fn run(arguments: &FeaturesArguments, output: &mut impl Write) -> Result<(), FeaturesError> {
    let extracted = match (&arguments.dataset, &arguments.images, &arguments.model) {
        (Some(folder), _, _) => {
            let provider = arguments.answers_of.as_deref();
            answers::extract(folder, provider, arguments.label_groups.as_deref())?
        }
        (None, Some(images), Some(model)) => by_model(arguments, images, model)?,
        (None, ..) => return Err(FeaturesError::NoSource),
    };
    let Extracted { features, problems, size_px, provider, unanswered } = extracted;
    for problem in &problems {
        // Where standard error is closed, nobody is left to be told.
        drop(writeln!(io::stderr(), "error: {}", chain(problem)));
    }
    if features.is_empty() {
        return Err(FeaturesError::NoneUsable(problems.len()));
    }
    write(&features, &arguments.out)?;
    let summary = Summary {
        out: &arguments.out,
        images: features.len(),
        unusable: problems.len(),
        dimension: features.first().map_or(0, |image| image.values.len()),
        size_px,
        provider,
        unanswered,
    };
    report(&summary, arguments.json, output).map_err(FeaturesError::Report)?;
    if problems.is_empty() { Ok(()) } else { Err(FeaturesError::Unusable(problems.len())) }
}

/// Runs the model on each image that is asked for.
fn by_model(
    arguments: &FeaturesArguments,
    folder: &Path,
    model: &Path,
) -> Result<Extracted, FeaturesError> {
    let numbers = arguments.ground_truth.as_deref().map(numbers).transpose()?;
    let paths = images(folder, numbers.as_ref())?;
    let model = ImageModel::load(model, !arguments.raw)?;
    let (mut features, problems) = extract(&model, &paths);
    for image in &mut features {
        image.id =
            numbers.as_ref().and_then(|numbers| i64::try_from(*numbers.get(&image.name)?).ok());
    }
    let size_px = Some(model.preprocessing().size);
    Ok(Extracted { features, problems, size_px, ..Extracted::default() })
}

/// The number of each image of a ground truth.
fn numbers(path: &Path) -> Result<HashMap<String, u64>, FeaturesError> {
    let truth = coco::read(path)?;
    Ok(truth.images.into_iter().map(|image| (image.name, image.id)).collect())
}

/// The images of a folder that are asked for, ordered by name.
fn images(
    folder: &Path,
    wanted: Option<&HashMap<String, u64>>,
) -> Result<Vec<PathBuf>, FeaturesError> {
    let failed = |source| FeaturesError::Folder { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_image = path.extension().is_some_and(|extension| {
            ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        if is_image && wanted.is_none_or(|wanted| wanted.contains_key(&name(&path))) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    if paths.is_empty() { Err(FeaturesError::NoImages(folder.to_owned())) } else { Ok(paths) }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs the model on every image, one image a processor at a time; both results are in the order of
/// the paths.
fn extract(model: &ImageModel, paths: &[PathBuf]) -> (Vec<ImageFeatures>, Vec<ImageProblem>) {
    let progress = progress(paths.len());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(paths.len()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                // Small models gain nothing from several threads, several images do.
                let pool = Arc::new(ThreadPool::with_num_threads(1));
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(place) else { break };
                    let result = of_image(model, path, &pool);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
                    progress.inc(1);
                }
            });
        }
    });
    progress.finish_and_clear();
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(place, _)| *place);
    let (mut features, mut problems) = (Vec::new(), Vec::new());
    for (_, result) in results {
        match result {
            Ok(image) => features.push(image),
            Err(problem) => problems.push(problem),
        }
    }
    (features, problems)
}

fn of_image(
    model: &ImageModel,
    path: &Path,
    pool: &Arc<ThreadPool>,
) -> Result<ImageFeatures, ImageProblem> {
    let unreadable = |source| ImageProblem::Read { path: path.to_owned(), source };
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|error| unreadable(ImageError::IoError(error)))?;
    let image = reader.decode().map_err(unreadable)?.into_rgb8();
    let values = model
        .features(&image, pool)
        .map_err(|source| ImageProblem::Features { path: path.to_owned(), source })?;
    Ok(ImageFeatures { name: name(path), id: None, values })
}

fn progress(images: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} images, {eta} left");
    let bar = ProgressBar::new(u64::try_from(images).unwrap_or(u64::MAX));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Writes to a file beside the target, which then takes its place.
fn write(features: &[ImageFeatures], path: &Path) -> Result<(), FeaturesError> {
    let failed = |source| FeaturesError::Write { path: path.to_owned(), source };
    let unfinished = path.with_extension("npz.unfinished");
    let file = File::create(&unfinished).map_err(failed)?;
    feature_file::write(features, BufWriter::new(file)).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)
}

fn report(summary: &Summary<'_>, json: bool, output: &mut impl Write) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *output, summary)?;
        return writeln!(output);
    }
    let Summary { out, images, dimension, provider, unanswered, .. } = summary;
    if let Some(provider) = provider {
        writeln!(output, "what {provider} answered is what is known of an image")?;
    }
    writeln!(output, "{images} images with {dimension} features each are in {}", out.display())?;
    match unanswered {
        None | Some(0) => Ok(()),
        Some(count) => writeln!(output, "left out, images without an answer: {count}"),
    }
}
