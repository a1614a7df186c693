//! What a session that ends early tells the agent.
//!
//! A code says whether coming back helps: `unavailable` does, later; the others do not until
//! something is changed. Causes inside the collector are logged, not sent.

use thiserror::Error;
use tonic::Status;

use crate::store::NotStored;

/// Why a session ends.
#[derive(Debug, Error)]
pub(crate) enum SessionEnd {
    /// The first message is no Hello, or a later one is.
    #[error("the first message of a session must be a Hello, and no other")]
    HelloFirst,
    /// A message holds nothing that this collector knows.
    #[error("message is empty or of an unknown kind; is the collector older than the agent?")]
    UnknownMessage,
    /// A field of the Hello holds what it must not.
    #[error("{field} is invalid: {reason}")]
    InvalidHello {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A batch that cannot even be named.
    #[error("Batch.sequence is {0}; it must be 1 to {max}", max = i64::MAX)]
    Sequence(u64),
    /// A batch holds words that this collector does not know.
    #[error("{0}; run the newer collector first, the agent keeps what it has until then")]
    NewerAgent(String),
    /// The spool is an older copy of itself, and would use its sequence numbers again.
    #[error(
        "the spool's next batch is {next}, but {stored} is stored already: it was restored from a \
         copy; move the spool away, so that the agent makes another"
    )]
    RestoredSpool {
        /// What the spool says.
        next: i64,
        /// The highest that the collector has of it.
        stored: i64,
    },
    /// The database did not store what was sent.
    #[error("the collector could not store; all that is not acknowledged has to be sent again")]
    NotStored,
    /// The collector stops.
    #[error("the collector is shutting down")]
    ShuttingDown,
    /// The agent or the network broke the stream off.
    #[error("the stream broke off")]
    Broken(#[source] Status),
}

impl From<NotStored> for SessionEnd {
    fn from(NotStored: NotStored) -> Self {
        Self::NotStored
    }
}

impl From<SessionEnd> for Status {
    fn from(end: SessionEnd) -> Self {
        let text = end.to_string();
        match end {
            SessionEnd::HelloFirst
            | SessionEnd::UnknownMessage
            | SessionEnd::InvalidHello { .. }
            | SessionEnd::Sequence(_) => Self::invalid_argument(text),
            SessionEnd::NewerAgent(_) | SessionEnd::RestoredSpool { .. } => {
                Self::failed_precondition(text)
            }
            SessionEnd::NotStored | SessionEnd::ShuttingDown => Self::unavailable(text),
            SessionEnd::Broken(status) => status,
        }
    }
}
