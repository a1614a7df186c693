//! Reading what is stored, without ever writing.

mod stored;

use std::{fmt::Debug, path::Path, time::Duration};

use armol_analysis::{
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
    query::Query,
    sqlite::{SqliteArguments, SqlitePoolOptions, SqliteRow},
};
use uuid::Uuid;

use super::{StoreError, schema};

pub use stored::{CalledImage, StoredAnswer};

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
        let mut rows = filtered(CALLS, filter).fetch(&mut *connection);
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

/// A question whose first three values are the span of planning and the region.
fn filtered<'filter>(
    sql: &'static str,
    filter: &'filter CallFilter,
) -> Query<'filter, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(filter.since.map_or(i64::MIN, Timestamp::unix_ns))
        .bind(filter.until.map(Timestamp::unix_ns))
        .bind(filter.region.as_ref().map(Name::as_str))
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
    pub(super) async fn plan(sql: &str) -> String {
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
}
