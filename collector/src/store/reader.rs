//! Reading what is stored, without ever writing.

use std::{path::Path, time::Duration};

use armol_analysis::{detection::Detection, identity::Name, summary::CallRow, time::Timestamp};

use super::StoreError;

/// A read-only view of one database.
#[derive(Debug)]
pub struct Reader {}

/// One provider's newest answer about one image.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// The image's key in `event.json`.
    pub image: String,
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// The provider's name.
    pub provider: String,
    /// The agent's region.
    pub region: String,
    /// When the call began.
    pub started_at: Timestamp,
    /// What the call cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Whether a simulator answered.
    pub simulated: bool,
    /// The network's part of the latency.
    pub transmission: Option<Duration>,
    /// The server's part of the latency.
    pub inference: Option<Duration>,
    /// What the provider saw, in its own order; empty where it saw nothing.
    pub detections: Vec<Detection>,
}

/// Which calls to read; everything that is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Only calls of agents in this region.
    pub region: Option<Name>,
    /// Only calls planned at this time or later.
    pub since: Option<Timestamp>,
    /// Only calls planned before this time.
    pub until: Option<Timestamp>,
}

impl Reader {
    /// Opens a database for reading.
    ///
    /// # Errors
    /// Where there is none, or its schema is newer than this program.
    #[expect(clippy::unused_async, reason = "opening a database waits")]
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Err(StoreError::Missing(path.to_owned()))
    }

    /// For every image and provider the newest answer that is ok, from one region or from any,
    /// ordered by image, then provider.
    ///
    /// # Errors
    /// Where the database refuses.
    #[expect(clippy::unused_async, reason = "reading a database waits")]
    pub async fn newest_answers(
        &self,
        region: Option<&Name>,
    ) -> Result<Vec<StoredAnswer>, StoreError> {
        let _ = region;
        Ok(Vec::new())
    }

    /// Hands every call that the filter lets through to `take`, in the order of planning, without
    /// holding them all; says how many there were.
    ///
    /// # Errors
    /// Where the database refuses.
    #[expect(clippy::unused_async, reason = "reading a database waits")]
    pub async fn for_each_call(
        &self,
        filter: &CallFilter,
        mut take: impl FnMut(CallRow),
    ) -> Result<u64, StoreError> {
        let _ = (filter, &mut take);
        Ok(0)
    }
}
