//! Baselines as a table for people, with what to know about it above and below.

use std::io::{self, Write};

use armol_analysis::report::{plain_table, table_text};
use comfy_table::{CellAlignment, Table};

use super::Baselines;
use crate::{
    baseline::{Kind, Row, SHORTLIST},
    dataset::{LeftOut, Provider},
    rewards::Measure,
    subset::MOST_PROVIDERS,
};

/// How many dropped words are shown.
const WORDS_SHOWN: usize = 10;

/// Writes baselines as text.
///
/// # Errors
/// Where `output` fails.
pub fn table(baselines: &Baselines<'_>, output: &mut impl Write) -> io::Result<()> {
    let providers = &baselines.dataset.providers;
    let simulated = simulated_names(providers);
    if !simulated.is_empty() {
        writeln!(output, "SIMULATED: {simulated} answered from a simulator, not from a cloud")?;
    }
    let images = baselines.dataset.images.len();
    writeln!(output, "{}", baselines.summary())?;
    writeln!(output, "{}", table_text(&grid(baselines)))?;
    let [one, other] = figure_names(baselines.measure);
    writeln!(output, "{one} and {other} in %, cost in 1e-3 USD an image, calls by provider;")?;
    let value = match baselines.measure {
        Measure::Boxes => "the mean over images of an image's own AP50, -1 where nothing is found",
        Measure::Labels => {
            "the mean over images of the Jaccard index of what is named and what is there"
        }
    };
    writeln!(output, "v: {value}")?;
    write_choices(baselines, output)?;
    for (Provider { name, .. }, answered) in providers.iter().zip(&baselines.dataset.answered) {
        let note = "; each other call costs its mean price and brings nothing";
        let note = if *answered < images { note } else { "" };
        writeln!(output, "{name}: {answered} of {images} images answered{note}")?;
    }
    write_left_out(&baselines.dataset.left_out, output)?;
    write_dropped(&baselines.dataset.dropped_words, output)
}

/// What the best fixed sets are, how they were chosen, and how good upper bounds are.
fn write_choices(baselines: &Baselines<'_>, output: &mut impl Write) -> io::Result<()> {
    let rows = || baselines.rows.iter();
    if baselines.dataset.providers.len() > MOST_PROVIDERS {
        writeln!(
            output,
            "best sets were sought step by step, for more than {MOST_PROVIDERS} providers have too many \
             to try; others could be better"
        )?;
    }
    if rows().any(|row| matches!(row.kind, Kind::BestFixed(_) | Kind::BestWithinBudget(_))) {
        let chosen = match baselines.measure {
            Measure::Boxes => {
                format!("of the highest AP50 among the {SHORTLIST} sets of highest v")
            }
            Measure::Labels => "of the highest v".to_owned(),
        };
        writeln!(output, "best: the same providers for every image, {chosen}")?;
    }
    for row in rows() {
        if let Kind::BestFixed(subset) | Kind::BestWithinBudget(subset) = row.kind {
            writeln!(
                output,
                "{}: {}",
                row.method,
                subset.names(&baselines.dataset.providers).join(", ")
            )?;
        }
        if let Some(bound) = row.kind.bound() {
            let gap = (bound - row.mean_value).max(0.0);
            writeln!(
                output,
                "{}: no such choice exceeds v {bound:.4}, a gap of {gap:.4}",
                row.method
            )?;
        }
    }
    Ok(())
}

/// What the figures of a row are called.
const fn figure_names(measure: Measure) -> [&'static str; 2] {
    match measure {
        Measure::Boxes => ["mAP", "AP50"],
        Measure::Labels => ["Jaccard", "F1"],
    }
}

fn figures(row: &Row) -> [Option<f64>; 2] {
    match row.labels {
        None => [row.precision.map(|known| known.ap), row.precision.map(|known| known.ap50)],
        Some(labels) => [Some(labels.jaccard), labels.f1],
    }
}

fn grid(baselines: &Baselines<'_>) -> Table {
    let mut table = plain_table();
    let [one, other] = figure_names(baselines.measure);
    let providers = baselines.dataset.providers.iter();
    let names = providers.map(|provider| provider.name.as_str());
    table.set_header(["method", one, other, "cost", "v"].into_iter().chain(names));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in baselines.rows {
        let percent = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |fraction| format!("{:.2}", fraction * 100.0))
        };
        let mut cells = vec![row.method.clone()];
        cells.extend(figures(row).map(percent));
        cells.push(format!("{:.3}", row.mean_cost));
        cells.push(format!("{:.4}", row.mean_value));
        cells.extend(row.calls.iter().map(ToString::to_string));
        table.add_row(cells);
    }
    table
}

/// What no figure of the table is about, a line for each kind that there is.
pub(crate) fn write_left_out(left_out: &LeftOut, output: &mut impl Write) -> io::Result<()> {
    let lines = [
        ("images of the ground truth that no one answered", left_out.images_without_answer),
        ("answers about images that the ground truth lacks", left_out.answers_without_truth),
        ("answers about images of another size there", left_out.answers_of_other_size),
        ("answers about an image before it changed", left_out.answers_of_other_content),
    ];
    for (what, count) in lines.into_iter().filter(|(_, count)| *count > 0) {
        writeln!(output, "left out, {what}: {count}")?;
    }
    Ok(())
}

/// The words that lead to no category, the most frequent of them by name.
pub(crate) fn write_dropped(words: &[(String, usize)], output: &mut impl Write) -> io::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    let detections: usize = words.iter().map(|(_, count)| count).sum();
    let shown: Vec<String> =
        words.iter().take(WORDS_SHOWN).map(|(word, count)| format!("{word} {count}")).collect();
    let shown = shown.join(", ");
    let more = match words.len().saturating_sub(WORDS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more words"),
    };
    writeln!(output, "left out, detections of words in no group: {detections} ({shown}{more})")
}

/// The providers that a simulator answered for.
pub(crate) fn simulated_names(providers: &[Provider]) -> String {
    let simulated = providers.iter().filter(|provider| provider.simulated);
    simulated.map(|provider| provider.name.as_str()).collect::<Vec<_>>().join(", ")
}
