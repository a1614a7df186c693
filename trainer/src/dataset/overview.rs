//! What is in a data set, counted image by image, so that little is held whatever its size.

use std::path::Path;

use armol_analysis::label_groups::LabelGroups;

use super::{
    Builder, Dataset,
    folder::{FolderError, FolderReader, Manifest},
};

/// What is in a data set by the categories of its ground truth.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What the data set says of itself.
    pub manifest: Manifest,
    /// How many of the images each provider answered.
    pub answered: Vec<usize>,
    /// How many detections of each provider lead to a category.
    pub seen: Vec<usize>,
    /// Words of detections that lead to no category, and how often, the most frequent first.
    pub dropped_words: Vec<(String, usize)>,
    /// What the table of words does not settle, a sentence each.
    pub word_problems: Vec<String>,
}

impl Overview {
    /// Counts what is in a data set's folder.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn read(folder: &Path, table: &LabelGroups) -> Result<Self, FolderError> {
        let mut reader = FolderReader::open(folder)?;
        let manifest = reader.manifest().clone();
        let mut builder = Builder::of_folder(&reader, manifest.providers.clone(), table)?;
        let mut seen = vec![0; manifest.providers.len()];
        while let Some(image) = reader.next_image()? {
            builder.push(image);
            // What is counted need not be kept.
            for image in builder.dataset.images.drain(..) {
                for (seen, answer) in seen.iter_mut().zip(&image.answers) {
                    *seen += answer
                        .as_ref()
                        .map_or(0, |answer| answer.boxes.len() + answer.labels.len());
                }
            }
        }
        let counted = builder.finish(manifest.left_out.clone());
        let Dataset { answered, dropped_words, word_problems, .. } = counted;
        Ok(Self { manifest, answered, seen, dropped_words, word_problems })
    }
}
