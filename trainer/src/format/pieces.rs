//! A file that is written a piece at a time, so that it need not be held.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::FormatError;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Pieces {
    path: PathBuf,
    output: BufWriter<File>,
    /// Whether a list has been begun and not ended.
    in_list: bool,
}

impl Pieces {
    /// Makes the file, and the folders that lead to it.
    pub(crate) fn create(path: &Path) -> Result<Self, FormatError> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let file = fs::create_dir_all(folder).and_then(|()| File::create(path));
        let output = BufWriter::new(file.map_err(FormatError::write(path))?);
        Ok(Self { path: path.to_owned(), output, in_list: false })
    }

    /// Writes text as it is.
    pub(crate) fn text(&mut self, text: impl AsRef<[u8]>) -> Result<(), FormatError> {
        self.output.write_all(text.as_ref()).map_err(FormatError::write(&self.path))
    }

    /// Writes an element of a JSON list, which the first begins.
    pub(crate) fn element(&mut self, value: &impl Serialize) -> Result<(), FormatError> {
        self.text(if self.in_list { "," } else { "[" })?;
        self.in_list = true;
        let written = serde_json::to_writer(&mut self.output, value);
        written.map_err(io::Error::from).map_err(FormatError::write(&self.path))
    }

    /// Ends a JSON list, which may have no element.
    pub(crate) fn end_list(&mut self) -> Result<(), FormatError> {
        self.text(if self.in_list { "]" } else { "[]" })?;
        self.in_list = false;
        Ok(())
    }

    /// Hands all that is written to the system.
    pub(crate) fn finish(mut self) -> Result<(), FormatError> {
        self.output.flush().map_err(FormatError::write(&self.path))
    }
}
