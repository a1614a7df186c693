//! Some images of a data set, made ready to be learned from: their answers judged, their states made.

use super::{Judged, Model, Options, Source, TrainingError, conditions::Conditions};
use crate::{
    dataset::Part,
    policy::{Chooser, Limit, Strategy},
    problem::{Latencies, Problem},
    rewards::ScoredImage,
    state::{
        StateRecipe, States,
        recipe::{Images, StoredFeatures},
    },
    subset::Subset,
    tariff::mean_prices,
};

/// Some images of a data set, ready to be learned from.
pub(super) struct Stage<'a> {
    source: Source<'a>,
    conditions: &'a Conditions,
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
        conditions: &'a Conditions,
        options: &Options,
    ) -> Result<Self, TrainingError> {
        let part = Part::of(source.dataset, places);
        let images = scored(&part, places, conditions);
        let names: Vec<&str> = part.images.iter().map(|image| image.name.as_str()).collect();
        let judged = Judged::new(&images, &names, options)?;
        let (recipe, states) = StateRecipe::fit(images_of(source, places), &options.state)?;
        let latencies = conditions.latencies(places);
        let limit = conditions.limit(options);
        let places = places.to_vec();
        Ok(Self { source, conditions, places, images, states, latencies, limit, judged, recipe })
    }

    /// What a learner makes of the images.
    pub(super) fn model(&self, options: &Options) -> Result<Model<'_>, TrainingError> {
        let first = self.recipe.asked_first();
        Model::fit(self.problem(options), first, &self.judged.merger, options)
    }

    /// Makes each provider so much dearer, in millionths of a US dollar, than it is.
    pub(super) fn make_dearer(&mut self, surcharges: &[u64]) {
        let part = Part::of(self.source.dataset, &self.places);
        let images = scored(&part, &self.places, self.conditions).into_iter();
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
        let rows = self.images.iter().map(ScoredImage::prices_microusd);
        mean_prices(rows, self.source.dataset.providers.len())
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

/// Images as ways to choose are scored on them, where calls that fail when they are replayed bring
/// nothing.
fn scored<'a>(part: &Part<'a>, places: &[usize], conditions: &Conditions) -> Vec<ScoredImage<'a>> {
    let images = part.scored().into_iter().zip(places);
    images
        .map(|(image, &place)| match conditions.answered(place) {
            Some(who) => image.with_answers_of(who),
            None => image,
        })
        .collect()
}

fn images_of<'a>(source: Source<'a>, places: &'a [usize]) -> Images<'a> {
    let arrays = &source.manifest.features;
    let features = Some(StoredFeatures { folder: source.folder, arrays });
    Images { dataset: source.dataset, places, features }
}
