//! What a provider saw in an image, in one form for every vendor.
//!
//! Agents write it, the collector keeps it beside the raw answer, the trainer scores it. Boxes are
//! in pixels of the image that was sent, whatever unit the vendor uses.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A rectangle in pixels; `left <= right`, `top <= bottom`, every number finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 4]", into = "[f64; 4]")]
pub struct BoundingBox {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// One object that a provider reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The provider's own word for it, unchanged.
    pub label: String,
    /// How sure the provider is, 0 to 1.
    pub score: f64,
    /// Where it is; `None` where the provider names it without a place (a tag).
    pub bbox: Option<BoundingBox>,
}

/// Why numbers make no [`BoundingBox`] or [`Detection`].
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DetectionError {
    /// The corners are not finite numbers in order.
    #[error("box corners {0:?} must be finite, left <= right, top <= bottom")]
    Corners([f64; 4]),
    /// The score is no number from 0 to 1.
    #[error("score {0} must be a number from 0 to 1")]
    Score(f64),
}

impl BoundingBox {
    /// The box from 0 to 1.
    pub const UNIT: Self = Self { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    /// Makes a box from its corners: left, top, right, bottom.
    ///
    /// # Errors
    /// Returns the corners where one is not finite or they are out of order.
    pub fn from_corners(corners: [f64; 4]) -> Result<Self, DetectionError> {
        let [left, top, right, bottom] = corners;
        let finite = corners.iter().all(|corner| corner.is_finite());
        if finite && left <= right && top <= bottom {
            Ok(Self { left, top, right, bottom })
        } else {
            Err(DetectionError::Corners(corners))
        }
    }

    /// Left, top, right, bottom.
    pub const fn corners(self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom]
    }

    /// Width times height in square pixels.
    pub fn area(self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// Intersection over union, 0 to 1; 0 where both boxes are empty.
    pub fn iou(self, other: Self) -> f64 {
        let intersection = self.intersection(other);
        if intersection <= 0.0 {
            return 0.0;
        }
        intersection / (self.area() + other.area() - intersection)
    }

    /// The share of this box's area that lies within `other`, 0 to 1; 0 where this box is empty.
    pub fn share_within(self, other: Self) -> f64 {
        let intersection = self.intersection(other);
        if intersection <= 0.0 { 0.0 } else { intersection / self.area() }
    }

    /// The area that both boxes have in common, in square pixels.
    fn intersection(self, other: Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }
}

impl TryFrom<[f64; 4]> for BoundingBox {
    type Error = DetectionError;

    fn try_from(corners: [f64; 4]) -> Result<Self, DetectionError> {
        Self::from_corners(corners)
    }
}

impl From<BoundingBox> for [f64; 4] {
    fn from(bbox: BoundingBox) -> Self {
        bbox.corners()
    }
}

impl Detection {
    /// Makes a detection.
    ///
    /// # Errors
    /// Returns the score where it is not a number from 0 to 1.
    pub fn new(
        label: impl Into<String>,
        score: f64,
        bbox: Option<BoundingBox>,
    ) -> Result<Self, DetectionError> {
        if (0.0..=1.0).contains(&score) {
            Ok(Self { label: label.into(), score, bbox })
        } else {
            Err(DetectionError::Score(score))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corners(corners: [f64; 4]) -> BoundingBox {
        BoundingBox::from_corners(corners).unwrap()
    }

    #[test]
    fn iou_is_the_share_of_the_union() {
        let one = corners([0.0, 0.0, 10.0, 10.0]);
        assert!((one.iou(corners([5.0, 0.0, 15.0, 10.0])) - 1.0 / 3.0).abs() < 1e-12);
        assert!((one.iou(one) - 1.0).abs() < 1e-12);
        assert!(one.iou(corners([10.0, 0.0, 20.0, 10.0])).abs() < 1e-12);
    }

    #[test]
    fn the_share_within_is_of_the_box_itself() {
        let small = corners([0.0, 0.0, 4.0, 10.0]);
        let large = corners([2.0, 0.0, 100.0, 10.0]);
        assert!((small.share_within(large) - 0.5).abs() < 1e-12);
        let empty = corners([3.0, 3.0, 3.0, 3.0]);
        assert!(empty.share_within(large).abs() < 1e-12);
    }

    #[test]
    fn refuses_corners_out_of_order_and_scores_out_of_range() {
        assert!(BoundingBox::from_corners([3.0, 0.0, 2.0, 1.0]).is_err());
        assert!(BoundingBox::from_corners([f64::NAN, 0.0, 2.0, 1.0]).is_err());
        assert!(Detection::new("cat", 1.5, None).is_err());
        assert!(Detection::new("cat", f64::NAN, None).is_err());
    }
}
