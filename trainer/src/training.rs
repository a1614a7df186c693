//! Learning a policy from stored answers: from a data set to a policy file.
//!
//! Images are split by a hash of their names, so that the same image is on the same side in every
//! run ([`split`]). The way to merge is fitted on the images that are learned from, and what their
//! answers are worth is judged by ways that were fitted without them ([`Judged`]). A learner makes
//! a [`Model`] of that, which has a chooser for every price of money; the budget is met by seeking
//! that price on the images that were kept apart (`budget`). What was found is then learned again
//! from all images.

mod budget;
mod checkpoint;
mod epochs;
mod error;
mod fixed;
mod judged;
mod merging;
mod model;
mod options;
pub mod split;
mod stage;
mod worth;

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use armol_analysis::{label_groups::LabelGroups, metrics::image_value::ValueRule};

use crate::{
    dataset::{
        Dataset, Part,
        folder::{Manifest, sha256_text},
    },
    evaluation::{Choice, Figures, choices, figures, mean},
    objective::Objective,
    policy::{Chooser, KnownProvider, Policy, TrainingData, words_sha256},
    rewards::Valuation,
    state::States,
};

use budget::Limits;
pub use checkpoint::CheckpointError;
use checkpoint::Files;
use epochs::Session;
pub use epochs::{EpochOptions, Keep};
pub use error::TrainingError;
pub use judged::Judged;
pub use merging::{Merging, MergingError};
pub use model::Model;
pub use options::{Options, USUAL_BETA};
use split::Split;
use stage::Stage;
pub use worth::RewardKind;

/// What a policy is learned from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The data set's folder.
    pub folder: &'a Path,
    /// The images with their answers.
    pub dataset: &'a Dataset,
    /// What the data set's folder holds.
    pub manifest: &'a Manifest,
    /// The table of words that led to categories.
    pub table: &'a LabelGroups,
    /// Providers' words that were left out.
    pub dropped_words: &'a [String],
}

/// Where what is learned step by step is kept, and what ends learning.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The policy's file, beside which the log and checkpoints go; `None` where nothing is kept.
    pub out: Option<&'a Path>,
    /// Whether to go on from the checkpoint that is there.
    pub resume: bool,
    /// Set from outside, it ends learning as soon as that can be gone on from.
    pub stop: &'a AtomicBool,
}

/// Learns a policy; the same data and options give the same policy. `told` is given a line for the
/// user at each step.
///
/// # Errors
/// Where there is nothing to learn from, the options cannot be met, or learning was stopped.
pub fn train(
    source: Source<'_>,
    options: &Options,
    watch: Watch<'_>,
    told: &mut dyn FnMut(&str),
) -> Result<Policy, TrainingError> {
    let trial = Trial::new(source, options)?;
    told(&format!(
        "{} images to learn from, {} to judge by",
        trial.split.learning.len(),
        trial.split.validation.len()
    ));
    if options.learner.is_published() {
        return trial.learn_by_steps(watch, told);
    }
    if watch.resume {
        return Err(TrainingError::NothingToResume(options.learner));
    }
    let found = trial.find(watch, told)?;
    told("learning from all images");
    let all: Vec<usize> = (0..source.dataset.images.len()).collect();
    let stage = Stage::new(source, &all, options)?;
    let chooser = stage.model(options)?.chosen(found.beta, options.budget)?;
    Ok(trial.policy(stage, chooser, found))
}

/// Removes the checkpoint beside a policy that is there.
///
/// # Errors
/// Where the file cannot be removed.
pub fn remove_checkpoint(out: &Path) -> Result<(), CheckpointError> {
    Files::beside(out).remove_checkpoint()
}

/// Images to learn from, and others to judge what was learned by.
struct Trial<'a> {
    source: Source<'a>,
    options: &'a Options,
    split: Split,
}

/// What was found on the images that were kept apart.
struct Found {
    beta: f64,
    figures: Option<Figures>,
}

impl<'a> Trial<'a> {
    fn new(source: Source<'a>, options: &'a Options) -> Result<Self, TrainingError> {
        let dataset = source.dataset;
        if dataset.images.is_empty() || dataset.providers.is_empty() {
            return Err(TrainingError::Empty);
        }
        if dataset.images.iter().all(|image| image.truth.is_empty()) {
            return Err(TrainingError::NoTruth(dataset.name.clone()));
        }
        if options.budget.is_some() && options.learner.is_published() {
            return Err(TrainingError::NoBudget(options.learner));
        }
        let names = dataset.images.iter().map(|image| image.name.as_str());
        let split = Split::new(names, options.validation_share);
        if split.learning.is_empty() {
            return Err(TrainingError::NothingToLearnFrom(options.validation_share));
        }
        if split.validation.is_empty() && options.budget.is_some() {
            return Err(TrainingError::NothingToJudgeBy);
        }
        Ok(Self { source, options, split })
    }

    /// Learns from the one part, and seeks what is asked for on the other.
    fn find(&self, watch: Watch<'_>, told: &mut dyn FnMut(&str)) -> Result<Found, TrainingError> {
        let Options { beta, budget, .. } = *self.options;
        if self.split.validation.is_empty() {
            return Ok(Found { beta, figures: None });
        }
        let stage = Stage::new(self.source, &self.split.learning, self.options)?;
        let validation = Validation::new(self, &stage)?;
        let model = stage.model(self.options)?;
        let mut cost = |chooser: &Chooser| {
            if watch.stop.load(Ordering::Relaxed) {
                return Err(TrainingError::Stopped);
            }
            Ok(validation.judge(&stage, chooser).1.mean_cost)
        };
        let (beta, chooser) = match budget {
            Some(budget) => {
                let limits = Limits { beta, budget, least_price: least_price(self.source.dataset) };
                budget::meet(&model, limits, &mut cost, told)?
            }
            None => (beta, model.at(beta)?),
        };
        let (_, figures) = validation.judge(&stage, &chooser);
        told(&described(&figures));
        Ok(Found { beta, figures: Some(figures) })
    }

    /// Learns by steps from the one part, and keeps what is good on the other.
    fn learn_by_steps(
        &self,
        watch: Watch<'_>,
        told: &mut dyn FnMut(&str),
    ) -> Result<Policy, TrainingError> {
        let session = Session {
            files: watch.out.map(Files::beside),
            mark: self.mark(),
            resume: watch.resume,
            stop: watch.stop,
        };
        let stage = Stage::new(self.source, &self.split.learning, self.options)?;
        let validation = match self.split.validation.as_slice() {
            [] => None,
            _ => Some(Validation::new(self, &stage)?),
        };
        let judge =
            |chooser: &Chooser| validation.as_ref().map(|images| images.judge(&stage, chooser));
        let learned = epochs::learn(&stage, self.options, &judge, &session, told)?;
        if let Some(figures) = &learned.figures {
            told(&described(figures));
        }
        let found = Found { beta: self.options.beta, figures: learned.figures };
        Ok(self.policy(stage, learned.chooser, found))
    }

    /// The policy of what was learned.
    fn policy(&self, stage: Stage<'_>, chooser: Chooser, found: Found) -> Policy {
        let Self { source, options, split } = self;
        let files = source.manifest.files.iter();
        Policy {
            learner: options.learner,
            options: options.described(),
            objective: Objective { beta: found.beta, ..options.objective() },
            providers: known_providers(source.dataset),
            categories: source.dataset.categories.clone(),
            dropped_words: source.dropped_words.to_vec(),
            words_sha256: words_sha256(source.table, &source.dataset.categories),
            training: TrainingData {
                dataset: source.dataset.name.clone(),
                images: source.dataset.images.len(),
                validation_images: split.validation.len(),
                files: files.map(|(name, file)| (name.clone(), file.sha256.clone())).collect(),
                seed: options.seed,
            },
            validation: found.figures,
            strategy: stage.strategy(chooser),
            state: stage.recipe,
            merger: stage.judged.merger,
        }
    }

    /// What tells this training from every other.
    fn mark(&self) -> String {
        let Self { source, options, .. } = self;
        let hashes = source.manifest.files.values().map(|file| file.sha256.as_str());
        let parts = (
            options.learner,
            options.described(),
            options.objective(),
            options.seed,
            format!("{:?} {:?}", options.state, options.merging),
            known_providers(source.dataset),
            source.dropped_words,
            words_sha256(source.table, &source.dataset.categories),
            hashes.collect::<Vec<_>>(),
        );
        // Numbers that are options are finite, so that this is text.
        sha256_text(&serde_json::to_vec(&parts).unwrap_or_default())
    }
}

/// The images that judge what was learned.
struct Validation<'a> {
    part: Part<'a>,
    states: States,
}

impl<'a> Validation<'a> {
    fn new(trial: &Trial<'a>, stage: &Stage<'_>) -> Result<Self, TrainingError> {
        let places = &trial.split.validation;
        let states = stage.states_of(places)?;
        Ok(Self { part: Part::of(trial.source.dataset, places), states })
    }

    fn judge(&self, stage: &Stage<'_>, chooser: &Chooser) -> (Vec<Choice>, Figures) {
        let valuation = Valuation { merger: &stage.judged.merger, rule: ValueRule::Seed };
        let strategy = stage.strategy(chooser.clone());
        let choices = choices(&self.part, &self.states, &strategy, valuation);
        let figures = figures(&self.part, &choices);
        (choices, figures)
    }
}

/// The least that a call costs, in thousandths of a US dollar; 1 where all are free.
fn least_price(dataset: &Dataset) -> f64 {
    let prices = known_providers(dataset).into_iter().map(|provider| provider.price);
    let least = prices.filter(|price| *price > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 1.0 }
}

/// The providers with what a call costs at the mean.
fn known_providers(dataset: &Dataset) -> Vec<KnownProvider> {
    let providers = &dataset.providers;
    let rows: Vec<Vec<u64>> =
        dataset.images.iter().map(|image| image.prices_microusd(providers)).collect();
    let known = providers.iter().enumerate().map(|(place, provider)| {
        let prices = rows.iter().filter_map(|row| row.get(place));
        let price = mean(prices.map(|price| crate::baseline::number(*price) / 1e3));
        KnownProvider {
            name: provider.name.clone(),
            price: price.unwrap_or(0.0),
            simulated: provider.simulated,
        }
    });
    known.collect()
}

/// Figures in one line.
fn described(figures: &Figures) -> String {
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    format!(
        "on {} images kept apart: v {}, AP50 {}, cost {:.3} e-3 USD",
        figures.images,
        shown(figures.mean_v),
        shown(figures.ap50),
        figures.mean_cost
    )
}
