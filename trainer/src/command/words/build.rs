//! `armol-trainer words build`: targets, WordNet and rules in, a table of words out.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use armol_analysis::label_groups::WordTable;
use clap::Args;
use serde::Serialize;

use super::{
    Completion, WordsError,
    inputs::{Knowledge, Source, Vocabulary, WordNetArguments},
};

/// Builds a table of words for a list of targets.
///
/// The same inputs make the same bytes. Beside the table, FILE.sources.json says from what it was
/// made, with hashes.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer words build --vocabulary coco.names --wordnet /usr/share/wordnet --out words.json")]
pub(super) struct BuildArguments {
    /// The targets, one a line, group n in line n: a file, or coco or pascal
    #[arg(long, value_name = "FILE", default_value = "coco")]
    vocabulary: PathBuf,
    #[command(flatten)]
    knowledge: WordNetArguments,
    /// Where the table goes: JSON, one object of words and group numbers
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What a table was made from.
#[derive(Serialize)]
struct Sources<'inputs> {
    table: Source,
    words: usize,
    vocabulary: &'inputs Source,
    targets: usize,
    #[serde(rename = "sources")]
    from: &'inputs [Source],
}

pub(super) fn run(
    arguments: &BuildArguments,
    output: &mut impl Write,
) -> Result<Completion, WordsError> {
    let vocabulary = Vocabulary::read(&arguments.vocabulary)?;
    let knowledge = Knowledge::read(&arguments.knowledge)?;
    let table = WordTable::build(&vocabulary.words, &knowledge.wordnet, &knowledge.rules)?;
    let text = table.label_groups().to_json();
    let name = arguments.out.file_name().unwrap_or_default().to_string_lossy();
    let sources = Sources {
        table: Source::new(&name, &text),
        words: table.words.len(),
        vocabulary: &vocabulary.source,
        targets: table.targets.len(),
        from: &knowledge.sources,
    };
    let mut sources_text = serde_json::to_string_pretty(&sources).map_err(io::Error::from)?;
    sources_text.push('\n');
    let sources_path = arguments.out.with_extension("sources.json");
    write_file(&arguments.out, &text)?;
    write_file(&sources_path, &sources_text)?;
    // Rules that are part of the program serve many vocabularies, so that some are about none of it.
    let own_rules = arguments.knowledge.overrides.is_some();
    report(&table, own_rules, output)?;
    let (out, sources_path) = (arguments.out.display(), sources_path.display());
    writeln!(output, "wrote {out}, and what it was made from to {sources_path}")?;
    Ok(Completion::Sound)
}

fn write_file(path: &Path, text: &str) -> Result<(), WordsError> {
    fs::write(path, text).map_err(|source| WordsError::WriteFile { path: path.to_owned(), source })
}

/// What whoever built a table should know of it.
fn report(table: &WordTable, own_rules: bool, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{} words for {} targets", table.words.len(), table.targets.len())?;
    for conflict in &table.conflicts {
        let claims: Vec<String> = conflict
            .claims
            .iter()
            .map(|(group, distance)| format!("{distance} below {}", table.target(*group)))
            .collect();
        let outcome = conflict.group.map_or("nowhere", |group| table.target(group));
        writeln!(
            output,
            "conflict: {} is {}; it leads to {outcome}",
            conflict.word,
            claims.join(" and ")
        )?;
    }
    for group in &table.unknown_targets {
        let target = table.target(*group);
        writeln!(output, "WordNet does not have {target}: only the rules give it words")?;
    }
    for rule in table.unused_rules.iter().filter(|_| own_rules) {
        writeln!(output, "the rule for {rule} is about no target of the vocabulary")?;
    }
    Ok(())
}
