//! What is truly in the images: a COCO instances file, read and checked.
//!
//! Of the file, images, the boxes of annotations and the names of categories are read; everything
//! else, such as segmentations, is skipped. Categories count by name, not by number, so that other
//! data sets with the same words can be used.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, LabelGroups},
    metrics::TrueBox,
};
use serde::Deserialize;
use thiserror::Error;

/// The images of a ground truth, in the order of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundTruth {
    /// The images; no two have one file name.
    pub images: Vec<TrueImage>,
}

/// One image and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueImage {
    /// The file name, which is the image's key in `event.json`.
    pub file_name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The objects, crowds included.
    pub objects: Vec<TrueBox>,
}

/// Why a file is no ground truth.
#[derive(Debug, Error)]
pub enum GroundTruthError {
    /// The file cannot be read.
    #[error("cannot read ground truth {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not JSON, or lacks a field.
    #[error("ground truth {path} is no COCO instances file")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, on which line.
        #[source]
        source: serde_json::Error,
    },
    /// A field holds what it cannot.
    #[error("in ground truth {path}, {field}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, such as `annotations[3].bbox`.
        field: String,
        /// What is wrong with it.
        #[source]
        problem: FieldProblem,
    },
}

/// What is wrong with one field of a ground truth.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FieldProblem {
    /// Two entries share what tells entries apart.
    #[error("{0} is there already; each entry needs its own")]
    Doubled(String),
    /// A reference to an entry that is not there.
    #[error("there is no entry with id {0}")]
    Dangling(u64),
    /// No group of the label table has the category's name.
    #[error(
        "no label group has the word {0:?}; remove its annotations, or give a table with --label-groups"
    )]
    NoGroup(String),
    /// Four numbers that make no box.
    #[error("{0:?} must be left, top, width and height in pixels, width and height not negative")]
    Box([f64; 4]),
    /// Neither 0 nor 1.
    #[error("{0} must be 0 or 1")]
    Crowd(u8),
}

/// A field's place in the file, and its problem.
type Misplaced = (String, FieldProblem);

#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct CocoAnnotation {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    #[serde(default)]
    iscrowd: u8,
    area: Option<f64>,
}

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

impl GroundTruth {
    /// Reads a ground truth from a file.
    ///
    /// # Errors
    /// Where the file cannot be read, or as [`from_json`](Self::from_json).
    pub fn read(path: &Path, groups: &LabelGroups) -> Result<Self, GroundTruthError> {
        let text = fs::read(path)
            .map_err(|source| GroundTruthError::Read { path: path.to_owned(), source })?;
        Self::from_json(&text, path, groups)
    }

    /// Reads a ground truth from the text of the file at `path`.
    ///
    /// # Errors
    /// Where the text is no COCO instances file, or a field holds what it cannot; names both.
    pub fn from_json(
        text: &[u8],
        path: &Path,
        groups: &LabelGroups,
    ) -> Result<Self, GroundTruthError> {
        let file: CocoFile = serde_json::from_slice(text)
            .map_err(|source| GroundTruthError::Json { path: path.to_owned(), source })?;
        file.checked(groups).map_err(|(field, problem)| GroundTruthError::Field {
            path: path.to_owned(),
            field,
            problem,
        })
    }
}

impl CocoFile {
    fn checked(self, groups: &LabelGroups) -> Result<GroundTruth, Misplaced> {
        let names = named_categories(&self.categories)?;
        let (mut images, places) = empty_images(self.images)?;
        for (index, annotation) in self.annotations.iter().enumerate() {
            let at = |field: &str| format!("annotations[{index}].{field}");
            let dangling = FieldProblem::Dangling;
            let image = places
                .get(&annotation.image_id)
                .and_then(|&place| images.get_mut(place))
                .ok_or_else(|| (at("image_id"), dangling(annotation.image_id)))?;
            let name = names
                .get(&annotation.category_id)
                .ok_or_else(|| (at("category_id"), dangling(annotation.category_id)))?;
            let group = groups
                .group(name)
                .ok_or_else(|| (at("category_id"), FieldProblem::NoGroup((*name).to_owned())))?;
            let object = annotation.checked(group);
            image.objects.push(object.map_err(|(field, problem)| (at(field), problem))?);
        }
        Ok(GroundTruth { images })
    }
}

impl CocoAnnotation {
    fn checked(&self, group: GroupId) -> Result<TrueBox, (&'static str, FieldProblem)> {
        let [left, top, width, height] = self.bbox;
        let bbox = BoundingBox::from_corners([left, top, left + width, top + height])
            .map_err(|_| ("bbox", FieldProblem::Box(self.bbox)))?;
        let crowd = match self.iscrowd {
            0 => false,
            1 => true,
            other => return Err(("iscrowd", FieldProblem::Crowd(other))),
        };
        Ok(TrueBox { group, bbox, crowd, area: self.area })
    }
}

/// The categories' names by number.
fn named_categories(categories: &[CocoCategory]) -> Result<HashMap<u64, &str>, Misplaced> {
    let mut names = HashMap::new();
    for (index, category) in categories.iter().enumerate() {
        if names.insert(category.id, category.name.as_str()).is_some() {
            let doubled = FieldProblem::Doubled(format!("id {}", category.id));
            return Err((format!("categories[{index}].id"), doubled));
        }
    }
    Ok(names)
}

/// The images without their objects, and where each number is among them.
fn empty_images(
    images: Vec<CocoImage>,
) -> Result<(Vec<TrueImage>, HashMap<u64, usize>), Misplaced> {
    let mut places = HashMap::new();
    let mut file_names = HashSet::new();
    for (index, image) in images.iter().enumerate() {
        if places.insert(image.id, index).is_some() {
            let doubled = FieldProblem::Doubled(format!("id {}", image.id));
            return Err((format!("images[{index}].id"), doubled));
        }
        if !file_names.insert(image.file_name.as_str()) {
            let doubled = FieldProblem::Doubled(format!("file name {:?}", image.file_name));
            return Err((format!("images[{index}].file_name"), doubled));
        }
    }
    let empty = |image: CocoImage| TrueImage {
        file_name: image.file_name,
        width: image.width,
        height: image.height,
        objects: Vec::new(),
    };
    Ok((images.into_iter().map(empty).collect(), places))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const VALID: &str = r#"{
        "info": {"year": 2017},
        "images": [
            {"id": 7, "file_name": "b.jpg", "width": 640, "height": 480, "license": 1},
            {"id": 5, "file_name": "a.jpg", "width": 100, "height": 50}
        ],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 90, "bbox": [1, 2.5, 10, 20], "iscrowd": 1},
            {"id": 2, "image_id": 5, "category_id": 3, "bbox": [0, 0, 4, 0], "area": 0}
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}]
    }"#;

    fn read(text: &str) -> Result<GroundTruth, GroundTruthError> {
        GroundTruth::from_json(text.as_bytes(), Path::new("gt.json"), LabelGroups::coco())
    }

    /// The error's chain in one line, as the command prints it.
    fn refusal(text: &str) -> String {
        let error = read(text).expect_err("the ground truth is wrong");
        format!("{error}: {}", error.source().expect("a cause"))
    }

    fn refusal_of(valid: &str, wrong: &str) -> String {
        assert!(VALID.contains(valid));
        refusal(&VALID.replacen(valid, wrong, 1))
    }

    #[test]
    fn reads_boxes_by_image_and_categories_by_name() {
        let truth = read(VALID).unwrap();
        let [second, first] = truth.images.as_slice() else { panic!("two images") };
        assert_eq!((second.file_name.as_str(), second.width, second.height), ("b.jpg", 640, 480));
        assert_eq!(second.objects, []);
        let corners = [1.0, 2.5, 11.0, 22.5];
        let toothbrush = TrueBox {
            group: GroupId::new(79),
            bbox: BoundingBox::from_corners(corners).unwrap(),
            crowd: true,
            area: None,
        };
        assert_eq!(first.objects.first(), Some(&toothbrush));
        assert!(!first.objects[1].crowd);
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_named_with_its_line() {
        insta::assert_snapshot!(
            refusal_of(r#", "bbox": [1, 2.5, 10, 20]"#, ""),
            @"ground truth gt.json is no COCO instances file: missing field `bbox` at line 8 column 69"
        );
        insta::assert_snapshot!(
            refusal_of(r#""width": 640"#, r#""width": "wide""#),
            @r#"ground truth gt.json is no COCO instances file: invalid type: string "wide", expected u32 at line 4 column 59"#
        );
        assert!(refusal("").contains("EOF while parsing a value at line 1"));
        assert!(refusal(r#"{"images": []}"#).contains("missing field `annotations`"));
    }

    #[test]
    fn fields_that_hold_what_they_cannot_are_named() {
        insta::assert_snapshot!(
            refusal_of("[0, 0, 4, 0]", "[0, 0, -4, 0]"),
            @"in ground truth gt.json, annotations[1].bbox: [0.0, 0.0, -4.0, 0.0] must be left, top, width and height in pixels, width and height not negative"
        );
        insta::assert_snapshot!(
            refusal_of(r#""iscrowd": 1"#, r#""iscrowd": 2"#),
            @"in ground truth gt.json, annotations[0].iscrowd: 2 must be 0 or 1"
        );
        insta::assert_snapshot!(
            refusal_of(r#""image_id": 5"#, r#""image_id": 6"#),
            @"in ground truth gt.json, annotations[0].image_id: there is no entry with id 6"
        );
        insta::assert_snapshot!(
            refusal_of(r#""category_id": 3"#, r#""category_id": 4"#),
            @"in ground truth gt.json, annotations[1].category_id: there is no entry with id 4"
        );
        insta::assert_snapshot!(
            refusal_of(r#""name": "car""#, r#""name": "gnu""#),
            @r#"in ground truth gt.json, annotations[1].category_id: no label group has the word "gnu"; remove its annotations, or give a table with --label-groups"#
        );
    }

    #[test]
    fn doubled_entries_are_named() {
        insta::assert_snapshot!(
            refusal_of(r#""id": 5"#, r#""id": 7"#),
            @"in ground truth gt.json, images[1].id: id 7 is there already; each entry needs its own"
        );
        insta::assert_snapshot!(
            refusal_of("a.jpg", "b.jpg"),
            @r#"in ground truth gt.json, images[1].file_name: file name "b.jpg" is there already; each entry needs its own"#
        );
        insta::assert_snapshot!(
            refusal_of(r#""id": 3"#, r#""id": 90"#),
            @"in ground truth gt.json, categories[1].id: id 90 is there already; each entry needs its own"
        );
    }

    #[test]
    fn a_category_without_annotations_needs_no_group() {
        let text = VALID.replacen(r#"{"id": 3,"#, r#"{"id": 4, "name": "gnu"}, {"id": 3,"#, 1);
        assert_eq!(read(&text).unwrap(), read(VALID).unwrap());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let path = Path::new("no/such/gt.json");
        let error = GroundTruth::read(path, LabelGroups::coco()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read ground truth no/such/gt.json");
    }
}
