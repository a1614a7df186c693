//! Any bytes as a capture file: `scripts/fuzz capture_file`.

#![no_main]

use armol_analysis::testing::entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| entry::capture_file(bytes));
