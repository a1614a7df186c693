//! Pictures of a wanted size, to be sent: a small grey JPEG, and what follows its end.
//!
//! Decoders stop at a picture's end, so any bytes may follow; those that do are drawn, and no two
//! pictures are the same. The provider is told that each shows a row of cars, so that answers are
//! of the length that answers with something in them have.

use std::{
    fs, io,
    io::Cursor,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use armol_agent::image_file::{self, ImageError, LoadedImage};
use image::{GrayImage, codecs::jpeg::JpegEncoder};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use thiserror::Error;

/// The shortest side that every vendor takes, in pixels.
const SIDE: u32 = 80;

/// The JPEG encoder's quality: the worst, since size is all that matters.
const QUALITY: u8 = 1;

/// What is in each picture: so many cars, COCO's category 3.
const CARS: usize = 6;
const CAR: u32 = 3;

/// Why there is no picture.
#[derive(Debug, Error)]
pub(crate) enum PictureError {
    /// It cannot be encoded.
    #[error("cannot encode a picture")]
    Encode(#[source] image::ImageError),
    /// It cannot be written.
    #[error("cannot write {}; check TMPDIR and the disk's space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be read back.
    #[error(transparent)]
    Load(#[from] ImageError),
}

/// So many pictures, each of a size in the range or as small as pictures get, made into an image
/// set of the simulated providers.
///
/// # Errors
/// Where they cannot be written into the folder.
pub(crate) fn draw(
    count: usize,
    bytes: &RangeInclusive<usize>,
    seed: u64,
    folder: &Path,
) -> Result<Vec<LoadedImage>, PictureError> {
    let smallest = smallest()?;
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut pictures = Vec::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    fs::create_dir_all(folder).map_err(cannot_write(folder))?;
    for number in 0..count {
        let size = generator.random_range(bytes.clone()).max(smallest.len() + 16);
        let mut file = smallest.clone();
        file.resize(size, 0);
        if let Some(rest) = file.get_mut(smallest.len()..) {
            generator.fill_bytes(rest);
        }
        let name = format!("{number}.jpg");
        let path = folder.join(&name);
        fs::write(&path, &file).map_err(cannot_write(&path))?;
        pictures.push(image_file::load(&path)?);
        names.push(name);
    }
    let path = folder.join("ground_truth.json");
    fs::write(&path, ground_truth(&names).to_string()).map_err(cannot_write(&path))?;
    Ok(pictures)
}

/// What the pictures show, in COCO's instances form.
fn ground_truth(names: &[String]) -> Value {
    let image = |(id, name): (usize, &String)| json!({"id": id, "file_name": name, "width": SIDE, "height": SIDE});
    let car = |id: usize| {
        let left = id % CARS * 12;
        json!({
            "id": id, "image_id": id / CARS, "category_id": CAR, "iscrowd": 0,
            "bbox": [left, 30, 10, 8], "area": 80,
        })
    };
    json!({
        "images": names.iter().enumerate().map(image).collect::<Vec<_>>(),
        "annotations": (0..names.len() * CARS).map(car).collect::<Vec<_>>(),
        "categories": [{"id": CAR, "name": "car", "supercategory": "vehicle"}],
    })
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> PictureError {
    let path = path.to_owned();
    |source| PictureError::Write { path, source }
}

fn smallest() -> Result<Vec<u8>, PictureError> {
    let grey = GrayImage::new(SIDE, SIDE);
    let mut file = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut file, QUALITY)
        .encode_image(&grey)
        .map_err(PictureError::Encode)?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_of_the_size_asked_for_and_all_different() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = draw(8, &(1000..=3000), 7, folder.path()).unwrap();
        let again = draw(8, &(1000..=3000), 7, folder.path()).unwrap();
        for (one, same) in pictures.iter().zip(&again) {
            assert!((1000..=3000).contains(&one.bytes.len()));
            assert_eq!(one.content, same.content);
        }
        let mut hashes = pictures.iter().map(|one| one.content.sha256).collect::<Vec<_>>();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 8);
    }
}
