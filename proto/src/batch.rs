//! Many measurements as one message: packed once when spooled, sent unchanged, unpacked once.
//!
//! The payload is encoded and compressed a single time; the checksum covers it on the agent's disk
//! and on the wire alike.

use std::io::{self, Read};

use armol_analysis::{identity::Name, measurement::Measurement};
use prost::Message;
use uuid::Uuid;

use crate::{conversion, refusal::Refusal, v1};

/// The largest compressed payload that is accepted, in bytes; below the 4 MiB message limit of
/// gRPC's defaults, with room for the envelope.
pub const LARGEST_PAYLOAD: usize = 4 * 1024 * 1024 - 64 * 1024;

/// The largest payload after decompression that is accepted, in bytes: no message of a few
/// kilobytes may ask for more memory than this.
pub const LARGEST_DECOMPRESSED: usize = 64 * 1024 * 1024;

/// zstd's fastest regular level; answers are JSON and shrink well at any.
const ZSTD_LEVEL: i32 = 1;

/// Packs measurements into a batch.
///
/// # Errors
/// Where the compressor fails, which it does only for want of memory.
pub fn pack(
    agent: &Name,
    spool: Uuid,
    sequence: u64,
    measurements: &[Measurement],
) -> io::Result<v1::Batch> {
    let messages = measurements.iter().map(conversion::to_wire).collect::<Vec<_>>();
    let rows = u32::try_from(messages.len()).unwrap_or(u32::MAX);
    let encoded = v1::Measurements { measurements: messages }.encode_to_vec();
    let payload = zstd::encode_all(encoded.as_slice(), ZSTD_LEVEL)?;
    Ok(v1::Batch {
        agent: agent.to_string(),
        spool: spool.as_bytes().to_vec(),
        sequence,
        rows,
        codec: v1::Codec::Zstd.into(),
        crc32c: crc32c::crc32c(&payload),
        payload,
    })
}

/// Unpacks a batch, checking its checksum, its size and every field of every measurement.
///
/// # Errors
/// Says what is wrong where anything is; nothing of a refused batch is returned.
pub fn unpack(batch: &v1::Batch) -> Result<Vec<Measurement>, Refusal> {
    if batch.payload.len() > LARGEST_PAYLOAD {
        return Err(Refusal::TooLarge { bytes: batch.payload.len(), limit: LARGEST_PAYLOAD });
    }
    let found = crc32c::crc32c(&batch.payload);
    if found != batch.crc32c {
        return Err(Refusal::Checksum { expected: batch.crc32c, found });
    }
    let encoded = match v1::Codec::try_from(batch.codec) {
        Ok(v1::Codec::Zstd) => decompress(&batch.payload)?,
        _ => return Err(Refusal::invalid("Batch.codec", &batch.codec)),
    };
    let held = v1::Measurements::decode(encoded.as_slice()).map_err(Refusal::Encoding)?;
    if usize::try_from(batch.rows).ok() != Some(held.measurements.len()) {
        return Err(Refusal::Rows { said: batch.rows, held: held.measurements.len() });
    }
    let mut measurements = Vec::with_capacity(held.measurements.len());
    for (index, message) in held.measurements.into_iter().enumerate() {
        let measurement = conversion::from_wire(message)
            .map_err(|source| Refusal::Measurement { index, source: Box::new(source) })?;
        if measurement.call.agent.as_str() != batch.agent {
            let source = Box::new(Refusal::invalid("Call.agent", &"not the batch's agent"));
            return Err(Refusal::Measurement { index, source });
        }
        measurements.push(measurement);
    }
    Ok(measurements)
}

/// Decompresses up to [`LARGEST_DECOMPRESSED`] bytes.
fn decompress(payload: &[u8]) -> Result<Vec<u8>, Refusal> {
    let decoder = zstd::Decoder::new(payload).map_err(Refusal::Compression)?;
    let limit = LARGEST_DECOMPRESSED;
    let mut encoded = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(one_more).read_to_end(&mut encoded).map_err(Refusal::Compression)?;
    if encoded.len() > limit {
        return Err(Refusal::TooLarge { bytes: encoded.len(), limit });
    }
    Ok(encoded)
}
