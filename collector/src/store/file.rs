//! The database's file: made for its owner only, and written by one collector at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::StoreError;

/// Endpoints, addresses and answers are nobody else's business.
const OWNER_ONLY: u32 = 0o600;

/// The right to write to a database, for as long as it lives.
#[derive(Debug)]
pub(super) struct WriteLock {
    /// The system releases the lock with the file, also where the process is killed.
    file: File,
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Closing alone leaves the lock with a child process that was just made and has not closed
        // its copy yet.
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock goes with its file");
        }
    }
}

/// Makes the database's file where there is none, and takes the lock on it; returns the file's
/// path without links, so that two names of one file are one lock.
pub(super) fn make_and_lock(path: &Path) -> Result<(PathBuf, WriteLock), StoreError> {
    let refused = |source: io::Error| StoreError::File { path: path.to_owned(), source };
    // Closed before SQLite opens it: closing a file drops SQLite's own locks on it.
    drop(open(path).map_err(refused)?);
    let path = path.canonicalize().map_err(refused)?;
    let mut name = path.clone().into_os_string();
    name.push("-lock");
    let file = open(Path::new(&name)).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok((path, WriteLock { file })),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path)),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(OWNER_ONLY).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_ends_although_a_copy_of_its_file_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("armol.sqlite");
        let (_, lock) = make_and_lock(&path).unwrap();
        assert!(matches!(make_and_lock(&path), Err(StoreError::Locked(_))));
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(make_and_lock(&path).is_ok());
        drop(copy);
    }
}
