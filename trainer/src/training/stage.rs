//! Some images of a data set, made ready to be learned from: their answers judged, their states made.

use super::{Judged, Model, Options, Source, TrainingError, conditions::Conditions};
use crate::{
    baseline::number,
    dataset::Part,
    evaluation::mean,
    policy::{Chooser, Limit, Strategy},
    problem::{Latencies, Problem},
    rewards::ScoredImage,
    state::{
        StateRecipe, States,
        recipe::{Images, StoredFeatures},
    },
    subset::Subset,
};

/// Some images of a data set, ready to be learned from.
pub(super) struct Stage<'a> {
    source: Source<'a>,
    places: Vec<usize>,
    images: Vec<ScoredImage<'a>>,
    states: States,
    latencies: Option<Latencies>,
    limit: Option<Limit>,
    /// How their answers are merged, and what choices are worth.
    pub(super) judged: Judged,
    /// What their states are made of.
    pub(super) recipe: StateRecipe,
}

impl<'a> Stage<'a> {
    /// Fits on the images at these places what is fitted before anything is learned.
    pub(super) fn new(
        source: Source<'a>,
        places: &[usize],
        conditions: &Conditions,
        options: &Options,
    ) -> Result<Self, TrainingError> {
        let part = Part::of(source.dataset, places);
        let images = part.scored();
        let names: Vec<&str> = part.images.iter().map(|image| image.name.as_str()).collect();
        let judged = Judged::new(&images, &names, options)?;
        let (recipe, states) = StateRecipe::fit(images_of(source, places), &options.state)?;
        let latencies = conditions.latencies(places);
        let limit = conditions.limit(options);
        let places = places.to_vec();
        Ok(Self { source, places, images, states, latencies, limit, judged, recipe })
    }

    /// What a learner makes of the images.
    pub(super) fn model(&self, options: &Options) -> Result<Model<'_>, TrainingError> {
        let first = self.recipe.asked_first();
        Model::fit(self.problem(options), first, &self.judged.merger, options)
    }

    /// Makes each provider so much dearer, in millionths of a US dollar, than it is.
    pub(super) fn make_dearer(&mut self, surcharges: &[u64]) {
        let images = Part::of(self.source.dataset, &self.places).scored().into_iter();
        self.images = images.map(|image| image.with_surcharges(surcharges)).collect();
    }

    /// The images as a problem to learn from.
    pub(super) fn problem(&self, options: &Options) -> Problem<'_> {
        Problem {
            images: &self.images,
            states: &self.states,
            providers: self.source.dataset.providers.len(),
            values: self.judged.values(),
            latencies: self.latencies.as_ref(),
            objective: options.objective(),
        }
    }

    /// Who is asked in any case, because states are made of what it answers.
    pub(super) fn first(&self) -> Subset {
        self.recipe.asked_first().map_or_else(Subset::default, Subset::single)
    }

    /// What a call of each provider costs at the mean, in thousandths of a US dollar.
    pub(super) fn prices(&self) -> Vec<f64> {
        let providers = 0..self.source.dataset.providers.len();
        let price = |place| {
            let costs = self.images.iter().map(|image| image.cost_microusd(Subset::single(place)));
            mean(costs.map(|cost| number(cost) / 1e3)).unwrap_or(0.0)
        };
        providers.map(price).collect()
    }

    /// A chooser with what it needs before it can choose.
    pub(super) fn strategy(&self, chooser: Chooser) -> Strategy {
        Strategy { first: self.recipe.asked_first(), chooser, limit: self.limit.clone() }
    }

    /// The states of other images of the data set.
    pub(super) fn states_of(&self, places: &[usize]) -> Result<States, TrainingError> {
        Ok(self.recipe.states(images_of(self.source, places))?)
    }
}

fn images_of<'a>(source: Source<'a>, places: &'a [usize]) -> Images<'a> {
    let arrays = &source.manifest.features;
    let features = Some(StoredFeatures { folder: source.folder, arrays });
    Images { dataset: source.dataset, places, features }
}
