//! The two files that are scored: a COCO instances file and a COCO result list.
//!
//! Either may be packed with gzip. The categories of the ground truth are the groups, in the order
//! of their ids, and images come by rising id, as in pycocotools. A detection goes by `category_id`
//! or by the name of its `category`, which counts where both are there; what the ground truth has
//! no category for is left out and counted.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    metrics::TrueBox,
};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

/// Images with ground truth and detections.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredSet {
    /// The names of the categories; the place of a category is its group.
    pub categories: Vec<String>,
    /// The images, by rising id.
    pub images: Vec<ScoredImage>,
    /// What detections name that is no category, and how often.
    pub left_out: BTreeMap<String, usize>,
}

/// One image: what is in it, and what was detected.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredImage {
    /// Its number in the ground truth.
    pub id: u64,
    /// Its file name in the ground truth.
    pub file_name: String,
    /// What is truly in it.
    pub truth: Vec<TrueBox>,
    /// What was detected, in the order of the file.
    pub detected: Vec<GroupedBox>,
}

/// Why two files cannot be scored.
#[derive(Debug, Error)]
pub enum ScoringError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not JSON, or lacks a field.
    #[error("{path} is no {expected}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong, on which line.
        #[source]
        source: serde_json::Error,
    },
    /// A field holds what it cannot.
    #[error("in {path}, {field}: {problem}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, such as `annotations[3].bbox`.
        field: String,
        /// What is wrong with it, and what it must be.
        problem: String,
    },
}

/// A field's place in the file, and its problem.
type Misplaced = (String, String);

#[derive(Deserialize)]
struct TruthFile {
    images: Vec<TruthImage>,
    annotations: Vec<TruthAnnotation>,
    categories: Vec<TruthCategory>,
}

#[derive(Deserialize)]
struct TruthImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct TruthAnnotation {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct TruthCategory {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct ResultEntry {
    image_id: u64,
    category_id: Option<u64>,
    category: Option<String>,
    bbox: [f64; 4],
    score: f64,
}

/// The ground truth's images and categories by what the result list calls them.
struct Index {
    images: HashMap<u64, usize>,
    by_id: HashMap<u64, GroupId>,
    by_name: HashMap<String, GroupId>,
}

impl ScoredSet {
    /// Reads both files.
    ///
    /// # Errors
    /// Where a file cannot be read, is of another kind, or a field holds what it cannot; names
    /// both.
    pub fn read(ground_truth: &Path, detections: &Path) -> Result<Self, ScoringError> {
        let truth: TruthFile = read(ground_truth, "COCO instances file")?;
        let (mut set, index) =
            Self::without_detections(truth).map_err(misplaced_in(ground_truth))?;
        let entries: Vec<ResultEntry> = read(
            detections,
            "list of COCO results (image_id, category_id or category, bbox, score)",
        )?;
        set.add(entries, &index).map_err(misplaced_in(detections))?;
        Ok(set)
    }

    fn without_detections(mut truth: TruthFile) -> Result<(Self, Index), Misplaced> {
        truth.categories.sort_by_key(|category| category.id);
        truth.images.sort_by_key(|image| image.id);
        let mut index =
            Index { images: HashMap::new(), by_id: HashMap::new(), by_name: HashMap::new() };
        for (place, category) in truth.categories.iter().enumerate() {
            let group = u16::try_from(place).map(GroupId::new).map_err(|_| {
                ("categories".to_owned(), "there must be at most 65536 of them".to_owned())
            })?;
            if index.by_id.insert(category.id, group).is_some() {
                return Err(doubled("categories", &format!("id {}", category.id)));
            }
            if index.by_name.insert(category.name.clone(), group).is_some() {
                return Err(doubled("categories", &format!("name {:?}", category.name)));
            }
        }
        let mut images = Vec::with_capacity(truth.images.len());
        for (place, TruthImage { id, file_name }) in truth.images.into_iter().enumerate() {
            if index.images.insert(id, place).is_some() {
                return Err(doubled("images", &format!("id {id}")));
            }
            images.push(ScoredImage { id, file_name, truth: Vec::new(), detected: Vec::new() });
        }
        for (place, annotation) in truth.annotations.iter().enumerate() {
            let at = |field: &str| format!("annotations[{place}].{field}");
            let image = image_of(&mut images, &index, annotation.image_id)
                .map_err(|problem| (at("image_id"), problem))?;
            let group = index.by_id.get(&annotation.category_id).ok_or_else(|| {
                let problem = format!("there is no category with id {}", annotation.category_id);
                (at("category_id"), problem)
            })?;
            let object = annotation.object(*group);
            image.truth.push(object.map_err(|(field, problem)| (at(field), problem))?);
        }
        let categories = truth.categories.into_iter().map(|category| category.name).collect();
        Ok((Self { categories, images, left_out: BTreeMap::new() }, index))
    }

    fn add(&mut self, entries: Vec<ResultEntry>, index: &Index) -> Result<(), Misplaced> {
        for (place, entry) in entries.into_iter().enumerate() {
            let at = |field: &str| format!("[{place}].{field}");
            let image = image_of(&mut self.images, index, entry.image_id)
                .map_err(|problem| (at("image_id"), problem))?;
            let bbox = bbox(entry.bbox).map_err(|problem| (at("bbox"), problem))?;
            if !(0.0..=1.0).contains(&entry.score) {
                return Err((at("score"), format!("{} must be from 0 to 1", entry.score)));
            }
            let (group, word) = match (entry.category, entry.category_id) {
                (Some(name), _) => (index.by_name.get(&name), name),
                (None, Some(id)) => (index.by_id.get(&id), format!("category {id}")),
                (None, None) => {
                    let problem = "must be there, or category_id".to_owned();
                    return Err((at("category"), problem));
                }
            };
            match group {
                Some(&group) => image.detected.push(GroupedBox { group, score: entry.score, bbox }),
                None => *self.left_out.entry(word).or_default() += 1,
            }
        }
        Ok(())
    }
}

impl TruthAnnotation {
    fn object(&self, group: GroupId) -> Result<TrueBox, (&'static str, String)> {
        let bbox = bbox(self.bbox).map_err(|problem| ("bbox", problem))?;
        let crowd = match self.iscrowd {
            0 => false,
            1 => true,
            other => return Err(("iscrowd", format!("{other} must be 0 or 1"))),
        };
        if let Some(area) = self.area.filter(|area| *area < 0.0) {
            return Err(("area", format!("{area} must not be negative")));
        }
        Ok(TrueBox { group, bbox, crowd, area: self.area })
    }
}

fn image_of<'a>(
    images: &'a mut [ScoredImage],
    index: &Index,
    id: u64,
) -> Result<&'a mut ScoredImage, String> {
    let place = index.images.get(&id);
    place
        .and_then(|&place| images.get_mut(place))
        .ok_or_else(|| format!("the ground truth has no image with id {id}"))
}

fn bbox(sides: [f64; 4]) -> Result<BoundingBox, String> {
    let [left, top, width, height] = sides;
    BoundingBox::from_corners([left, top, left + width, top + height]).map_err(|_| {
        format!(
            "{sides:?} must be left, top, width and height in pixels, width and height not negative"
        )
    })
}

fn doubled(list: &str, what: &str) -> Misplaced {
    (list.to_owned(), format!("{what} is there twice; each entry needs its own"))
}

fn misplaced_in(path: &Path) -> impl FnOnce(Misplaced) -> ScoringError {
    |(field, problem)| ScoringError::Field { path: path.to_owned(), field, problem }
}

/// Reads JSON, unpacked first where it is packed.
fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, ScoringError> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    let unreadable = |source| ScoringError::Read { path: path.to_owned(), source };
    let mut text = fs::read(path).map_err(unreadable)?;
    if text.starts_with(GZIP) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(text.as_slice()).read_to_end(&mut unpacked).map_err(unreadable)?;
        text = unpacked;
    }
    serde_json::from_slice(&text).map_err(|source| ScoringError::Json {
        path: path.to_owned(),
        expected,
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::tempdir;

    use super::*;

    const TRUTH: &str = r#"{
        "images": [{"id": 9, "file_name": "b.jpg"}, {"id": 5, "file_name": "a.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 90, "bbox": [1, 2, 10, 20], "iscrowd": 1},
            {"id": 2, "image_id": 9, "category_id": 3, "bbox": [0, 0, 4, 5], "area": 7.5}
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}]
    }"#;

    const DETECTIONS: &str = r#"[
        {"image_id": 9, "category_id": 3, "bbox": [0, 0, 4, 5], "score": 0.5},
        {"image_id": 9, "category_id": 3, "category": "dog", "bbox": [0, 0, 4, 5], "score": 1},
        {"image_id": 5, "category": "elephant", "bbox": [0, 0, 1, 1], "score": 0},
        {"image_id": 5, "category_id": 7, "bbox": [0, 0, 1, 1], "score": 0}
    ]"#;

    fn set(truth: &[u8], detections: &[u8]) -> Result<ScoredSet, String> {
        let folder = tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("gt.json"), truth).unwrap();
        fs::write(at("answers.json"), detections).unwrap();
        ScoredSet::read(&at("gt.json"), &at("answers.json")).map_err(|error| {
            let folder = format!("{}/", folder.path().display());
            format!("{:#}", anyhow::Error::from(error)).replace(&folder, "")
        })
    }

    fn refusal(valid: &str, wrong: &str) -> String {
        assert!(TRUTH.contains(valid) || DETECTIONS.contains(valid), "{valid}");
        let replaced = |text: &str| text.replacen(valid, wrong, 1).into_bytes();
        set(&replaced(TRUTH), &replaced(DETECTIONS)).expect_err("a wrong file")
    }

    #[test]
    fn images_and_categories_come_by_id_and_what_has_no_category_is_counted() {
        let set = set(TRUTH.as_bytes(), DETECTIONS.as_bytes()).unwrap();
        assert_eq!(set.categories, ["cat", "dog"]);
        let [a, b] = set.images.as_slice() else { panic!("two images") };
        assert_eq!((a.file_name.as_str(), b.file_name.as_str()), ("a.jpg", "b.jpg"));
        assert!(a.truth[0].crowd && a.truth[0].group == GroupId::new(1));
        assert_eq!(b.truth[0].area, Some(7.5));
        let groups: Vec<u16> = b.detected.iter().map(|one| one.group.number()).collect();
        assert_eq!(groups, [0, 1]);
        let expected = [("category 7".to_owned(), 1), ("elephant".to_owned(), 1)];
        assert_eq!(set.left_out, BTreeMap::from(expected));
    }

    #[test]
    fn packed_files_are_unpacked() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(DETECTIONS.as_bytes()).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(set(TRUTH.as_bytes(), &packed), set(TRUTH.as_bytes(), DETECTIONS.as_bytes()));
        let cut = &packed[..packed.len() / 2];
        let error = set(TRUTH.as_bytes(), cut).unwrap_err();
        assert!(error.starts_with("cannot read answers.json: "), "{error}");
    }

    #[test]
    fn what_a_field_cannot_hold_is_named_with_what_it_must_be() {
        let cases = [
            (r#""iscrowd": 1"#, r#""iscrowd": 2"#),
            (r#""area": 7.5"#, r#""area": -7.5"#),
            ("[0, 0, 4, 5], \"area\"", "[0, 0, -4, 5], \"area\""),
            (r#""category_id": 90"#, r#""category_id": 91"#),
            (r#"{"id": 9,"#, r#"{"id": 5,"#),
            (r#""name": "dog""#, r#""name": "cat""#),
            (r#"{"id": 90,"#, r#"{"id": 3,"#),
            (r#"{"image_id": 5, "category": "#, r#"{"image_id": 6, "category": "#),
            (r#""score": 0.5"#, r#""score": 1.5"#),
            (r#""category": "elephant", "#, ""),
            (r#""category": "elephant", "#, r#""category": 3, "#),
            (r#""file_name": "b.jpg""#, r#""name": "b.jpg""#),
        ];
        let refusals: Vec<String> =
            cases.into_iter().map(|(valid, wrong)| refusal(valid, wrong)).collect();
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        in gt.json, annotations[0].iscrowd: 2 must be 0 or 1
        in gt.json, annotations[1].area: -7.5 must not be negative
        in gt.json, annotations[1].bbox: [0.0, 0.0, -4.0, 5.0] must be left, top, width and height in pixels, width and height not negative
        in gt.json, annotations[0].category_id: there is no category with id 91
        in gt.json, images: id 5 is there twice; each entry needs its own
        in gt.json, categories: name "cat" is there twice; each entry needs its own
        in gt.json, categories: id 3 is there twice; each entry needs its own
        in answers.json, [2].image_id: the ground truth has no image with id 6
        in answers.json, [0].score: 1.5 must be from 0 to 1
        in answers.json, [2].category: must be there, or category_id
        answers.json is no list of COCO results (image_id, category_id or category, bbox, score): invalid type: integer `3`, expected a string at line 4 column 37
        gt.json is no COCO instances file: missing field `file_name` at line 2 column 45
        "#);
    }
}
