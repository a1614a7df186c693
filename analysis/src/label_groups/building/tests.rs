//! What a table takes from WordNet and from rules.

use proptest::prelude::*;

use super::*;
use crate::label_groups::{rules::Nowhere, testing::vehicles};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn rule(name: &str, synsets: &[(&str, usize)], add: &[&str]) -> Rule {
    let synsets = synsets.iter().map(|(synset, depth)| ((*synset).to_owned(), *depth)).collect();
    Rule { name: name.to_owned(), synsets, add: owned(add), ..Rule::default() }
}

fn rules(targets: &[Rule]) -> Rules {
    Rules { targets: targets.to_vec(), nowhere: Vec::new() }
}

fn built(targets: &[&str], rules: &Rules) -> WordTable {
    WordTable::build(&owned(targets), &vehicles(), rules).unwrap()
}

fn refusal(targets: &[&str], rules: &Rules) -> BuildError {
    WordTable::build(&owned(targets), &vehicles(), rules).unwrap_err()
}

fn words(table: &WordTable, target: u16) -> Vec<&str> {
    table.words_of(GroupId::new(target)).collect()
}

#[test]
fn a_target_takes_its_synonyms_and_its_kinds_but_nothing_above() {
    let table = built(&["car"], &Rules::default());
    assert_eq!(
        words(&table, 0),
        ["auto", "automobile", "cab", "minicab", "motorcar", "racer", "taxi"]
    );
    assert!(table.conflicts.is_empty() && table.unknown_targets.is_empty());
}

#[test]
fn the_depth_bounds_the_kinds() {
    let table = built(&["car"], &rules(&[rule("car", &[("car.n.01", 0)], &[])]));
    assert_eq!(words(&table, 0), ["auto", "automobile", "motorcar"]);
}

#[test]
fn nothing_is_taken_below_another_target() {
    let table = built(&["car", "taxi"], &Rules::default());
    assert_eq!(words(&table, 0), ["auto", "automobile", "motorcar", "racer"]);
    assert_eq!(words(&table, 1), ["cab", "minicab"]);
}

#[test]
fn nothing_is_taken_at_or_below_a_stop() {
    let stop = Rule { stop: owned(&["taxi.n.01"]), ..rule("car", &[], &[]) };
    let table = built(&["car"], &rules(&[stop]));
    assert_eq!(words(&table, 0), ["auto", "automobile", "motorcar", "racer"]);
}

#[test]
fn a_word_counts_by_its_first_seen_sense_alone() {
    let table = built(&["bicycle", "motorcycle"], &Rules::default());
    assert_eq!(table.words["bike"].group, GroupId::new(1), "a motorcycle before a bicycle");
    let machine = built(&["crane"], &Rules::default());
    assert_eq!(words(&machine, 0), ["lifting device"], "not the poet, who comes first");
}

#[test]
fn a_rule_wins_over_wordnet() {
    let bike = rules(&[rule("bicycle", &[], &["Bike", "push-bike"])]);
    let table = built(&["motorcycle", "bicycle"], &bike);
    assert_eq!(words(&table, 1), ["bike", "push bike"]);
    let nowhere = Nowhere { words: owned(&["racer", "Taxi"]), why: "may be either".to_owned() };
    let table = built(&["car"], &Rules { nowhere: vec![nowhere], ..Rules::default() });
    assert_eq!(words(&table, 0), ["auto", "automobile", "cab", "minicab", "motorcar"]);
}

#[test]
fn of_two_targets_the_nearer_takes_a_word_and_at_one_distance_neither() {
    let table = built(&["car", "motorcycle"], &Rules::default());
    let [conflict] = table.conflicts.as_slice() else { panic!("{:?}", table.conflicts) };
    let claims = vec![(GroupId::new(0), 1), (GroupId::new(1), 1)];
    assert_eq!(*conflict, Conflict { word: "racer".to_owned(), claims, group: None });
    assert!(!table.words.contains_key("racer"));
    let upper = rule("carriage", &[("vehicle.n.01", 1), ("motor_vehicle.n.01", 1)], &[]);
    let table = built(&["car", "carriage"], &rules(&[upper]));
    assert_eq!(table.words["racer"].group, GroupId::new(0));
}

#[test]
fn a_word_that_both_rule_and_wordnet_have_tells_its_way() {
    let table = built(&["car"], &rules(&[rule("car", &[], &["taxi", "suv"])]));
    assert!(matches!(table.words["taxi"].way, Way::Synsets(_)));
    assert_eq!(table.words["suv"].way, Way::Rule);
}

#[test]
fn a_rule_settles_a_conflict_which_is_told_all_the_same() {
    let racer = rules(&[rule("car", &[], &["racer"])]);
    let table = built(&["car", "motorcycle"], &racer);
    assert_eq!(table.conflicts[0].group, Some(GroupId::new(0)));
    assert_eq!(table.words["racer"].way, Way::Rule);
}

#[test]
fn a_rule_fits_a_target_of_another_spelling() {
    let motorcycle = rule("motorcycle", &[("motorcycle.n.01", 0)], &["bike"]);
    let aliases = rules(&[Rule { also: owned(&["motor bike"]), ..motorcycle }]);
    let table = built(&["Motor-Bike"], &aliases);
    assert_eq!(words(&table, 0), ["bike", "motorbike", "motorcycle"]);
    let table = built(&["car"], &aliases);
    assert_eq!(table.unused_rules, ["motorcycle"]);
}

#[test]
fn a_target_that_wordnet_lacks_has_its_name_and_what_rules_list() {
    let hovercraft = rules(&[rule("hovercraft", &[], &["air cushion vehicle"])]);
    let table = built(&["hovercraft"], &hovercraft);
    assert_eq!(table.unknown_targets, [GroupId::new(0)]);
    assert_eq!(table.words.keys().collect::<Vec<_>>(), ["air cushion vehicle", "hovercraft"]);
}

#[test]
fn a_target_in_the_plural_means_the_singular() {
    let table = built(&["Taxis"], &Rules::default());
    assert_eq!(words(&table, 0), ["cab", "minicab", "taxi"]);
}

#[test]
fn the_way_to_a_word_is_kept() {
    let table = built(&["car"], &Rules::default());
    let wordnet = vehicles();
    let Way::Synsets(way) = &table.words["minicab"].way else { panic!("by WordNet") };
    let names: Vec<String> = way.iter().map(|id| wordnet.name(*id)).collect();
    assert_eq!(names, ["minicab.n.01", "taxi.n.01", "car.n.01"]);
}

#[test]
fn the_table_is_looked_up_like_any_other() {
    let groups = built(&["Car", "bicycle"], &Rules::default()).label_groups();
    assert_eq!(groups.group("Mini-cabs"), None);
    assert_eq!(groups.group("Minicabs"), Some(GroupId::new(0)));
    assert_eq!(groups.name(GroupId::new(0)), Some("Car"));
    assert_eq!(LabelGroups::from_json(&groups.to_json()).unwrap(), groups);
}

#[test]
fn targets_and_rules_that_contradict_each_other_are_refused() {
    let none = Rules::default();
    assert_eq!(refusal(&[], &none), BuildError::NoTargets);
    assert_eq!(refusal(&["car", " "], &none), BuildError::EmptyTarget(" ".to_owned()));
    assert!(matches!(refusal(&["car", "Car"], &none), BuildError::SameTarget { .. }));
    let auto = Rule { also: owned(&["car"]), ..rule("auto", &[], &[]) };
    let twice = rules(&[rule("car", &[], &[]), auto]);
    assert!(matches!(refusal(&["car"], &twice), BuildError::SameRule { .. }));
    let unknown = rules(&[rule("car", &[("car.n.07", 1)], &[])]);
    assert!(refusal(&["car"], &unknown).to_string().contains("car.n.07"));
    let both = rules(&[rule("car", &[], &["bike"]), rule("bicycle", &[], &["bike"])]);
    let message = refusal(&["car", "bicycle"], &both).to_string();
    assert!(message.contains("\"bike\" to \"car\" and to \"bicycle\""), "{message}");
    let nowhere = Nowhere { words: owned(&["bike"]), why: String::new() };
    let bike = rule("bicycle", &[], &["bike"]);
    let message = refusal(&["bicycle"], &Rules { nowhere: vec![nowhere], targets: vec![bike] });
    assert!(message.to_string().contains("\"bike\" to nowhere and to \"bicycle\""), "{message}");
}

#[test]
fn a_targets_own_name_wins_over_every_rule() {
    let nowhere = Nowhere { words: owned(&["taxi"]), why: String::new() };
    let listed = Rules { nowhere: vec![nowhere], ..rules(&[rule("car", &[], &["bicycle"])]) };
    let table = built(&["car", "taxi", "bicycle"], &listed);
    assert_eq!(table.words["taxi"].group, GroupId::new(1));
    assert_eq!(table.words["bicycle"].group, GroupId::new(2));
}

/// Some of the words that could be targets, in any order.
fn any_targets() -> impl Strategy<Value = Vec<String>> {
    let all = owned(&["car", "bicycle", "motorcycle", "taxi", "vehicle", "crane", "racer", "yeti"]);
    prop::sample::subsequence(all, 1..8).prop_shuffle()
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let any_rule = |name: &'static str, synset: &'static str, add: &'static str| {
        (0..4_usize).prop_map(move |depth| rule(name, &[(synset, depth)], &[add]))
    };
    let all = (
        any_rule("car", "car.n.01", "suv"),
        any_rule("bicycle", "bicycle.n.01", "bike"),
        any_rule("vehicle", "vehicle.n.01", "conveyance"),
    );
    all.prop_flat_map(|(car, bicycle, vehicle)| {
        prop::sample::subsequence(vec![car, bicycle, vehicle], 0..=3).prop_shuffle()
    })
    .prop_map(|targets| Rules { targets, nowhere: Vec::new() })
}

proptest! {
    #[test]
    fn every_target_reaches_itself_and_every_word_reads_back(
        targets in any_targets(), rules in any_rules()
    ) {
        let table = WordTable::build(&targets, &vehicles(), &rules).unwrap();
        let groups = LabelGroups::from_json(&table.label_groups().to_json()).unwrap();
        for (place, target) in (0..).zip(&targets) {
            prop_assert_eq!(groups.group(target), Some(GroupId::new(place)));
            prop_assert_eq!(groups.name(GroupId::new(place)), Some(target.as_str()));
        }
        prop_assert_eq!(groups, table.label_groups());
    }

    #[test]
    fn the_order_of_targets_and_rules_does_not_matter(
        (targets, shuffled) in any_targets().prop_flat_map(|targets| {
            (Just(targets.clone()), Just(targets).prop_shuffle())
        }),
        (rules, turned) in any_rules().prop_map(|rules| {
            let mut turned = rules.clone();
            turned.targets.reverse();
            (rules, turned)
        }),
    ) {
        let wordnet = vehicles();
        let by_name = |table: &WordTable| -> BTreeMap<String, String> {
            let named = |origin: &Origin| table.target(origin.group).to_owned();
            table.words.iter().map(|(word, origin)| (word.clone(), named(origin))).collect()
        };
        let one = WordTable::build(&targets, &wordnet, &rules).unwrap();
        let other = WordTable::build(&shuffled, &wordnet, &turned).unwrap();
        prop_assert_eq!(by_name(&one), by_name(&other));
    }
}
