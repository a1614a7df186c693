//! Measurements as batches that a collector accepts.

use std::io;

use armol_analysis::{identity::Name, measurement::Measurement};
use armol_proto::{
    batch::{LARGEST_PAYLOAD, pack},
    v1,
};
use uuid::Uuid;

/// Packs measurements into as few batches as the largest message allows.
pub(super) fn pack_within_limit(
    agent: &Name,
    spool: Uuid,
    sequence: u64,
    measurements: &[Measurement],
    batches: &mut Vec<v1::Batch>,
) -> io::Result<()> {
    let batch = pack(agent, spool, sequence, measurements)?;
    if batch.payload.len() <= LARGEST_PAYLOAD || measurements.len() == 1 {
        batches.push(batch);
        return Ok(());
    }
    let (first, second) = measurements.split_at(measurements.len() / 2);
    pack_within_limit(agent, spool, sequence, first, batches)?;
    let next = batches.last().map_or(sequence, |batch| batch.sequence + 1);
    pack_within_limit(agent, spool, next, second, batches)
}
