//! The forms in which ground truth and answers come and go, one module each.
//!
//! A reader makes [`GroundTruth`](crate::ground_truth::GroundTruth) or [`Answers`] of a file or a
//! folder and refuses what it cannot mean, naming the file and the line or field; a writer does the
//! reverse. Files may be packed with gzip. [`form`] tells which form a path has.

pub mod coco;
pub mod coco_results;
pub mod file;
pub mod form;
pub mod label_lists;
pub mod line_lists;
pub(crate) mod pieces;
mod problem;
pub mod seed;
pub mod voc;
pub mod yolo;

use armol_analysis::detection::{BoundingBox, Detection};
use serde::Serialize;

pub use problem::{FormatError, Problem};

/// What one provider said of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The answers, each image once, in the order of the source.
    pub answers: Vec<(ImageReference, Vec<Detection>)>,
    /// What it means that an image is not among them.
    pub silence: Silence,
}

/// What it means that a source of answers does not mention an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The provider was asked and saw nothing.
    NothingSeen,
    /// The provider was not asked.
    NotAsked,
}

/// How a source of answers calls an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageReference {
    /// By the number that the ground truth gives it.
    Id(u64),
    /// By its file name, with folder and ending or without.
    Name(String),
}

/// A value as JSON on one line, with a line's end.
fn json_text(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
}

/// The name of the category of a class.
fn category_of(class: u16, categories: &[String]) -> Result<&str, Problem> {
    let name = categories.get(usize::from(class)).map(String::as_str);
    name.ok_or_else(|| Problem::NoCategory(class.to_string(), categories.len()))
}

/// A box as COCO writes it.
fn left_top_width_height(bbox: BoundingBox) -> [f64; 4] {
    let [left, top, right, bottom] = bbox.corners();
    [left, top, right - left, bottom - top]
}
