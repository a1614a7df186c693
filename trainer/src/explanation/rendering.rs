//! An explanation as text for people, and as JSON for programs.

use std::io::{self, Write};

use super::{Explanation, Seen, StepAnswer, Worth};

/// How many choices, and how many objects, are shown at most.
const MOST_SHOWN: usize = 8;

/// Writes one JSON object.
///
/// # Errors
/// Where `output` fails.
pub fn json(explanation: &Explanation<'_>, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, explanation)?;
    writeln!(output)
}

/// Writes a paragraph a step.
///
/// # Errors
/// Where `output` fails.
pub fn text(explanation: &Explanation<'_>, output: &mut impl Write) -> io::Result<()> {
    let Explanation { image, image_id, state_numbers, .. } = explanation;
    writeln!(output, "image {image} (id {image_id}), a state of {state_numbers} numbers")?;
    for (place, step) in (1..).zip(&explanation.steps) {
        writeln!(output, "step {place}")?;
        write_worths(&step.worths, output)?;
        writeln!(output, "  asks {} for {:.3}", step.asked.join("+"), step.cost)?;
        for StepAnswer { provider, seen } in &step.answers {
            let said = seen.as_ref().map_or_else(|| "no answer".to_owned(), |seen| objects(seen));
            writeln!(output, "  {provider}: {said}")?;
        }
    }
    writeln!(output, "end")?;
    write_worths(&explanation.worths_at_end, output)?;
    writeln!(output, "  asks nobody: {}", explanation.stopped)?;
    writeln!(output, "  merged: {}", objects(&explanation.merged))?;
    let value = explanation.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    writeln!(output, "  cost {:.3} e-3 USD, v {value}", explanation.cost)
}

fn write_worths(worths: &[Worth<'_>], output: &mut impl Write) -> io::Result<()> {
    if worths.is_empty() {
        return Ok(());
    }
    let shown = worths.iter().take(MOST_SHOWN);
    let shown: Vec<String> =
        shown.map(|Worth { ask, worth }| format!("{} {worth:.4}", ask.join("+"))).collect();
    let more = more(worths.len());
    writeln!(output, "  worth of asking, its price taken off: {}{more}", shown.join(", "))
}

fn objects(seen: &[Seen<'_>]) -> String {
    if seen.is_empty() {
        return "nothing".to_owned();
    }
    let shown = seen.iter().take(MOST_SHOWN);
    let shown: Vec<String> =
        shown.map(|Seen { category, score, .. }| format!("{category} {score:.2}")).collect();
    shown.join(", ") + &more(seen.len())
}

fn more(count: usize) -> String {
    match count.saturating_sub(MOST_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}
