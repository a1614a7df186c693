//! A table as text: the format of the published `word2num.json`, one JSON object, word to number.

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{GroupId, LabelGroups, LabelGroupsError, matched_form};

/// How wide the lines of a written table may be.
const LINE: usize = 100;

/// Reads a table, and what is wrong with its entries: of two entries for one word the first counts.
pub(super) fn read(text: &str) -> Result<(LabelGroups, Vec<LabelGroupsError>), LabelGroupsError> {
    let entries: Entries = serde_json::from_str(text).map_err(LabelGroupsError::Json)?;
    let mut groups = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut problems = Vec::new();
    for (word, number) in entries.0 {
        let group = GroupId::new(number);
        let matched = matched_form(&word);
        if matched.is_empty() {
            problems.push(LabelGroupsError::EmptyWord { word, group });
            continue;
        }
        let first = *groups.entry(matched.clone()).or_insert(group);
        if first != group {
            problems.push(LabelGroupsError::Conflict { word: matched, first, second: group });
            continue;
        }
        names.entry(group).or_insert(word);
    }
    Ok((LabelGroups { groups, names }, problems))
}

/// Writes a table: group by group, each with its name first and the other words in their order.
pub(super) fn write(table: &LabelGroups) -> String {
    let mut words: BTreeMap<GroupId, Vec<&str>> = BTreeMap::new();
    for (word, group) in &table.groups {
        let words = words.entry(*group).or_default();
        match table.name(*group) {
            Some(name) if matched_form(name) == *word => words.insert(0, name),
            _ => words.push(word),
        }
    }
    let blocks: Vec<String> = words.iter().map(|(group, words)| block(*group, words)).collect();
    format!("{{\n{}\n}}\n", blocks.join(",\n"))
}

/// The lines of one group.
fn block(group: GroupId, words: &[&str]) -> String {
    let mut text = String::from(" ");
    let mut width = text.len();
    for (place, word) in words.iter().enumerate() {
        let entry = format!(" {}: {group}", serde_json::Value::from(*word));
        let comma = if place == 0 { "" } else { "," };
        let length = entry.chars().count() + 1;
        let line_feed = if width + length > LINE { "\n " } else { "" };
        width = if line_feed.is_empty() { width + length } else { length + 1 };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{line_feed}{entry}");
    }
    text
}

/// The table's entries in the order of the text, doubled words included: a map would hide them.
struct Entries(Vec<(String, u16)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of words and group numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let table = LabelGroups::coco();
        let text = write(table);
        let again = read(&text).unwrap().0;
        assert_eq!(&again, table);
        assert_eq!(write(&again), text);
        assert!(text.lines().all(|line| line.chars().count() <= LINE));
    }

    #[test]
    fn all_problems_of_a_table_are_told() {
        let text = r#"{"cat": 1, "Cat": 2, "-": 2, "dog": 2, "hot-dog": 3, "hot dog": 4}"#;
        let (table, problems) = read(text).unwrap();
        assert_eq!(table.group("cat"), Some(GroupId::new(1)));
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3);
        assert!(told[0].starts_with("the word \"cat\" is in group 1 and in group 2"), "{told:?}");
    }

    #[test]
    fn a_group_begins_with_its_name() {
        let table = read(r#"{"Zebra": 3, "ape": 3, "\"quoted\"": 1}"#).unwrap().0;
        assert_eq!(write(&table), "{\n  \"\\\"quoted\\\"\": 1,\n  \"Zebra\": 3, \"ape\": 3\n}\n");
    }
}
