//! What a table of words takes from WordNet for each target, and what it takes from us.
//!
//! WordNet knows neither which "mouse" a vendor means nor that an answer's "SUV" is a car. The rules
//! say so, with a reason. They are data that whoever builds a table reads from a file, and fit every
//! vocabulary that shares targets with them, under whatever spelling.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Rules for the targets of a vocabulary.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The rules, at most one a target; a target without one has [`Rule::default`].
    #[serde(default, rename = "target")]
    pub targets: Vec<Rule>,
    /// Words that lead nowhere, whatever WordNet says.
    #[serde(default)]
    pub nowhere: Vec<Nowhere>,
}

/// How the words of one target are found.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The target, as vocabularies spell it.
    pub name: String,
    /// Other names of the same thing, by which a vocabulary may have it. They lead to the target.
    #[serde(default)]
    pub also: Vec<String>,
    /// The synsets that the target means, such as `mouse.n.04`, and how many levels of hyponyms are
    /// taken below each. Without any: the first sense of the name that an image can show, and
    /// [`DEFAULT_DEPTH`] levels.
    #[serde(default)]
    pub synsets: BTreeMap<String, usize>,
    /// Synsets that are not taken, nor anything below them.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Other words that lead to the target, whatever WordNet says: names of its kinds.
    #[serde(default)]
    pub add: Vec<String>,
    /// Why the rule is as it is.
    #[serde(default)]
    pub why: String,
}

/// Words that lead nowhere, and why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nowhere {
    /// The words.
    pub words: Vec<String>,
    /// Why none of the targets is meant.
    pub why: String,
}

impl Rule {
    /// All names of the target.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.also)
    }
}

/// How many levels of hyponyms are taken below a target that no rule says more about.
pub const DEFAULT_DEPTH: usize = 2;
