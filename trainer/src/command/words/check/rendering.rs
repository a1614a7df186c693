//! What was found of a table, as text or JSON.

use std::io::{self, Write};

use armol_analysis::report::{plain_table, table_text};
use serde::Serialize;

use super::{Check, Comparison, Coverage};

/// How much of a list is shown in a line of text.
const SHOWN: usize = 40;

/// Writes what was found as text.
pub(super) fn text(check: &Check, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{} words for {} targets", check.words, check.targets.len())?;
    for problem in &check.problems {
        writeln!(output, "{problem}")?;
    }
    list("targets that do not lead to the group of their line", &check.lacking, output)?;
    list("targets that only their own name leads to", &check.single, output)?;
    let beyond: Vec<String> = check.beyond.iter().map(ToString::to_string).collect();
    list("groups beyond the targets", &beyond, output)?;
    for Coverage { vocabulary, led, nowhere, unreached } in &check.coverages {
        let all = led.len() + nowhere.len();
        writeln!(output, "{vocabulary}: {} of {all} words lead to a target", led.len())?;
        list("  words that lead nowhere", nowhere, output)?;
        list("  targets that no word leads to", unreached, output)?;
    }
    if let Some(comparison) = &check.comparison {
        compared(comparison, output)?;
    }
    Ok(())
}

fn list(what: &str, words: &[String], output: &mut impl Write) -> io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = words.iter().take(SHOWN).map(String::as_str).collect();
    let more = match words.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more (--json has all)"),
    };
    writeln!(output, "{what}: {} ({}{more})", words.len(), shown.join(", "))
}

fn compared(comparison: &Comparison, output: &mut impl Write) -> io::Result<()> {
    let Comparison { theirs, same, differences, only_here } = comparison;
    writeln!(
        output,
        "the other table has {theirs} words, {same} lead to the same target here; only this one \
         has {only_here}"
    )?;
    if differences.is_empty() {
        return Ok(());
    }
    let mut table = plain_table();
    table.set_header(["word", "there", "here", "why"]);
    for difference in differences {
        let ours = difference.ours.as_deref().unwrap_or("-");
        let why = difference.why.as_deref().unwrap_or("install wordnet-base to be told");
        table.add_row([&difference.word, &difference.theirs, ours, why]);
    }
    writeln!(output, "{}", table_text(&table))
}

/// What was found as JSON has it.
#[derive(Serialize)]
pub(super) struct CheckJson<'check> {
    words: usize,
    targets: usize,
    problems: &'check [String],
    lacking: &'check [String],
    single: &'check [String],
    groups_beyond: Vec<u16>,
    vocabularies: Vec<CoverageJson<'check>>,
    against: Option<ComparisonJson<'check>>,
}

#[derive(Serialize)]
struct CoverageJson<'check> {
    name: &'check str,
    led: Vec<LedJson<'check>>,
    nowhere: &'check [String],
    unreached_targets: &'check [String],
}

#[derive(Serialize)]
struct LedJson<'check> {
    word: &'check str,
    target: &'check str,
}

#[derive(Serialize)]
struct ComparisonJson<'check> {
    words: usize,
    same: usize,
    only_here: usize,
    differences: Vec<DifferenceJson<'check>>,
}

#[derive(Serialize)]
struct DifferenceJson<'check> {
    word: &'check str,
    there: &'check str,
    here: Option<&'check str>,
    why: Option<&'check str>,
}

/// What was found, to be written as JSON.
pub(super) fn json(check: &Check) -> CheckJson<'_> {
    CheckJson {
        words: check.words,
        targets: check.targets.len(),
        problems: &check.problems,
        lacking: &check.lacking,
        single: &check.single,
        groups_beyond: check.beyond.iter().map(|group| group.number()).collect(),
        vocabularies: check.coverages.iter().map(coverage_json).collect(),
        against: check.comparison.as_ref().map(comparison_json),
    }
}

fn coverage_json(coverage: &Coverage) -> CoverageJson<'_> {
    let led = coverage.led.iter().map(|(word, target)| LedJson { word, target });
    CoverageJson {
        name: &coverage.vocabulary,
        led: led.collect(),
        nowhere: &coverage.nowhere,
        unreached_targets: &coverage.unreached,
    }
}

fn comparison_json(comparison: &Comparison) -> ComparisonJson<'_> {
    let differences = comparison.differences.iter().map(|difference| DifferenceJson {
        word: &difference.word,
        there: &difference.theirs,
        here: difference.ours.as_deref(),
        why: difference.why.as_deref(),
    });
    ComparisonJson {
        words: comparison.theirs,
        same: comparison.same,
        only_here: comparison.only_here,
        differences: differences.collect(),
    }
}
