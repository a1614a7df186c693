//! Any bytes as frames of any link type: `scripts/fuzz link_layer`.

#![no_main]

use armol_analysis::testing::entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| entry::link_layer(bytes));
