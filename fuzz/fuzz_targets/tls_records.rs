//! Any bytes as a TLS connection, for the finding of exchanges: `scripts/fuzz tls_records`.

#![no_main]

use armol_analysis::testing::entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| entry::tls_records(bytes));
