//! A part of the images to learn from, the other to judge what was learned: what is asked for is sought
//! there.

use armol_analysis::metrics::image_value::ValueRule;

use super::{
    Options, Source, TrainingError, Watch,
    budget::{self, Limits},
    checkpoint::Files,
    conditions::Conditions,
    epochs::{self, Session},
    known_providers, quota,
    split::Split,
    stage::Stage,
};
use crate::{
    dataset::{Dataset, Part, folder::sha256_text},
    evaluation::{Choice, Figures, choices, figures, mean},
    objective::Objective,
    policy::{Chooser, Learner, Policy, TrainingData, words_sha256},
    rewards::Valuation,
    state::States,
};

/// The price of money, where it would be less, at which quotas are kept by prices.
const LEAST_BETA_OF_QUOTAS: f64 = -1e-3;

/// Images to learn from, and others to judge what was learned by.
pub(super) struct Trial<'a> {
    source: Source<'a>,
    options: &'a Options,
    pub(super) split: Split,
    pub(super) conditions: Conditions,
    /// Which share of images each provider may be asked about; `None` for all.
    quotas: Vec<Option<f64>>,
}

/// What was found on the images that were kept apart.
pub(super) struct Found {
    pub(super) beta: f64,
    /// How much dearer providers are made, in millionths of a US dollar.
    pub(super) surcharges: Vec<u64>,
    figures: Option<Figures>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(source: Source<'a>, options: &'a Options) -> Result<Self, TrainingError> {
        let dataset = source.dataset;
        if dataset.images.is_empty() || dataset.providers.is_empty() {
            return Err(TrainingError::Empty);
        }
        if dataset.images.iter().all(|image| image.truth.is_empty()) {
            return Err(TrainingError::NoTruth(dataset.name.clone()));
        }
        let keeps_limits = !options.learner.is_published();
        if options.epochs.published && keeps_limits {
            return Err(TrainingError::NotPublished(options.learner));
        }
        if options.budget.is_some() && !keeps_limits {
            return Err(TrainingError::NoBudget(options.learner));
        }
        let keeps_quotas = keeps_limits && options.learner != Learner::Fixed;
        if !options.quotas.is_empty() && !keeps_quotas {
            return Err(TrainingError::NoQuota(options.learner));
        }
        let names = dataset.images.iter().map(|image| image.name.as_str());
        let split = Split::new(names, options.validation_share);
        if split.learning.is_empty() {
            return Err(TrainingError::NothingToLearnFrom(options.validation_share));
        }
        let has_limits = options.budget.is_some() || !options.quotas.is_empty();
        if split.validation.is_empty() && has_limits {
            return Err(TrainingError::NothingToJudgeBy);
        }
        let conditions = Conditions::new(source, options)?;
        let quotas = quota::shares(&options.quotas, options.images_a_day, &dataset.providers)?;
        Ok(Self { source, options, split, conditions, quotas })
    }

    /// Learns from the one part, and seeks what is asked for on the other.
    pub(super) fn find(
        &self,
        watch: Watch<'_>,
        told: &mut dyn FnMut(&str),
    ) -> Result<Found, TrainingError> {
        let mut found = Found { beta: self.options.beta, surcharges: Vec::new(), figures: None };
        if self.split.validation.is_empty() {
            return Ok(found);
        }
        let mut stage =
            Stage::new(self.source, &self.split.learning, &self.conditions, self.options)?;
        let validation = Validation::new(self, &stage)?;
        let (beta, mut chooser) = self.priced(&stage, &validation, watch, told)?;
        found.beta = beta;
        if self.quotas.iter().any(Option::is_some) {
            // Money must be worth something for anyone to be too dear.
            found.beta = beta.min(LEAST_BETA_OF_QUOTAS);
            found.surcharges = self.surcharges(&mut stage, &validation, found.beta, watch)?;
            stage.make_dearer(&found.surcharges);
            chooser = stage.model(self.options)?.at(found.beta)?;
        }
        let (_, figures) = validation.judge(&stage, &chooser);
        told(&described(&figures));
        match self.options.budget {
            Some(budget) if figures.mean_cost > budget => {
                Err(TrainingError::BudgetWithQuotas { budget, spent: figures.mean_cost })
            }
            _ => Ok(Found { figures: Some(figures), ..found }),
        }
    }

    /// The price of money that is asked for, or that meets the budget, and the chooser at it.
    fn priced(
        &self,
        stage: &Stage<'_>,
        validation: &Validation<'_>,
        watch: Watch<'_>,
        told: &mut dyn FnMut(&str),
    ) -> Result<(f64, Chooser), TrainingError> {
        let Options { beta, budget, .. } = *self.options;
        let model = stage.model(self.options)?;
        let Some(budget) = budget else { return Ok((beta, model.at(beta)?)) };
        let mut cost = |chooser: &Chooser| {
            watch.go_on()?;
            Ok(validation.judge(stage, chooser).1.mean_cost)
        };
        let limits = Limits { beta, budget, least_price: least_price(self.source.dataset) };
        budget::meet(&model, limits, &mut cost, told)
    }

    /// How much dearer providers are to be made, in millionths of a US dollar, for quotas to be kept.
    fn surcharges(
        &self,
        stage: &mut Stage<'_>,
        validation: &Validation<'_>,
        beta: f64,
        watch: Watch<'_>,
    ) -> Result<Vec<u64>, TrainingError> {
        let in_microusd = |values: &[f64]| -> Vec<u64> {
            values.iter().map(|value| microusd(value / -beta)).collect()
        };
        let mut shares = |values: &[f64]| {
            watch.go_on()?;
            stage.make_dearer(&in_microusd(values));
            let chooser = stage.model(self.options)?.at(beta)?;
            let (choices, _) = validation.judge(stage, &chooser);
            let share = |place| {
                let asked = choices.iter().map(|choice| choice.asked.contains(place));
                mean(asked.map(|asked| f64::from(u8::from(asked)))).unwrap_or(0.0)
            };
            Ok((0..self.quotas.len()).map(share).collect())
        };
        Ok(in_microusd(&quota::keep(&self.quotas, &mut shares)?))
    }

    /// Learns by steps from the one part, and keeps what is good on the other.
    pub(super) fn learn_by_steps(
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
        let stage = Stage::new(self.source, &self.split.learning, &self.conditions, self.options)?;
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
        let found =
            Found { beta: self.options.beta, surcharges: Vec::new(), figures: learned.figures };
        Ok(self.policy(stage, learned.chooser, found))
    }

    /// The policy of what was learned.
    pub(super) fn policy(&self, stage: Stage<'_>, chooser: Chooser, found: Found) -> Policy {
        let Self { source, options, split, .. } = self;
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

/// Thousandths of a US dollar in whole millionths, at least 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates, and prices are far below 2^53"
)]
const fn microusd(thousandths: f64) -> u64 {
    (thousandths * 1e3) as u64
}

/// The least that a call costs, in thousandths of a US dollar; 1 where all are free.
fn least_price(dataset: &Dataset) -> f64 {
    let prices = known_providers(dataset).into_iter().map(|provider| provider.price);
    let least = prices.filter(|price| *price > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 1.0 }
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
