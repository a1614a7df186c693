//! Measurements to messages and back.
//!
//! Writing cannot fail. Reading refuses whatever no measurement can hold: a missing or unknown
//! field is never filled with a default, because a default would be a measurement that nobody
//! made.

mod enumeration;
mod read;
mod write;

pub use read::from_wire;
pub use write::to_wire;
