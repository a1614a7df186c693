//! What is made of boxes that may be one object.
//!
//! The words are those of the command line and of reports. Who wrote down which rule:
//!
//! - `nms`, `soft-nms`, `soft-nms-gaussian` and `wbf` are those of ensemble-boxes, which is what
//!   published figures use; `soft-nms` keeps the scores that it lowered, where that package lowers
//!   them only to choose boxes.
//! - `seed-nms`, `seed-soft-nms` and `seed-wbf` are those of the published Armol
//!   (`src/ablation.py`).
//! - `mean-wbf` is `seed-wbf` without what depends on the order of providers.
//! - `calibrated` is `mean-wbf` with scores that say how likely it is that the object is there.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// How boxes that may be one object become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Every box stays.
    None,
    /// Non-maximum suppression: the best box of each object stays.
    Nms,
    /// Boxes that overlap a better one lose the share that overlaps from their score.
    SoftNms,
    /// Boxes lose more of their score the more they overlap a better one, by a Gaussian.
    SoftNmsGaussian,
    /// Weighted boxes fusion (arXiv 1910.13302): boxes join the running mean that they overlap
    /// most, and few boxes from many providers lower the score.
    #[default]
    Wbf,
    /// Boxes that overlap the best one are averaged, and so are their scores.
    MeanWbf,
    /// Armol's suppression: objects in the order of providers, suppression within each.
    SeedNms,
    /// Armol's soft suppression, which knows no groups.
    SeedSoftNms,
    /// Armol's fusion: objects in the order of providers, corners cut to whole pixels.
    SeedWbf,
    /// Boxes that overlap the likeliest one are averaged; the score is the probability of a fitted
    /// [`CalibratedMerge`](super::CalibratedMerge).
    Calibrated,
}

/// A word that names no [`Method`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "unknown way to merge {0:?}; use none, nms, soft-nms, soft-nms-gaussian, wbf, mean-wbf, \
     seed-nms, seed-soft-nms, seed-wbf or calibrated"
)]
pub struct UnknownMethod(pub String);

impl Method {
    /// Every method, the simplest first.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Nms,
        Self::SoftNms,
        Self::SoftNmsGaussian,
        Self::Wbf,
        Self::MeanWbf,
        Self::SeedNms,
        Self::SeedSoftNms,
        Self::SeedWbf,
        Self::Calibrated,
    ];

    /// The word used on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Nms => "nms",
            Self::SoftNms => "soft-nms",
            Self::SoftNmsGaussian => "soft-nms-gaussian",
            Self::Wbf => "wbf",
            Self::MeanWbf => "mean-wbf",
            Self::SeedNms => "seed-nms",
            Self::SeedSoftNms => "seed-soft-nms",
            Self::SeedWbf => "seed-wbf",
            Self::Calibrated => "calibrated",
        }
    }

    /// Whether the result depends on who is listed first.
    pub const fn depends_on_order(self) -> bool {
        matches!(self, Self::SeedNms | Self::SeedSoftNms | Self::SeedWbf)
    }

    /// The overlap above which boxes are one object, unless another is asked for.
    pub(super) const fn default_iou_threshold(self) -> f64 {
        match self {
            Self::Wbf => 0.55,
            _ => 0.5,
        }
    }

    /// The score that boxes must have, unless another is asked for.
    pub(super) const fn default_score_threshold(self) -> f64 {
        match self {
            Self::SoftNms | Self::SoftNmsGaussian => 0.001,
            _ => 0.0,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(word: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == word)
            .ok_or_else(|| UnknownMethod(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_the_refusal_lists_them() {
        let refusal = "best".parse::<Method>().unwrap_err().to_string();
        for method in Method::ALL {
            assert_eq!(method.as_str().parse(), Ok(method));
            assert!(refusal.contains(method.as_str()), "{method}");
        }
    }
}
