//! The merged answers as a COCO result list, in the numbers of the ground truth.

use armol_analysis::label_groups::GroupedBox;
use serde::Serialize;

use super::Choice;
use crate::{dataset::Dataset, format, ground_truth::Category};

#[derive(Serialize)]
struct Line {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    score: f64,
}

/// The text of a COCO result list of the merged answers; `categories` are the data set's, group n at
/// place n.
///
/// # Errors
/// Where a number is none that JSON has.
pub fn text(
    dataset: &Dataset,
    categories: &[Category],
    choices: &[Choice],
) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for (image, choice) in dataset.images.iter().zip(choices) {
        for GroupedBox { group, score, bbox } in &choice.merged {
            // Every group of a data set is one of its categories.
            let Some(category) = categories.get(usize::from(group.number())) else { continue };
            lines.push(Line {
                image_id: image.id,
                category_id: category.id,
                bbox: format::left_top_width_height(*bbox),
                score: *score,
            });
        }
    }
    format::json_text(&lines)
}
