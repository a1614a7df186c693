//! Builds a table of words from a list of targets, WordNet and rules.
//!
//! A target's synset and the synsets below it, down to a depth, give their words. What WordNet has
//! above a target is never taken: a "vehicle" may be a car or a bus. Three rules keep other meanings
//! out: below a synset that another target means nothing is taken; a word counts only by the first
//! sense that an image can show ("bike" is a motorcycle before it is a bicycle); and of two targets
//! that a synset is below, the nearer has it, or, at one distance, neither. What the rules list wins
//! over all of it, and each target's own name over that.

mod listing;
mod reach;

use std::collections::BTreeMap;

use thiserror::Error;

use super::{
    GroupId, LabelGroups, matched_form,
    rules::{DEFAULT_DEPTH, Rule, Rules},
    wordnet::{SynsetId, WordNet},
};

use listing::{assigned, listed_words, places};
pub(super) use reach::Reached;
use reach::reached;

/// A table of words with where each comes from, and what stood in the way of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordTable {
    /// The targets; group n is the target at place n.
    pub targets: Vec<String>,
    /// The words, in the form in which labels are compared.
    pub words: BTreeMap<String, Origin>,
    /// Words that WordNet has below several targets.
    pub conflicts: Vec<Conflict>,
    /// Targets that WordNet does not know, so that only the rules give them words.
    pub unknown_targets: Vec<GroupId>,
    /// The names of rules that are about none of the targets.
    pub unused_rules: Vec<String>,
    pub(super) reached: Vec<Reached>,
}

/// Why a word leads to its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The group.
    pub group: GroupId,
    /// The way there.
    pub way: Way,
}

/// How a word was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is the target's name.
    Name,
    /// The target's rule lists it.
    Rule,
    /// WordNet has it: its synset, then what that is a kind of, up to a synset of the target.
    Synsets(Vec<SynsetId>),
}

/// A word that WordNet has below several targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The word.
    pub word: String,
    /// The targets and how far above the word each is, the nearest first.
    pub claims: Vec<(GroupId, usize)>,
    /// Where the word leads in the end: to the nearest, by a rule, or nowhere.
    pub group: Option<GroupId>,
}

/// Why targets, WordNet and rules make no table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// There is nothing to build a table for.
    #[error("the vocabulary has no targets; list one a line")]
    NoTargets,
    /// There are more targets than groups have numbers.
    #[error("the vocabulary has {0} targets, more than the 65536 that groups have numbers for")]
    TooManyTargets(usize),
    /// A target has no letter or digit to match.
    #[error("target {0:?} of the vocabulary matches no label; remove it")]
    EmptyTarget(String),
    /// Two targets are one.
    #[error("targets {first:?} and {second:?} of the vocabulary are one; keep one of them")]
    SameTarget {
        /// The target that is listed first.
        first: String,
        /// The target that is listed again.
        second: String,
    },
    /// Two rules are about one target.
    #[error("the rules {first:?} and {second:?} are about the same target; make them one")]
    SameRule {
        /// The name of the rule that comes first.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// A rule names a synset that WordNet does not have.
    #[error(
        "the rule for {target:?} names synset {synset:?}, which WordNet does not have; \
         write a word and the number of its sense, such as \"dog.n.01\""
    )]
    UnknownSynset {
        /// The rule's name.
        target: String,
        /// The synset.
        synset: String,
    },
    /// Two rules say different things about one word.
    #[error("the rules lead the word {word:?} to {first} and to {second}; keep one of them")]
    Contradiction {
        /// The word.
        word: String,
        /// Where one rule leads it.
        first: String,
        /// Where another rule leads it.
        second: String,
    },
}

impl WordTable {
    /// Builds the table. The same input gives the same table, in whatever order rules are listed.
    ///
    /// # Errors
    /// Where targets or rules contradict each other, or a rule names an unknown synset.
    pub fn build(targets: &[String], wordnet: &WordNet, rules: &Rules) -> Result<Self, BuildError> {
        let places = places(targets)?;
        let (assigned, unused_rules) = assigned(&places, targets, rules)?;
        let mut words = listed_words(targets, &assigned, rules)?;
        let reached = reached(targets, &assigned, wordnet)?;
        let conflicts = take_words(&mut words, &reached, wordnet);
        let unknown_targets = groups(&reached)
            .filter(|(_, reached)| reached.roots.is_empty())
            .map(|(group, _)| group)
            .collect();
        // What leads nowhere was in the way of WordNet's words until here.
        let words = words.into_iter().filter_map(|(word, origin)| Some((word, origin?))).collect();
        Ok(Self {
            targets: targets.to_vec(),
            words,
            conflicts,
            unknown_targets,
            unused_rules,
            reached,
        })
    }

    /// The table as labels are looked up in it.
    pub fn label_groups(&self) -> LabelGroups {
        let groups = self.words.iter().map(|(word, origin)| (word.clone(), origin.group)).collect();
        let names = (0..).map(GroupId::new).zip(self.targets.iter().cloned()).collect();
        LabelGroups { groups, names }
    }

    /// The name of a target.
    pub fn target(&self, group: GroupId) -> &str {
        self.targets.get(usize::from(group.number())).map_or("", String::as_str)
    }

    /// The words of a group in their order, without the target's name.
    pub fn words_of(&self, group: GroupId) -> impl Iterator<Item = &str> {
        let own = move |origin: &Origin| origin.group == group && origin.way != Way::Name;
        self.words.iter().filter(move |(_, origin)| own(origin)).map(|(word, _)| word.as_str())
    }
}

/// Words and where they lead; `None` for those that rules lead nowhere.
type Words = BTreeMap<String, Option<Origin>>;

/// Adds the words of the synsets that targets take where nothing is known of them; returns those
/// that several targets have.
fn take_words(words: &mut Words, reached: &[Reached], wordnet: &WordNet) -> Vec<Conflict> {
    let mut claims: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for (group, reached) in groups(reached) {
        for (synset, (distance, _)) in &reached.synsets {
            let spellings = wordnet.synset(*synset).map_or(&[][..], |synset| &synset.words);
            for word in spellings.iter().map(|word| matched_form(word)) {
                if first_seen_sense(&word, wordnet) == Some(*synset) {
                    let claim = Claim { distance: *distance, group, synset: *synset };
                    claims.entry(word).or_default().push(claim);
                }
            }
        }
    }
    let mut conflicts = Vec::new();
    for (word, mut claims) in claims {
        claims.sort_unstable();
        // A synset may spell one word in two ways.
        claims.dedup();
        let winner = nearest(&claims);
        let way = |claim: &Claim| chain(claim, reached);
        let origin =
            winner.map(|claim| Origin { group: claim.group, way: Way::Synsets(way(claim)) });
        if claims.len() == 1 {
            let known = words.entry(word).or_insert_with(|| origin.clone());
            if listed_alike(known.as_ref(), origin.as_ref()) {
                *known = origin;
            }
            continue;
        }
        let group = match words.get(&word) {
            Some(listed) => listed.as_ref().map(|origin| origin.group),
            None => origin.as_ref().map(|origin| origin.group),
        };
        let claims = claims.iter().map(|claim| (claim.group, claim.distance)).collect();
        conflicts.push(Conflict { word: word.clone(), claims, group });
        words.entry(word).or_insert(origin);
    }
    conflicts
}

/// Whether a rule lists a word that WordNet has for the same target: the way there says more.
fn listed_alike(known: Option<&Origin>, found: Option<&Origin>) -> bool {
    let (Some(known), Some(found)) = (known, found) else { return false };
    known.way == Way::Rule && known.group == found.group
}

/// A target's reason to take a word, ordered by distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    distance: usize,
    group: GroupId,
    synset: SynsetId,
}

/// The claim of the nearest target, where only one is nearest.
fn nearest(claims: &[Claim]) -> Option<&Claim> {
    match claims {
        [first, second, ..] if first.distance == second.distance => None,
        [first, ..] => Some(first),
        [] => None,
    }
}

/// The one sense by which a word counts.
pub(super) fn first_seen_sense(word: &str, wordnet: &WordNet) -> Option<SynsetId> {
    wordnet.seen_senses(word).next()
}

/// The synsets from a word's up to the target's.
fn chain(claim: &Claim, reached: &[Reached]) -> Vec<SynsetId> {
    let mut chain = vec![claim.synset];
    let synsets = reached.get(usize::from(claim.group.number())).map(|reached| &reached.synsets);
    let above = |synset: &SynsetId| synsets?.get(synset)?.1;
    let mut last = claim.synset;
    while let Some(next) = above(&last) {
        chain.push(next);
        last = next;
    }
    chain
}

/// The groups in their order with what each takes.
fn groups(reached: &[Reached]) -> impl Iterator<Item = (GroupId, &Reached)> {
    (0..).map(GroupId::new).zip(reached)
}

#[cfg(test)]
mod tests;
