//! Calls vision providers on a schedule, captures its own packets and streams measurements.

pub mod clock;
pub mod config;
pub mod event;
pub mod image_file;
pub mod schedule;
pub mod simulation;
pub mod slice;
