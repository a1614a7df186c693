//! Any bytes as a script of the live path, with markers: `scripts/fuzz splitter`.

#![no_main]

use armol_analysis::testing::entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| entry::splitter(bytes));
