//! Which numbers make the state of an image, and how they are brought into shape.
//!
//! Numbers come from features that are stored with the data set, from what one provider answered, or
//! from both, one behind the other. Where they are too many, principal components stand for them; at
//! last each number may be brought to a mean of 0 and a deviation of 1. What is fitted for that is
//! fitted once, on images that are learned from, and is stored in the recipe with everything else
//! that makes the same numbers of another data set.
//!
//! A state that is made of a provider's answer is not to be had before the provider is asked:
//! [`StateRecipe::asked_first`] names it, and whoever uses such states asks it first about every
//! image, waits, and pays for it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    StateError, States,
    rows::{OpenOrigin, Origin},
};
use crate::{
    dataset::{Dataset, Image, features::ArrayDescription},
    linear::{Components, Scaling, Table},
};

/// What states are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// Nothing: all images are alike.
    Nothing,
    /// Features that are stored with the data set.
    #[default]
    Features,
    /// What one provider answered.
    Answer,
    /// Features, and behind them what one provider answered.
    Both,
}

/// How states are to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeOptions {
    /// What they are made of.
    pub source: Source,
    /// Which array of the stored features; without it, the one whose name ends in `probs`, else the
    /// only one.
    pub array: Option<String>,
    /// Whose answers, by name; without it, those of the cheapest provider.
    pub answer_of: Option<String>,
    /// Whether the roots of features are taken; without it, those of probabilities are.
    pub square_root: Option<bool>,
    /// How many principal components stand for the features, and for the answer, where they have more
    /// numbers.
    pub components: Option<usize>,
    /// Whether numbers are brought to a mean of 0 and a deviation of 1.
    pub standardise: bool,
}

impl Default for RecipeOptions {
    /// Of 64 components no loss was seen on a model's thousand probabilities.
    fn default() -> Self {
        Self {
            source: Source::default(),
            array: None,
            answer_of: None,
            square_root: None,
            components: Some(64),
            standardise: false,
        }
    }
}

/// The images whose states are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// The data set that they are of.
    pub dataset: &'a Dataset,
    /// Their places in it.
    pub places: &'a [usize],
    /// The features that are stored with it; `None` where it is no folder.
    pub features: Option<StoredFeatures<'a>>,
}

/// The features that are stored with a data set.
#[derive(Clone, Copy, Debug)]
pub struct StoredFeatures<'a> {
    /// The data set's folder.
    pub folder: &'a Path,
    /// The arrays that its manifest describes.
    pub arrays: &'a [ArrayDescription],
}

/// Which numbers make a state, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct StateRecipe {
    parts: Vec<Part>,
    scaling: Option<Scaling>,
}

/// Some of the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    origin: Origin,
    components: Option<Components>,
}

/// A stored recipe, whatever its lengths are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    parts: Vec<Part>,
    scaling: Option<Scaling>,
}

impl StateRecipe {
    /// Fits what is to be fitted on some images, and makes their states.
    ///
    /// # Errors
    /// Where the data set has not what states are to be made of, for one image or for all, or there
    /// are too few images to fit on.
    pub fn fit(images: Images<'_>, options: &RecipeOptions) -> Result<(Self, States), StateError> {
        let mut origins = Vec::new();
        if matches!(options.source, Source::Features | Source::Both) {
            origins.push(Origin::of_features(images, options)?);
        }
        if matches!(options.source, Source::Answer | Source::Both) {
            origins.push(Origin::of_answers(images.dataset, options)?);
        }
        let mut parts = Vec::with_capacity(origins.len());
        for origin in origins {
            let components = match options.components {
                Some(count) if count < origin.dimension() => {
                    Some(components(images, &origin, count)?)
                }
                _ => None,
            };
            parts.push(Part { origin, components });
        }
        let mut recipe = Self { parts, scaling: None };
        let mut states = recipe.states(images)?;
        if options.standardise {
            let scaling = scaling(&states)?;
            for row in states.values.chunks_mut(states.dimension.max(1)) {
                scaling.apply(row);
            }
            recipe.scaling = Some(scaling);
        }
        Ok((recipe, states))
    }

    /// The states of other images.
    ///
    /// # Errors
    /// Where the data set has not what states are made of, for one image or for all.
    pub fn states(&self, images: Images<'_>) -> Result<States, StateError> {
        let opened = self.parts.iter().map(|part| part.origin.open(images));
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        let dimension = self.dimension();
        let mut values = Vec::with_capacity(images.places.len() * dimension);
        for image in images.iter() {
            let start = values.len();
            self.append(&opened, image, &mut values)?;
            if let (Some(scaling), Some(row)) = (&self.scaling, values.get_mut(start..)) {
                scaling.apply(row);
            }
        }
        Ok(States::new(dimension, values))
    }

    /// How many numbers a state has.
    pub fn dimension(&self) -> usize {
        if self.parts.is_empty() {
            return 1;
        }
        self.parts.iter().map(Part::dimension).fold(0, usize::saturating_add)
    }

    /// The place of the provider whose answer states are made of: it is asked first about every image.
    pub fn asked_first(&self) -> Option<usize> {
        self.parts.iter().find_map(|part| match part.origin {
            Origin::Answer { place, .. } => Some(place),
            Origin::Features { .. } => None,
        })
    }

    /// The share of the features' variance that principal components keep; 1 where there are none.
    pub fn explained(&self) -> f64 {
        let fitted = self.parts.iter().filter_map(|part| part.components.as_ref());
        fitted.map(Components::explained).fold(1.0, f64::min)
    }

    fn append(
        &self,
        opened: &[OpenOrigin<'_>],
        image: &Image,
        values: &mut Vec<f32>,
    ) -> Result<(), StateError> {
        if self.parts.is_empty() {
            values.push(1.0);
        }
        for (part, origin) in self.parts.iter().zip(opened) {
            let row = origin.row(image)?;
            match &part.components {
                Some(components) => components.project(&row, values),
                None => values.extend(row),
            }
        }
        Ok(())
    }
}

impl Part {
    fn dimension(&self) -> usize {
        self.components.as_ref().map_or_else(|| self.origin.dimension(), Components::count)
    }
}

impl<'a> Images<'a> {
    /// The images in the order of their places; those of no image are left out.
    fn iter(self) -> impl Iterator<Item = &'a Image> {
        self.places.iter().filter_map(move |&place| self.dataset.images.get(place))
    }

    /// The stored features, of which there is one at least.
    pub(super) fn stored(self) -> Result<StoredFeatures<'a>, StateError> {
        let stored = self.features.filter(|features| !features.arrays.is_empty());
        stored.ok_or_else(|| StateError::NoFeatures(self.dataset.name.clone()))
    }
}

/// The principal components of what an origin gives.
fn components(images: Images<'_>, origin: &Origin, count: usize) -> Result<Components, StateError> {
    let opened = origin.open(images)?;
    let rows: Vec<&Image> = images.iter().collect();
    for image in &rows {
        opened.row(image)?;
    }
    // Rows are decoded anew each time, for all of them at once would take much memory.
    let fill = |place: usize, values: &mut [f64]| {
        // All rows are known to be there.
        let row = rows.get(place).and_then(|image| opened.row(image).ok()).unwrap_or_default();
        for (value, number) in values.iter_mut().zip(row) {
            *value = f64::from(number);
        }
    };
    let table = Table { rows: rows.len(), columns: origin.dimension(), fill: &fill };
    Components::fit(table, count).map_err(StateError::Fit)
}

/// What brings states to a mean of 0 and a deviation of 1.
fn scaling(states: &States) -> Result<Scaling, StateError> {
    let fill = |place: usize, values: &mut [f64]| {
        for (value, number) in values.iter_mut().zip(states.row(place)) {
            *value = f64::from(*number);
        }
    };
    let table = Table { rows: states.images(), columns: states.dimension(), fill: &fill };
    Scaling::of(table).map_err(StateError::Fit)
}

impl TryFrom<Stored> for StateRecipe {
    type Error = StateError;

    fn try_from(Stored { parts, scaling }: Stored) -> Result<Self, StateError> {
        let fits = |part: &Part| {
            let components = part.components.as_ref();
            components.is_none_or(|fitted| fitted.dimension() == part.origin.dimension())
        };
        if !parts.iter().all(fits) {
            return Err(StateError::Stored("components of other numbers than it is made of"));
        }
        let recipe = Self { parts, scaling };
        let dimension = recipe.dimension();
        if recipe.scaling.as_ref().is_some_and(|scaling| scaling.dimension() != dimension) {
            return Err(StateError::Stored("a scaling of other numbers than it has"));
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests;
