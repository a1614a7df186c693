//! What an agent says, checked and turned into work for the writer.
//!
//! A Hello that makes no sense ends the session; a batch that makes none is refused alone, with a
//! reason, and noted in the database.

use std::num::NonZeroU64;

use armol_analysis::{cause, identity::Name, time::Timestamp};
use armol_proto::{Refusal, batch::unpack, v1};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    status::SessionEnd,
    store::{Batch, Rejection, Resumption, SpoolKey, Unstorable, Work},
};

/// The longest text of an agent's making that is kept or sent back, in bytes: a refusal that quotes
/// a field of megabytes would be larger than the message that an agent reads.
const LONGEST_TEXT: usize = 1000;

/// A Hello that makes sense.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// Who speaks.
    pub(crate) key: SpoolKey,
    /// The agent's region.
    pub(crate) region: Name,
    /// The lowest sequence number that the agent still holds.
    pub(crate) oldest_sequence: i64,
    /// The sequence number that the agent's next batch will get.
    pub(crate) next_sequence: i64,
    /// The agent's version.
    pub(crate) build: String,
}

/// Why a batch is refused for good.
#[derive(Debug, Error)]
enum BatchRefusal {
    /// Its agent or spool is another than the session's.
    #[error("{field} is {found:?}, the session's Hello said {expected:?}")]
    Foreign { field: &'static str, found: String, expected: String },
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Refusal),
    /// It holds what the database cannot.
    #[error(transparent)]
    Unstorable(#[from] Unstorable),
}

impl Greeting {
    /// Reads a Hello.
    ///
    /// # Errors
    /// Names the field that holds what it must not.
    pub(crate) fn read(hello: v1::Hello) -> Result<Self, SessionEnd> {
        let invalid = |field, reason: String| {
            let reason = shortened(reason);
            SessionEnd::InvalidHello { field, reason }
        };
        let name = |field, text| Name::new(text).map_err(|error| invalid(field, error.to_string()));
        let sequence = |field, number: u64| {
            let positive =
                NonZeroU64::new(number).and_then(|number| i64::try_from(number.get()).ok());
            positive.ok_or_else(|| invalid(field, format!("{number} is not 1 to {}", i64::MAX)))
        };
        let spool = Uuid::from_slice(&hello.spool)
            .map_err(|error| invalid("Hello.spool", error.to_string()))?;
        let oldest_sequence = sequence("Hello.oldest_sequence", hello.oldest_sequence)?;
        let next_sequence = sequence("Hello.next_sequence", hello.next_sequence)?;
        if next_sequence < oldest_sequence {
            let reason = format!("{next_sequence} is below oldest_sequence {oldest_sequence}");
            return Err(invalid("Hello.next_sequence", reason));
        }
        Ok(Self {
            key: SpoolKey { agent: name("Hello.agent", hello.agent)?, spool },
            region: name("Hello.region", hello.region)?,
            oldest_sequence,
            next_sequence,
            build: shortened(hello.build),
        })
    }

    /// What to ask of the writer.
    pub(crate) fn resumption(&self, received_at: Timestamp) -> Resumption {
        Resumption {
            key: self.key.clone(),
            oldest_sequence: self.oldest_sequence,
            build: self.build.clone(),
            received_at,
        }
    }
}

/// Turns a batch into work: to store it, or to note why it was refused.
///
/// # Errors
/// Where a newer collector would know what the batch holds: it must not be refused for good.
pub(crate) fn receive(
    key: &SpoolKey,
    sequence: i64,
    batch: &v1::Batch,
    received_at: Timestamp,
) -> Result<Work, SessionEnd> {
    match storable(key, sequence, batch, received_at) {
        Ok(batch) => Ok(Work::Store(batch)),
        Err(BatchRefusal::Unreadable(refusal)) if refusal.is_unknown() => {
            Err(SessionEnd::NewerAgent(cause::chain(&refusal)))
        }
        Err(refusal) => Ok(Work::Reject(Rejection {
            key: key.clone(),
            sequence,
            reason: shortened(cause::chain(&refusal)),
            bytes: batch.payload.len(),
            received_at,
        })),
    }
}

fn storable(
    key: &SpoolKey,
    sequence: i64,
    batch: &v1::Batch,
    received_at: Timestamp,
) -> Result<Batch, BatchRefusal> {
    if batch.agent != key.agent.as_str() {
        return Err(BatchRefusal::Foreign {
            field: "Batch.agent",
            found: batch.agent.clone(),
            expected: key.agent.to_string(),
        });
    }
    if batch.spool != key.spool.as_bytes() {
        return Err(BatchRefusal::Foreign {
            field: "Batch.spool",
            found: Uuid::from_slice(&batch.spool)
                .map_or_else(|_| format!("{:02x?}", batch.spool), |spool| spool.to_string()),
            expected: key.spool.to_string(),
        });
    }
    let measurements = unpack(batch)?;
    Ok(Batch::new(key.clone(), sequence, received_at, &measurements)?)
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
    }
    text
}
