//! Reads WordNet's noun files, a text format that wndb(5WN) describes.
//!
//! Lines that begin with two blanks are the licence. Everything that is used is checked, and a file
//! that is cut shows by what refers to the part that is gone.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    num::ParseIntError,
    str::{FromStr, SplitWhitespace},
};

use thiserror::Error;

use super::{Synset, SynsetId, WordNet, matched_form};

/// Which of WordNet's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordNetFile {
    /// Words and their synsets.
    Index,
    /// Synsets.
    Data,
}

/// Why texts are no noun files of WordNet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WordNetError {
    /// A line does not have the format.
    #[error("{file} line {line}: {problem}; install wordnet-base again")]
    Line {
        /// The file.
        file: WordNetFile,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There is nothing in the file.
    #[error("{0} has no entries; install wordnet-base again")]
    Empty(WordNetFile),
}

/// Reads both files.
pub(super) fn read(index: &str, data: &str) -> Result<WordNet, WordNetError> {
    let lines = data_lines(data)?;
    let mut synsets: BTreeMap<SynsetId, Synset> = BTreeMap::new();
    let known: BTreeMap<SynsetId, usize> = lines.iter().map(|(at, id, _)| (*id, *at)).collect();
    for (line, id, synset) in lines {
        let related = synset.hypernyms.iter().chain(&synset.hyponyms);
        if let Some(missing) = related.into_iter().find(|related| !known.contains_key(related)) {
            let problem = format!("refers to synset {:08}, which the file lacks", missing.0);
            return Err(WordNetError::Line { file: WordNetFile::Data, line, problem });
        }
        match synsets.entry(id) {
            Entry::Vacant(free) => free.insert(synset),
            Entry::Occupied(_) => {
                let problem = format!("synset {:08} is there twice", id.0);
                return Err(WordNetError::Line { file: WordNetFile::Data, line, problem });
            }
        };
    }
    let senses = read_index(index, &synsets)?;
    for (id, synset) in &synsets {
        let lost = synset
            .words
            .iter()
            .find(|word| senses.get(&matched_form(word)).is_none_or(|senses| !senses.contains(id)));
        if let Some(word) = lost {
            let line = known.get(id).copied().unwrap_or_default();
            let problem = format!("{} does not lead {word:?} here", WordNetFile::Index);
            return Err(WordNetError::Line { file: WordNetFile::Data, line, problem });
        }
    }
    Ok(WordNet { synsets, senses })
}

fn data_lines(text: &str) -> Result<Vec<(usize, SynsetId, Synset)>, WordNetError> {
    let file = WordNetFile::Data;
    let mut lines = Vec::new();
    for (line, text) in entries(text) {
        let (id, synset) =
            synset(text).map_err(|problem| WordNetError::Line { file, line, problem })?;
        lines.push((line, id, synset));
    }
    if lines.is_empty() { Err(WordNetError::Empty(file)) } else { Ok(lines) }
}

fn read_index(
    text: &str,
    synsets: &BTreeMap<SynsetId, Synset>,
) -> Result<BTreeMap<String, Vec<SynsetId>>, WordNetError> {
    let file = WordNetFile::Index;
    let mut senses: BTreeMap<String, Vec<SynsetId>> = BTreeMap::new();
    for (line, text) in entries(text) {
        let (lemma, ids) =
            index_entry(text).map_err(|problem| WordNetError::Line { file, line, problem })?;
        if let Some(missing) = ids.iter().find(|id| !synsets.contains_key(id)) {
            let problem = format!(
                "{lemma:?} leads to synset {:08}, which {} lacks",
                missing.0,
                WordNetFile::Data
            );
            return Err(WordNetError::Line { file, line, problem });
        }
        // "drop-off" and "drop off" are one word here: what the first means counts first.
        let known = senses.entry(matched_form(lemma)).or_default();
        for id in ids {
            if !known.contains(&id) {
                known.push(id);
            }
        }
    }
    if senses.is_empty() { Err(WordNetError::Empty(file)) } else { Ok(senses) }
}

/// The lines of a file with their numbers, without the licence.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with("  "))
}

/// A line of `data.noun`: offset, topic, `n`, count of words (hexadecimal), words each with a
/// number, count of pointers, pointers of four fields each, a bar, the gloss.
fn synset(line: &str) -> Result<(SynsetId, Synset), String> {
    let (fields, gloss) = line.split_once("| ").ok_or("the gloss is missing")?;
    let mut fields = Fields(fields.split_whitespace());
    let id = SynsetId(fields.number("the synset's offset")?);
    let topic = fields.number("the lexicographer file")?;
    fields.expect("n")?;
    let count = fields.text("the count of words")?;
    let count = usize::from_str_radix(count, 16)
        .map_err(|_| format!("the count of words is {count:?}, no hexadecimal number"))?;
    let mut words = Vec::new();
    for _ in 0..count {
        words.push(fields.text("a word")?.replace('_', " "));
        fields.text("a word's number")?;
    }
    if words.is_empty() {
        return Err("the synset has no word".to_owned());
    }
    let mut synset = Synset {
        words,
        gloss: gloss.trim().to_owned(),
        instance: false,
        topic,
        hypernyms: Vec::new(),
        hyponyms: Vec::new(),
    };
    let pointers: usize = fields.number("the count of pointers")?;
    for _ in 0..pointers {
        let symbol = fields.text("a pointer's symbol")?;
        let to = SynsetId(fields.number("a pointer's offset")?);
        fields.text("a pointer's part of speech")?;
        fields.text("a pointer's source and target")?;
        match symbol {
            "@" => synset.hypernyms.push(to),
            "@i" => {
                synset.instance = true;
                synset.hypernyms.push(to);
            }
            "~" => synset.hyponyms.push(to),
            // Parts, opposites, topics, and kinds with names of their own ("~i").
            _ => {}
        }
    }
    fields.end()?;
    Ok((id, synset))
}

/// A line of `index.noun`: lemma, `n`, count of synsets, count of pointer symbols, the symbols,
/// count of senses, count of tagged senses, the synsets' offsets.
fn index_entry(line: &str) -> Result<(&str, Vec<SynsetId>), String> {
    let mut fields = Fields(line.split_whitespace());
    let lemma = fields.text("the lemma")?;
    fields.expect("n")?;
    let count: usize = fields.number("the count of synsets")?;
    let symbols: usize = fields.number("the count of pointer symbols")?;
    for _ in 0..symbols {
        fields.text("a pointer symbol")?;
    }
    fields.number::<usize>("the count of senses")?;
    fields.number::<usize>("the count of tagged senses")?;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(SynsetId(fields.number("a synset's offset")?));
    }
    if ids.is_empty() {
        return Err(format!("{lemma:?} has no synset"));
    }
    fields.end()?;
    Ok((lemma, ids))
}

/// The fields of a line, each taken with a name for what it is.
struct Fields<'line>(SplitWhitespace<'line>);

impl<'line> Fields<'line> {
    fn text(&mut self, what: &str) -> Result<&'line str, String> {
        self.0.next().ok_or_else(|| format!("the line ends before {what}"))
    }

    fn number<N: FromStr<Err = ParseIntError>>(&mut self, what: &str) -> Result<N, String> {
        let text = self.text(what)?;
        text.parse().map_err(|error| format!("{what} is {text:?}: {error}"))
    }

    fn expect(&mut self, part_of_speech: &str) -> Result<(), String> {
        match self.text("the part of speech")? {
            text if text == part_of_speech => Ok(()),
            text => Err(format!("the part of speech is {text:?}, not {part_of_speech:?}")),
        }
    }

    fn end(mut self) -> Result<(), String> {
        self.0.next().map_or(Ok(()), |field| Err(format!("{field:?} follows the last field")))
    }
}

impl fmt::Display for WordNetFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Index => "index.noun",
            Self::Data => "data.noun",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::label_groups::testing::{VEHICLES_DATA, VEHICLES_INDEX};

    fn refusal(index: &str, data: &str) -> String {
        read(index, data).unwrap_err().to_string()
    }

    #[test]
    fn damage_is_told_with_file_and_line() {
        let data = VEHICLES_DATA.replace("| a motor vehicle with four wheels", "");
        assert!(
            refusal(VEHICLES_INDEX, &data).starts_with("data.noun line 4: the gloss is missing")
        );
        let data = VEHICLES_DATA.replace("00000003 06 n 04", "00000003 06 n 4x");
        assert!(refusal(VEHICLES_INDEX, &data).contains("\"4x\", no hexadecimal number"));
        let index = VEHICLES_INDEX.replace("bike n 2", "bike n 3");
        let message = refusal(&index, VEHICLES_DATA);
        assert!(message.contains("index.noun line 5: the line ends before a synset's offset"));
        let index = VEHICLES_INDEX.replace("bike n 2", "bike n 1");
        assert!(refusal(&index, VEHICLES_DATA).contains("follows the last field"));
        let index = VEHICLES_INDEX.replace("bike n", "bike v");
        assert!(refusal(&index, VEHICLES_DATA).contains("the part of speech is \"v\""));
    }

    #[test]
    fn files_that_are_cut_between_lines_are_refused_too() {
        let lines: Vec<&str> = VEHICLES_DATA.lines().collect();
        for kept in 2..lines.len() {
            let data = lines[..kept].join("\n");
            assert!(read(VEHICLES_INDEX, &data).is_err(), "{kept} lines");
        }
        let lines: Vec<&str> = VEHICLES_INDEX.lines().collect();
        for kept in 2..lines.len() {
            let index = lines[..kept].join("\n");
            let message = refusal(&index, VEHICLES_DATA);
            assert!(message.contains("index.noun does not lead \""), "{message}");
        }
        assert_eq!(
            refusal("", VEHICLES_DATA),
            "index.noun has no entries; install wordnet-base again"
        );
        assert_eq!(
            refusal(VEHICLES_INDEX, "  1 a licence\n"),
            WordNetError::Empty(WordNetFile::Data).to_string()
        );
    }

    #[test]
    fn a_synset_twice_is_refused() {
        let again = VEHICLES_DATA.lines().last().unwrap();
        let message = refusal(VEHICLES_INDEX, &format!("{VEHICLES_DATA}{again}\n"));
        assert!(message.contains("is there twice"), "{message}");
    }

    /// A text with some bytes cut from it or put into it, at any place.
    fn damaged(text: &'static str) -> impl Strategy<Value = String> {
        let cut = (any::<prop::sample::Index>(), 0..40_usize, "[ -~\n]{0,6}");
        cut.prop_map(move |(place, length, put)| {
            let place = place.index(text.len());
            let end = (place + length).min(text.len());
            format!("{}{put}{}", &text[..place], &text[end..])
        })
    }

    proptest! {
        #[test]
        fn damage_never_panics_and_an_error_names_the_file(
            index in damaged(VEHICLES_INDEX), data in damaged(VEHICLES_DATA)
        ) {
            if let Err(error) = read(&index, &data) {
                let message = error.to_string();
                prop_assert!(message.contains("index.noun") || message.contains("data.noun"));
            }
        }

        #[test]
        fn any_text_never_panics(index in any::<String>(), data in any::<String>()) {
            drop(read(&index, &data));
        }
    }
}
