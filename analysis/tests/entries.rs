//! The entries of the fuzz targets, with as many random bytes as a build has time for.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use armol_analysis::testing::{CaptureFormat, CaptureWriter, entry};
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..2000)
}

proptest! {
    #[test]
    fn capture_file_takes_any_bytes(
        format in prop::sample::select(&CaptureFormat::ALL[..]), bytes in bytes(),
    ) {
        let begun = CaptureWriter::new(format, false, 1);
        entry::capture_file(&[begun.bytes(), &bytes].concat());
        entry::capture_file(&bytes);
    }

    #[test]
    fn link_layer_takes_any_bytes(bytes in bytes()) {
        entry::link_layer(&bytes);
    }

    #[test]
    fn tls_records_takes_any_bytes(bytes in bytes()) {
        entry::tls_records(&bytes);
    }

    #[test]
    fn splitter_takes_any_bytes(bytes in bytes()) {
        entry::splitter(&bytes);
    }

    #[test]
    fn exchanges_takes_any_bytes(bytes in bytes()) {
        entry::exchanges(&bytes);
    }
}
