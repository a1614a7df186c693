//! The files beside a policy while it is learned step by step: a log, and a checkpoint to go on from.
//!
//! `OUT.log.jsonl` has a line an epoch. `OUT.checkpoint` is one JSON document with the hash of its
//! content and a mark of the data and options that it is of; it is written whole, and removed once
//! the policy is there.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{dataset::folder::sha256_text, policy::write_whole};

/// What a checkpoint says that it is.
const FORMAT: &str = "armol-checkpoint 1";

/// Why the files beside a policy cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// There is nothing to go on from.
    #[error("there is no checkpoint {0} to go on from; train without --resume")]
    None(PathBuf),
    /// There is something to go on from.
    #[error(
        "{0} is there from a training that was stopped; go on from it with --resume, or remove it"
    )]
    There(PathBuf),
    /// The checkpoint is not as it was written.
    #[error("checkpoint {0} is damaged, or of another version; remove it and train anew")]
    Damaged(PathBuf),
    /// The checkpoint is of something else.
    #[error(
        "checkpoint {0} is of other data or other options; resume with those it was made with, or \
         remove it and train anew"
    )]
    Other(PathBuf),
    /// A number is not finite.
    #[error("the checkpoint has a number that is not finite and is not written")]
    NotFinite(#[source] serde_json::Error),
    /// A file cannot be read or written.
    #[error("cannot keep {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The files beside a policy.
#[derive(Clone, Debug)]
pub(super) struct Files {
    checkpoint: PathBuf,
    log: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: &'a str,
    mark: String,
    sha256: String,
    #[serde(borrow)]
    checkpoint: &'a RawValue,
}

impl CheckpointError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        !matches!(self, Self::NotFinite(_) | Self::File { .. })
    }
}

impl Files {
    /// The files beside the policy at a path.
    pub(super) fn beside(out: &Path) -> Self {
        let named = |ending: &str| {
            let mut path = out.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        Self { checkpoint: named(".checkpoint"), log: named(".log.jsonl") }
    }

    /// Begins anew, with an empty log.
    pub(super) fn begin(&self) -> Result<(), CheckpointError> {
        if self.checkpoint.exists() {
            return Err(CheckpointError::There(self.checkpoint.clone()));
        }
        at(&self.log, fs::write(&self.log, ""))
    }

    /// Adds a line to the log.
    pub(super) fn log(&self, line: &impl Serialize) -> Result<(), CheckpointError> {
        let mut text = serde_json::to_string(line).map_err(CheckpointError::NotFinite)?;
        text.push('\n');
        let file = OpenOptions::new().append(true).create(true).open(&self.log);
        at(&self.log, file.and_then(|mut file| file.write_all(text.as_bytes())))
    }

    /// Leaves so many lines of the log, which may have some of epochs that no checkpoint has.
    pub(super) fn shorten_log(&self, lines: u64) -> Result<(), CheckpointError> {
        let text = match fs::read_to_string(&self.log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => at(&self.log, read)?,
        };
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let kept: String = text.split_inclusive('\n').take(lines).collect();
        at(&self.log, write_whole(&self.log, kept.as_bytes()))
    }

    /// Writes a checkpoint in place of the one before.
    pub(super) fn write(
        &self,
        mark: &str,
        progress: &impl Serialize,
    ) -> Result<(), CheckpointError> {
        let checkpoint =
            serde_json::value::to_raw_value(progress).map_err(CheckpointError::NotFinite)?;
        let sha256 = sha256_text(checkpoint.get().as_bytes());
        let mark = mark.to_owned();
        let envelope = Envelope { format: FORMAT, mark, sha256, checkpoint: &checkpoint };
        let text = serde_json::to_vec(&envelope).map_err(CheckpointError::NotFinite)?;
        at(&self.checkpoint, write_whole(&self.checkpoint, &text))
    }

    /// Reads the checkpoint that is there.
    pub(super) fn read<T: DeserializeOwned>(&self, mark: &str) -> Result<T, CheckpointError> {
        let text = match fs::read_to_string(&self.checkpoint) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointError::None(self.checkpoint.clone()));
            }
            read => at(&self.checkpoint, read)?,
        };
        let damaged = || CheckpointError::Damaged(self.checkpoint.clone());
        let envelope: Envelope<'_> = serde_json::from_str(&text).map_err(|_| damaged())?;
        let body = envelope.checkpoint.get();
        if envelope.format != FORMAT || envelope.sha256 != sha256_text(body.as_bytes()) {
            return Err(damaged());
        }
        if envelope.mark != mark {
            return Err(CheckpointError::Other(self.checkpoint.clone()));
        }
        serde_json::from_str(body).map_err(|_| damaged())
    }

    /// Removes the checkpoint, where there is one.
    pub(super) fn remove_checkpoint(&self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.checkpoint) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => at(&self.checkpoint, removed),
        }
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, CheckpointError> {
    result.map_err(|source| CheckpointError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_by_the_mark_that_it_was_written_with() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::beside(&folder.path().join("p.armol"));
        assert!(matches!(files.read::<u32>("mark"), Err(CheckpointError::None(_))));
        files.begin().unwrap();
        files.write("mark", &7_u32).unwrap();
        assert_eq!(files.read::<u32>("mark").unwrap(), 7);
        assert!(matches!(files.read::<u32>("other"), Err(CheckpointError::Other(_))));
        assert!(matches!(files.begin(), Err(CheckpointError::There(_))));
        let path = folder.path().join("p.armol.checkpoint");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(":7", ":8")).unwrap();
        assert!(matches!(files.read::<u32>("mark"), Err(CheckpointError::Damaged(_))));
        files.remove_checkpoint().unwrap();
        files.remove_checkpoint().unwrap();
        assert!(files.begin().is_ok());
    }

    #[test]
    fn a_log_is_shortened_to_the_epochs_that_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::beside(&folder.path().join("p.armol"));
        files.begin().unwrap();
        for epoch in 1..=3 {
            files.log(&epoch).unwrap();
        }
        files.shorten_log(2).unwrap();
        files.log(&9).unwrap();
        let log = fs::read_to_string(folder.path().join("p.armol.log.jsonl")).unwrap();
        assert_eq!(log, "1\n2\n9\n");
    }
}
