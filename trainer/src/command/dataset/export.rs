//! `armol-trainer dataset export`: a data set in, files for other tools out.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::DatasetCommandError;
use crate::{
    command::word_table,
    dataset::{
        exporting::{self, NotExported},
        folder::{FolderError, FolderReader},
    },
    format::form::Form,
};

/// Writes a data set's ground truth and answers in another form.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset export data/voc --format coco --out export

FORMAT is coco, armol (the published text folders), voc, yolo, lines or labels. What a format cannot
say is left out and counted: places in labels, words that are no category in all but voc.")]
pub struct ExportArguments {
    /// The data set's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The form to write
    #[arg(long, value_name = "FORMAT")]
    format: Form,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
}

/// Writes the files; says on `output` what is left out.
pub(super) fn run(
    arguments: &ExportArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let reader = FolderReader::open(&arguments.folder)?;
    let narrowed = table.narrowed_to(&reader.manifest().category_names());
    let (groups, _) = narrowed.map_err(FolderError::Categories)?;
    let left_out = exporting::write(reader, groups, arguments.format, &arguments.out)?;
    let NotExported { without_category, without_place } = left_out;
    let lines = [
        ("detections of words that are no category", without_category),
        ("words without a place", without_place),
    ];
    let mut written = Ok(());
    for (what, count) in lines.into_iter().filter(|(_, count)| *count > 0) {
        written = written.and_then(|()| writeln!(output, "left out, {what}: {count}"));
    }
    written.and_then(|()| output.flush()).map_err(DatasetCommandError::Write)
}
