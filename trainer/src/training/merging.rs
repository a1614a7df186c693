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
        /// The overlap above which boxes are one object; `None` for the usual one.
        iou_threshold: Option<f64>,
        /// The least score of a box that is merged; `None` for the usual one.
        score_threshold: Option<f64>,
        /// The weights of the providers by their places; those beyond the list weigh 1.
        weights: Vec<f64>,
    },
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
        let Self::Calibrated { vote, iou_threshold, score_threshold, weights } = self else {
            let Self::Given(merger) = self else { return Err(MergerError::NoModel.into()) };
            return Ok(merger.clone());
        };
        let model =
            calibrated(images).map_err(|source| MergingError::Calibration(images.len(), source))?;
        let mut merger = Merger::calibrated(*vote, Arc::new(model));
        if let Some(threshold) = iou_threshold {
            merger = merger.with_iou_threshold(*threshold)?;
        }
        if let Some(threshold) = score_threshold {
            merger = merger.with_score_threshold(*threshold)?;
        }
        Ok(merger.with_weights(weights.clone())?)
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
