//! A data set on disk: a folder of Parquet tables with a manifest.
//!
//! The folder appears whole or not at all: it is written beside its place under another name, put on
//! the disk, and renamed. The same records give the same bytes. A reader goes image by image, so that
//! it holds little whatever the size. docs/datasets.md describes each file and column.

mod columns;
mod manifest;
mod reader;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

use std::{io, path::PathBuf};

use armol_analysis::label_groups::CategoriesError;
use parquet::errors::ParquetError;
use thiserror::Error;

pub(crate) use manifest::hexadecimal;
pub use manifest::{Counts, FORMAT_VERSION, FileDescription, Manifest, SourceFile, words_hash};
pub use reader::{FolderReader, for_each_call};
pub use writer::{Origin, write};

/// The features' name in the folder.
pub const FEATURES_FILE: &str = "features.npz";

/// Why a folder cannot be read or written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// There is no data set.
    #[error("{0} is no data set: it has no manifest.json; make one with dataset import")]
    NoDataset(PathBuf),
    /// Something is there already.
    #[error("{0} is there already; remove it, or name another with --out")]
    Exists(PathBuf),
    /// A later version of this program made the data set.
    #[error(
        "{path} has format version {found}, this program reads up to {FORMAT_VERSION}; use the \
         version of armol-trainer that made it, or a later one"
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The manifest is damaged.
    #[error("{path} is no manifest of a data set; import the data set again")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not the one that the manifest describes.
    #[error(
        "{path} has changed since the data set was made; dataset check says what has, and importing \
         it again mends it"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A table is damaged.
    #[error("{path} is no table of a data set, or damaged; import the data set again")]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ParquetError,
    },
    /// A table has other columns.
    #[error("{path} has other columns than {expected}; import the data set again")]
    Columns {
        /// The table.
        path: PathBuf,
        /// The columns that it should have.
        expected: &'static str,
    },
    /// The table of words does not fit the categories.
    #[error(transparent)]
    Categories(#[from] CategoriesError),
    /// A row refers to what is not there, or stands out of order.
    #[error("in {path}, {what}; import the data set again")]
    Reference {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl FolderError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        matches!(
            self,
            Self::NoDataset(_) | Self::Exists(_) | Self::Newer { .. } | Self::Categories(_)
        )
    }
}
