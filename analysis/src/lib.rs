//! What a measurement means, without asking where it came from.
//!
//! Bytes go in, values come out: frames become latency splits, providers' answers become scored
//! detections, rows become statistics and reports. There is no clock, socket, thread, file or SQL
//! in here; those belong to the crates that stand on this one.

mod assembly;
pub mod calibration;
pub mod capture_file;
pub mod capture_name;
pub mod cause;
mod datagram;
pub mod detection;
mod exchange;
mod flow;
pub mod fragments;
pub mod frame;
pub mod identity;
pub mod label_groups;
mod link_layer;
pub mod measurement;
pub mod merge;
pub mod metrics;
pub mod offline;
pub mod outcome;
pub mod provider;
pub mod report;
mod segment;
pub mod socket_times;
pub mod split;
pub mod splitter;
pub mod summary;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
mod tls_record;
pub mod truth;

/// The version every binary prints: the package version and the commit it was built from.
pub const VERSION: &str = env!("ARMOL_VERSION");
