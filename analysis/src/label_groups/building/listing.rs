//! The words that targets and rules list themselves, before WordNet is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{BuildError, GroupId, Origin, Rule, Rules, Way, Words, matched_form};

/// The groups of the targets, by the form in which labels are compared.
pub(super) fn places(targets: &[String]) -> Result<BTreeMap<String, usize>, BuildError> {
    if targets.is_empty() {
        return Err(BuildError::NoTargets);
    }
    if u16::try_from(targets.len() - 1).is_err() {
        return Err(BuildError::TooManyTargets(targets.len()));
    }
    let mut places = BTreeMap::new();
    for (place, target) in targets.iter().enumerate() {
        let matched = matched_form(target);
        if matched.is_empty() {
            return Err(BuildError::EmptyTarget(target.clone()));
        }
        if let Some(first) = places.insert(matched, place) {
            let first = targets.get(first).cloned().unwrap_or_default();
            return Err(BuildError::SameTarget { first, second: target.clone() });
        }
    }
    Ok(places)
}

/// The rule of each target, and the names of rules that are about none of them.
///
/// # Errors
/// Where two rules are about one target.
pub(super) fn assigned<'rules>(
    places: &BTreeMap<String, usize>,
    targets: &[String],
    rules: &'rules Rules,
) -> Result<(Vec<Option<&'rules Rule>>, Vec<String>), BuildError> {
    let mut assigned: Vec<Option<&Rule>> = vec![None; targets.len()];
    let mut unused = BTreeSet::new();
    for rule in &rules.targets {
        let spellings = rule.names();
        let mut known = spellings.filter_map(|word| places.get(&matched_form(word)));
        let Some(slot) = known.next().and_then(|place| assigned.get_mut(*place)) else {
            unused.insert(rule.name.clone());
            continue;
        };
        if let Some(first) = slot.replace(rule) {
            let (first, second) = (first.name.clone(), rule.name.clone());
            return Err(BuildError::SameRule { first, second });
        }
    }
    Ok((assigned, unused.into_iter().collect()))
}

/// The words that targets and rules list.
pub(super) fn listed_words(
    targets: &[String],
    rules: &[Option<&Rule>],
    all: &Rules,
) -> Result<Words, BuildError> {
    let mut words: Words = BTreeMap::new();
    for (group, target) in (0..).map(GroupId::new).zip(targets) {
        words.insert(matched_form(target), Some(Origin { group, way: Way::Name }));
    }
    let place = |origin: &Option<Origin>| {
        let group = origin.as_ref().map(|origin| usize::from(origin.group.number()));
        group
            .and_then(|group| targets.get(group))
            .map_or_else(|| "nowhere".to_owned(), |target| format!("{target:?}"))
    };
    let nowhere = all.nowhere.iter().flat_map(|nowhere| &nowhere.words);
    let mut listed: Vec<(&String, Option<Origin>)> = nowhere.map(|word| (word, None)).collect();
    for (group, rule) in (0..).map(GroupId::new).zip(rules) {
        let spellings = rule.iter().flat_map(|rule| rule.names().chain(&rule.add));
        listed.extend(spellings.map(|word| (word, Some(Origin { group, way: Way::Rule }))));
    }
    for (word, origin) in listed {
        let matched = matched_form(word);
        let known = words.entry(matched).or_insert_with(|| origin.clone());
        let group = |origin: &Option<Origin>| origin.as_ref().map(|origin| origin.group);
        let is_name = known.as_ref().is_some_and(|known| known.way == Way::Name);
        if !is_name && group(known) != group(&origin) {
            let (word, first, second) = (word.clone(), place(known), place(&origin));
            return Err(BuildError::Contradiction { word, first, second });
        }
    }
    Ok(words)
}
