//! Label lists: one JSON object a line, an image with its true labels and what providers named.
//!
//! A line is `{"id": name, "true": [class ...], "gt_boxes": [[class, left, top, right, bottom] ...],
//! "pred": {provider: [[class, confidence] ...]}}`; other fields are skipped, and `gt_boxes` may be
//! missing. A class is a place in the list of categories. Boxes say where, labels only what: an
//! answer in this form has no places. A provider that a line does not have was not asked.

use std::{collections::BTreeMap, collections::HashSet, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::GroupId,
};
use serde::{Deserialize, Serialize};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::{GroundTruth, TrueImage, TrueObject, numbered_categories};

/// The line of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelLine {
    /// What the image is called.
    pub id: String,
    /// The classes that are truly in it.
    #[serde(rename = "true")]
    pub labels: Vec<u16>,
    /// Where objects of them are: class, left, top, right, bottom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gt_boxes: Vec<(u16, f64, f64, f64, f64)>,
    /// What each provider named, with its confidence.
    #[serde(default)]
    pub pred: BTreeMap<String, Vec<(u16, f64)>>,
}

/// Reads a ground truth.
///
/// # Errors
/// Where the file cannot be read, a line is none, an image comes twice, or a class has no category.
pub fn read_truth(path: &Path, categories: &[String]) -> Result<GroundTruth, FormatError> {
    let mut images = Vec::new();
    let mut names = HashSet::new();
    for (id, (number, line)) in (1..).zip(parse(&file::read_text(path)?, path)?) {
        let at = |problem: Problem| problem.at(path, format!("line {number}"));
        if !names.insert(line.id.clone()) {
            return Err(at(Problem::Doubled(format!("id {:?}", line.id))));
        }
        let image = true_image(line, id, categories.len());
        images.push(image.map_err(at)?);
    }
    Ok(GroundTruth { categories: numbered_categories(categories.iter().cloned()), images })
}

fn true_image(line: LabelLine, id: u64, categories: usize) -> Result<TrueImage, Problem> {
    let known = |class: u16| {
        let known = usize::from(class) < categories;
        known.then(|| GroupId::new(class)).ok_or_else(|| no_category(class, categories))
    };
    let mut image = TrueImage::named(line.id, id);
    for class in line.labels {
        image.labels.push(known(class)?);
    }
    for (class, left, top, right, bottom) in line.gt_boxes {
        let corners = [left, top, right, bottom];
        let bbox = BoundingBox::from_corners(corners).map_err(|_| Problem::Corners(corners))?;
        image.objects.push(TrueObject::new(known(class)?, bbox));
    }
    Ok(image)
}

/// Reads the answers of one of the providers.
///
/// # Errors
/// Where the file cannot be read, a line is none, a class has no category, or no line has the
/// provider.
pub fn read_answers(
    path: &Path,
    provider: &str,
    categories: &[String],
) -> Result<Answers, FormatError> {
    let mut answers = Vec::new();
    for (number, mut line) in parse(&file::read_text(path)?, path)? {
        let at = |problem: Problem| problem.at(path, format!("line {number}"));
        let Some(named) = line.pred.remove(provider) else { continue };
        let mut detections = Vec::with_capacity(named.len());
        for (class, score) in named {
            let unknown = || at(no_category(class, categories.len()));
            let word = categories.get(usize::from(class)).ok_or_else(unknown)?;
            let detection = Detection::new(word.clone(), score, None);
            detections.push(detection.map_err(|_| at(Problem::Score(score)))?);
        }
        answers.push((ImageReference::Name(line.id), detections));
    }
    if answers.is_empty() {
        let needed = "no line's pred has the provider; call it as the file does";
        return Err(FormatError::Needs { path: path.to_owned(), needed });
    }
    Ok(Answers { answers, silence: Silence::NotAsked })
}

fn no_category(class: u16, categories: usize) -> Problem {
    Problem::NoCategory(class.to_string(), categories)
}

fn parse(text: &str, path: &Path) -> Result<Vec<(usize, LabelLine)>, FormatError> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map(|line| (number, line)).map_err(|source| {
                let problem = Problem::form(&source.to_string(), "a JSON object with id and true");
                problem.at(path, format!("line {number}"))
            })
        })
        .collect()
}

/// The text of a list.
///
/// # Errors
/// Where a number is none that JSON has.
pub fn text<'a>(
    lines: impl IntoIterator<Item = &'a LabelLine>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    for line in lines {
        text.extend(super::json_text(line)?);
    }
    Ok(text)
}
