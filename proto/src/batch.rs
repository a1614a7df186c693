//! Many measurements as one message: packed once when spooled, sent unchanged, unpacked once.
//!
//! The payload is encoded and compressed a single time; the checksum covers it on the agent's disk
//! and on the wire alike.

use std::io::{self, Read};

use armol_analysis::{identity::Name, measurement::Measurement};
use prost::{
    Message,
    encoding::{DecodeContext, WireType, decode_key, skip_field},
};
use uuid::Uuid;

use crate::{conversion, refusal::Refusal, v1};

/// The largest compressed payload that is accepted, in bytes; below the 4 MiB message limit of
/// gRPC's defaults, with room for the envelope.
pub const LARGEST_PAYLOAD: usize = 4 * 1024 * 1024 - 64 * 1024;

/// The largest payload after decompression that is accepted, in bytes: no message of a few
/// kilobytes may ask for more memory than this.
pub const LARGEST_DECOMPRESSED: usize = 64 * 1024 * 1024;

/// The most measurements that one batch may hold.
pub const MOST_MEASUREMENTS: usize = 65_536;

/// The most detections that the measurements of one batch may hold together.
pub const MOST_DETECTIONS: usize = 1_000_000;

/// The largest encoded measurement that is accepted, in bytes.
pub const LARGEST_MEASUREMENT: usize = 8 * 1024 * 1024;

/// The number of `Measurements.measurements`.
const MEASUREMENTS_TAG: u32 = 1;

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
        _ => return Err(Refusal::unknown("Batch.codec", &batch.codec)),
    };
    read_measurements(&encoded, batch)
}

/// Reads measurements one by one. An empty message takes two bytes and some hundred in memory, so
/// that decoding all of them at once would let a small payload ask for all the memory there is.
fn read_measurements(encoded: &[u8], batch: &v1::Batch) -> Result<Vec<Measurement>, Refusal> {
    let mut rest = encoded;
    let mut measurements = Vec::new();
    let mut detections = 0_usize;
    while let Some(message) = next_measurement(&mut rest)? {
        let index = measurements.len();
        if index == MOST_MEASUREMENTS {
            return Err(Refusal::TooMany { what: "measurements", limit: MOST_MEASUREMENTS });
        }
        let measurement = read_measurement(message, &batch.agent)
            .map_err(|source| Refusal::Measurement { index, source: Box::new(source) })?;
        let answer = measurement.answer.as_ref();
        detections = detections.saturating_add(answer.map_or(0, |answer| answer.detections.len()));
        if detections > MOST_DETECTIONS {
            return Err(Refusal::TooMany { what: "detections", limit: MOST_DETECTIONS });
        }
        measurements.push(measurement);
    }
    if usize::try_from(batch.rows).ok() != Some(measurements.len()) {
        return Err(Refusal::Rows { said: batch.rows, held: measurements.len() });
    }
    Ok(measurements)
}

fn read_measurement(encoded: &[u8], agent: &str) -> Result<Measurement, Refusal> {
    if encoded.len() > LARGEST_MEASUREMENT {
        return Err(Refusal::TooLarge { bytes: encoded.len(), limit: LARGEST_MEASUREMENT });
    }
    let message = v1::Measurement::decode(encoded).map_err(Refusal::Encoding)?;
    let measurement = conversion::from_wire(message)?;
    if measurement.call.agent.as_str() == agent {
        Ok(measurement)
    } else {
        Err(Refusal::invalid("Call.agent", &"not the batch's agent"))
    }
}

/// Takes the next measurement of an encoded `Measurements`; `None` at its end.
fn next_measurement<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Refusal> {
    while !rest.is_empty() {
        let (tag, wire_type) = decode_key(rest).map_err(Refusal::Encoding)?;
        if (tag, wire_type) == (MEASUREMENTS_TAG, WireType::LengthDelimited) {
            let length = prost::decode_length_delimiter(&mut *rest).map_err(Refusal::Encoding)?;
            return rest.split_off(..length).map(Some).ok_or(Refusal::CutOff);
        }
        // A field that a later version added.
        skip_field(wire_type, tag, rest, DecodeContext::default()).map_err(Refusal::Encoding)?;
    }
    Ok(None)
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
