//! Why a message is not accepted.
//!
//! A refusal names the field, so that whoever sent the message can find what is wrong with it.

use thiserror::Error;

/// What is wrong with a message.
#[derive(Debug, Error)]
pub enum Refusal {
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field holds what it must not.
    #[error("{field} is invalid: {reason}")]
    Invalid {
        /// The field, with the messages that hold it.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A field holds a word that this version does not know.
    #[error("{field} is {value}, which is not known here; it was made by a newer version")]
    Unknown {
        /// The field, with the messages that hold it.
        field: &'static str,
        /// What it holds.
        value: String,
    },
    /// One measurement of several is refused.
    #[error("measurement {index} of the batch")]
    Measurement {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// The payload's checksum is another than the batch says.
    #[error("crc32c is {found:08x}, the batch says {expected:08x}: the payload was damaged")]
    Checksum {
        /// What the batch says.
        expected: u32,
        /// What the payload has.
        found: u32,
    },
    /// The payload is larger than what is accepted.
    #[error("payload of {bytes} bytes is larger than {limit}")]
    TooLarge {
        /// Its size, or the least it can have.
        bytes: usize,
        /// The largest size accepted.
        limit: usize,
    },
    /// The payload holds more of something than what is accepted.
    #[error("payload holds more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The largest number accepted.
        limit: usize,
    },
    /// The payload cannot be decompressed.
    #[error("payload cannot be decompressed")]
    Compression(#[source] std::io::Error),
    /// The payload is no encoded message.
    #[error("payload cannot be decoded")]
    Encoding(#[source] prost::DecodeError),
    /// The payload ends within a measurement.
    #[error("payload ends within a measurement")]
    CutOff,
    /// The payload holds another number of measurements than the batch says.
    #[error("batch says {said} rows, the payload holds {held}")]
    Rows {
        /// What the batch says.
        said: u32,
        /// What the payload holds.
        held: usize,
    },
}

impl Refusal {
    /// Whether a newer version would read it, so that it must not be given up.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Measurement { source, .. } => source.is_unknown(),
            _ => false,
        }
    }

    /// A word that this version does not know.
    pub(crate) fn unknown(field: &'static str, value: &impl ToString) -> Self {
        Self::Unknown { field, value: value.to_string() }
    }

    /// A field that holds what it must not, for a reason that can be shown.
    pub(crate) fn invalid(field: &'static str, reason: &impl ToString) -> Self {
        Self::Invalid { field, reason: reason.to_string() }
    }
}
