//! A folder that appears at its place whole or not at all.
//!
//! It is written beside its place under another name and renamed when it is finished; one that is
//! given up is removed.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::TempDir;

/// A folder in which one can be written that then takes the place.
pub(super) fn folder_beside(place: &Path) -> io::Result<TempDir> {
    let parent = parent(place);
    fs::create_dir_all(parent)?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".partial")
        // As any folder that a person makes; tempfile's own are private.
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent)
}

/// Gives a finished folder its name, so that it is on the disk when this returns.
pub(super) fn publish(folder: TempDir, place: &Path) -> io::Result<()> {
    File::open(folder.path())?.sync_all()?;
    fs::rename(folder.path(), place)?;
    // It has moved, so there is nothing to remove.
    drop(folder.keep());
    File::open(parent(place))?.sync_all()
}

fn parent(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
