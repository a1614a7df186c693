//! The wire contract between agents and the collector.
//!
//! [`v1`] is generated from `proto/armol/v1/*.proto` and checked in; the test in
//! `tests/generated.rs` makes it again and compares.

pub mod v1;
