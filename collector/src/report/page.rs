//! Writing a page so that its place holds the old one or all of the other, never a part.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Writes beside the path, then renames.
pub(super) fn write(path: &Path, page: &str) -> io::Result<()> {
    let partial = partial_path(path)?;
    let written = write_all(&partial, page).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell; a file that is not there needs no removal.
        drop(fs::remove_file(&partial));
    }
    written
}

fn write_all(path: &Path, page: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(page.as_bytes())?;
    file.sync_all()
}

/// A hidden name in the same folder, so that the rename stays on one file system.
fn partial_path(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let name = format!(".{}.{}.partial", name.to_string_lossy(), std::process::id());
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_old_page_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::write(&path, "old").unwrap();
        write(&path, "page").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "page");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, "page").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(Path::new("/"), "page").is_err());
    }
}
