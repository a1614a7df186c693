//! The two files that are scored: a COCO instances file and a COCO result list.
//!
//! [`coco`] and [`coco_results`] read them. The categories of the ground truth are the groups, in the
//! order of their ids, and images come by rising id, as in pycocotools. A detection is of the category
//! that it names; any other word goes by way of the table of words, as in a data set. What leads to
//! no category is left out and counted.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use armol_analysis::{
    detection::Detection,
    label_groups::{CategoriesError, GroupId, GroupedBox, LabelGroups},
    metrics::TrueBox,
};
use thiserror::Error;

use crate::{
    format::{Answers, FormatError, ImageReference, coco, coco_results},
    ground_truth::{GroundTruth, TrueObject},
    image_index::ImageIndex,
};

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
    /// A file cannot be read, or is not what it should be.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A detection is of an image that is not scored.
    #[error("{path} has detections in image {image}, which the ground truth does not have")]
    UnknownImage {
        /// The result list.
        path: PathBuf,
        /// The image's id or name.
        image: String,
    },
    /// A detection has no place.
    #[error("{path} names {word:?} in image {image} without a bbox; only boxes can be scored")]
    NoPlace {
        /// The result list.
        path: PathBuf,
        /// What is named.
        word: String,
        /// The image's file name.
        image: String,
    },
    /// A word could lead to two categories.
    #[error(
        "{path} names {word:?}, which is no category, and cannot be told apart by meaning here; name \
         a category, or its id in category_id"
    )]
    Categories {
        /// The result list.
        path: PathBuf,
        /// What is named.
        word: String,
        /// Which categories cannot be told apart.
        #[source]
        source: CategoriesError,
    },
}

impl ScoredSet {
    /// Reads both files; words that are no category go by way of `table`.
    ///
    /// # Errors
    /// Where a file cannot be read, is of another kind, or a field holds what it cannot; names
    /// both.
    pub fn read(
        ground_truth: &Path,
        detections: &Path,
        table: &LabelGroups,
    ) -> Result<Self, ScoringError> {
        let mut truth = coco::read(ground_truth)?;
        truth.images.sort_by_key(|image| image.id);
        let answers = coco_results::read(detections, &truth.categories)?;
        let index = ImageIndex::new(&truth.images);
        let mut set = Self::without_detections(&truth);
        let words = Words::new(&set.categories, table);
        set.add(answers, &index, words, detections)?;
        Ok(set)
    }

    fn without_detections(truth: &GroundTruth) -> Self {
        let mut by_id: Vec<_> = (0..=u16::MAX).map(GroupId::new).zip(&truth.categories).collect();
        by_id.sort_by_key(|(_, category)| category.id);
        let groups: HashMap<GroupId, GroupId> =
            by_id.iter().map(|(read, _)| *read).zip((0..=u16::MAX).map(GroupId::new)).collect();
        let object = |object: &TrueObject| {
            let scored = object.scored();
            // Every object has a category of the file.
            TrueBox { group: groups.get(&scored.group).copied().unwrap_or(scored.group), ..scored }
        };
        let categories = by_id.iter().map(|(_, category)| category.name.clone()).collect();
        let images = truth.images.iter().map(|image| ScoredImage {
            id: image.id,
            file_name: image.name.clone(),
            truth: image.objects.iter().map(object).collect(),
            detected: Vec::new(),
        });
        Self { categories, images: images.collect(), left_out: BTreeMap::new() }
    }

    fn add(
        &mut self,
        answers: Answers,
        index: &ImageIndex,
        mut words: Words,
        path: &Path,
    ) -> Result<(), ScoringError> {
        for (reference, detections) in answers.answers {
            let image = index.place(&reference).and_then(|place| self.images.get_mut(place));
            let Some(image) = image else {
                return Err(ScoringError::UnknownImage {
                    path: path.to_owned(),
                    image: match reference {
                        ImageReference::Id(id) => id.to_string(),
                        ImageReference::Name(name) => format!("{name:?}"),
                    },
                });
            };
            for Detection { label: word, score, bbox } in detections {
                let Some(bbox) = bbox else {
                    let (path, image) = (path.to_owned(), image.file_name.clone());
                    return Err(ScoringError::NoPlace { path, word, image });
                };
                match words.group(&word) {
                    Ok(Some(group)) => image.detected.push(GroupedBox { group, score, bbox }),
                    Ok(None) => *self.left_out.entry(word).or_default() += 1,
                    Err(source) => {
                        let (path, source) = (path.to_owned(), source.clone());
                        return Err(ScoringError::Categories { path, word, source });
                    }
                }
            }
        }
        Ok(())
    }
}

/// The way from words to categories, remembered word by word.
struct Words {
    known: HashMap<String, Option<GroupId>>,
    /// Categories that cannot be told apart are an error only where a word needs the table.
    table: Result<LabelGroups, CategoriesError>,
}

impl Words {
    fn new(categories: &[String], table: &LabelGroups) -> Self {
        let groups = (0..=u16::MAX).map(|number| Some(GroupId::new(number)));
        Self {
            known: categories.iter().cloned().zip(groups).collect(),
            table: table.narrowed_to(categories).map(|(table, _)| table),
        }
    }

    fn group(&mut self, word: &str) -> Result<Option<GroupId>, &CategoriesError> {
        if let Some(group) = self.known.get(word) {
            return Ok(*group);
        }
        let group = self.table.as_ref()?.group(word);
        self.known.insert(word.to_owned(), group);
        Ok(group)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

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
        let table = LabelGroups::coco();
        ScoredSet::read(&at("gt.json"), &at("answers.json"), table).map_err(|error| {
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
    fn a_word_that_is_no_category_goes_by_way_of_the_table() {
        let truth = TRUTH.replace("dog", "tvmonitor");
        let answers = DETECTIONS.replace(r#""category": "dog""#, r#""category": "tv""#);
        let set = set(truth.as_bytes(), answers.as_bytes()).unwrap();
        let groups: Vec<u16> =
            set.images[1].detected.iter().map(|one| one.group.number()).collect();
        assert_eq!(groups, [0, 1]);
        assert!(!set.left_out.contains_key("tv"));
    }

    #[test]
    fn categories_of_one_meaning_are_scored_until_a_word_needs_the_table() {
        let truth = TRUTH.replace("\"cat\"", "\"puppy\"");
        let named = r#"[{"image_id": 9, "category": "puppy", "bbox": [0, 0, 4, 5], "score": 1}]"#;
        assert_eq!(set(truth.as_bytes(), named.as_bytes()).unwrap().images[1].detected.len(), 1);
        let error = set(truth.as_bytes(), named.replace("puppy", "Dogs").as_bytes()).unwrap_err();
        insta::assert_snapshot!(error, @r#"answers.json names "Dogs", which is no category, and cannot be told apart by meaning here; name a category, or its id in category_id: categories "puppy" and "dog" both mean "dog", so that a provider's word would lead to either; merge them, or use a table of label groups that tells them apart"#);
    }

    #[test]
    fn what_a_field_cannot_hold_is_named_with_what_it_must_be() {
        let cases = [
            (r#""iscrowd": 1"#, r#""iscrowd": 2"#),
            (r#"{"image_id": 5, "category": "#, r#"{"image_id": 6, "category": "#),
            (r#"{"image_id": 5, "category": "#, r#"{"image_id": "c.jpg", "category": "#),
            (r#"elephant", "bbox": [0, 0, 1, 1]"#, r#"elephant""#),
            (r#""score": 0.5"#, r#""score": 1.5"#),
            (r#""file_name": "b.jpg""#, r#""name": "b.jpg""#),
        ];
        let refusals: Vec<String> =
            cases.into_iter().map(|(valid, wrong)| refusal(valid, wrong)).collect();
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        in gt.json, annotations[0].iscrowd: 2 must be 0 or 1
        answers.json has detections in image 6, which the ground truth does not have
        answers.json has detections in image "c.jpg", which the ground truth does not have
        answers.json names "elephant" in image a.jpg without a bbox; only boxes can be scored
        in answers.json, [0].score: score 1.5 must be a number from 0 to 1
        gt.json is no COCO instances file: missing field `file_name` at line 2 column 45
        "#);
    }
}
