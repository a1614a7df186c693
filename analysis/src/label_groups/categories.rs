//! The groups of a data set: its ground truth's own categories.
//!
//! Data sets spell one thing in many ways: Pascal's "tvmonitor" is COCO's "tv". A category takes all
//! words of the table's group that its name leads to; one that the table does not know is a group of
//! its own. A word of a group that the data set lacks leads nowhere: a Pascal data set ignores a
//! detector's "elephant".

use std::collections::BTreeMap;

use thiserror::Error;

use super::{GroupId, LabelGroups, matched_form};

/// Why names are no categories of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CategoriesError {
    /// There are more categories than groups have numbers.
    #[error("{0} categories are more than the 65536 that groups have numbers for")]
    TooMany(usize),
    /// A name has no letter or digit to match.
    #[error("category {0:?} matches no label; give it a name")]
    Empty(String),
    /// Two categories would take the same words.
    #[error(
        "categories {first:?} and {second:?} both mean {meaning:?}, so that a provider's word would \
         lead to either; merge them, or use a table of label groups that tells them apart"
    )]
    Same {
        /// The category that is listed first.
        first: String,
        /// The category that is listed again.
        second: String,
        /// The table's group that both lead to.
        meaning: String,
    },
}

impl LabelGroups {
    /// The categories of a data set as groups, category n as group n, in the words of the table for
    /// COCO; and those categories that the table does not know, which have their own name alone.
    ///
    /// # Errors
    /// Where a name is empty, or two categories mean the same.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::label_groups::{GroupId, LabelGroups};
    ///
    /// let categories = ["tvmonitor", "narwhal"].map(String::from);
    /// let (groups, unknown) = LabelGroups::for_categories(&categories)?;
    /// assert_eq!(groups.group("Television"), Some(GroupId::new(0)));
    /// assert_eq!(groups.group("Narwhals"), Some(GroupId::new(1)));
    /// assert_eq!(groups.group("elephant"), None);
    /// assert_eq!(unknown, ["narwhal"]);
    /// # Ok::<(), armol_analysis::label_groups::CategoriesError>(())
    /// ```
    pub fn for_categories(categories: &[String]) -> Result<(Self, Vec<String>), CategoriesError> {
        Self::coco().narrowed_to(categories)
    }

    /// The categories of a data set as groups in the words of this table, as
    /// [`LabelGroups::for_categories`] does.
    ///
    /// # Errors
    /// Where a name is empty, or two categories mean the same.
    pub fn narrowed_to(
        &self,
        categories: &[String],
    ) -> Result<(Self, Vec<String>), CategoriesError> {
        if categories.len() > usize::from(u16::MAX) + 1 {
            return Err(CategoriesError::TooMany(categories.len()));
        }
        let mut narrowed = Self { groups: BTreeMap::new(), names: BTreeMap::new() };
        let mut places: BTreeMap<GroupId, GroupId> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (place, category) in (0..).map(GroupId::new).zip(categories) {
            let matched = matched_form(category);
            if matched.is_empty() {
                return Err(CategoriesError::Empty(category.clone()));
            }
            let first = if let Some(meant) = self.group(category) {
                places.insert(meant, place)
            } else {
                unknown.push(category.clone());
                narrowed.group(category)
            };
            if let Some(first) = first {
                return Err(self.same(&narrowed, first, category));
            }
            // A category whose singular alone is in the table is matched by its own name too.
            narrowed.groups.insert(matched, place);
            narrowed.names.insert(place, category.clone());
        }
        for (word, meant) in &self.groups {
            if let Some(place) = places.get(meant) {
                narrowed.groups.insert(word.clone(), *place);
            }
        }
        Ok((narrowed, unknown))
    }

    fn same(&self, narrowed: &Self, first: GroupId, second: &str) -> CategoriesError {
        let meaning = self.group(second).and_then(|group| self.name(group)).unwrap_or(second);
        CategoriesError::Same {
            first: narrowed.name(first).unwrap_or_default().to_owned(),
            second: second.to_owned(),
            meaning: meaning.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The categories of Pascal VOC in the order of its papers.
    const PASCAL: [&str; 20] = [
        "aeroplane",
        "bicycle",
        "bird",
        "boat",
        "bottle",
        "bus",
        "car",
        "cat",
        "chair",
        "cow",
        "diningtable",
        "dog",
        "horse",
        "motorbike",
        "person",
        "pottedplant",
        "sheep",
        "sofa",
        "train",
        "tvmonitor",
    ];

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn pascals_categories_take_the_words_of_cocos() {
        let (groups, unknown) = LabelGroups::for_categories(&owned(&PASCAL)).unwrap();
        assert_eq!(unknown, Vec::<String>::new());
        for (word, category) in [
            ("Airplane", "aeroplane"),
            ("Couch", "sofa"),
            ("tv", "tvmonitor"),
            ("Dining Table", "diningtable"),
            ("Houseplant", "pottedplant"),
            ("Motorcycle", "motorbike"),
            ("People", "person"),
        ] {
            let group = groups.group(word).unwrap();
            assert_eq!(groups.name(group), Some(category), "{word}");
        }
        for (place, category) in (0..).zip(PASCAL) {
            assert_eq!(groups.group(category), Some(GroupId::new(place)));
        }
        assert_eq!(groups.group("elephant"), None);
        assert_eq!(groups.group("truck"), None);
    }

    #[test]
    fn cocos_categories_are_the_table_itself() {
        let table = LabelGroups::coco();
        let names: Vec<String> = table.names().map(|(_, name)| name.to_owned()).collect();
        let (groups, unknown) = LabelGroups::for_categories(&names).unwrap();
        assert!(unknown.is_empty());
        assert_eq!(&groups, table);
    }

    #[test]
    fn a_category_that_no_one_knows_has_its_name_and_plural() {
        let (groups, unknown) =
            LabelGroups::for_categories(&owned(&["Dust Pan", "dog", "narwhal"])).unwrap();
        assert_eq!(unknown, ["Dust Pan", "narwhal"]);
        assert_eq!(groups.group("dust-pans"), Some(GroupId::new(0)));
        assert_eq!(groups.group("puppy"), Some(GroupId::new(1)));
    }

    #[test]
    fn two_categories_of_one_meaning_are_refused_with_both_names() {
        for (pair, meaning) in [
            (["sofa", "Couch"], "couch"),
            (["car", "taxi"], "car"),
            (["narwhal", "Narwhal"], "Narwhal"),
            (["narwhal", "narwhals"], "narwhals"),
        ] {
            let error = LabelGroups::for_categories(&owned(&pair)).unwrap_err();
            let [first, second] = pair.map(str::to_owned);
            let meaning = meaning.to_owned();
            assert_eq!(error, CategoriesError::Same { first, second, meaning });
        }
    }

    #[test]
    fn a_category_without_a_letter_is_refused() {
        let error = LabelGroups::for_categories(&owned(&["dog", " - "])).unwrap_err();
        assert_eq!(error, CategoriesError::Empty(" - ".to_owned()));
    }
}
