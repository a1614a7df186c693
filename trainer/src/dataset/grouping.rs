//! Which category of a data set a word leads to.
//!
//! A word that is a category's own name is that category. Any other goes by way of a table of words:
//! "Motorbike" and "motorcycle" are in one group of the table, so either leads to the category that
//! is called by the other. Words that lead nowhere are dropped by whoever asks, and counted.

use std::collections::HashMap;

use armol_analysis::label_groups::{GroupId, LabelGroups};

/// The way from words to the places of categories.
#[derive(Clone, Debug)]
pub struct Grouping {
    table: LabelGroups,
    by_name: HashMap<String, GroupId>,
    by_table_group: HashMap<GroupId, GroupId>,
    problems: Vec<String>,
}

impl Grouping {
    /// Makes the way to these categories by a table of words.
    ///
    /// Where two categories are one group of the table, words of that group lead to the first, and
    /// the second goes by its own name alone; [`problems`](Self::problems) names it.
    pub fn new(categories: &[String], table: &LabelGroups) -> Self {
        let mut grouping = Self {
            table: table.clone(),
            by_name: HashMap::new(),
            by_table_group: HashMap::new(),
            problems: Vec::new(),
        };
        for (place, name) in (0..).zip(categories) {
            grouping.add(GroupId::new(place), name, categories);
        }
        grouping
    }

    fn add(&mut self, place: GroupId, name: &str, categories: &[String]) {
        self.by_name.entry(name.to_lowercase()).or_insert(place);
        let Some(group) = self.table.group(name) else {
            self.problems.push(format!(
                "the table of words does not have the category {name:?}, so only its own name leads \
                 to it; give a table with --label-groups"
            ));
            return;
        };
        let first = *self.by_table_group.entry(group).or_insert(place);
        if first != place {
            let first = categories.get(usize::from(first.number()));
            self.problems.push(format!(
                "the categories {:?} and {name:?} are one thing in the table of words, so its words \
                 lead to the former; give a table with --label-groups that tells them apart",
                first.map_or("", String::as_str)
            ));
        }
    }

    /// The category that a word leads to.
    pub fn group(&self, word: &str) -> Option<GroupId> {
        let by_name = self.by_name.get(&word.to_lowercase()).copied();
        by_name.or_else(|| self.by_table_group.get(&self.table.group(word)?).copied())
    }

    /// What the table does not settle, a sentence each.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouping(categories: &[&str]) -> Grouping {
        let categories: Vec<String> = categories.iter().map(|&name| name.to_owned()).collect();
        Grouping::new(&categories, LabelGroups::coco())
    }

    #[test]
    fn a_detectors_words_lead_to_pascals_categories() {
        let grouping = grouping(&[
            "aeroplane",
            "diningtable",
            "motorbike",
            "pottedplant",
            "sofa",
            "tvmonitor",
        ]);
        let words = ["airplane", "dining table", "motorcycle", "potted plant", "couch", "tv"];
        for (place, word) in (0..).zip(words) {
            assert_eq!(grouping.group(word), Some(GroupId::new(place)), "{word}");
        }
        assert_eq!(grouping.group("elephant"), None);
        assert_eq!(grouping.problems(), [] as [&str; 0]);
    }

    #[test]
    fn two_categories_of_one_thing_go_by_their_own_names_and_are_named() {
        let grouping = grouping(&["tv", "TVmonitor", "gnu"]);
        assert_eq!(grouping.group("television"), Some(GroupId::new(0)));
        assert_eq!(grouping.group("tvmonitor"), Some(GroupId::new(1)));
        assert_eq!(grouping.group("Gnu"), Some(GroupId::new(2)));
        let [doubled, unknown] = grouping.problems() else { panic!("two problems") };
        assert!(doubled.contains(r#""tv" and "TVmonitor" are one thing"#), "{doubled}");
        assert!(unknown.contains(r#"does not have the category "gnu""#), "{unknown}");
    }
}
