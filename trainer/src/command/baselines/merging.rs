//! How answers are merged and valued, as the command line says it.

use std::{path::Path, path::PathBuf, str::FromStr, sync::Arc};

use armol_analysis::{
    label_groups::LabelGroups,
    merge::{CalibratedMerge, Merger, Method, Vote},
    metrics::image_value::ValueRule,
};
use clap::Args;

use super::BaselinesError;
use crate::{
    dataset::{Dataset, selection::Selection},
    rewards::Measure,
    training::{Merging, Settings, calibrated},
};

/// How answers are merged and valued.
#[derive(Clone, Debug, Args)]
pub(in crate::command) struct MergingArguments {
    /// What answers are scored by: boxes, or labels wherever they are; without it, labels where the
    /// ground truth lists them and either that or every answer has no box
    #[arg(long, value_name = "MEASURE")]
    score_by: Option<Measure>,
    /// What is made of boxes that may be one object: none, nms, soft-nms, soft-nms-gaussian, wbf,
    /// mean-wbf, seed-nms, seed-soft-nms, seed-wbf or calibrated; without it, wbf, and calibrated where
    /// a policy is trained, fitted on what it is trained on. Labels are merged by mean-wbf, the mean of the scores of those who name one, or calibrated
    #[arg(long, value_name = "METHOD")]
    merge: Option<Method>,
    /// How many providers must see an object: affirmative (one), consensus (more than half) or
    /// unanimous (all that answered)
    #[arg(long, default_value_t = Vote::Affirmative)]
    pub(super) vote: Vote,
    /// The overlap above which boxes are one object; without it, that of the method. Not for labels
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    iou_threshold: Option<f64>,
    /// The least score of a box or label that is merged; without it, that of the method
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    score_threshold: Option<f64>,
    /// The least score of a merged box or label that is kept; without it, 0.5 of labels merged by
    /// calibrated, else 0
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    merged_threshold: Option<f64>,
    /// How much a provider weighs, beside 1; may be repeated
    #[arg(long, value_name = "NAME=NUMBER")]
    weight: Vec<Weight>,
    /// The data set that the method calibrated is fitted on, of the same providers and categories
    #[arg(long, value_name = "DIR")]
    calibrate_on: Option<PathBuf>,
    /// What an image's answer is worth: AP50 where a detection may find several objects (seed, which
    /// it is without this) or one (one-object). Labels are worth their Jaccard index
    #[arg(long, value_name = "RULE")]
    value: Option<ValueRule>,
}

/// The least probability of a label that is rather there than not.
const LIKELY: f64 = 0.5;

/// A provider's weight.
#[derive(Clone, Debug, PartialEq)]
struct Weight {
    provider: String,
    weight: f64,
}

impl MergingArguments {
    /// What the answers of a data set are scored by.
    pub(super) fn measure(&self, dataset: &Dataset) -> Measure {
        self.score_by.unwrap_or_else(|| Measure::of(dataset))
    }

    /// What the merged boxes of an image are worth.
    pub(super) fn rule(&self) -> ValueRule {
        self.value.unwrap_or_default()
    }

    /// The way to merge the answers of a data set.
    pub(super) fn merger(
        &self,
        dataset: &Dataset,
        measure: Measure,
        table: &LabelGroups,
        dropped_words: Vec<String>,
    ) -> Result<Merger, BaselinesError> {
        let method = self.method(measure)?;
        let merger = match (method, &self.calibrate_on) {
            (Method::Calibrated, Some(folder)) => {
                let providers = dataset.providers.iter().map(|provider| provider.name.clone());
                let selection = Selection { providers: providers.collect(), dropped_words };
                let other =
                    Dataset::read_selected(folder, table, &selection).map_err(|source| {
                        BaselinesError::CalibrationData { path: folder.clone(), source }
                    })?;
                let model = fitted(folder, &other, dataset, measure)?;
                Merger::calibrated(self.vote, Arc::new(model))
            }
            (Method::Calibrated, None) => return Err(BaselinesError::NoCalibrationData),
            (_, Some(_)) => return Err(BaselinesError::NothingToCalibrate),
            (method, None) => Merger::new(self.vote, method)?,
        };
        let mut settings = self.settings(dataset)?;
        if measure == Measure::Labels && method == Method::Calibrated {
            settings.merged_threshold = settings.merged_threshold.or(Some(LIKELY));
        }
        Ok(settings.of(merger)?)
    }

    /// The way to merge answers that a policy is learned from: fitted on them, unless another is asked
    /// for.
    pub(in crate::command) fn merging(
        &self,
        dataset: &Dataset,
        table: &LabelGroups,
        dropped_words: Vec<String>,
    ) -> Result<Merging, BaselinesError> {
        let method = self.merge.unwrap_or(Method::Calibrated);
        if method == Method::Calibrated && self.calibrate_on.is_none() {
            let settings = self.settings(dataset)?;
            return Ok(Merging::Calibrated { vote: self.vote, settings });
        }
        let asked_for = Self { merge: Some(method), ..self.clone() };
        asked_for.merger(dataset, Measure::Boxes, table, dropped_words).map(Merging::Given)
    }

    /// What is asked for of the method.
    fn settings(&self, dataset: &Dataset) -> Result<Settings, BaselinesError> {
        Ok(Settings {
            iou_threshold: self.iou_threshold,
            score_threshold: self.score_threshold,
            merged_threshold: self.merged_threshold,
            weights: self.weights(dataset)?,
        })
    }

    /// The method that is asked for, or the usual one; of labels, one that means something.
    fn method(&self, measure: Measure) -> Result<Method, BaselinesError> {
        if measure == Measure::Boxes {
            return Ok(self.merge.unwrap_or_default());
        }
        for (flag, is_there) in
            [("--iou-threshold", self.iou_threshold.is_some()), ("--value", self.value.is_some())]
        {
            if is_there {
                return Err(BaselinesError::OnlyOfBoxes(flag));
            }
        }
        match self.merge {
            None => Ok(Method::MeanWbf),
            Some(method @ (Method::MeanWbf | Method::Calibrated)) => Ok(method),
            Some(method) => Err(BaselinesError::MethodOfBoxes(method)),
        }
    }

    /// The weights of the providers by their places; none where nobody's is told.
    fn weights(&self, dataset: &Dataset) -> Result<Vec<f64>, BaselinesError> {
        if self.weight.is_empty() {
            return Ok(Vec::new());
        }
        let mut weights = vec![1.0; dataset.providers.len()];
        for Weight { provider, weight } in &self.weight {
            let place = dataset.providers.iter().position(|known| known.name == *provider);
            let entry = place.and_then(|place| weights.get_mut(place));
            *entry.ok_or_else(|| BaselinesError::WeightOfNobody(provider.clone()))? = *weight;
        }
        Ok(weights)
    }
}

/// A model of the providers of a data set, fitted on another.
fn fitted(
    folder: &Path,
    other: &Dataset,
    dataset: &Dataset,
    measure: Measure,
) -> Result<CalibratedMerge, BaselinesError> {
    if other.categories != dataset.categories {
        return Err(BaselinesError::OtherCategories { path: folder.to_owned() });
    }
    let images = measure.images(other);
    calibrated(&images.iter().collect::<Vec<_>>())
        .map_err(|source| BaselinesError::Calibration { path: folder.to_owned(), source })
}

impl FromStr for Weight {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (provider, weight) = text.split_once('=').ok_or("write it as NAME=NUMBER")?;
        let weight = weight.parse().map_err(|_| "what follows = must be a number")?;
        Ok(Self { provider: provider.to_owned(), weight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_name_and_a_number() {
        let expected = Weight { provider: "aws".to_owned(), weight: 0.5 };
        assert_eq!("aws=0.5".parse(), Ok(expected));
        assert!("aws".parse::<Weight>().is_err() && "aws=much".parse::<Weight>().is_err());
    }
}
