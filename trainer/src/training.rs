//! Learning a policy from stored answers: from a data set to a policy file.
//!
//! Images are split by a hash of their names, so that the same image is on the same side in every
//! run ([`split`]). The way to merge is fitted on the images that are learned from, and what their
//! answers are worth is judged by ways that were fitted without them ([`Judged`]). A learner makes
//! a [`Model`] of that, which has a chooser for every price of money; the budget is met by seeking
//! that price on the images that were kept apart (`budget`). What was found is then learned again
//! from all images.

mod budget;
mod error;
mod fixed;
mod judged;
mod merging;
mod model;
mod options;
pub mod split;

use crate::{
    dataset::{Dataset, Part, folder::Manifest},
    evaluation::{Figures, choices, figures, mean},
    objective::Objective,
    policy::{Chooser, KnownProvider, Policy, Strategy, TrainingData, words_sha256},
    problem::Problem,
    rewards::{ScoredImage, Valuation},
    state::States,
};
use armol_analysis::{label_groups::LabelGroups, metrics::image_value::ValueRule};

use budget::Limits;
pub use error::TrainingError;
pub use judged::Judged;
pub use merging::{Merging, MergingError};
pub use model::Model;
pub use options::Options;
use split::Split;

/// What a policy is learned from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The images with their answers.
    pub dataset: &'a Dataset,
    /// What the data set's folder holds.
    pub manifest: &'a Manifest,
    /// The table of words that led to categories.
    pub table: &'a LabelGroups,
    /// Providers' words that were left out.
    pub dropped_words: &'a [String],
}

/// Learns a policy; the same data and options give the same policy. `told` is given a line for the
/// user at each step.
///
/// # Errors
/// Where there is nothing to learn from, or the options cannot be met.
pub fn train(
    source: Source<'_>,
    options: &Options,
    told: &mut dyn FnMut(&str),
) -> Result<Policy, TrainingError> {
    let dataset = source.dataset;
    let trial = Trial::new(dataset, options)?;
    told(&format!(
        "{} images to learn from, {} to judge by",
        trial.split.learning.len(),
        trial.split.validation.len()
    ));
    let found = trial.find(told)?;
    told("learning from all images");
    let all: Vec<usize> = (0..dataset.images.len()).collect();
    let stage = Stage::new(dataset, &all, options)?;
    let chooser = stage.model(options)?.chosen(found.beta, options.budget)?;
    Ok(Policy {
        learner: options.learner,
        options: options.learner_options(),
        objective: Objective { beta: found.beta, ..options.objective() },
        providers: known_providers(dataset),
        categories: dataset.categories.clone(),
        dropped_words: source.dropped_words.to_vec(),
        words_sha256: words_sha256(source.table, &dataset.categories),
        training: training_data(source, &trial.split, options),
        validation: found.figures,
        merger: stage.judged.merger,
        strategy: Strategy::of(chooser),
    })
}

/// Images to learn from, and others to judge what was learned by.
struct Trial<'a> {
    dataset: &'a Dataset,
    options: &'a Options,
    split: Split,
}

/// What was found on the images that were kept apart.
struct Found {
    beta: f64,
    figures: Option<Figures>,
}

impl<'a> Trial<'a> {
    fn new(dataset: &'a Dataset, options: &'a Options) -> Result<Self, TrainingError> {
        if dataset.images.is_empty() || dataset.providers.is_empty() {
            return Err(TrainingError::Empty);
        }
        if dataset.images.iter().all(|image| image.truth.is_empty()) {
            return Err(TrainingError::NoTruth(dataset.name.clone()));
        }
        let names = dataset.images.iter().map(|image| image.name.as_str());
        let split = Split::new(names, options.validation_share);
        if split.learning.is_empty() {
            return Err(TrainingError::NothingToLearnFrom(options.validation_share));
        }
        if split.validation.is_empty() && options.budget.is_some() {
            return Err(TrainingError::NothingToJudgeBy);
        }
        Ok(Self { dataset, options, split })
    }

    /// Learns from the one part, and seeks what is asked for on the other.
    fn find(&self, told: &mut dyn FnMut(&str)) -> Result<Found, TrainingError> {
        let Options { beta, budget, .. } = *self.options;
        if self.split.validation.is_empty() {
            return Ok(Found { beta, figures: None });
        }
        let stage = Stage::new(self.dataset, &self.split.learning, self.options)?;
        let part = Part::of(self.dataset, &self.split.validation);
        let states = stage.states_of(&self.split.validation);
        let judge = |chooser: &Chooser| {
            let valuation = Valuation { merger: &stage.judged.merger, rule: ValueRule::Seed };
            figures(&part, &choices(&part, &states, &Strategy::of(chooser.clone()), valuation))
        };
        let model = stage.model(self.options)?;
        let cost = |chooser: &Chooser| judge(chooser).mean_cost;
        let (beta, chooser) = match budget {
            Some(budget) => {
                let limits = Limits { beta, budget, least_price: least_price(self.dataset) };
                budget::meet(&model, limits, cost, told)?
            }
            None => (beta, model.at(beta)?),
        };
        let figures = judge(&chooser);
        told(&described(&figures));
        Ok(Found { beta, figures: Some(figures) })
    }
}

/// Some images of a data set, ready to be learned from.
struct Stage<'a> {
    images: Vec<ScoredImage<'a>>,
    judged: Judged,
    states: States,
}

impl<'a> Stage<'a> {
    fn new(
        dataset: &'a Dataset,
        places: &[usize],
        options: &Options,
    ) -> Result<Self, TrainingError> {
        let part = Part::of(dataset, places);
        let images = part.scored();
        let names: Vec<&str> = part.images.iter().map(|image| image.name.as_str()).collect();
        let judged = Judged::new(&images, &names, options)?;
        let states = States::new(1, vec![1.0; images.len()]);
        Ok(Self { images, judged, states })
    }

    /// What a learner makes of the images.
    fn model(&self, options: &Options) -> Result<Model<'_>, TrainingError> {
        let problem = Problem {
            images: &self.images,
            states: &self.states,
            providers: self.images.first().map_or(0, |image| image.candidates().answers()),
            values: self.judged.values(),
            latencies: None,
            objective: options.objective(),
        };
        Model::fit(problem, options)
    }

    /// The states of other images of the data set.
    fn states_of(&self, places: &[usize]) -> States {
        let dimension = self.states.dimension();
        States::new(dimension, vec![1.0; dimension * places.len()])
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

fn training_data(source: Source<'_>, split: &Split, options: &Options) -> TrainingData {
    let files = source.manifest.files.iter();
    TrainingData {
        dataset: source.dataset.name.clone(),
        images: source.dataset.images.len(),
        validation_images: split.validation.len(),
        files: files.map(|(name, file)| (name.clone(), file.sha256.clone())).collect(),
        seed: options.seed,
    }
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
