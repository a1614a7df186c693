//! Accepts measurements from agents, stores them, and answers questions about them.

pub mod store;
