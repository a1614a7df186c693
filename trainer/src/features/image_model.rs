//! An image model in the ONNX format.
//!
//! Its first input is one image, 1 x 3 x height x width, its first output the numbers that describe
//! the image: for a classifier the logits of its classes, of which the softmax is taken.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use image::RgbImage;
use rten::{Dimension, LoadError, Model, RunError, RunOptions, ThreadPool};
use rten_tensor::{AsView, NdTensor};
use thiserror::Error;

use super::preprocessing::{NoPixels, Preprocessing};

/// The side of the images that a model takes which takes any.
const USUAL_SIZE: u32 = 224;

/// A model that is ready to run; it can be shared among threads.
#[derive(Debug)]
pub struct ImageModel {
    model: Model,
    preprocessing: Preprocessing,
    softmax: bool,
}

/// Why a file is no image model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not in the ONNX format.
    #[error("cannot load {path}; it must be a model in the ONNX format")]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// The model takes no images.
    #[error(
        "{path} takes an input of {shape}, not one square image (1 x 3 x height x width); export an \
         image classifier"
    )]
    Input {
        /// The file.
        path: PathBuf,
        /// The shape of its first input.
        shape: String,
    },
}

/// Why there are no features of an image.
#[derive(Debug, Error)]
pub enum FeatureError {
    /// The image cannot be prepared.
    #[error(transparent)]
    Image(#[from] NoPixels),
    /// The model failed.
    #[error("the model failed")]
    Run(#[source] RunError),
    /// The model's output is not what was expected.
    #[error("the model's first output is {0}, not numbers")]
    Output(String),
}

impl ImageModel {
    /// Loads a model; `softmax` says whether its output are logits.
    ///
    /// # Errors
    /// Where the file is no model, or not one of images.
    pub fn load(path: &Path, softmax: bool) -> Result<Self, ModelError> {
        // What the loader says of a file that is not there is about its format.
        File::open(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
        let model = Model::load_file(path)
            .map_err(|source| ModelError::Load { path: path.to_owned(), source })?;
        let shape = model.input_shape(0).unwrap_or_default();
        let Some(size) = side(&shape) else {
            return Err(ModelError::Input { path: path.to_owned(), shape: in_words(&shape) });
        };
        Ok(Self { model, preprocessing: Preprocessing::imagenet(size), softmax })
    }

    /// How images are prepared for it.
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    /// What the model says of an image, computed on the threads of `pool`.
    ///
    /// # Errors
    /// Where the image has no pixels, or the model does not run.
    pub fn features(
        &self,
        image: &RgbImage,
        pool: &Arc<ThreadPool>,
    ) -> Result<Vec<f32>, FeatureError> {
        let size = usize::try_from(self.preprocessing.size).unwrap_or(usize::MAX);
        let input = NdTensor::from_data([1, 3, size, size], self.preprocessing.input(image)?);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let output = self.model.run_one(input.view().into(), Some(options));
        let output = output.map_err(FeatureError::Run)?;
        let kind = output.dtype().to_string();
        let numbers = output.into_tensor::<f32>().ok_or(FeatureError::Output(kind))?;
        let numbers = numbers.into_data();
        Ok(if self.softmax { softmax(numbers) } else { numbers })
    }
}

/// The side of the square images that an input of this shape takes.
fn side(shape: &[Dimension]) -> Option<u32> {
    let any_or = |dimension: &Dimension, wanted: usize| match dimension {
        Dimension::Fixed(size) => *size == wanted,
        Dimension::Symbolic(_) => true,
    };
    let [images, channels, height, width] = shape else { return None };
    if !any_or(images, 1) || !any_or(channels, 3) {
        return None;
    }
    match (height, width) {
        (Dimension::Fixed(height), Dimension::Fixed(width)) if height == width => {
            u32::try_from(*height).ok().filter(|side| *side > 0)
        }
        (Dimension::Symbolic(_), Dimension::Symbolic(_)) => Some(USUAL_SIZE),
        _ => None,
    }
}

fn in_words(shape: &[Dimension]) -> String {
    let sizes = shape.iter().map(|dimension| match dimension {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    });
    let sizes = sizes.collect::<Vec<_>>();
    if sizes.is_empty() { "unknown shape".to_owned() } else { sizes.join(" x ") }
}

/// Numbers above 0 that sum to 1, in the order of the logits.
fn softmax(mut logits: Vec<f32>) -> Vec<f32> {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for logit in &mut logits {
        *logit = (*logit - greatest).exp();
    }
    let sum: f32 = logits.iter().sum();
    for value in &mut logits {
        *value /= sum;
    }
    logits
}
