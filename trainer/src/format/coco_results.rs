//! COCO result lists: one JSON array of one provider's detections.
//!
//! What a detection is stands as `category_id`, a number of the ground truth's, or as `category`,
//! the provider's own word, which counts where both are there. A number that the ground truth does not
//! have stands for a word that leads nowhere, "category 7". An image goes by its id, or by its file
//! name. Who answers in this form was asked about every image: one that is not in the list is
//! one in which nothing was seen.

use std::{collections::HashMap, path::Path};

use armol_analysis::detection::{BoundingBox, Detection};
use serde::{Deserialize, Serialize};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::Category;

#[derive(Serialize, Deserialize)]
struct ResultEntry {
    image_id: ResultImage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox: Option<[f64; 4]>,
    score: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ResultImage {
    Id(u64),
    Name(String),
}

/// A detection to be written.
#[derive(Clone, Copy, Debug)]
pub struct ResultLine<'a> {
    /// The image's id.
    pub image: u64,
    /// The category's id in the ground truth; `None` where the word leads to none.
    pub category: Option<u64>,
    /// What was seen.
    pub detection: &'a Detection,
}

/// Reads a provider's answers; `categories` are the ground truth's.
///
/// # Errors
/// Where the file cannot be read, is no result list, or a field holds what it cannot.
pub fn read(path: &Path, categories: &[Category]) -> Result<Answers, FormatError> {
    parse(&file::read(path)?, path, categories)
}

/// Reads a provider's answers from the text of the file at `path`.
///
/// # Errors
/// Where the text is no result list, or a field holds what it cannot; names both.
pub fn parse(text: &[u8], path: &Path, categories: &[Category]) -> Result<Answers, FormatError> {
    let entries: Vec<ResultEntry> = serde_json::from_slice(text).map_err(|source| {
        let expected = "list of COCO results (image_id, category or category_id, bbox, score)";
        FormatError::Json { path: path.to_owned(), expected, source }
    })?;
    let names: HashMap<u64, &str> =
        categories.iter().map(|category| (category.id, category.name.as_str())).collect();
    let mut places: HashMap<ImageReference, usize> = HashMap::new();
    let mut answers: Vec<(ImageReference, Vec<Detection>)> = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let (image, detection) = checked(entry, &names)
            .map_err(|(field, problem)| problem.at(path, format!("[{index}].{field}")))?;
        let place = *places.entry(image).or_insert_with_key(|image| {
            answers.push((image.clone(), Vec::new()));
            answers.len() - 1
        });
        if let Some((_, detections)) = answers.get_mut(place) {
            detections.push(detection);
        }
    }
    Ok(Answers { answers, silence: Silence::NothingSeen })
}

fn checked(
    entry: ResultEntry,
    names: &HashMap<u64, &str>,
) -> Result<(ImageReference, Detection), (&'static str, Problem)> {
    let word = match (entry.category, entry.category_id) {
        (Some(word), _) => word,
        (None, Some(id)) => {
            names.get(&id).map_or_else(|| format!("category {id}"), |name| (*name).to_owned())
        }
        (None, None) => return Err(("category", Problem::Unnamed)),
    };
    let bbox = match entry.bbox {
        None => None,
        Some(sides @ [left, top, width, height]) => {
            let corners = [left, top, left + width, top + height];
            Some(BoundingBox::from_corners(corners).map_err(|_| ("bbox", Problem::Box(sides)))?)
        }
    };
    let detection = Detection::new(word, entry.score, bbox)
        .map_err(|_| ("score", Problem::Score(entry.score)))?;
    let image = match entry.image_id {
        ResultImage::Id(id) => ImageReference::Id(id),
        ResultImage::Name(name) => ImageReference::Name(name),
    };
    Ok((image, detection))
}

/// The entry of a result list that says this.
pub fn entry(line: ResultLine<'_>) -> impl Serialize {
    ResultEntry {
        image_id: ResultImage::Id(line.image),
        category_id: line.category,
        category: Some(line.detection.label.clone()),
        bbox: line.detection.bbox.map(super::left_top_width_height),
        score: line.detection.score,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::testing::bbox;

    fn read(text: &str) -> Result<Answers, FormatError> {
        let categories = [Category { id: 17, name: "cat".to_owned() }];
        parse(text.as_bytes(), Path::new("aws.json"), &categories)
    }

    fn refusal(text: &str) -> String {
        let error = read(text).unwrap_err();
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn the_own_word_counts_before_the_number() {
        let answers = read(
            r#"[{"image_id": 1, "category_id": 17, "bbox": [1, 2, 3, 4], "score": 0.5},
                {"image_id": "b.jpg", "category": "Cat", "bbox": [0, 0, 1, 1], "score": 1},
                {"image_id": 1, "category_id": 17, "category": "Kitten", "score": 0.25}]"#,
        )
        .unwrap();
        let [(one, first), (other, second)] = &*answers.answers else { panic!("two images") };
        assert_eq!(*one, ImageReference::Id(1));
        assert_eq!(*other, ImageReference::Name("b.jpg".to_owned()));
        let words: Vec<&str> = first.iter().map(|detection| detection.label.as_str()).collect();
        assert_eq!(words, ["cat", "Kitten"]);
        assert_eq!(first[0].bbox, Some(bbox([1.0, 2.0, 4.0, 6.0])));
        assert_eq!((first[1].bbox, second[0].score), (None, 1.0));
    }

    #[test]
    fn a_number_that_is_no_category_is_a_word_that_leads_nowhere() {
        let answers = read(r#"[{"image_id": 1, "category_id": 3, "score": 0.5}]"#).unwrap();
        assert_eq!(answers.answers[0].1[0].label, "category 3");
    }

    #[test]
    fn fields_that_hold_what_they_cannot_are_named() {
        insta::assert_snapshot!(
            refusal(r#"[{"image_id": 1, "category": "a", "bbox": [1, 2, -3, 4], "score": 0.5}]"#),
            @"in aws.json, [0].bbox: [1.0, 2.0, -3.0, 4.0] must be left, top, width and height in pixels, width and height not negative"
        );
        insta::assert_snapshot!(
            refusal(r#"[{"image_id": 1, "category": "a", "score": 50}]"#),
            @"in aws.json, [0].score: score 50 must be a number from 0 to 1"
        );
        insta::assert_snapshot!(
            refusal(r#"[{"image_id": 1, "score": 0.5}]"#),
            @"in aws.json, [0].category: neither category nor category_id says what it is; give one of them"
        );
        assert!(refusal(r#"{"images": []}"#).starts_with("aws.json is no list of COCO results"));
    }
}
