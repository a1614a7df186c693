//! What a simulated provider says is true of a call: the line that it writes for each request.
//!
//! The simulation writes these lines and reports read them, so both use this one form. A line is
//! a JSON object; a file of them is named for the provider, `aws.jsonl`.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// One request that a simulated provider received to its last byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthRecord {
    /// The call, as the request itself names it; `None` where a client does not say.
    pub uid: Option<Uuid>,
    /// The simulated provider.
    pub provider: String,
    /// The client's end of the connection.
    pub client: SocketAddr,
    /// SHA-256 of the image in the request, in hexadecimal; `None` where it held none.
    pub image_sha256: Option<String>,
    /// When the request's last byte was read from the socket.
    pub request_last_ns: Timestamp,
    /// When the response's first byte was written to the socket; `None` where none was.
    pub response_first_ns: Option<Timestamp>,
    /// The HTTP status of the response; `None` where there was none.
    pub status: Option<u16>,
    /// Why it did not answer as asked: "throttle", "error", "reset", "stall", "refused"; `None`
    /// where it did.
    pub fault: Option<String>,
}

impl TruthRecord {
    /// The true inference time; `None` where there was no response.
    pub fn inference(&self) -> Option<Duration> {
        self.response_first_ns?.since(self.request_last_ns)
    }
}
