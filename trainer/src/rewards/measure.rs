//! What answers are scored by: boxes, or labels alone.
//!
//! Some services say what is in an image without saying where, and some ground truths do not say it
//! either. Then the set of what is named is scored.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::ScoredImage;
use crate::dataset::{Dataset, Image};

/// What answers are scored by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What is seen, and where.
    Boxes,
    /// What is named, wherever it is.
    Labels,
}

/// A word that names no [`Measure`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown measure {0:?}; use boxes or labels")]
pub struct UnknownMeasure(pub String);

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 2] = [Self::Boxes, Self::Labels];

    /// What fits a data set: labels where its ground truth lists them, and either that or every answer
    /// has no box; else boxes.
    pub fn of(dataset: &Dataset) -> Self {
        let has = |what: fn(&Image) -> bool| dataset.images.iter().any(what);
        let labels = has(|image| !image.labels.is_empty());
        let true_boxes = has(|image| !image.truth.is_empty());
        let boxes =
            has(|image| image.answers.iter().flatten().any(|answer| !answer.boxes.is_empty()));
        if labels && !(true_boxes && boxes) { Self::Labels } else { Self::Boxes }
    }

    /// The images of a data set as they are scored.
    pub fn images(self, dataset: &Dataset) -> Vec<ScoredImage<'_>> {
        let scored = match self {
            Self::Boxes => ScoredImage::new,
            Self::Labels => ScoredImage::of_labels,
        };
        dataset.images.iter().map(|image| scored(image, &dataset.providers)).collect()
    }

    /// The word used on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boxes => "boxes",
            Self::Labels => "labels",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(word: &str) -> Result<Self, UnknownMeasure> {
        let measure = Self::ALL.into_iter().find(|measure| measure.as_str() == word);
        measure.ok_or_else(|| UnknownMeasure(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{cat_and_dog, dataset, labels_of};

    #[test]
    fn labels_are_scored_where_there_are_no_boxes_on_one_side() {
        let (answers, truth) = cat_and_dog();
        let boxes = dataset(&answers, truth);
        assert_eq!(Measure::of(&boxes), Measure::Boxes);
        let labels = labels_of(&boxes);
        assert_eq!(Measure::of(&labels), Measure::Labels);
        let mut listed = boxes;
        for (image, other) in listed.images.iter_mut().zip(&labels.images) {
            image.labels.clone_from(&other.labels);
        }
        assert_eq!(Measure::of(&listed), Measure::Boxes);
        for (image, other) in listed.images.iter_mut().zip(&labels.images) {
            image.answers.clone_from(&other.answers);
        }
        assert_eq!(Measure::of(&listed), Measure::Labels);
    }

    #[test]
    fn words_read_back() {
        for measure in Measure::ALL {
            assert_eq!(measure.as_str().parse(), Ok(measure));
        }
        assert!("words".parse::<Measure>().is_err());
    }
}
