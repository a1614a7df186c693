//! What is truly in the images, whatever form it was read from.
//!
//! The categories of a ground truth are the groups of the data set that is made of it: group n is
//! category n. [`format`](crate::format) reads and writes it.

use armol_analysis::{detection::BoundingBox, label_groups::GroupId, metrics::TrueBox};
use serde::{Deserialize, Serialize};

/// The images of a ground truth, in the order of its file, and the words for what is in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroundTruth {
    /// What can be in an image, each name once; the place of a category is its group.
    pub categories: Vec<Category>,
    /// The images; no two have one name or one id.
    pub images: Vec<TrueImage>,
}

/// One thing that can be in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The number that its own file gives it.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// One image and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueImage {
    /// The file name, which is the image's key in `event.json`.
    pub name: String,
    /// The number that its own file gives it.
    pub id: u64,
    /// Its size; `None` where the format does not say.
    pub size: Option<Size>,
    /// The objects, crowds included.
    pub objects: Vec<TrueObject>,
    /// What a list of labels says is in the image, whatever boxes say.
    pub labels: Vec<GroupId>,
}

/// Width and height in pixels, neither 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

/// An object that is truly in an image, with all that formats say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueObject {
    /// What it is.
    pub group: GroupId,
    /// Where it is.
    pub bbox: BoundingBox,
    /// COCO's flag: many objects under one box.
    pub crowd: bool,
    /// Pascal's flag: an object that need not be found.
    pub difficult: bool,
    /// COCO's area of the object itself in square pixels, which is less than its box.
    pub area: Option<f64>,
}

impl Size {
    /// Makes a size; `None` where a side is 0.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        (width > 0 && height > 0).then_some(Self { width, height })
    }

    /// Width in pixels.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub const fn height(self) -> u32 {
        self.height
    }
}

impl TrueObject {
    /// An object without flags.
    pub const fn new(group: GroupId, bbox: BoundingBox) -> Self {
        Self { group, bbox, crowd: false, difficult: false, area: None }
    }

    /// The object as it is scored: a difficult one is neither found nor missed, as a crowd.
    pub const fn scored(&self) -> TrueBox {
        TrueBox {
            group: self.group,
            bbox: self.bbox,
            crowd: self.crowd || self.difficult,
            area: self.area,
        }
    }
}

impl TrueImage {
    /// An image of which nothing is known but what it is called.
    pub const fn named(name: String, id: u64) -> Self {
        Self { name, id, size: None, objects: Vec::new(), labels: Vec::new() }
    }
}

/// The names of categories in their order.
pub fn names(categories: &[Category]) -> Vec<String> {
    categories.iter().map(|category| category.name.clone()).collect()
}

/// Categories numbered from 1, as COCO numbers its own, from their names in order.
pub fn numbered_categories(names: impl IntoIterator<Item = String>) -> Vec<Category> {
    (1..).zip(names).map(|(id, name)| Category { id, name }).collect()
}
