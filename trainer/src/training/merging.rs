//! How answers are merged while learning: in a way that is given, or in one that is fitted.

use std::sync::Arc;

use armol_analysis::merge::{
    CalibratedMerge, CalibratedMergeError, CalibrationOptions, KnownImage, Merger, MergerError,
    Vote,
};

use crate::rewards::ScoredImage;

/// How answers are merged.
#[derive(Clone, Debug, PartialEq)]
pub enum Merging {
    /// In this way, whatever the images.
    Given(Merger),
    /// By the probabilities of a model that is fitted on images.
    Calibrated {
        /// Who must agree.
        vote: Vote,
        /// What is not as it is usual.
        settings: Settings,
    },
}

/// What of a way to merge is not as it is usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The overlap above which boxes are one object.
    pub iou_threshold: Option<f64>,
    /// The least score of a box that is merged.
    pub score_threshold: Option<f64>,
    /// The least score of a merged box that is kept.
    pub merged_threshold: Option<f64>,
    /// The weights of the providers by their places; those beyond the list weigh 1.
    pub weights: Vec<f64>,
}

/// Why there is no way to merge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MergingError {
    /// The model cannot be fitted.
    #[error("cannot calibrate on {0} images")]
    Calibration(usize, #[source] CalibratedMergeError),
    /// No answers can be merged so.
    #[error(transparent)]
    Merger(#[from] MergerError),
}

impl Merging {
    /// The way to merge by what these images tell.
    ///
    /// # Errors
    /// Where nothing can be learned from the images, or a setting is not what it can be.
    pub fn merger(&self, images: &[&ScoredImage<'_>]) -> Result<Merger, MergingError> {
        let (vote, settings) = match self {
            Self::Given(merger) => return Ok(merger.clone()),
            Self::Calibrated { vote, settings } => (*vote, settings),
        };
        let model =
            calibrated(images).map_err(|source| MergingError::Calibration(images.len(), source))?;
        Ok(settings.of(Merger::calibrated(vote, Arc::new(model)))?)
    }
}

impl Settings {
    /// A way to merge with these settings.
    ///
    /// # Errors
    /// Where one of them is not what it can be.
    pub fn of(&self, mut merger: Merger) -> Result<Merger, MergerError> {
        if let Some(threshold) = self.iou_threshold {
            merger = merger.with_iou_threshold(threshold)?;
        }
        if let Some(threshold) = self.score_threshold {
            merger = merger.with_score_threshold(threshold)?;
        }
        if let Some(threshold) = self.merged_threshold {
            merger = merger.with_merged_threshold(threshold)?;
        }
        merger.with_weights(self.weights.clone())
    }
}

/// A model of how likely boxes are right, fitted on images whose truth is known.
pub(crate) fn calibrated(
    images: &[&ScoredImage<'_>],
) -> Result<CalibratedMerge, CalibratedMergeError> {
    let answered = |image: &&ScoredImage<'_>| {
        let places = 0..image.candidates().answers();
        places.map(|place| image.answered().contains(place)).collect()
    };
    let answered: Vec<Vec<bool>> = images.iter().map(answered).collect();
    let known = images.iter().zip(&answered).map(|(image, answered)| KnownImage {
        candidates: image.candidates(),
        answered,
        truth: image.truth(),
    });
    CalibratedMerge::fit(&known.collect::<Vec<_>>(), CalibrationOptions::default())
}
