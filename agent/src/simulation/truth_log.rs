//! The file in which a simulated provider says what was true of each request.
//!
//! Every line goes to the kernel before anything else happens, so that killing the simulator loses
//! none. A request that was received to its end has exactly one line, whatever became of it; a
//! client that closes in the very moment of its last byte may have left before that was seen, and
//! has none.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use armol_analysis::{time::Timestamp, truth::TruthRecord};

use super::SimulationError;

/// One provider's file.
#[derive(Debug)]
pub(super) struct TruthLog {
    path: PathBuf,
    file: Mutex<File>,
}

/// A request's line, written when the entry is dropped, with what is known by then.
#[derive(Debug)]
pub(super) struct TruthEntry {
    record: TruthRecord,
    log: Arc<TruthLog>,
}

impl TruthLog {
    /// Opens the file; what it holds is kept.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn open(path: &Path) -> Result<Self, SimulationError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file =
            file.map_err(|source| SimulationError::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    fn write(&self, record: &TruthRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

impl TruthEntry {
    /// Begins the line of a request.
    pub(super) const fn new(record: TruthRecord, log: Arc<TruthLog>) -> Self {
        Self { record, log }
    }

    /// Says why the request is not answered as asked.
    pub(super) fn fault(&mut self, fault: &str) {
        self.record.fault = Some(fault.to_owned());
    }

    /// Says with which status it is answered.
    pub(super) const fn status(&mut self, status: u16) {
        self.record.status = Some(status);
    }

    /// Says when the response's first byte was written.
    pub(super) const fn response_first(&mut self, time: Timestamp) {
        self.record.response_first_ns = Some(time);
    }
}

impl Drop for TruthEntry {
    fn drop(&mut self) {
        if self.record.response_first_ns.is_none() {
            self.record.status = None;
        }
        if let Err(error) = self.log.write(&self.record) {
            let path = self.log.path.display();
            tracing::error!(%path, %error, "cannot write the truth of a request");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_line_is_written_once_and_has_no_status_without_a_response() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aws.jsonl");
        let record = TruthRecord {
            uid: None,
            provider: "aws".to_owned(),
            client: "127.0.0.1:9".parse().unwrap(),
            image_sha256: None,
            request_last_ns: Timestamp::from_unix_ns(5),
            response_first_ns: None,
            status: None,
            fault: None,
        };
        let log = Arc::new(TruthLog::open(&path).unwrap());
        let mut answered = TruthEntry::new(record.clone(), Arc::clone(&log));
        answered.status(200);
        answered.response_first(Timestamp::from_unix_ns(9));
        drop(answered);
        let mut left = TruthEntry::new(record, log);
        left.status(200);
        drop(left);
        let lines = fs::read_to_string(&path).unwrap();
        let records = lines
            .lines()
            .map(|line| serde_json::from_str::<TruthRecord>(line).unwrap())
            .collect::<Vec<_>>();
        assert_eq!(
            records.iter().map(|record| record.status).collect::<Vec<_>>(),
            [Some(200), None]
        );
        assert_eq!(records[0].inference().map(|time| time.as_nanos()), Some(4));
    }
}
