//! Reading what is stored, without ever writing.

use std::{fmt::Debug, path::Path, time::Duration};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    outcome::Outcome,
    split::SplitFlags,
    summary::CallRow,
    time::{Timestamp, duration_from_ns},
};
use futures::TryStreamExt;
use sqlx::{
    Decode, Row, Sqlite, SqlitePool, Type,
    pool::PoolConnection,
    sqlite::{SqlitePoolOptions, SqliteRow},
};
use uuid::Uuid;

use super::{StoreError, schema};

/// How many questions are answered at once; the next waits.
const CONNECTIONS: u32 = 4;

/// The calls of a span of time, in the order of planning.
const CALLS: &str = "
    select uid, agent, region, provider, provider_region, planned_at_ns, started_at_ns, outcome,
        outcome_detail, method, flags, upload_ns, inference_ns, download_ns, cost_microusd,
        simulated, server_address
    from request
    where planned_at_ns >= ?1
        and (?2 is null or planned_at_ns < ?2)
        and (?3 is null or region = ?3)
    order by planned_at_ns, id";

/// The detections of the newest good answers, one row each, and one row of nulls for an answer
/// without any. Beside `max()`, SQLite takes the other columns from the row that has it.
const ANSWERS: &str = "
    with newest as (
        select image_key, provider, id, max(started_at_ns)
        from request
        where outcome = 'ok' and image_id is not null and started_at_ns is not null
            and (?1 is null or region = ?1)
        group by image_key, provider
    )
    select request.id, request.image_key, image.width, image.height, request.provider,
        request.region, request.started_at_ns, request.cost_microusd, request.simulated,
        request.upload_ns, request.inference_ns, request.download_ns,
        detection.label, detection.score,
        detection.left, detection.top, detection.right, detection.bottom
    from newest
    join request on request.id = newest.id
    join image on image.id = request.image_id
    left join detection on detection.request_id = request.id
    order by newest.image_key, newest.provider, detection.ord";

/// A read-only view of one database.
///
/// # Examples
/// ```no_run
/// # use armol_collector::store::{CallFilter, Reader, StoreError};
/// # async fn example() -> Result<(), StoreError> {
/// let reader = Reader::open("armol.sqlite".as_ref()).await?;
/// let mut simulated = 0;
/// let filter = CallFilter::default();
/// let calls = reader.for_each_call(&filter, |call| simulated += u64::from(call.simulated)).await?;
/// println!("{simulated} of {calls} calls were answered by a simulator");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    pool: SqlitePool,
}

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
    /// Where there is none, it is none of a collector, or its schema is newer than this program.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        let refused = |source| schema::refused(path, source);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(schema::options_for_reading(path))
            .await
            .map_err(refused)?;
        let mut connection = pool.acquire().await.map_err(refused)?;
        schema::recognise(path, &mut connection).await?;
        drop(connection);
        Ok(Self { pool })
    }

    /// For every image and provider the newest answer that is ok, from one region or from any,
    /// ordered by image, then provider. An image is known by its key alone, whatever its bucket.
    ///
    /// # Errors
    /// Where the database refuses, or holds what no collector writes.
    pub async fn newest_answers(
        &self,
        region: Option<&Name>,
    ) -> Result<Vec<StoredAnswer>, StoreError> {
        let mut connection = self.connection().await?;
        let mut rows = sqlx::query(ANSWERS).bind(region.map(Name::as_str)).fetch(&mut *connection);
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

    /// Hands every call that the filter lets through to `take`, in the order of planning, without
    /// holding them all; says how many there were.
    ///
    /// # Errors
    /// Where the database refuses, or holds what no collector writes.
    pub async fn for_each_call(
        &self,
        filter: &CallFilter,
        mut take: impl FnMut(CallRow),
    ) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let mut rows = sqlx::query(CALLS)
            .bind(filter.since.map_or(i64::MIN, Timestamp::unix_ns))
            .bind(filter.until.map(Timestamp::unix_ns))
            .bind(filter.region.as_ref().map(Name::as_str))
            .fetch(&mut *connection);
        let mut count = 0;
        while let Some(row) = rows.try_next().await.map_err(reading)? {
            take(call_row(&row)?);
            count += 1;
        }
        Ok(count)
    }

    pub(super) async fn connection(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.pool.acquire().await.map_err(reading)
    }
}

fn call_row(row: &SqliteRow) -> Result<CallRow, StoreError> {
    let word: &str = get(row, "outcome")?;
    let detail: Option<&str> = get(row, "outcome_detail")?;
    let outcome = Outcome::from_words(word, detail)
        .ok_or_else(|| corrupt("outcome, outcome_detail", &(word, detail)))?;
    let method: Option<&str> = get(row, "method")?;
    let started_at: Option<i64> = get(row, "started_at_ns")?;
    let uid: &[u8] = get(row, "uid")?;
    Ok(CallRow {
        uid: Uuid::from_slice(uid).map_err(|_| corrupt("uid", &uid))?,
        agent: get(row, "agent")?,
        region: get(row, "region")?,
        provider: get(row, "provider")?,
        provider_region: get(row, "provider_region")?,
        planned_at: Timestamp::from_unix_ns(get(row, "planned_at_ns")?),
        started_at: started_at.map(Timestamp::from_unix_ns),
        outcome,
        method: method.map(str::parse).transpose().map_err(|_| corrupt("method", &method))?,
        flags: flags(get(row, "flags")?)?,
        upload: length(row, "upload_ns")?,
        inference: length(row, "inference_ns")?,
        download: length(row, "download_ns")?,
        cost_microusd: unsigned(row, "cost_microusd")?,
        simulated: get(row, "simulated")?,
        server_ip: get(row, "server_address")?,
    })
}

fn stored_answer(row: &SqliteRow) -> Result<StoredAnswer, StoreError> {
    let upload = length(row, "upload_ns")?;
    let download = length(row, "download_ns")?;
    Ok(StoredAnswer {
        image: get(row, "image_key")?,
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

fn flags(bits: Option<i64>) -> Result<SplitFlags, StoreError> {
    let Some(bits) = bits else { return Ok(SplitFlags::empty()) };
    let known = u32::try_from(bits).ok().and_then(SplitFlags::from_bits);
    known.ok_or_else(|| corrupt("flags", &bits))
}

fn length(row: &SqliteRow, column: &'static str) -> Result<Option<Duration>, StoreError> {
    let Some(nanoseconds) = get(row, column)? else { return Ok(None) };
    duration_from_ns(nanoseconds).map(Some).ok_or_else(|| corrupt(column, &nanoseconds))
}

fn unsigned(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|_| corrupt(column, &number))
}

fn get<'row, T>(row: &'row SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'row, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(reading)
}

fn reading(source: sqlx::Error) -> StoreError {
    StoreError::Database { doing: "reading what is stored", source }
}

fn corrupt(column: &'static str, found: &impl Debug) -> StoreError {
    StoreError::Corrupt { column, found: format!("{found:?}") }
}

#[cfg(test)]
mod tests {
    use sqlx::QueryBuilder;

    use super::*;
    use crate::store::Store;

    /// How SQLite would answer, one step a line.
    async fn plan(sql: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("armol.sqlite");
        let (store, writer) = Store::open(&path).await.unwrap();
        drop(writer);
        store.run(tokio_util::sync::CancellationToken::new()).await.unwrap();
        let mut connection = Reader::open(&path).await.unwrap().connection().await.unwrap();
        let mut query = QueryBuilder::<Sqlite>::new("explain query plan ");
        let rows = query.push(sql).build().fetch_all(&mut *connection).await.unwrap();
        let steps = rows.iter().map(|row| row.get("detail"));
        steps.collect::<Vec<String>>().join("\n")
    }

    #[tokio::test]
    async fn a_span_of_time_is_read_from_its_index_without_sorting() {
        let plan = plan(CALLS).await;
        assert_eq!(plan, "SEARCH request USING INDEX request_by_time (planned_at_ns>?)");
    }

    #[tokio::test]
    async fn newest_answers_are_found_in_their_index_alone() {
        let plan = plan(ANSWERS).await;
        assert!(plan.contains("USING COVERING INDEX request_by_answer"), "{plan}");
        assert!(!plan.contains("GROUP BY"), "{plan}");
        for table in ["request", "image", "detection"] {
            assert!(plan.contains(&format!("SEARCH {table} USING")), "{plan}");
        }
    }
}
