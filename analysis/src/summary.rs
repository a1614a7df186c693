//! Many calls as a few numbers.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    outcome::Outcome,
    split::{SplitFlags, SplitMethod},
    time::Timestamp,
};

/// One call as summaries and reports see it: what `v_request` has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// The call.
    pub uid: Uuid,
    /// The agent that planned it.
    pub agent: String,
    /// The agent's region.
    pub region: String,
    /// Whom it asked.
    pub provider: String,
    /// Where the provider is.
    pub provider_region: String,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it began; `None` where it was never started.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the split comes from; `None` where there is none.
    pub method: Option<SplitMethod>,
    /// What to know before trusting the split.
    pub flags: SplitFlags,
    /// The network's part up; `None` where it was not measured.
    pub upload: Option<Duration>,
    /// The server's part; `None` where it was not measured.
    pub inference: Option<Duration>,
    /// The network's part down; `None` where it was not measured.
    pub download: Option<Duration>,
    /// What the call is taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Whether a simulator answered.
    pub simulated: bool,
    /// The address that answered; `None` where no connection was opened.
    pub server_ip: Option<String>,
}

impl CallRow {
    /// The network's part: upload plus download.
    pub fn transmission(&self) -> Option<Duration> {
        self.upload?.checked_add(self.download?)
    }
}
