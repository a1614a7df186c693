//! Label lists: one JSON object a line, an image with its true labels and what providers named.
//!
//! A line is `{"id": name, "true": [class ...], "gt_boxes": [[class, left, top, right, bottom] ...],
//! "pred": {provider: [[class, confidence] ...]}}`; other fields are skipped, and `gt_boxes` may be
//! missing. A class is a place in the list of categories. Boxes say where, labels only what: an
//! answer in this form has no places. A provider that a line does not have was not asked.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

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
        let image = true_image(line, id, categories);
        images.push(image.map_err(at)?);
    }
    Ok(GroundTruth { categories: numbered_categories(categories.iter().cloned()), images })
}

fn true_image(line: LabelLine, id: u64, categories: &[String]) -> Result<TrueImage, Problem> {
    let known = |class| super::category_of(class, categories).map(|_| GroupId::new(class));
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
            let word = super::category_of(class, categories).map_err(at)?;
            let detection = Detection::new(word, score, None);
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

fn parse(text: &str, path: &Path) -> Result<Vec<(usize, LabelLine)>, FormatError> {
    file::parsed_lines(text, path, |line| {
        serde_json::from_str(line).map_err(|error| Problem::Json(error.to_string()))
    })
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

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::bbox;

    const LIST: &str = r#"{"id":"a","voc_split":"train","true":[1],"gt_boxes":[[1,1,2,3,4.5]],"pred":{"aws":[[0,0.5],[1,0.25]],"azure":[]}}
{"id":"b","true":[],"pred":{"azure":[[1,1]]}}
"#;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn categories() -> [String; 2] {
        ["cat", "dog"].map(str::to_owned)
    }

    fn refusal(text: &str) -> String {
        let error = read_truth(file(text).path(), &categories()).unwrap_err();
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn truth_and_answers_are_read_from_the_same_lines() {
        let list = file(LIST);
        let truth = read_truth(list.path(), &categories()).unwrap();
        assert_eq!(truth.images[0].labels, [GroupId::new(1)]);
        assert_eq!(truth.images[0].objects[0].bbox, bbox([1.0, 2.0, 3.0, 4.5]));
        let aws = read_answers(list.path(), "aws", &categories()).unwrap();
        assert_eq!(aws.answers.len(), 1, "aws was not asked about b");
        let words = aws.answers[0].1.iter().map(|seen| (seen.label.as_str(), seen.score));
        assert_eq!(words.collect::<Vec<_>>(), [("cat", 0.5), ("dog", 0.25)]);
        let azure = read_answers(list.path(), "azure", &categories()).unwrap();
        assert_eq!(azure.answers.len(), 2, "azure saw nothing in a");
        assert!(read_answers(list.path(), "gcp", &categories()).is_err());
    }

    #[test]
    fn lines_that_hold_what_they_cannot_are_named() {
        assert!(refusal("{}").ends_with("line 1: a line must be a JSON object with id and true: missing field `id` at line 1 column 2"));
        assert!(refusal(&LIST.replace("[1]", "[2]")).ends_with(
            "line 1: category 2 is not in the list of 2 categories; give the whole list"
        ));
        assert!(
            refusal(&LIST.replace("\"b\"", "\"a\"")).contains("line 2: id \"a\" is there already")
        );
        assert!(refusal(&LIST.replace("4.5", "0")).contains("left <= right and top <= bottom"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            id in "\\PC{0,6}",
            labels in proptest::collection::vec(any::<u16>(), 0..3),
            named in proptest::collection::vec((any::<u16>(), 0.0..=1.0_f64), 0..3),
        ) {
            let gt_boxes = vec![(3, 0.5, 1.0, 2.0, 4.25)];
            let pred = BTreeMap::from([("aws".to_owned(), named)]);
            let line = LabelLine { id, labels, gt_boxes, pred };
            let written = text([&line]).unwrap();
            let path = Path::new("list.jsonl");
            let read = parse(std::str::from_utf8(&written).unwrap(), path).unwrap();
            prop_assert_eq!(text([&read[0].1]).unwrap(), written);
            prop_assert_eq!(read, [(1, line)]);
        }

        #[test]
        fn no_text_makes_the_reader_panic(cut in 0..LIST.len(), noise in r"\PC{0,20}") {
            let text = format!("{}{noise}{}", &LIST[..cut], &LIST[cut..]);
            drop(parse(&text, Path::new("list.jsonl")));
        }
    }
}
