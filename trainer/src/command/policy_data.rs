//! A policy and the data set that it is used on.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::word_table::{self, WordTableError};
use crate::{
    dataset::{
        Dataset,
        folder::{FolderError, Manifest},
        selection::SelectedReadError,
    },
    policy::{Policy, PolicyFileError, UnfitPolicy},
    state::States,
};

/// A policy, and a data set of its providers, categories and words.
#[derive(Debug)]
pub(super) struct PolicyData {
    pub(super) policy: Policy,
    pub(super) manifest: Manifest,
    pub(super) dataset: Dataset,
    /// What is known of each image before anyone is asked.
    pub(super) states: States,
}

/// Why a policy cannot be used on a data set.
#[derive(Debug, Error)]
pub enum PolicyDataError {
    /// The policy cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// The table of words cannot be used.
    #[error(transparent)]
    WordTable(#[from] WordTableError),
    /// The data set cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The data set does not have what the policy is about.
    #[error("policy {policy} does not fit the data set")]
    Selected {
        /// The policy's file.
        policy: PathBuf,
        /// What is missing.
        #[source]
        source: SelectedReadError,
    },
    /// The data set is about other things than the policy.
    #[error("policy {policy} does not fit the data set")]
    Unfit {
        /// The policy's file.
        policy: PathBuf,
        /// What is different.
        #[source]
        source: UnfitPolicy,
    },
}

impl PolicyDataError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Policy(error) => error.is_wrong_use(),
            Self::Folder(error)
            | Self::Selected { source: SelectedReadError::Folder(error), .. } => {
                error.is_wrong_use()
            }
            Self::WordTable(_) | Self::Selected { .. } | Self::Unfit { .. } => true,
        }
    }
}

/// Reads both.
pub(super) fn read(
    policy_path: &Path,
    folder: &Path,
    label_groups: Option<&Path>,
) -> Result<PolicyData, PolicyDataError> {
    let policy = Policy::load(policy_path)?;
    let table = word_table::read(label_groups)?;
    let manifest = Manifest::read(folder)?;
    let named = || policy_path.to_owned();
    let dataset = Dataset::read_selected(folder, &table, &policy.selection())
        .map_err(|source| PolicyDataError::Selected { policy: named(), source })?;
    policy
        .fits(&dataset, &table)
        .map_err(|source| PolicyDataError::Unfit { policy: named(), source })?;
    let states = States::new(0, Vec::new());
    Ok(PolicyData { policy, manifest, dataset, states })
}

impl PolicyData {
    /// Whether the policy was trained on these very files.
    pub(super) fn is_training_data(&self) -> bool {
        let files = self.manifest.files.iter().map(|(name, file)| (name, &file.sha256));
        self.policy.training.files.iter().eq(files)
    }
}
