//! Reading what is stored, without ever writing.

use std::{path::Path, time::Duration};

use armol_analysis::{detection::Detection, identity::Name, time::Timestamp};

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
}
