//! Calls vision providers on a schedule, captures its own packets and streams measurements.

pub mod clock;
pub mod image_file;
