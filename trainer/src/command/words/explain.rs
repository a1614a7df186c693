//! `armol-trainer words explain`: why a word leads where it leads, or nowhere.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::label_groups::{Explanation, GroupId, WordTable};
use clap::Args;
use serde::Serialize;

use super::{
    Completion, WordsError,
    inputs::{Knowledge, Vocabulary, WordNetArguments},
};

/// Says why words lead where they lead, or nowhere, and which targets are near.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer words explain motorbike 'Land vehicle' --json")]
pub(super) struct ExplainArguments {
    /// The words
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// The targets, one a line: a file, or coco or pascal
    #[arg(long, value_name = "FILE", default_value = "coco")]
    vocabulary: PathBuf,
    #[command(flatten)]
    knowledge: WordNetArguments,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// An explanation as JSON has it.
#[derive(Serialize)]
struct Row<'explanation> {
    word: &'explanation str,
    matched: &'explanation str,
    target: Option<&'explanation str>,
    group: Option<u16>,
    reason: &'explanation str,
    synsets: &'explanation [String],
    near: Vec<NearRow<'explanation>>,
}

#[derive(Serialize)]
struct NearRow<'explanation> {
    target: &'explanation str,
    steps: usize,
    common: &'explanation str,
}

pub(super) fn run(
    arguments: &ExplainArguments,
    output: &mut impl Write,
) -> Result<Completion, WordsError> {
    let vocabulary = Vocabulary::read(&arguments.vocabulary)?;
    let knowledge = Knowledge::read(&arguments.knowledge)?;
    let table = WordTable::build(&vocabulary.words, &knowledge.wordnet, &knowledge.rules)?;
    let explanations: Vec<Explanation> = arguments
        .words
        .iter()
        .map(|word| table.explain(word, &knowledge.wordnet, &knowledge.rules))
        .collect();
    if arguments.json {
        let rows: Vec<Row<'_>> = explanations.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut *output, &rows).map_err(io::Error::from)?;
        writeln!(output)?;
    } else {
        for explanation in &explanations {
            writeln!(output, "{explanation}")?;
        }
    }
    Ok(Completion::Sound)
}

fn row(explanation: &Explanation) -> Row<'_> {
    let near = explanation.near.iter().map(|near| NearRow {
        target: &near.target,
        steps: near.steps,
        common: &near.common,
    });
    Row {
        word: &explanation.word,
        matched: &explanation.matched,
        target: explanation.target.as_deref(),
        group: explanation.group.map(GroupId::number),
        reason: &explanation.reason,
        synsets: &explanation.synsets,
        near: near.collect(),
    }
}
