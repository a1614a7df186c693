//! Why a command about data sets did not do what it was asked for.

use std::{io, path::PathBuf};

use armol_collector::store::StoreError;
use thiserror::Error;

use crate::{
    command::WordTableError,
    dataset::{DatasetError, exporting::ExportError, features::FeaturesError, folder::FolderError},
    format::FormatError,
};

/// Why a command about data sets did not do what it was asked for.
#[derive(Debug, Error)]
pub enum DatasetCommandError {
    /// A file of ground truth or answers cannot be used.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// Answers and ground truth do not go together.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The data set's folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The features cannot be used.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// The features are of other images.
    #[error(
        "none of the {images} images has a row in features {path}; its image_id must be the ids of \
         the ground truth, or its image_name the file names"
    )]
    OtherFeatures {
        /// The file.
        path: PathBuf,
        /// How many images there are.
        images: usize,
    },
    /// A flag is about a provider that there is none of.
    #[error("--price is about {0}, which no --answers has; call both the same")]
    PriceOfNobody(String),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read again.
    #[error("cannot read {path}")]
    Source {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data set is damaged; what is wrong with it has been written.
    #[error("{}; import the data set again", problems(*.0))]
    Damaged(usize),
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

fn problems(count: usize) -> String {
    format!("{count} problem{}", if count == 1 { "" } else { "s" })
}

impl From<ExportError> for DatasetCommandError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Folder(error) => Self::Folder(error),
            ExportError::Format(error) => Self::Format(error),
        }
    }
}

impl DatasetCommandError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Format(FormatError::Write { .. }) | Self::Damaged(_) | Self::Write(_) => false,
            Self::Format(_)
            | Self::WordTable(_)
            | Self::Dataset(_)
            | Self::Features(_)
            | Self::Source { .. }
            | Self::OtherFeatures { .. }
            | Self::PriceOfNobody(_) => true,
            Self::Folder(error) => error.is_wrong_use(),
            Self::Store(error) => error.is_wrong_use(),
        }
    }
}
