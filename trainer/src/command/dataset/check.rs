//! `armol-trainer dataset check`: whether a data set is what its manifest says.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::DatasetCommandError;
use crate::dataset::checking;

/// Checks a data set: hashes, counts and references; exits with 1 where anything is wrong.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset check data/voc")]
pub struct CheckArguments {
    /// The data set's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes each problem on a line of `output`.
pub(super) fn run(
    arguments: &CheckArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    let problems = checking::problems(&arguments.folder)?;
    let folder = arguments.folder.display();
    let written = match &*problems {
        [] => writeln!(output, "{folder}: ok"),
        problems => problems.iter().try_for_each(|problem| writeln!(output, "{folder}: {problem}")),
    };
    written.and_then(|()| output.flush()).map_err(DatasetCommandError::Write)?;
    if problems.is_empty() { Ok(()) } else { Err(DatasetCommandError::Damaged(problems.len())) }
}
