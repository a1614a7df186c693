//! All that is known of one call to one provider.
//!
//! A [`Call`] is made when it is planned, before money is spent; a [`Measurement`] is what became
//! of it. Agents make measurements, the wire carries them, the collector stores them.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    detection::Detection, identity::Name, outcome::Outcome, provider::Api, split::Split,
    time::Timestamp,
};

/// One request to one provider, as planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The call's identity for all time (UUID version 7), made when it was planned.
    pub uid: Uuid,
    /// The run of the schedule that planned it, shared by all of the run's calls.
    pub slice: Uuid,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// The agent that sends it.
    pub agent: Name,
    /// Where the agent is.
    pub region: Name,
    /// Whom it asks.
    pub provider: ProviderIdentity,
    /// The image it sends.
    pub image: ImageKey,
    /// 1 for the first try; a retry is a call of its own with the next number.
    pub attempt: u32,
}

/// A provider as one agent calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderIdentity {
    /// What reports call it.
    pub name: Name,
    /// The wire format it speaks.
    pub api: Api,
    /// Where the service is.
    pub region: Name,
    /// The URL that is called, without secrets.
    pub endpoint: String,
    /// Whether it is configured as a simulator, so that calls that are never answered are labelled
    /// too.
    pub simulated: bool,
}

/// An image by its name in `event.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageKey {
    /// The set it belongs to.
    pub bucket: String,
    /// Its file name.
    pub key: String,
}

/// An image by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageContent {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The file's size in bytes.
    pub bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The call as planned.
    pub call: Call,
    /// How it ended.
    pub outcome: Outcome,
    /// The image that was read for it; `None` where it was not read.
    pub content: Option<ImageContent>,
    /// What was measured; `None` where the call was never started.
    pub timing: Option<Timing>,
    /// The HTTP status of the response; `None` where there was none.
    pub http_status: Option<u16>,
    /// What the provider or the network said went wrong; `None` where the outcome is ok.
    pub failure: Option<Failure>,
    /// What the provider said; `None` where there was no response.
    pub answer: Option<Answer>,
    /// What the call is taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Whether a simulator answered, so that no figure passes for a real cloud's.
    pub simulated: bool,
}

impl Measurement {
    /// What is known of a call that was planned, but never sent.
    pub const fn unsent(call: Call, outcome: Outcome) -> Self {
        let simulated = call.provider.simulated;
        Self {
            call,
            outcome,
            content: None,
            timing: None,
            http_status: None,
            failure: None,
            answer: None,
            cost_microusd: 0,
            simulated,
        }
    }
}

/// Why a call failed, in the words of whoever said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A short code: the vendor's own, or the agent's where the network failed.
    pub code: String,
    /// One sentence, free of secrets.
    pub message: String,
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The response's body, unchanged.
    pub raw: Vec<u8>,
    /// The provider's own word for the model that answered; `None` where it does not say.
    pub model_version: Option<String>,
    /// The objects it reports, in its own order; empty where it failed.
    pub detections: Vec<Detection>,
}

/// When and between whom a call took place, and how long its parts took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When the agent began.
    pub started_at: Timestamp,
    /// The connection's ends; `None` where none was opened.
    pub ends: Option<ConnectionEnds>,
    /// The agent's own timers.
    pub application: ApplicationTimes,
    /// The latency split; `None` where there was no complete exchange.
    pub split: Option<Split>,
    /// The split by the kernel's stamps of the socket, beside one by packets and the same as
    /// `split` where there is none; `None` where the kernel gives no stamps.
    pub socket: Option<Split>,
}

/// Which connection carried a call, and where on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionEnds {
    /// This machine's end.
    pub client: SocketAddr,
    /// The provider's end.
    pub server: SocketAddr,
    /// The exchange's place on the connection, from 0.
    pub index: u32,
}

/// Timers around the agent's socket calls; `None` for a part that did not take place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplicationTimes {
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// Opening the TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// First to last write of the request, as the kernel took it.
    pub upload: Option<Duration>,
    /// Last write of the request to first read of the response.
    pub wait: Option<Duration>,
    /// First to last read of the response.
    pub download: Option<Duration>,
    /// All of the call, from its start to its end.
    pub total: Option<Duration>,
}

impl fmt::Display for ImageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.bucket, self.key)
    }
}
