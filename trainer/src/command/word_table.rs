//! The table of words that a command groups by: the program's own, or a file's.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use armol_analysis::label_groups::{LabelGroups, LabelGroupsError};
use thiserror::Error;

/// Why a file is no table of words.
#[derive(Debug, Error)]
pub enum WordTableError {
    /// The file cannot be read.
    #[error("cannot read label groups {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no table.
    #[error("label groups {path} cannot be used")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: LabelGroupsError,
    },
}

/// Reads the table of a file; without a file, the program's own for COCO.
///
/// # Errors
/// Where the file cannot be read, or is no table.
pub(super) fn read(path: Option<&Path>) -> Result<Cow<'static, LabelGroups>, WordTableError> {
    let Some(path) = path else { return Ok(Cow::Borrowed(LabelGroups::coco())) };
    let text = fs::read_to_string(path)
        .map_err(|source| WordTableError::Read { path: path.to_owned(), source })?;
    let table = LabelGroups::from_json(&text)
        .map_err(|source| WordTableError::Table { path: path.to_owned(), source })?;
    Ok(Cow::Owned(table))
}
