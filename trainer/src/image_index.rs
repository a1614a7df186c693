//! Where an image stands among others, by all that it may be called.
//!
//! Answers and features name an image by its id, by its file name, or by a name of another folder or
//! ending; whoever joins them with a ground truth looks here.

use std::collections::HashMap;

use crate::{
    format::{ImageReference, file},
    ground_truth::TrueImage,
};

/// The places of images by id, name and stem.
#[derive(Clone, Debug)]
pub struct ImageIndex {
    ids: HashMap<u64, usize>,
    names: HashMap<String, usize>,
    /// `None` where two images share the stem.
    stems: HashMap<String, Option<usize>>,
}

impl ImageIndex {
    /// Makes the index of these images.
    pub fn new(images: &[TrueImage]) -> Self {
        let mut index = Self { ids: HashMap::new(), names: HashMap::new(), stems: HashMap::new() };
        for (place, image) in images.iter().enumerate() {
            index.ids.insert(image.id, place);
            index.names.insert(image.name.clone(), place);
            let stem = file::stem(&image.name).to_owned();
            index.stems.entry(stem).and_modify(|known| *known = None).or_insert(Some(place));
        }
        index
    }

    /// The place of the image that is meant; `None` where there is none, or more than one.
    pub fn place(&self, reference: &ImageReference) -> Option<usize> {
        match reference {
            ImageReference::Id(id) => self.ids.get(id).copied(),
            ImageReference::Name(name) => self.place_of_name(name),
        }
    }

    /// The place of the image of this name, or else of this name without folder and ending.
    pub fn place_of_name(&self, name: &str) -> Option<usize> {
        let exact = self.names.get(name).copied();
        exact.or_else(|| self.stems.get(file::stem(name)).copied().flatten())
    }
}
