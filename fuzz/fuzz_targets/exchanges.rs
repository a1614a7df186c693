//! Any bytes as several streams, for the finding of exchanges: `scripts/fuzz exchanges`.

#![no_main]

use armol_analysis::testing::entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| entry::exchanges(bytes));
