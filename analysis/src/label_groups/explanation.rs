//! Why a word leads where it leads, or nowhere.
//!
//! For a word that leads to a target: the way through WordNet, or that a rule lists it. For one that
//! leads nowhere: the first rule that keeps it out, and the targets that WordNet has nearby.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use super::{
    GroupId, Origin, Way, WordTable,
    building::{Reached, first_seen_sense},
    matched_form,
    plural::singular_forms,
    rules::Rules,
    wordnet::{Synset, SynsetId, WordNet},
};

/// Where a word leads, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The word that was asked about, unchanged.
    pub word: String,
    /// The word of the table or of WordNet that it is a form of.
    pub matched: String,
    /// The target that it leads to.
    pub target: Option<String>,
    /// The group of that target.
    pub group: Option<GroupId>,
    /// The reason in words.
    pub reason: String,
    /// The names of the synsets from the word's own to the target's.
    pub synsets: Vec<String>,
    /// For a word that leads nowhere, the targets that are near it in WordNet, the nearest first.
    pub near: Vec<Near>,
}

/// A target that is near a word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    /// How many steps up and down WordNet has between the two.
    pub steps: usize,
    /// The target.
    pub target: String,
    /// The name of the synset that both are below or at.
    pub common: String,
}

/// How many near targets are told.
const NEAR: usize = 3;

/// The most steps at which a target is near.
const NEAR_STEPS: usize = 5;

impl WordTable {
    /// Says where a word leads and why; `wordnet` and `rules` are those that the table was built
    /// from.
    pub fn explain(&self, word: &str, wordnet: &WordNet, rules: &Rules) -> Explanation {
        let asked = matched_form(word);
        let forms = [asked.clone()].into_iter().chain(singular_forms(&asked));
        let forms: Vec<String> = forms.collect();
        let of_table = forms.iter().find(|form| self.words.contains_key(*form));
        let of_wordnet = || forms.iter().find(|form| !wordnet.senses(form).is_empty());
        let matched = of_table.or_else(of_wordnet).unwrap_or(&asked).clone();
        let mut explanation = Explanation {
            word: word.to_owned(),
            matched,
            target: None,
            group: None,
            reason: String::new(),
            synsets: Vec::new(),
            near: Vec::new(),
        };
        if let Some(origin) = self.words.get(&explanation.matched) {
            explanation.target = Some(self.target(origin.group).to_owned());
            explanation.group = Some(origin.group);
            explanation.reason = self.way(origin, rules);
            if let Way::Synsets(synsets) = &origin.way {
                explanation.synsets = synsets.iter().map(|id| wordnet.name(*id)).collect();
            }
        } else {
            explanation.reason = self.obstacle(&explanation.matched, wordnet, rules);
            explanation.near = self.near(&explanation.matched, wordnet);
        }
        explanation
    }

    /// Why a word leads to its target.
    fn way(&self, origin: &Origin, rules: &Rules) -> String {
        let target = self.target(origin.group);
        match &origin.way {
            Way::Name => format!("the name of target {target:?}"),
            Way::Rule => {
                let spelled = |word: &String| matched_form(word) == matched_form(target);
                let rule = rules.targets.iter().find(|rule| rule.names().any(spelled));
                let why = rule.map_or("", |rule| rule.why.as_str());
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                format!("listed by the rule for target {target:?}{why}")
            }
            Way::Synsets(synsets) => match synsets.len() {
                0 | 1 => format!("synonym of target {target:?}"),
                more => format!("kind of target {target:?}, {} below it", more - 1),
            },
        }
    }

    /// Why a word leads nowhere.
    fn obstacle(&self, word: &str, wordnet: &WordNet, rules: &Rules) -> String {
        let listed = |words: &[String]| words.iter().any(|listed| matched_form(listed) == word);
        if let Some(nowhere) = rules.nowhere.iter().find(|nowhere| listed(&nowhere.words)) {
            return format!("the rules lead it nowhere: {}", nowhere.why);
        }
        if let Some(conflict) = self.conflicts.iter().find(|conflict| conflict.word == word) {
            let claims: Vec<String> = conflict
                .claims
                .iter()
                .map(|(group, distance)| format!("{distance} below {:?}", self.target(*group)))
                .collect();
            return format!("WordNet has it {}, and neither is nearer", claims.join(" and "));
        }
        let senses = wordnet.senses(word);
        if senses.is_empty() {
            return "WordNet does not have it, nor does a rule".to_owned();
        }
        let Some(first) = first_seen_sense(word, wordnet) else {
            return "WordNet has it for nothing that an image can show".to_owned();
        };
        if let Some((target, depth, distance)) = self.deeper(first, wordnet) {
            let target = self.target(target);
            return if distance > depth {
                format!("{distance} below target {target:?}, deeper than its rule goes ({depth})")
            } else {
                format!("below target {target:?}, but the rules stop on the way")
            };
        }
        let mut later = wordnet.seen_senses(word).skip(1);
        let meant = later.find_map(|sense| self.taker(sense).map(|target| (sense, target)));
        if let Some((sense, target)) = meant {
            let (sense, first) = (wordnet.name(sense), wordnet.name(first));
            let target = self.target(target);
            return format!(
                "{sense} belongs to target {target:?}, but the word means {first} first"
            );
        }
        format!("{} is below no target", wordnet.name(first))
    }

    /// The target that takes a synset.
    fn taker(&self, synset: SynsetId) -> Option<GroupId> {
        let mut all = self.reached();
        all.find(|(_, reached)| reached.synsets.contains_key(&synset)).map(|(group, _)| group)
    }

    /// The nearest target that a synset is below at any distance, how deep that target's rule goes
    /// and how far below the synset is.
    fn deeper(&self, synset: SynsetId, wordnet: &WordNet) -> Option<(GroupId, usize, usize)> {
        let above = above(synset, wordnet);
        let mut found: Vec<(usize, GroupId, usize)> = Vec::new();
        for (group, reached) in self.reached() {
            for (root, depth) in &reached.roots {
                found.extend(above.get(root).map(|distance| (*distance, group, *depth)));
            }
        }
        let (distance, group, depth) = found.into_iter().min()?;
        Some((group, depth, distance))
    }

    /// The targets that WordNet has near a word, or near its last word, which says what it is a kind
    /// of, where WordNet does not have the whole.
    fn near(&self, word: &str, wordnet: &WordNet) -> Vec<Near> {
        let last = word.rsplit(' ').next().unwrap_or(word);
        let word = if wordnet.senses(word).is_empty() { last } else { word };
        let aboves: Vec<_> = wordnet.seen_senses(word).map(|sense| above(sense, wordnet)).collect();
        let mut all = Vec::new();
        for (group, reached) in self.reached() {
            let mut nearest: Option<(usize, SynsetId)> = None;
            for root in reached.roots.keys() {
                for (synset, up) in above(*root, wordnet) {
                    // That both are animals, or things, says nothing.
                    if up > 0 && wordnet.synset(synset).is_some_and(Synset::is_top) {
                        continue;
                    }
                    let steps = aboves.iter().filter_map(|above| above.get(&synset));
                    let steps = steps.min().map(|down| (up + down, synset));
                    nearest = [nearest, steps].into_iter().flatten().min();
                }
            }
            all.extend(nearest.filter(|(steps, _)| *steps <= NEAR_STEPS).map(|(steps, synset)| {
                let target = self.target(group).to_owned();
                Near { steps, target, common: wordnet.name(synset) }
            }));
        }
        all.sort();
        all.truncate(NEAR);
        all
    }

    fn reached(&self) -> impl Iterator<Item = (GroupId, &Reached)> {
        (0..).map(GroupId::new).zip(&self.reached)
    }
}

/// A synset and everything it is a kind of, with the distance.
fn above(synset: SynsetId, wordnet: &WordNet) -> BTreeMap<SynsetId, usize> {
    let mut found = BTreeMap::from([(synset, 0)]);
    let mut open = VecDeque::from([(synset, 0)]);
    while let Some((synset, distance)) = open.pop_front() {
        for hypernym in wordnet.hypernyms(synset) {
            if !found.contains_key(hypernym) {
                found.insert(*hypernym, distance + 1);
                open.push_back((*hypernym, distance + 1));
            }
        }
    }
    found
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.word)?;
        if matched_form(&self.word) != self.matched {
            write!(formatter, " -> {}", self.matched)?;
        }
        if self.target.is_none() {
            formatter.write_str(" -> nowhere")?;
        }
        for (place, synset) in self.synsets.iter().enumerate() {
            let what = if place == 0 { "synset " } else { "" };
            write!(formatter, " -> {what}{synset}")?;
        }
        write!(formatter, " ({})", self.reason)?;
        for Near { steps, target, common } in &self.near {
            let plural = if *steps == 1 { "" } else { "s" };
            write!(formatter, "\n  near: {target}, {steps} step{plural} by {common}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_groups::{
        rules::{Nowhere, Rule},
        testing::vehicles,
    };

    fn explained(word: &str) -> String {
        let wordnet = vehicles();
        let rule = |name: &str, add: &[&str], synset: &str, depth| Rule {
            name: name.to_owned(),
            synsets: [(synset.to_owned(), depth)].into(),
            add: add.iter().map(|word| (*word).to_owned()).collect(),
            why: "people say so".to_owned(),
            ..Rule::default()
        };
        let nowhere =
            Nowhere { words: vec!["vehicle".to_owned()], why: "may be anything".to_owned() };
        let rules = Rules {
            targets: vec![
                rule("car", &["suv"], "car.n.01", 1),
                rule("motorcycle", &[], "motorcycle.n.01", 1),
            ],
            nowhere: vec![nowhere],
        };
        let targets = ["car", "motorcycle", "bicycle"].map(str::to_owned);
        let table = WordTable::build(&targets, &wordnet, &rules).unwrap();
        table.explain(word, &wordnet, &rules).to_string()
    }

    #[test]
    fn the_way_to_a_target_is_told() {
        assert_eq!(explained("Motorcycle"), "Motorcycle (the name of target \"motorcycle\")");
        assert_eq!(
            explained("motorbike"),
            "motorbike -> synset motorcycle.n.01 (synonym of target \"motorcycle\")"
        );
        assert_eq!(
            explained("cabs"),
            "cabs -> cab -> synset taxi.n.01 -> car.n.01 (kind of target \"car\", 1 below it)"
        );
        assert_eq!(explained("SUV"), "SUV (listed by the rule for target \"car\": people say so)");
    }

    #[test]
    fn near_an_unknown_word_is_what_is_near_its_last_word() {
        let told = explained("land vehicle");
        assert!(told.contains("\n  near: bicycle, 1 step by vehicle.n.01"), "{told}");
    }

    #[test]
    fn a_word_that_leads_nowhere_is_told_why_and_what_is_near() {
        for (word, reason) in [
            ("vehicle", "(the rules lead it nowhere: may be anything)\n  near: bicycle, 1 step by"),
            ("racer", "(WordNet has it 1 below \"car\" and 1 below \"motorcycle\", and neither is"),
            ("minicab", "(2 below target \"car\", deeper than its rule goes (1))"),
            ("crane", "(crane.n.02 is below no target)"),
            ("lift", "(WordNet has it for nothing that an image can show)"),
            ("zeppelin", "(WordNet does not have it, nor does a rule)"),
        ] {
            let told = explained(word);
            assert!(told.starts_with(&format!("{word} -> nowhere {reason}")), "{told}");
        }
    }
}
