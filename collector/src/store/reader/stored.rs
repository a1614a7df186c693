//! What data sets are made from: the newest good answers, and calls with the images they were about.
//!
//! An image is known by what it holds. A key says less: two buckets may have the same key, and a
//! file may change.

use std::time::Duration;

use armol_analysis::{
    detection::{BoundingBox, Detection},
    summary::CallRow,
    time::Timestamp,
};
use futures::TryStreamExt;
use sqlx::{Row, sqlite::SqliteRow};

use super::{
    CallFilter, Reader, StoreError, call_row, corrupt, filtered, get, length, reading, unsigned,
};

/// The detections of the newest good answers, one row each, and one row of nulls for an answer
/// without any. Beside `max()`, SQLite takes the other columns from the row that has it.
const ANSWERS: &str = "
    with newest as (
        select image_key, image_id, provider, id, max(started_at_ns)
        from request
        where outcome = 'ok' and image_id is not null and started_at_ns is not null
            and planned_at_ns >= ?1
            and (?2 is null or planned_at_ns < ?2)
            and (?3 is null or region = ?3)
        group by image_key, image_id, provider
    )
    select request.id, request.image_key, image.sha256, image.width, image.height,
        request.provider, request.region, request.started_at_ns, request.cost_microusd,
        request.simulated, request.upload_ns, request.inference_ns, request.download_ns,
        detection.label, detection.score,
        detection.left, detection.top, detection.right, detection.bottom
    from newest
    join request on request.id = newest.id
    join image on image.id = request.image_id
    left join detection on detection.request_id = request.id
    order by newest.image_key, newest.image_id, newest.provider, detection.ord";

/// The calls of a span of time with their images, in the order of planning.
const CALLS_WITH_IMAGES: &str = "
    select request.*, image.sha256 as image_sha256, image.bytes as image_bytes
    from request
    left join image on image.id = request.image_id
    where planned_at_ns >= ?1
        and (?2 is null or planned_at_ns < ?2)
        and (?3 is null or region = ?3)
    order by planned_at_ns, request.id";

/// One provider's newest answer about what one image held, under one key.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// The image's key in `event.json`.
    pub image: String,
    /// SHA-256 of what the image held.
    pub sha256: [u8; 32],
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

/// The image that a call was about, by what it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalledImage {
    /// SHA-256 of what the image held.
    pub sha256: [u8; 32],
    /// Size of the image's file.
    pub bytes: u64,
}

impl Reader {
    /// For every key, content and provider the newest answer that is ok among the calls that the
    /// filter lets through, ordered by key.
    ///
    /// # Errors
    /// Where the database refuses, or holds what no collector writes.
    pub async fn newest_answers(
        &self,
        filter: &CallFilter,
    ) -> Result<Vec<StoredAnswer>, StoreError> {
        let mut connection = self.connection().await?;
        let mut rows = filtered(ANSWERS, filter).fetch(&mut *connection);
        let mut answers = Vec::new();
        let mut last_id = None;
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            let id: i64 = get(&row, "id")?;
            if last_id != Some(id) {
                last_id = Some(id);
                answers.push(stored_answer(&row)?);
            }
            if let (Some(detection), Some(answer)) = (detection(&row)?, answers.last_mut()) {
                answer.detections.push(detection);
            }
        }
        Ok(answers)
    }

    /// As [`for_each_call`](Self::for_each_call), with the image that each call was about; `None`
    /// where the image was not read.
    ///
    /// # Errors
    /// Where the database refuses, or holds what no collector writes.
    pub async fn for_each_call_with_image(
        &self,
        filter: &CallFilter,
        mut take: impl FnMut(CallRow, Option<CalledImage>),
    ) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let mut rows = filtered(CALLS_WITH_IMAGES, filter).fetch(&mut *connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            take(call_row(&row)?, called_image(&row)?);
            count += 1;
        }
        Ok(count)
    }
}

fn called_image(row: &SqliteRow) -> Result<Option<CalledImage>, StoreError> {
    if get::<Option<i64>>(row, "image_bytes")?.is_none() {
        return Ok(None);
    }
    let (sha256, bytes) = (content(row, "image_sha256")?, unsigned(row, "image_bytes")?);
    Ok(Some(CalledImage { sha256, bytes }))
}

fn stored_answer(row: &SqliteRow) -> Result<StoredAnswer, StoreError> {
    let upload = length(row, "upload_ns")?;
    let download = length(row, "download_ns")?;
    Ok(StoredAnswer {
        image: get(row, "image_key")?,
        sha256: content(row, "sha256")?,
        width: get(row, "width")?,
        height: get(row, "height")?,
        provider: get(row, "provider")?,
        region: get(row, "region")?,
        started_at: Timestamp::from_unix_ns(get(row, "started_at_ns")?),
        cost_microusd: unsigned(row, "cost_microusd")?,
        simulated: get(row, "simulated")?,
        transmission: upload.zip(download).map(|(up, down)| up.saturating_add(down)),
        inference: length(row, "inference_ns")?,
        detections: Vec::new(),
    })
}

/// The row's detection; `None` in the one row of an answer that has none.
fn detection(row: &SqliteRow) -> Result<Option<Detection>, StoreError> {
    let Some(label) = get::<Option<String>>(row, "label")? else { return Ok(None) };
    let corners: [Option<f64>; 4] =
        [get(row, "left")?, get(row, "top")?, get(row, "right")?, get(row, "bottom")?];
    let bbox = match corners {
        [None, None, None, None] => None,
        [Some(left), Some(top), Some(right), Some(bottom)] => Some(
            BoundingBox::from_corners([left, top, right, bottom])
                .map_err(|_| corrupt("left, top, right, bottom", &corners))?,
        ),
        _ => return Err(corrupt("left, top, right, bottom", &corners)),
    };
    let score = get(row, "score")?;
    Detection::new(label, score, bbox).map(Some).map_err(|_| corrupt("score", &score))
}

fn content(row: &SqliteRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    let sha256: &[u8] = row.try_get(column).map_err(reading)?;
    sha256.try_into().map_err(|_| corrupt(column, &sha256))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::plan, *};

    #[tokio::test]
    async fn newest_answers_are_found_in_their_index_alone() {
        let plan = plan(ANSWERS).await;
        assert!(plan.contains("USING COVERING INDEX request_by_answer"), "{plan}");
        assert!(!plan.contains("GROUP BY"), "{plan}");
        for table in ["request", "image", "detection"] {
            assert!(plan.contains(&format!("SEARCH {table} USING")), "{plan}");
        }
    }

    #[tokio::test]
    async fn calls_with_images_are_read_in_the_order_of_their_index() {
        let plan = plan(CALLS_WITH_IMAGES).await;
        assert!(plan.contains("request USING INDEX request_by_time"), "{plan}");
        assert!(!plan.contains("ORDER BY"), "{plan}");
    }
}
