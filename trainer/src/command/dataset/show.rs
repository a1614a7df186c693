//! `armol-trainer dataset show`: what is in a data set.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{DatasetCommandError, summary};
use crate::command::word_table;

/// Shows what is in a data set: providers, counts, and what is left out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset show data/voc --json")]
pub struct ShowArguments {
    /// The data set's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Reads the data set and writes what is in it to `output`.
pub(super) fn run(
    arguments: &ShowArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    let table = word_table::read(arguments.label_groups.as_deref())?;
    if arguments.json {
        summary::write_json(&arguments.folder, &table, output)
    } else {
        summary::write(&arguments.folder, &table, output)
    }
}
