//! Where the numbers of a state come from, before anything is fitted on them.

use serde::{Deserialize, Serialize};

use super::{
    StateError,
    recipe::{Images, RecipeOptions},
};
use crate::{
    dataset::{
        Dataset, Image,
        features::{ArrayDescription, FeatureArchive, Features},
        folder::FEATURES_FILE,
    },
    features::answers,
};

/// How the names of arrays of probabilities end.
const PROBABILITIES: &str = "probs";

/// Numbers beside two for each category: boxes, their greatest score and mean share, and whether
/// there is an answer.
const BESIDE_CATEGORIES: usize = 4;

/// Where numbers come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Origin {
    /// An array that is stored with the data set.
    Features {
        /// Its name.
        array: String,
        /// How many numbers it has an image.
        dimension: usize,
        /// Whether their roots are taken.
        square_root: bool,
    },
    /// What one provider answered, and whether it did.
    Answer {
        /// The provider's place.
        place: usize,
        /// Its name.
        provider: String,
        /// How many categories there are.
        categories: usize,
    },
}

/// An origin with what must be read for it.
pub(super) struct OpenOrigin<'a> {
    origin: &'a Origin,
    features: Option<Features>,
}

impl Origin {
    /// The stored array that is asked for, or the one that probabilities are likely in, or the only
    /// one.
    pub(super) fn of_features(
        images: Images<'_>,
        options: &RecipeOptions,
    ) -> Result<Self, StateError> {
        let arrays = images.stored()?.arrays;
        let chosen = if let Some(name) = &options.array {
            named(images, name)?
        } else {
            let mut likely = arrays.iter().filter(|array| array.name.ends_with(PROBABILITIES));
            match (likely.next(), likely.next(), arrays) {
                (Some(only), None, _) | (None, None, [only]) => only,
                _ => {
                    let (dataset, found) = (images.dataset.name.clone(), names(arrays));
                    return Err(StateError::Choice { dataset, found });
                }
            }
        };
        let is_likely = chosen.name.ends_with(PROBABILITIES);
        Ok(Self::Features {
            array: chosen.name.clone(),
            dimension: chosen.dimension,
            square_root: options.square_root.unwrap_or(is_likely),
        })
    }

    /// The answers of the provider that is asked for, or of the cheapest.
    pub(super) fn of_answers(
        dataset: &Dataset,
        options: &RecipeOptions,
    ) -> Result<Self, StateError> {
        let providers = &dataset.providers;
        let place = match &options.answer_of {
            Some(name) => providers.iter().position(|provider| provider.name == *name),
            None => answers::cheapest(providers),
        };
        let Some((place, provider)) = place.and_then(|place| Some((place, providers.get(place)?)))
        else {
            let known: Vec<&str> =
                providers.iter().map(|provider| provider.name.as_str()).collect();
            let name = options.answer_of.clone().unwrap_or_else(|| "the cheapest".to_owned());
            return Err(StateError::UnknownProvider { name, known: known.join(", ") });
        };
        let (provider, categories) = (provider.name.clone(), dataset.categories.len());
        Ok(Self::Answer { place, provider, categories })
    }

    /// How many numbers it has an image.
    pub(super) const fn dimension(&self) -> usize {
        match self {
            Self::Features { dimension, .. } => *dimension,
            Self::Answer { categories, .. } => {
                categories.saturating_mul(2).saturating_add(BESIDE_CATEGORIES)
            }
        }
    }

    /// The origin with what it needs of a data set, which must be like the one that it was made of.
    pub(super) fn open(&self, images: Images<'_>) -> Result<OpenOrigin<'_>, StateError> {
        let name = || images.dataset.name.clone();
        match self {
            Self::Features { array, dimension, .. } => {
                let stored = images.stored()?;
                let described = named(images, array)?;
                let mut archive = FeatureArchive::open(&stored.folder.join(FEATURES_FILE))?;
                let features = archive.features(array, described.scale)?;
                let (found, expected) = (features.dimension, *dimension);
                if found != expected {
                    let array = array.clone();
                    return Err(StateError::Dimension { dataset: name(), array, found, expected });
                }
                Ok(OpenOrigin { origin: self, features: Some(features) })
            }
            Self::Answer { place, provider, categories } => {
                let there = images.dataset.providers.get(*place);
                if there.is_none_or(|there| there.name != *provider) {
                    let (place, expected) = (*place, provider.clone());
                    return Err(StateError::OtherProvider { place, expected });
                }
                let (found, expected) = (images.dataset.categories.len(), *categories);
                if found != expected {
                    return Err(StateError::Categories { dataset: name(), found, expected });
                }
                Ok(OpenOrigin { origin: self, features: None })
            }
        }
    }
}

impl OpenOrigin<'_> {
    /// The numbers of an image.
    pub(super) fn row(&self, image: &Image) -> Result<Vec<f32>, StateError> {
        match (self.origin, &self.features) {
            (Origin::Features { array, square_root, .. }, Some(features)) => {
                let row = features.of(image.id);
                let no_row =
                    || StateError::NoRow { array: array.clone(), image: image.name.clone() };
                let mut row = row.ok_or_else(no_row)?;
                check(&row, *square_root).map_err(|(value, problem)| StateError::Value {
                    array: array.clone(),
                    image: image.name.clone(),
                    value,
                    problem,
                })?;
                if *square_root {
                    for value in &mut row {
                        *value = value.sqrt();
                    }
                }
                Ok(row)
            }
            (Origin::Answer { place, categories, .. }, _) => {
                // Who answered nothing differs from who did not answer by the last number.
                let mut row = match image.answers.get(*place) {
                    Some(Some(answer)) => answers::values(answer, image, *categories),
                    _ => return Ok(vec![0.0; self.origin.dimension()]),
                };
                row.push(1.0);
                Ok(row)
            }
            // Features are always opened with their archive.
            (Origin::Features { .. }, None) => Ok(vec![0.0; self.origin.dimension()]),
        }
    }
}

/// Whether all numbers can be used, or the first that cannot.
fn check(row: &[f32], square_root: bool) -> Result<(), (f32, &'static str)> {
    match row.iter().copied().find(|value| !value.is_finite() || (square_root && *value < 0.0)) {
        Some(value) if value.is_finite() => Err((value, "which has no root")),
        Some(value) => Err((value, "which is no number")),
        None => Ok(()),
    }
}

/// The description of a stored array.
fn named<'a>(images: Images<'a>, name: &str) -> Result<&'a ArrayDescription, StateError> {
    let arrays = images.stored()?.arrays;
    arrays.iter().find(|array| array.name == name).ok_or_else(|| StateError::NoArray {
        dataset: images.dataset.name.clone(),
        array: name.to_owned(),
        found: names(arrays),
    })
}

fn names(arrays: &[ArrayDescription]) -> String {
    arrays.iter().map(|array| array.name.as_str()).collect::<Vec<_>>().join(", ")
}
