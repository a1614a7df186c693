//! `armol-trainer words check`: what a table of words covers, lacks, and where it differs from another.

mod comparison;
mod coverage;
mod rendering;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use armol_analysis::label_groups::{GroupId, LabelGroups, WordTable};
use clap::Args;

use super::{
    Completion, WordsError,
    inputs::{Knowledge, Vocabulary, WordNetArguments, table},
};
use comparison::{Comparison, Reasons};
use coverage::Coverage;

/// Says what a table of words lacks, what it covers of vocabularies, and where it differs from
/// another table.
///
/// Exits with 1 where a target does not lead to its own group, or the table contradicts itself.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer words check words.json --vocabulary rekognition --vocabulary google
  armol-trainer words check --against word2num.json --json")]
pub(super) struct CheckArguments {
    /// The table; without it, the one for COCO that is part of the program
    #[arg(value_name = "TABLE")]
    table: Option<PathBuf>,
    /// The targets, one a line, group n in line n: a file, or coco or pascal
    #[arg(long, value_name = "FILE", default_value = "coco")]
    targets: PathBuf,
    /// Words of which to say where they lead, one a line: a file, or rekognition, azure, google,
    /// coco or pascal; may be given again
    #[arg(long, value_name = "FILE")]
    vocabulary: Vec<PathBuf>,
    /// Another table of the same groups, such as the published word2num.json, to compare with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    knowledge: WordNetArguments,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What was found of a table.
#[derive(Debug)]
struct Check {
    words: usize,
    targets: Vec<String>,
    /// Entries that contradict others or match nothing.
    problems: Vec<String>,
    /// Targets that do not lead to the group of their place.
    lacking: Vec<String>,
    /// Targets that only their own name leads to.
    single: Vec<String>,
    /// Groups that are beyond the targets.
    beyond: Vec<GroupId>,
    coverages: Vec<Coverage>,
    comparison: Option<Comparison>,
}

pub(super) fn run(
    arguments: &CheckArguments,
    output: &mut impl Write,
) -> Result<Completion, WordsError> {
    let (table, problems) = table(arguments.table.as_deref())?;
    let targets = Vocabulary::read(&arguments.targets)?.words;
    let mut coverages = Vec::new();
    for path in &arguments.vocabulary {
        let vocabulary = Vocabulary::read(path)?;
        coverages.push(Coverage::new(vocabulary, &table, &targets));
    }
    let against = arguments.against.as_deref();
    let comparison =
        against.map(|other| compare(&table, other, &targets, arguments)).transpose()?;
    let mut check = checked(&table, targets, coverages, comparison);
    check.problems = problems.iter().map(ToString::to_string).collect();
    if arguments.json {
        serde_json::to_writer_pretty(&mut *output, &rendering::json(&check))
            .map_err(io::Error::from)?;
        writeln!(output)?;
    } else {
        rendering::text(&check, output)?;
    }
    Ok(if check.lacking.is_empty() && check.problems.is_empty() {
        Completion::Sound
    } else {
        Completion::Lacking
    })
}

fn checked(
    table: &LabelGroups,
    targets: Vec<String>,
    coverages: Vec<Coverage>,
    comparison: Option<Comparison>,
) -> Check {
    let mut counts = vec![0_usize; targets.len()];
    let mut beyond = BTreeSet::new();
    for (_, group) in table.words() {
        match counts.get_mut(usize::from(group.number())) {
            Some(count) => *count += 1,
            None => {
                beyond.insert(group);
            }
        }
    }
    let mut lacking = Vec::new();
    let mut single = Vec::new();
    for ((group, target), count) in (0..).map(GroupId::new).zip(&targets).zip(counts) {
        if table.group(target) != Some(group) {
            lacking.push(target.clone());
        } else if count == 1 {
            single.push(target.clone());
        }
    }
    let (words, beyond) = (table.words().count(), beyond.into_iter().collect());
    let problems = Vec::new();
    Check { words, targets, problems, lacking, single, beyond, coverages, comparison }
}

/// Compares two tables; why they differ is told where WordNet is at hand.
fn compare(
    table: &LabelGroups,
    other: &Path,
    targets: &[String],
    arguments: &CheckArguments,
) -> Result<Comparison, WordsError> {
    let (other, _) = super::inputs::table(Some(other))?;
    let reasons = match Knowledge::read_if_there(&arguments.knowledge)? {
        Some(knowledge) => {
            let built = WordTable::build(targets, &knowledge.wordnet, &knowledge.rules)?;
            Some(Reasons { built, knowledge })
        }
        None => None,
    };
    Ok(Comparison::new(table, &other, targets, reasons.as_ref()))
}
