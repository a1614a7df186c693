//! The synsets that targets take from WordNet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{BuildError, DEFAULT_DEPTH, Rule, SynsetId, WordNet, matched_form};
use crate::label_groups::plural::singular_forms;

/// The synsets that one target takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::label_groups) struct Reached {
    /// The synsets that the target means, and how many levels are taken below each.
    pub(in crate::label_groups) roots: BTreeMap<SynsetId, usize>,
    /// Every synset taken, with its distance below a root and the synset above it on the way there.
    pub(in crate::label_groups) synsets: BTreeMap<SynsetId, (usize, Option<SynsetId>)>,
}

/// The synsets that each target takes.
pub(super) fn reached(
    targets: &[String],
    rules: &[Option<&Rule>],
    wordnet: &WordNet,
) -> Result<Vec<Reached>, BuildError> {
    let mut all = Vec::new();
    for (target, rule) in targets.iter().zip(rules) {
        all.push(roots(target, *rule, wordnet)?);
    }
    // Two targets that mean one synset by themselves, such as a name and its synonym, are no
    // conflict yet: each word of the synset becomes one.
    let everyones: BTreeSet<SynsetId> = all.iter().flat_map(BTreeMap::keys).copied().collect();
    let mut reached = Vec::new();
    for (roots, rule) in all.into_iter().zip(rules) {
        let mut barred: BTreeSet<SynsetId> = everyones.clone();
        for synset in rule.iter().flat_map(|rule| &rule.stop) {
            barred.insert(named(rule.map_or("", |rule| &rule.name), synset, wordnet)?);
        }
        let synsets = descend(&roots, &barred, wordnet);
        reached.push(Reached { roots, synsets });
    }
    Ok(reached)
}

/// The synsets that a target means, and how many levels are taken below each.
fn roots(
    target: &str,
    rule: Option<&Rule>,
    wordnet: &WordNet,
) -> Result<BTreeMap<SynsetId, usize>, BuildError> {
    let mut roots = BTreeMap::new();
    for (synset, depth) in rule.iter().flat_map(|rule| &rule.synsets) {
        roots.insert(named(rule.map_or(target, |rule| &rule.name), synset, wordnet)?, *depth);
    }
    if roots.is_empty() {
        let names = std::iter::once(target).chain(rule.map(|rule| rule.name.as_str()));
        let mut spellings = names.flat_map(|name| {
            let name = matched_form(name);
            let singulars = singular_forms(&name);
            std::iter::once(name).chain(singulars)
        });
        let sense = spellings.find_map(|name| wordnet.seen_senses(&name).next());
        roots.extend(sense.map(|sense| (sense, DEFAULT_DEPTH)));
    }
    Ok(roots)
}

fn named(target: &str, synset: &str, wordnet: &WordNet) -> Result<SynsetId, BuildError> {
    let unknown =
        || BuildError::UnknownSynset { target: target.to_owned(), synset: synset.to_owned() };
    wordnet.named(synset).ok_or_else(unknown)
}

/// Everything below the roots to their depths, each synset by the shortest way, but nothing barred.
fn descend(
    roots: &BTreeMap<SynsetId, usize>,
    barred: &BTreeSet<SynsetId>,
    wordnet: &WordNet,
) -> BTreeMap<SynsetId, (usize, Option<SynsetId>)> {
    let mut found: BTreeMap<SynsetId, (usize, Option<SynsetId>)> =
        roots.keys().map(|root| (*root, (0, None))).collect();
    // How many levels may still follow: a synset that is met again with more is looked at again.
    let mut left: BTreeMap<SynsetId, usize> = roots.clone();
    let mut open: VecDeque<SynsetId> = roots.keys().copied().collect();
    while let Some(synset) = open.pop_front() {
        let Some(levels) = left.get(&synset).and_then(|levels| levels.checked_sub(1)) else {
            continue;
        };
        let distance = found.get(&synset).map_or(0, |(distance, _)| *distance) + 1;
        for kind in wordnet.hyponyms(synset).iter().filter(|kind| !barred.contains(kind)) {
            let nearer = found.get(kind).is_none_or(|(known, _)| distance < *known);
            if nearer {
                found.insert(*kind, (distance, Some(synset)));
            }
            let more = left.get(kind).is_none_or(|known| *known < levels);
            if more {
                left.insert(*kind, levels);
            }
            if nearer || more {
                open.push_back(*kind);
            }
        }
    }
    found
}
