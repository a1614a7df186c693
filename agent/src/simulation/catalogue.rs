//! The images that the simulated providers know, by what the files hold.

use std::{collections::HashMap, fs, path::Path};

use sha2::{Digest, Sha256};

use super::{
    SimulationError,
    ground_truth::{self, TrueObject},
};

/// True objects by the SHA-256 of an image's file.
#[derive(Debug)]
pub(super) struct Catalogue(HashMap<[u8; 32], Vec<TrueObject>>);

impl Catalogue {
    /// Reads an image set: its ground truth and each image that it lists.
    ///
    /// # Errors
    /// Names the file that is missing or cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, SimulationError> {
        let mut images = HashMap::new();
        for image in ground_truth::read(folder)? {
            let path = folder.join(&image.file_name);
            let bytes =
                fs::read(&path).map_err(|source| SimulationError::NoImageSet { path, source })?;
            images.insert(Sha256::digest(bytes).into(), image.objects);
        }
        Ok(Self(images))
    }

    /// What is truly in an image; nothing where the image is unknown.
    pub(super) fn objects(&self, sha256: [u8; 32]) -> &[TrueObject] {
        self.0.get(&sha256).map_or(&[], Vec::as_slice)
    }
}
