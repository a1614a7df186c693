//! Some images of a data set, such as those that are kept to judge what was learned.

use super::{Dataset, Image, Provider};
use crate::rewards::ScoredImage;

/// Some images of a data set, with its providers.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Who answered.
    pub providers: &'a [Provider],
    /// The images.
    pub images: Vec<&'a Image>,
}

impl<'a> Part<'a> {
    /// All of a data set.
    pub fn whole(dataset: &'a Dataset) -> Self {
        Self { providers: &dataset.providers, images: dataset.images.iter().collect() }
    }

    /// The images at these places of a data set.
    pub fn of(dataset: &'a Dataset, places: &[usize]) -> Self {
        let images = places.iter().filter_map(|&place| dataset.images.get(place));
        Self { providers: &dataset.providers, images: images.collect() }
    }

    /// The images as ways to choose are scored on them.
    pub fn scored(&self) -> Vec<ScoredImage<'a>> {
        self.images.iter().map(|image| ScoredImage::new(image, self.providers)).collect()
    }

    /// Whether a ground truth says where anything is.
    pub fn has_boxes(&self) -> bool {
        self.images.iter().any(|image| !image.truth.is_empty())
    }
}
