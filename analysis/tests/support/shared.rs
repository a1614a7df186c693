//! Where data is that is too large for the repository.

use std::path::{Path, PathBuf};

/// A folder of `shared/data`, which is beside the repository or one of its parents; `None` where
/// it is not there.
pub(crate) fn shared_data(folder: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = Path::new("shared/data").join(folder);
    here.ancestors().map(|parent| parent.join(&data)).find(|path| path.is_dir())
}
