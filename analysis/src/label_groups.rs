//! Which of the 80 COCO groups a provider's word belongs to.
//!
//! Every vendor has its own vocabulary: "Cell Phone", "mobile phone" and "Mobile phone" are one
//! thing. A table maps words to group numbers, so that answers of several providers can be merged
//! and scored. Words that are in no group of the table, such as "Land vehicle", which may be a car
//! or a bus, lead nowhere: whoever drops them counts them.
//!
//! The table's format is that of the published `word2num.json`: one JSON object, word to number.

mod building;
mod categories;
mod explanation;
mod json;
mod plural;
mod rules;
#[cfg(test)]
mod testing;
pub mod wordnet;

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use serde::Serialize;
use thiserror::Error;

use crate::detection::{BoundingBox, Detection};

pub use building::{BuildError, Conflict, Origin, Way, WordTable};
pub use categories::CategoriesError;
pub use explanation::{Explanation, Near};
use plural::singular_forms;
pub use rules::{DEFAULT_DEPTH, Nowhere, Rule, Rules};

/// One group of a table, 0 (person) to 79 (toothbrush) in the table for COCO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct GroupId(u16);

/// A detection that can be merged and scored: it has a place, and its word has a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupedBox {
    /// What it is.
    pub group: GroupId,
    /// How sure the provider is, 0 to 1.
    pub score: f64,
    /// Where it is.
    pub bbox: BoundingBox,
}

/// A table of words and their groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelGroups {
    groups: BTreeMap<String, GroupId>,
    names: BTreeMap<GroupId, String>,
}

/// Why a text is no table of label groups.
#[derive(Debug, Error)]
pub enum LabelGroupsError {
    /// The text is no JSON object of words and numbers.
    #[error("a table of label groups is one JSON object of words and group numbers 0 to 65535")]
    Json(#[source] serde_json::Error),
    /// A word has no letter or digit to match.
    #[error("group {group} lists the word {word:?}, which matches no label; remove it")]
    EmptyWord {
        /// The word as the table has it.
        word: String,
        /// The group that lists it.
        group: GroupId,
    },
    /// One word would lead to two groups.
    #[error("the word {word:?} is in group {first} and in group {second}; keep one of them")]
    Conflict {
        /// The word as labels are matched.
        word: String,
        /// The group that lists it first.
        first: GroupId,
        /// The group that lists it again.
        second: GroupId,
    },
}

impl GroupId {
    /// The group of this number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The group's number in its table.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl LabelGroups {
    /// The table for the 80 groups of COCO, in the vocabularies of the vendors that agents call.
    ///
    /// # Panics
    /// Never: the table is part of the program, and a test reads it.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::label_groups::LabelGroups;
    ///
    /// let groups = LabelGroups::coco();
    /// let phone = groups.group("Mobile phone").expect("Google's word");
    /// assert_eq!(groups.name(phone), Some("cell phone"));
    /// assert_eq!(groups.group("Land vehicle"), None);
    /// ```
    pub fn coco() -> &'static Self {
        static COCO: LazyLock<LabelGroups> = LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "the table is part of the program, and tested")]
            LabelGroups::from_json(include_str!("label_groups/words.json"))
                .expect("the embedded table is valid")
        });
        &COCO
    }

    /// Reads a table.
    ///
    /// # Errors
    /// Where the text is no object of words and numbers, or one word leads to two groups.
    pub fn from_json(text: &str) -> Result<Self, LabelGroupsError> {
        let (table, problems) = Self::with_problems(text)?;
        problems.into_iter().next().map_or(Ok(table), Err)
    }

    /// Reads a table, and all that is wrong with its entries, for whoever mends it: of two entries
    /// for one word the first counts.
    ///
    /// # Errors
    /// Where the text is no object of words and numbers.
    pub fn with_problems(text: &str) -> Result<(Self, Vec<LabelGroupsError>), LabelGroupsError> {
        json::read(text)
    }

    /// Writes the table as [`LabelGroups::from_json`] reads it: group by group, each with its name
    /// first and the other words in their order.
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// The group that a label belongs to; `None` where the table does not have it.
    ///
    /// Case does not count, nor do apostrophes and space around the label, and `_` and `-` count as
    /// spaces. Of a plural that is no word of the table the singular counts.
    pub fn group(&self, label: &str) -> Option<GroupId> {
        let label = matched_form(label);
        let known = |word: &String| self.groups.get(word).copied();
        known(&label).or_else(|| singular_forms(&label).iter().find_map(known))
    }

    /// All words with their groups, in the form in which labels are compared.
    pub fn words(&self) -> impl Iterator<Item = (&str, GroupId)> {
        self.groups.iter().map(|(word, group)| (word.as_str(), *group))
    }

    /// All groups with what they are called, in their order.
    pub fn names(&self) -> impl Iterator<Item = (GroupId, &str)> {
        self.names.iter().map(|(group, name)| (*group, name.as_str()))
    }

    /// What a group is called: the first word that the table lists for it.
    pub fn name(&self, group: GroupId) -> Option<&str> {
        self.names.get(&group).map(String::as_str)
    }

    /// The detection by its group; `None` where its label has none, or it has no place.
    pub fn grouped(&self, detection: &Detection) -> Option<GroupedBox> {
        let bbox = detection.bbox?;
        let group = self.group(&detection.label)?;
        Some(GroupedBox { group, score: detection.score, bbox })
    }
}

/// The form of a label in which labels are compared: lower case, words parted by one blank.
fn matched_form(label: &str) -> String {
    let separators = |character: char| character.is_whitespace() || "_-".contains(character);
    let label = label.replace(['\'', '’'], "");
    let words: Vec<&str> = label.split(separators).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

impl fmt::Display for GroupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The names of the COCO categories in the order of their group numbers.
    const COCO_NAMES: [&str; 80] = [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "bus",
        "train",
        "truck",
        "boat",
        "traffic light",
        "fire hydrant",
        "stop sign",
        "parking meter",
        "bench",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "backpack",
        "umbrella",
        "handbag",
        "tie",
        "suitcase",
        "frisbee",
        "skis",
        "snowboard",
        "sports ball",
        "kite",
        "baseball bat",
        "baseball glove",
        "skateboard",
        "surfboard",
        "tennis racket",
        "bottle",
        "wine glass",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "broccoli",
        "carrot",
        "hot dog",
        "pizza",
        "donut",
        "cake",
        "chair",
        "couch",
        "potted plant",
        "bed",
        "dining table",
        "toilet",
        "tv",
        "laptop",
        "mouse",
        "remote",
        "keyboard",
        "cell phone",
        "microwave",
        "oven",
        "toaster",
        "sink",
        "refrigerator",
        "book",
        "clock",
        "vase",
        "scissors",
        "teddy bear",
        "hair drier",
        "toothbrush",
    ];

    #[test]
    fn every_coco_name_names_its_own_group() {
        let groups = LabelGroups::coco();
        for (number, name) in (0..).zip(COCO_NAMES) {
            assert_eq!(groups.group(name), Some(GroupId::new(number)), "{name}");
            assert_eq!(groups.name(GroupId::new(number)), Some(name));
        }
        assert_eq!(groups.name(GroupId::new(80)), None);
    }

    #[test]
    fn the_older_spellings_of_coco_mean_the_same_groups() {
        let groups = LabelGroups::coco();
        for (older, name) in [
            ("motorbike", "motorcycle"),
            ("aeroplane", "airplane"),
            ("sofa", "couch"),
            ("pottedplant", "potted plant"),
            ("diningtable", "dining table"),
            ("tvmonitor", "tv"),
        ] {
            assert_eq!(groups.group(older), groups.group(name), "{older}");
        }
    }

    #[test]
    fn vendors_words_for_one_thing_share_its_group() {
        let groups = LabelGroups::coco();
        for (name, words) in [
            ("person", &["Person", "Human", "Man", "Woman"][..]),
            ("car", &["Automobile", "Car"]),
            ("bicycle", &["Bike"]),
            ("motorcycle", &["Motorcycle", "motorbike", "motorbike/motorcycle"]),
            ("truck", &["Lorry"]),
            ("cup", &["mug", "Coffee cup"]),
            ("couch", &["Couch", "sofa"]),
            ("potted plant", &["Potted Plant", "plant pot", "Houseplant"]),
            ("dining table", &["Dining Table", "kitchen table", "Table"]),
            ("tv", &["Television", "Monitor"]),
            ("cell phone", &["Cell Phone", "Mobile Phone"]),
            ("donut", &["Doughnut"]),
        ] {
            for word in words {
                let group = groups.group(word).expect(word);
                assert_eq!(groups.name(group), Some(name), "{word}");
            }
        }
    }

    #[test]
    fn case_space_hyphens_apostrophes_and_plurals_do_not_count() {
        let groups = LabelGroups::coco();
        assert_eq!(groups.group("  TRAFFIC_light "), groups.group("traffic light"));
        assert_eq!(groups.group("Hot-Dog"), groups.group("hot dog"));
        for knife in ["Chef's knife", "chef’s knife", "chefs knife"] {
            assert_eq!(groups.group(knife), groups.group("knife"), "{knife}");
        }
        assert_eq!(groups.group("Zebras"), groups.group("zebra"));
        assert_eq!(groups.group("Glasses"), None);
        assert_eq!(groups.group("Land vehicle"), None);
        assert_eq!(groups.group("sink faucet"), None);
        assert_eq!(groups.group(""), None);
    }

    #[test]
    fn a_word_of_two_groups_is_refused() {
        let same = LabelGroups::from_json(r#"{"Cat": 1, "cat": 1}"#).unwrap();
        assert_eq!(same.name(GroupId::new(1)), Some("Cat"));
        for text in [r#"{"cat": 1, "cat": 2}"#, r#"{"hot-dog": 1, "Hot Dog": 2}"#] {
            let error = LabelGroups::from_json(text).unwrap_err();
            assert!(matches!(error, LabelGroupsError::Conflict { .. }), "{error}");
            assert!(error.to_string().contains("in group 1 and in group 2"), "{error}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for text in ["", "[]", r#"{"cat": -1}"#, r#"{"cat": 1.5}"#, r#"{"cat": "1"}"#] {
            assert!(matches!(LabelGroups::from_json(text), Err(LabelGroupsError::Json(_))));
        }
        let empty = LabelGroups::from_json(r#"{" - ": 3}"#);
        assert!(matches!(empty, Err(LabelGroupsError::EmptyWord { .. })));
    }

    #[test]
    fn only_a_detection_with_a_place_and_a_known_word_is_grouped() {
        let bbox = BoundingBox::from_corners([0.0, 0.0, 1.0, 1.0]).unwrap();
        let groups = LabelGroups::coco();
        let cat = Detection::new("Cat", 0.5, Some(bbox)).unwrap();
        let expected = GroupedBox { group: GroupId::new(15), score: 0.5, bbox };
        assert_eq!(groups.grouped(&cat), Some(expected));
        assert_eq!(groups.grouped(&Detection { bbox: None, ..cat.clone() }), None);
        assert_eq!(groups.grouped(&Detection { label: "Mammal".to_owned(), ..cat }), None);
    }

    proptest! {
        #[test]
        fn the_matched_form_is_its_own_matched_form(label in any::<String>()) {
            let matched = matched_form(&label);
            prop_assert_eq!(matched_form(&matched), matched);
        }

        #[test]
        fn a_label_in_other_case_and_with_other_separators_has_the_same_group(
            place in any::<prop::sample::Index>(), separator in "[ _-]{1,3}", upper in any::<bool>(),
        ) {
            let groups = LabelGroups::coco();
            let words: Vec<(&str, GroupId)> = groups.words().collect();
            let (word, group) = words[place.index(words.len())];
            let label = word.replace(' ', &separator);
            let label = if upper { label.to_uppercase() } else { label };
            prop_assert_eq!(groups.group(&label), Some(group));
        }
    }
}
