//! What is in a data set, for people and for programs.

use std::{
    io::{self, Write},
    path::Path,
};

use armol_analysis::{
    label_groups::LabelGroups,
    report::{plain_table, table_text},
};
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::DatasetCommandError;
use crate::{
    dataset::{folder::Manifest, overview::Overview},
    rendering,
};

/// Writes what is in the data set of a folder as text.
///
/// # Errors
/// Where the folder cannot be read, or `output` fails.
pub(super) fn write(
    folder: &Path,
    table: &LabelGroups,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    let overview = Overview::read(folder, table)?;
    let written = write_text(&overview, output);
    written.and_then(|()| output.flush()).map_err(DatasetCommandError::Write)
}

/// Writes what is in the data set of a folder as JSON.
///
/// # Errors
/// As [`write()`].
pub(super) fn write_json(
    folder: &Path,
    table: &LabelGroups,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    let overview = Overview::read(folder, table)?;
    let word = |(word, count): &(String, usize)| WordObject { word: word.clone(), count: *count };
    let document = Document {
        seen: &overview.seen,
        answered: &overview.answered,
        dropped_words: overview.dropped_words.iter().map(word).collect(),
        word_problems: &overview.word_problems,
        manifest: &overview.manifest,
    };
    let written = serde_json::to_writer_pretty(&mut *output, &document).map_err(io::Error::from);
    let written = written.and_then(|()| writeln!(output)).and_then(|()| output.flush());
    written.map_err(DatasetCommandError::Write)
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    manifest: &'a Manifest,
    /// How many images each provider answered, in the order of `providers`.
    answered: &'a [usize],
    /// How many detections of each provider lead to a category.
    seen: &'a [usize],
    dropped_words: Vec<WordObject>,
    word_problems: &'a [String],
}

#[derive(Serialize)]
struct WordObject {
    word: String,
    count: usize,
}

fn write_text(overview: &Overview, output: &mut impl Write) -> io::Result<()> {
    let manifest = &overview.manifest;
    if manifest.simulated {
        writeln!(output, "SIMULATED: a simulator answered, not a cloud")?;
    }
    let counts = &manifest.counts;
    writeln!(
        output,
        "{}: {} images, {} categories, {} true objects and labels, {} answers, {} detections, \
         {} stored calls",
        manifest.name,
        counts.images,
        manifest.categories.len(),
        counts.objects,
        counts.answers,
        counts.detections,
        counts.calls
    )?;
    if !manifest.providers.is_empty() {
        writeln!(output, "{}", table_text(&providers(overview)))?;
        writeln!(output, "seen: detections that lead to a category; price in 1e-3 USD a call")?;
    }
    for array in &manifest.features {
        let (name, dimension, rows) = (&array.name, array.dimension, array.rows);
        writeln!(output, "features: {name}, {dimension} numbers for {rows} images")?;
    }
    rendering::write_left_out(&manifest.left_out, output)?;
    rendering::write_dropped(&overview.dropped_words, output)?;
    for problem in &overview.word_problems {
        writeln!(output, "words: {problem}")?;
    }
    Ok(())
}

fn providers(overview: &Overview) -> Table {
    let mut table = plain_table();
    table.set_header(["provider", "images", "seen", "price", ""]);
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let rows = overview.manifest.providers.iter().zip(&overview.answered).zip(&overview.seen);
    for ((provider, answered), seen) in rows {
        let (whole, rest) = (provider.price_microusd / 1000, provider.price_microusd % 1000);
        table.add_row([
            provider.name.clone(),
            answered.to_string(),
            seen.to_string(),
            format!("{whole}.{rest:03}"),
            if provider.simulated { "simulated" } else { "" }.to_owned(),
        ]);
    }
    table
}
