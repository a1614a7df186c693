//! Accepts measurements from agents, stores them, and answers questions about them.

#[cfg(feature = "server")]
pub mod report;
pub mod store;
