//! Calls vision providers on a schedule, captures its own packets and streams measurements.

pub mod agent;
pub mod backoff;
pub mod capture;
pub mod clock;
pub mod command;
pub mod config;
pub mod credentials;
pub mod cursor;
pub mod event;
pub mod http;
pub mod image_file;
pub mod owned_tasks;
pub mod plan;
pub mod price;
pub mod probe;
pub mod provider;
pub mod recovery;
pub mod runner;
pub mod schedule;
pub mod secret;
pub mod simulation;
pub mod slice;
pub mod spool;
pub mod targets;
pub mod upload;
