//! What tests on real captures share.

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
};

use armol_analysis::{
    capture_file::CaptureReader,
    offline::{ExchangeFinder, Finding, StreamFilter},
};

/// A folder of `shared/data`, which is beside the repository or one of its parents; `None` where
/// it is not there.
pub(crate) fn shared_data(folder: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = Path::new("shared/data").join(folder);
    here.ancestors().map(|parent| parent.join(&data)).find(|path| path.is_dir())
}

/// What is found in a capture.
pub(crate) fn findings(path: &Path, filter: StreamFilter) -> Vec<Finding> {
    let file = BufReader::new(fs::File::open(path).expect("a capture that can be opened"));
    let mut reader = CaptureReader::new(file).expect("a capture");
    let mut finder = ExchangeFinder::new(filter);
    let mut found = Vec::new();
    let mut sink = |finding| found.push(finding);
    while let Some(captured) = reader.next_frame() {
        finder.push(captured.link_type, &captured.frame, &mut sink);
    }
    finder.finish(&mut sink);
    found
}
