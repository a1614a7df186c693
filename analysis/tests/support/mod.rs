//! What tests on real captures share.

mod shared;

use std::{fs, io::BufReader, path::Path};

use armol_analysis::{
    capture_file::CaptureReader,
    offline::{ExchangeFinder, Finding, StreamFilter},
};

pub(crate) use shared::shared_data;

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
