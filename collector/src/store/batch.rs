//! What the writer is asked to store, in the form in which it can.
//!
//! Measurements become rows here, before they reach the writer: one that the database cannot hold
//! is refused alone, and the writer's transactions contain nothing that could fail for its content.

use armol_analysis::{identity::Name, measurement::Measurement, time::Timestamp};
use thiserror::Error;
use uuid::Uuid;

use super::row::{self, CallRows};

/// Whose batches: an agent and one of its spools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolKey {
    /// The agent.
    pub agent: Name,
    /// The spool.
    pub spool: Uuid,
}

/// A spool's return after a break, or its first appearance.
#[derive(Clone, Debug)]
pub struct Resumption {
    /// Whose.
    pub key: SpoolKey,
    /// The lowest sequence number that the agent still holds.
    pub oldest_sequence: i64,
    /// The agent's version.
    pub build: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// Measurements that came together.
#[derive(Debug)]
pub struct Batch {
    pub(super) key: SpoolKey,
    pub(super) sequence: i64,
    pub(super) received_at: Timestamp,
    pub(super) calls: Vec<CallRows>,
}

/// A batch that was refused for good.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// Whose.
    pub key: SpoolKey,
    /// Its sequence number.
    pub sequence: i64,
    /// What is wrong with it.
    pub reason: String,
    /// Size of its payload.
    pub bytes: usize,
    /// When it came.
    pub received_at: Timestamp,
}

/// A measurement that the database's integers cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "measurement {index} of the batch: {field} is {value}, more than {} can be stored",
    i64::MAX
)]
pub struct Unstorable {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The field.
    pub field: &'static str,
    /// What it holds.
    pub value: u64,
}

impl Batch {
    /// Makes measurements ready to be stored.
    ///
    /// # Errors
    /// Names the first field that holds a number too large to be stored.
    pub fn new(
        key: SpoolKey,
        sequence: i64,
        received_at: Timestamp,
        measurements: &[Measurement],
    ) -> Result<Self, Unstorable> {
        let mut calls = Vec::with_capacity(measurements.len());
        for (index, measurement) in measurements.iter().enumerate() {
            let rows = row::call_rows(measurement)
                .map_err(|row::TooLarge { field, value }| Unstorable { index, field, value })?;
            calls.push(rows);
        }
        Ok(Self { key, sequence, received_at, calls })
    }
}
