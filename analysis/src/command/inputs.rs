//! The captures that a command line names: files, all captures of folders, standard input.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use armol_analysis::capture_name::CaptureName;
use thiserror::Error;

/// The endings of names that captures in a folder have, without those of packers.
const CAPTURE_ENDINGS: [&str; 3] = ["cap", "pcap", "pcapng"];
/// The endings that packers add.
const PACKED_ENDINGS: [&str; 2] = ["gz", "zst"];

/// A capture that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

/// Why the inputs that were named cannot be found.
#[derive(Debug, Error)]
pub(crate) enum InputError {
    /// A file or folder is not there, or its owner keeps it closed.
    #[error("cannot use {}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder has no capture in it.
    #[error("{} holds no captures (*.cap, *.pcap, *.pcapng, or these with .gz or .zst)", .0.display())]
    NoCaptures(PathBuf),
    /// There is only one standard input.
    #[error("- stands for standard input and can be named only once")]
    StandardTwice,
}

impl Input {
    /// Opens it for reading.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Standard => Box::new(io::stdin()),
            Self::File(path) => Box::new(File::open(path)?),
        })
    }

    /// What its name says about it.
    pub(super) fn name(&self) -> CaptureName {
        match self {
            Self::Standard => CaptureName::default(),
            Self::File(path) => CaptureName::of(path),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => formatter.write_str("-"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// The inputs that were named, in that order; what is in a folder is in the order of names.
///
/// # Errors
/// Where one is not there, or a folder has no capture in it.
pub(super) fn inputs(named: &[PathBuf]) -> Result<Vec<Input>, InputError> {
    let mut inputs = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            if inputs.contains(&Input::Standard) {
                return Err(InputError::StandardTwice);
            }
            inputs.push(Input::Standard);
            continue;
        }
        let unreadable = |source| InputError::Unreadable { path: path.clone(), source };
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            inputs.push(Input::File(path.clone()));
            continue;
        }
        let before = inputs.len();
        add_folder(path, &mut inputs)?;
        if inputs.len() == before {
            return Err(InputError::NoCaptures(path.clone()));
        }
    }
    Ok(inputs)
}

/// Adds the captures of a folder and of those in it. Links to folders are not followed, so that a
/// circle of them has an end.
fn add_folder(folder: &Path, inputs: &mut Vec<Input>) -> Result<(), InputError> {
    let unreadable = |source| InputError::Unreadable { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        entries.push((entry.path(), entry.file_type().map_err(unreadable)?.is_dir()));
    }
    entries.sort();
    for (path, is_folder) in entries {
        if is_folder {
            add_folder(&path, inputs)?;
        } else if is_named_as_capture(&path) {
            inputs.push(Input::File(path));
        }
    }
    Ok(())
}

fn is_named_as_capture(path: &Path) -> bool {
    let has = |path: &Path, endings: &[&str]| {
        let ending = path.extension().and_then(OsStr::to_str);
        ending.is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
    };
    let unpacked = if has(path, &PACKED_ENDINGS) { path.with_extension("") } else { path.into() };
    has(&unpacked, &CAPTURE_ENDINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_folders_come_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("b")).unwrap();
        for name in ["c.cap", "b/x.pcapng.gz", "a.PCAP", "notes.txt", "d.cap.json"] {
            fs::write(path(name), "").unwrap();
        }
        let found = inputs(&["-".into(), folder.path().into(), path("notes.txt")]).unwrap();
        let file = |name| Input::File(path(name));
        let expected = [file("a.PCAP"), file("b/x.pcapng.gz"), file("c.cap"), file("notes.txt")];
        assert_eq!(found[0], Input::Standard);
        assert_eq!(found[1..], expected);
    }

    #[test]
    fn refuses_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(inputs(&[folder.path().into()]), Err(InputError::NoCaptures(_))));
        let missing = folder.path().join("missing.cap");
        assert!(matches!(inputs(&[missing]), Err(InputError::Unreadable { .. })));
        let twice = ["-".into(), "-".into()];
        assert!(matches!(inputs(&twice), Err(InputError::StandardTwice)));
    }
}
