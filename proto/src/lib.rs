//! The wire contract between agents and the collector.
//!
//! [`v1`] is generated from `proto/armol/v1/*.proto` and checked in; the test in
//! `tests/generated.rs` makes it again and compares. [`conversion`] turns measurements into
//! messages and back, refusing what no agent should send; [`batch`] wraps many of them for the
//! spool and the wire.

pub mod batch;
pub mod conversion;
pub mod refusal;
pub mod v1;

pub use refusal::Refusal;
