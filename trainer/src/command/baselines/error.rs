//! Why there is no table of baselines.

use std::{io, path::PathBuf};

use armol_analysis::merge::{CalibratedMergeError, MergerError, Method};
use armol_collector::store::StoreError;
use thiserror::Error;

use crate::{
    baseline::BaselineError,
    command::WordTableError,
    dataset::{DatasetError, selection::SelectedReadError},
    format::FormatError,
};

/// Why there is no table.
#[derive(Debug, Error)]
pub enum BaselinesError {
    /// The ground truth cannot be used.
    #[error(transparent)]
    GroundTruth(#[from] FormatError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Answers and ground truth do not go together.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The answers that are asked for cannot be read.
    #[error(transparent)]
    Selected(#[from] SelectedReadError),
    /// The data set cannot be scored.
    #[error(transparent)]
    Baselines(#[from] BaselineError),
    /// Answers cannot be merged as asked for.
    #[error(transparent)]
    Merger(#[from] MergerError),
    /// A flag is about places, and labels have none.
    #[error("{0} is for boxes, and labels are scored; leave it out, or say --score-by boxes")]
    OnlyOfBoxes(&'static str),
    /// A method is about places, and labels have none.
    #[error(
        "--merge {0} is for boxes, and labels are scored; merge them by mean-wbf or calibrated"
    )]
    MethodOfBoxes(Method),
    /// There is nothing to fit the method on.
    #[error("--merge calibrated needs a data set to fit on; name one with --calibrate-on")]
    NoCalibrationData,
    /// The method has nothing to fit.
    #[error("--calibrate-on goes with --merge calibrated only; leave it out, or merge so")]
    NothingToCalibrate,
    /// The other data set is about other things.
    #[error(
        "{path} has other categories than the data set that is scored; fit on one of the same ground \
         truth's categories"
    )]
    OtherCategories {
        /// The data set that was to be fitted on.
        path: PathBuf,
    },
    /// The other data set cannot be read.
    #[error("cannot fit on {path}")]
    CalibrationData {
        /// The data set that was to be fitted on.
        path: PathBuf,
        /// Why not.
        #[source]
        source: SelectedReadError,
    },
    /// The fit fails.
    #[error("cannot calibrate on {path}")]
    Calibration {
        /// The data set that was to be fitted on.
        path: PathBuf,
        /// Why not.
        #[source]
        source: CalibratedMergeError,
    },
    /// A weight is for nobody.
    #[error("--weight {0} is for no provider that is scored; use the name of one that is")]
    WeightOfNobody(String),
    /// The plot cannot be written.
    #[error("cannot write {path}")]
    Plot {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[source] io::Error),
}

impl BaselinesError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::GroundTruth(_)
            | Self::WordTable(_)
            | Self::Merger(_)
            | Self::OnlyOfBoxes(_)
            | Self::MethodOfBoxes(_)
            | Self::NoCalibrationData
            | Self::NothingToCalibrate
            | Self::OtherCategories { .. }
            | Self::Calibration { .. }
            | Self::WeightOfNobody(_)
            | Self::Baselines(_)
            | Self::Dataset(_) => true,
            Self::Selected(error) | Self::CalibrationData { source: error, .. } => {
                error.is_wrong_use()
            }
            Self::Store(error) => error.is_wrong_use(),
            Self::Plot { .. } | Self::Write(_) => false,
        }
    }
}
