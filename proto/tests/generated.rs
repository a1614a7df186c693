//! The checked-in messages are those of the `.proto` files.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

/// Generates into a scratch folder and compares; where they differ, writes the new text, so that
/// running the test again passes and the change can be read and committed.
#[test]
fn checked_in_code_is_generated_from_the_protos() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors =
        protox::compile(["armol/v1/ingest.proto"], [root.join("proto")]).expect("protos compile");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(scratch)
        .compile_fds(descriptors)
        .expect("code generates");
    let generated = fs::read_to_string(scratch.join("armol.v1.rs")).expect("generated file");
    let checked_in = root.join("src/v1/armol.v1.rs");
    if fs::read_to_string(&checked_in).is_ok_and(|text| text == generated) {
        return;
    }
    fs::write(&checked_in, generated).expect("source folder is writable");
    panic!("{} was out of date and is rewritten: review and commit it", checked_in.display());
}
