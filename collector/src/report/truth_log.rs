//! Reading the log that a simulated provider keeps of the requests it received.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use armol_analysis::{summary::TruthLog, truth::TruthRecord};
use thiserror::Error;

/// Why a log could not be read.
#[derive(Debug, Error)]
pub enum TruthLogError {
    /// The file could not be read.
    #[error("cannot read {path}; name the simulator's .jsonl files with --truth")]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// A line is no record.
    #[error(
        "line {line} of {path} is no line of a simulator's log; remove it, or name another file"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Adds every line of a file to the log, holding one at a time; empty lines say nothing.
pub(super) fn read(path: &Path, log: &mut TruthLog) -> Result<(), TruthLogError> {
    let unreadable = |source| TruthLogError::File { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut text = Vec::new();
    let mut line = 0;
    while reader.read_until(b'\n', &mut text).map_err(unreadable)? > 0 {
        line += 1;
        if !text.trim_ascii().is_empty() {
            let record: TruthRecord = serde_json::from_slice(&text)
                .map_err(|source| TruthLogError::Line { path: path.to_owned(), line, source })?;
            log.add(&record);
        }
        text.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs};

    use super::*;

    const GOOD: &str = r#"{"uid":null,"provider":"aws","client":"[::1]:4000","image_sha256":null,"request_last_ns":1,"response_first_ns":null,"status":null,"fault":"reset"}"#;

    #[test]
    fn a_bad_line_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aws.jsonl");
        fs::write(&path, format!("{GOOD}\n\n{GOOD}\n{{\"uid\":7}}\n")).unwrap();
        let error = read(&path, &mut TruthLog::default()).unwrap_err();
        assert!(error.to_string().starts_with("line 4 of "), "{error}");
        assert!(error.to_string().contains("aws.jsonl") && error.source().is_some());
    }

    #[test]
    fn bytes_that_are_no_text_and_files_that_are_not_there_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aws.jsonl");
        assert!(matches!(read(&path, &mut TruthLog::default()), Err(TruthLogError::File { .. })));
        fs::write(&path, b"\xff\xfe\n").unwrap();
        assert!(matches!(
            read(&path, &mut TruthLog::default()),
            Err(TruthLogError::Line { line: 1, .. })
        ));
    }
}
