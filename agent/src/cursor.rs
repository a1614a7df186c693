//! Where in the list of images the run before ended, for schedules that send a fixed number.
//!
//! A file of one number in the state folder, replaced as a whole. Losing it costs nothing but
//! sending some images again, so anything unreadable counts as the start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The remembered place.
#[derive(Clone, Debug)]
pub struct Cursor {
    path: PathBuf,
}

impl Cursor {
    /// The cursor of a state folder.
    pub fn in_folder(state: &Path) -> Self {
        Self { path: state.join("cursor") }
    }

    /// The place that the next run starts from.
    pub fn read(&self) -> usize {
        fs::read_to_string(&self.path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Remembers a place.
    ///
    /// # Errors
    /// Where the state folder cannot be written.
    pub fn write(&self, place: usize) -> io::Result<()> {
        let unfinished = self.path.with_extension("new");
        fs::write(&unfinished, format!("{place}\n"))?;
        fs::rename(&unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_across_restarts_and_starts_over_from_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Cursor::in_folder(folder.path()).read(), 0);
        Cursor::in_folder(folder.path()).write(41).unwrap();
        assert_eq!(Cursor::in_folder(folder.path()).read(), 41);
        fs::write(folder.path().join("cursor"), "x").unwrap();
        assert_eq!(Cursor::in_folder(folder.path()).read(), 0);
    }
}
