//! The policy file: one JSON document, the policy with its hash.
//!
//! `{"format": "armol-policy", "version": 1, "sha256": ..., "policy": {...}}`; the hash is of the
//! policy's text as it stands in the file. Weights are base64 of little-endian numbers. It is written
//! beside its place under another name, put on the disk, and renamed.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tempfile::Builder;
use thiserror::Error;

use super::{Policy, UnfitPolicy};
use crate::dataset::folder::sha256_text;

/// What the file says that it is.
pub const FORMAT: &str = "armol-policy";

/// The version of the format that is written and read.
pub const FORMAT_VERSION: u32 = 1;

/// Why there is no policy.
#[derive(Debug, Error)]
pub enum PolicyFileError {
    /// The file cannot be read.
    #[error("cannot read policy {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write policy {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{0} is no policy; make one with train")]
    NoPolicy(PathBuf),
    /// Another version of this program made the file.
    #[error(
        "policy {path} has format version {found}, this program reads {FORMAT_VERSION}; use the version \
         of armol-trainer that made it, or train again"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is not as it was written.
    #[error("policy {0} is damaged: its sha256 is not that of its content; train again")]
    Damaged(PathBuf),
    /// The file is as it was written, and no policy that can be used.
    #[error("policy {path} cannot be used; train again")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The parts of the policy do not go together.
    #[error("policy {path} cannot be used")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: UnfitPolicy,
    },
    /// The policy would not read back as it is.
    #[error(
        "the policy has a number that is not finite and is not written; train again with other options"
    )]
    NotFinite,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: &'a str,
    version: u32,
    sha256: String,
    #[serde(borrow)]
    policy: &'a RawValue,
}

impl PolicyFileError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Write { .. } | Self::NotFinite => false,
            Self::Read { .. }
            | Self::NoPolicy(_)
            | Self::Version { .. }
            | Self::Damaged(_)
            | Self::Content { .. }
            | Self::Unfit { .. } => true,
        }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Where the file cannot be read, is no policy, or one of another version, or damaged.
    pub fn load(path: &Path) -> Result<Self, PolicyFileError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidData => PolicyFileError::NoPolicy(path.to_owned()),
            _ => PolicyFileError::Read { path: path.to_owned(), source },
        })?;
        Self::parse(&text, path)
    }

    /// Reads a policy from the text of the file at `path`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, PolicyFileError> {
        let none = || PolicyFileError::NoPolicy(path.to_owned());
        let Heading { format, version } = serde_json::from_str(text).map_err(|_| none())?;
        if format != FORMAT {
            return Err(none());
        }
        if version != FORMAT_VERSION {
            return Err(PolicyFileError::Version { path: path.to_owned(), found: version });
        }
        let damaged = || PolicyFileError::Damaged(path.to_owned());
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| damaged())?;
        let body = envelope.policy.get();
        if sha256_text(body.as_bytes()) != envelope.sha256 {
            return Err(damaged());
        }
        let policy: Self = serde_json::from_str(body)
            .map_err(|source| PolicyFileError::Content { path: path.to_owned(), source })?;
        policy.checked().map_err(|source| PolicyFileError::Unfit { path: path.to_owned(), source })
    }

    /// The text of the policy's file.
    ///
    /// # Errors
    /// Where the policy has a number that a file cannot hold.
    pub fn text(&self) -> Result<String, PolicyFileError> {
        let unwritable = |_| PolicyFileError::NotFinite;
        let policy = serde_json::value::to_raw_value(self).map_err(unwritable)?;
        let sha256 = sha256_text(policy.get().as_bytes());
        let envelope =
            Envelope { format: FORMAT, version: FORMAT_VERSION, sha256, policy: &policy };
        let text = serde_json::to_string(&envelope).map_err(unwritable)? + "\n";
        // A number that is not finite is written as null, or refused when it is read.
        match Self::parse(&text, Path::new("")) {
            Ok(read) if read == *self => Ok(text),
            _ => Err(PolicyFileError::NotFinite),
        }
    }

    /// Writes the policy; a file that is there is replaced, and whole at any time.
    ///
    /// # Errors
    /// Where the policy has a number that a file cannot hold, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PolicyFileError> {
        let text = self.text()?;
        write_whole(path, text.as_bytes())
            .map_err(|source| PolicyFileError::Write { path: path.to_owned(), source })
    }
}

/// Writes a file beside its place, puts it on the disk, and renames it.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    // As any file that is made, rather than for its owner alone.
    let mut file = Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::policy::document::testing::policy;

    fn changed(text: &str, from: &str, to: &str) -> PolicyFileError {
        assert!(text.contains(from), "{from} in {text}");
        Policy::parse(&text.replace(from, to), Path::new("p.armol")).unwrap_err()
    }

    /// The text of a file with a changed policy, and the hash that is right for it.
    fn hashed(text: &str, from: &str, to: &str) -> String {
        let envelope: Envelope<'_> = serde_json::from_str(text).unwrap();
        let policy = RawValue::from_string(envelope.policy.get().replace(from, to)).unwrap();
        let sha256 = sha256_text(policy.get().as_bytes());
        serde_json::to_string(&Envelope { sha256, policy: &policy, ..envelope }).unwrap()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.armol");
        fs::write(&path, "what was there").unwrap();
        policy().save(&path).unwrap();
        assert_eq!(Policy::load(&path).unwrap(), policy());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn another_format_another_version_and_damage_are_told_apart() {
        let text = policy().text().unwrap();
        let other = changed(&text, "armol-policy", "armol-plan").to_string();
        assert_eq!(other, "p.armol is no policy; make one with train");
        let newer = changed(&text, "\"version\":1", "\"version\":2").to_string();
        assert!(newer.contains("format version 2, this program reads 1"), "{newer}");
        let damaged = changed(&text, "\"aws\"", "\"axs\"").to_string();
        assert!(damaged.contains("is damaged"), "{damaged}");
        let half = text.split_at(text.len() / 2).0;
        assert!(Policy::parse(half, Path::new("p.armol")).is_err());
    }

    #[test]
    fn parts_of_other_providers_are_refused() {
        let text = policy().text().unwrap();
        for (from, to, part) in [
            (r#""fixed":1"#, r#""fixed":4"#, "chooser"),
            (r#""fixed":1"#, r#""fixed":0"#, "chooser"),
            (r#""first":null"#, r#""first":2"#, "first call"),
        ] {
            let text = hashed(&text, from, to);
            let refusal = Policy::parse(&text, Path::new("p.armol")).unwrap_err();
            let cause = refusal.source().unwrap().to_string();
            assert!(cause.contains(&format!("its {part} is of other providers")), "{cause}");
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_not_written() {
        let mut policy = policy();
        policy.objective.beta = f64::NAN;
        assert!(matches!(policy.text(), Err(PolicyFileError::NotFinite)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.armol");
        assert!(policy.save(&path).is_err() && !path.exists());
    }
}
