//! How good answers are, against what is truly in the images.
//!
//! Each module is one measure, and takes images as pairs of detections and ground truth:
//!
//! - [`coco`]: COCO's twelve figures, as pycocotools gives them; AP50 without another word is this.
//! - [`voc`]: the average precision of Pascal VOC, and the mAP of Armol's own script.
//! - [`image_value`]: AP50 of one image over all its groups at once, the reward of Armol.
//! - [`balanced`]: a reward for one image that counts rare groups as much as frequent ones.
//! - [`influence`]: a reward for one image that adds up to AP50 of the whole set.
//! - [`f1`]: precision and recall of what is above one score.
//! - [`labels`]: sets of labels without places.
//! - [`bootstrap`]: how far any of these could be off by the choice of images.

pub mod balanced;
pub mod bootstrap;
pub mod coco;
pub mod f1;
mod finding;
pub mod image_value;
pub mod influence;
pub mod labels;
mod precision_curve;
#[cfg(test)]
mod testing;
pub mod voc;

use crate::{detection::BoundingBox, label_groups::GroupId};

/// An object that is truly in an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueBox {
    /// What it is.
    pub group: GroupId,
    /// Where it is.
    pub bbox: BoundingBox,
    /// Whether it is a crowd: many objects under one box, which detections may hit at no gain and
    /// no loss.
    pub crowd: bool,
    /// How many square pixels of the image it covers, as COCO tells of its outline; `None` where
    /// only the box is known.
    pub area: Option<f64>,
}

impl TrueBox {
    /// The area that says whether the object is small, medium or large: its own, or its box's.
    pub fn size(&self) -> f64 {
        self.area.unwrap_or_else(|| self.bbox.area())
    }
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts of boxes in memory are far below 2^53")]
const fn number(count: usize) -> f64 {
    count as f64
}
