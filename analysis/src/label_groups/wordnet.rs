//! The nouns of WordNet, as far as grouping words needs them.
//!
//! A *synset* is one meaning with all words that have it; a word's *senses* are its synsets, the most
//! frequent first. A synset's hypernyms are what it is a kind of, its hyponyms are its kinds. The
//! database is read from its own text files; nothing else in the program knows their format.

mod reading;

use std::collections::BTreeMap;

pub use reading::{WordNetError, WordNetFile};

use super::matched_form;

/// WordNet's nouns.
#[derive(Clone, Debug)]
pub struct WordNet {
    synsets: BTreeMap<SynsetId, Synset>,
    /// The senses of each word in the form in which labels are compared.
    senses: BTreeMap<String, Vec<SynsetId>>,
}

/// A synset: where its line begins in `data.noun`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SynsetId(u32);

/// One meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synset {
    /// The words that have it, as WordNet spells them, with spaces.
    pub words: Vec<String>,
    /// What it means, with WordNet's examples.
    pub gloss: String,
    /// Whether it is one person, place or thing with a name of its own, such as a poet.
    pub instance: bool,
    topic: u8,
    hypernyms: Vec<SynsetId>,
    hyponyms: Vec<SynsetId>,
}

/// The topics (lexicographer files) of which nothing can be seen in an image: acts, attributes,
/// cognition, events, feelings, motives, possessions, processes, quantities, relations, states and
/// times, as lexnames(5WN) numbers them.
const UNSEEN_TOPICS: [u8; 12] = [4, 7, 9, 11, 12, 16, 21, 22, 23, 24, 26, 28];

/// The topic of what all others are below.
const TOPS: u8 = 3;

impl WordNet {
    /// Reads the texts of `index.noun` and `data.noun`, which wndb(5WN) describes.
    ///
    /// # Errors
    /// Where a text is damaged or cut, or the two do not belong together.
    pub fn read(index: &str, data: &str) -> Result<Self, WordNetError> {
        reading::read(index, data)
    }

    /// A synset, where there is one.
    pub fn synset(&self, id: SynsetId) -> Option<&Synset> {
        self.synsets.get(&id)
    }

    /// All meanings of a word, the most frequent first.
    pub fn senses(&self, word: &str) -> &[SynsetId] {
        self.senses.get(&matched_form(word)).map_or(&[], Vec::as_slice)
    }

    /// The meanings of a word that an image can show: no abstractions, and nobody with a name.
    pub fn seen_senses(&self, word: &str) -> impl Iterator<Item = SynsetId> {
        let seen = |id: &SynsetId| self.synset(*id).is_some_and(Synset::can_be_seen);
        self.senses(word).iter().copied().filter(seen)
    }

    /// The synset of a name such as `motorcycle.n.01`: a word and the number of its sense.
    pub fn named(&self, name: &str) -> Option<SynsetId> {
        let (word, number) = name.rsplit_once(".n.")?;
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        self.senses(word).get(place).copied()
    }

    /// The name of a synset: its first word and the number of that word's sense.
    pub fn name(&self, id: SynsetId) -> String {
        let word = self.synset(id).and_then(|synset| synset.words.first());
        let Some(word) = word.map(|word| matched_form(word)) else {
            return format!("synset {}", id.0);
        };
        let place = self.senses(&word).iter().position(|sense| *sense == id);
        format!("{}.n.{:02}", word.replace(' ', "_"), place.map_or(0, |place| place + 1))
    }

    /// What a synset is a kind of.
    pub fn hypernyms(&self, id: SynsetId) -> &[SynsetId] {
        self.synset(id).map_or(&[], |synset| &synset.hypernyms)
    }

    /// The kinds of a synset.
    pub fn hyponyms(&self, id: SynsetId) -> &[SynsetId] {
        self.synset(id).map_or(&[], |synset| &synset.hyponyms)
    }
}

impl Synset {
    /// Whether an image can show it.
    pub fn can_be_seen(&self) -> bool {
        !self.instance && !UNSEEN_TOPICS.contains(&self.topic)
    }

    /// Whether it is one of the few that everything else is below, such as animal and artifact.
    pub const fn is_top(&self) -> bool {
        self.topic == TOPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_groups::testing::{VEHICLES_DATA, VEHICLES_INDEX, vehicles};

    #[test]
    fn a_word_has_its_senses_in_the_order_of_the_index() {
        let wordnet = vehicles();
        let names: Vec<String> =
            wordnet.senses("Bike").iter().map(|id| wordnet.name(*id)).collect();
        assert_eq!(names, ["motorcycle.n.01", "bicycle.n.01"]);
        assert_eq!(wordnet.senses("unheard of"), []);
    }

    #[test]
    fn names_of_synsets_lead_back_to_them() {
        let wordnet = vehicles();
        for id in wordnet.synsets.keys() {
            assert_eq!(wordnet.named(&wordnet.name(*id)), Some(*id));
        }
        for wrong in ["car", "car.n.00", "car.n.09", "car.n.x", "nothing.n.01"] {
            assert_eq!(wordnet.named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_seen_sense() {
        let wordnet = vehicles();
        let names: Vec<String> = wordnet.seen_senses("crane").map(|id| wordnet.name(id)).collect();
        assert_eq!(wordnet.senses("crane").len(), 3, "a poet, a machine and an act");
        assert_eq!(names, ["crane.n.02"]);
    }

    #[test]
    fn kinds_and_what_they_are_kinds_of_agree() {
        let wordnet = WordNet::read(VEHICLES_INDEX, VEHICLES_DATA).unwrap();
        let car = wordnet.named("car.n.01").unwrap();
        let [above] = wordnet.hypernyms(car) else { panic!("one hypernym") };
        assert_eq!(wordnet.name(*above), "motor_vehicle.n.01");
        assert!(wordnet.hyponyms(*above).contains(&car));
    }
}
