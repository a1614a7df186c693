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
mod conditions;
mod epochs;
mod error;
mod fixed;
mod judged;
mod merging;
mod model;
mod options;
mod quota;
pub mod split;
mod stage;
mod trial;
mod worth;

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use armol_analysis::label_groups::LabelGroups;

use crate::{
    dataset::{Dataset, Provider, folder::Manifest},
    policy::{KnownProvider, Policy},
    tariff::mean_prices,
};
use checkpoint::Files;
use stage::Stage;
use trial::Trial;

pub use checkpoint::CheckpointError;
pub use conditions::WaitingOptions;
pub use epochs::{EpochOptions, Keep};
pub use error::TrainingError;
pub use judged::Judged;
pub(crate) use merging::calibrated;
pub use merging::{Merging, MergingError, Settings};
pub use model::Model;
pub use options::{Options, USUAL_BETA};
pub use quota::Quota;
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

impl Watch<'_> {
    /// Whether learning has not been stopped.
    fn go_on(self) -> Result<(), TrainingError> {
        if self.stop.load(Ordering::Relaxed) { Err(TrainingError::Stopped) } else { Ok(()) }
    }
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
    if let Some(replayed) = trial.conditions.described() {
        told(&replayed);
    }
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
    let mut stage = Stage::new(source, &all, &trial.conditions, options)?;
    stage.make_dearer(&found.surcharges);
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

/// The providers with what a call costs at the mean.
fn known_providers(dataset: &Dataset) -> Vec<KnownProvider> {
    let providers = &dataset.providers;
    let rows = dataset.images.iter().map(|image| image.prices_microusd(providers));
    let prices = mean_prices(rows, providers.len());
    let known = |(provider, price): (&Provider, f64)| KnownProvider {
        name: provider.name.clone(),
        price,
        simulated: provider.simulated,
    };
    providers.iter().zip(prices).map(known).collect()
}
