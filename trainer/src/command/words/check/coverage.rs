//! Where the words of a vocabulary lead.

use armol_analysis::label_groups::LabelGroups;

use super::{Vocabulary, comparison::target};

/// The words of a vocabulary by where they lead.
#[derive(Debug)]
pub(super) struct Coverage {
    /// The vocabulary's file.
    pub(super) vocabulary: String,
    /// The words that lead to a target, with it.
    pub(super) led: Vec<(String, String)>,
    /// The words that lead nowhere.
    pub(super) nowhere: Vec<String>,
    /// The targets that none of the words leads to.
    pub(super) unreached: Vec<String>,
}

impl Coverage {
    /// Looks every word up.
    pub(super) fn new(vocabulary: Vocabulary, table: &LabelGroups, targets: &[String]) -> Self {
        let (mut led, mut nowhere) = (Vec::new(), Vec::new());
        for word in vocabulary.words {
            match table.group(&word) {
                Some(group) => led.push((word, target(group, targets))),
                None => nowhere.push(word),
            }
        }
        let reached = |target: &&String| !led.iter().any(|(_, led)| led == *target);
        let unreached = targets.iter().filter(reached).cloned().collect();
        Self { vocabulary: vocabulary.source.name, led, nowhere, unreached }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_word_leads_somewhere_or_nowhere_and_unreached_targets_are_named() {
        let table = LabelGroups::from_json(r#"{"cat": 0, "tabby": 0, "dog": 1}"#).unwrap();
        let mut vocabulary = Vocabulary::read(Path::new("pascal")).unwrap();
        vocabulary.words = ["Tabby", "Cats", "Mammal"].map(str::to_owned).to_vec();
        let targets = ["cat", "dog"].map(str::to_owned);
        let coverage = Coverage::new(vocabulary, &table, &targets);
        let led = ["Tabby", "Cats"].map(|word| (word.to_owned(), "cat".to_owned()));
        assert_eq!(coverage.led, led);
        assert_eq!(coverage.nowhere, ["Mammal"]);
        assert_eq!(coverage.unreached, ["dog"]);
    }
}
