//! The spool's SQLite file: schema, statements, and the bound on its size.

use std::{path::Path, time::Duration};

use armol_analysis::{
    identity::Name,
    measurement::{Call, Measurement},
    time::Timestamp,
};
use armol_proto::v1;
use prost::Message;
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteRow,
        SqliteSynchronous,
    },
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Contents, Leftover, Outbox, SpoolError, packing::pack_within_limit};

const SCHEMA: &str = include_str!("schema.sql");

/// The schema's version that this program knows.
const VERSION: i64 = 1;

/// Bytes of a page of the file; SQLite's own default.
const PAGE_BYTES: u32 = 4096;

/// What part of the bound is kept for answers to calls that are under way: a quarter.
const RESERVE: u64 = 4;

/// How long to wait for another process that has the file open: one that is just ending.
const BUSY: Duration = Duration::from_secs(1);

/// SQLite's result codes: <https://www.sqlite.org/rescode.html>.
const SQLITE_BUSY: &str = "5";
const SQLITE_CORRUPT: &str = "11";
const SQLITE_FULL: &str = "13";
const SQLITE_NOTADB: &str = "26";

/// The open file.
#[derive(Debug)]
pub(super) struct Database {
    connection: SqliteConnection,
    spool: Uuid,
    agent: Name,
    /// Told before whoever asked is answered.
    outbox: watch::Sender<Outbox>,
    limit: u64,
}

/// Whether an error says that the file is damaged.
pub(super) fn is_damaged(error: &SpoolError) -> bool {
    match error {
        SpoolError::Database { source, .. } => {
            has_code(source, SQLITE_CORRUPT) || has_code(source, SQLITE_NOTADB)
        }
        SpoolError::Unreadable { .. } => true,
        _ => false,
    }
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    let found = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Extended codes hold the primary one in their low byte.
    found
        .and_then(|found| found.parse::<u32>().ok())
        .is_some_and(|found| (found & 0xff).to_string() == code)
}

impl Database {
    /// Opens the file, making it where it is not there.
    pub(super) async fn open(path: &Path, agent: &Name, limit: u64) -> Result<Self, SpoolError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY)
            .page_size(PAGE_BYTES)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", "16777216")
            .pragma("max_page_count", (limit / u64::from(PAGE_BYTES)).to_string());
        let failed = |source: sqlx::Error| {
            if has_code(&source, SQLITE_BUSY) {
                SpoolError::InUse { path: path.to_owned() }
            } else {
                SpoolError::Database { doing: "opening", source }
            }
        };
        let mut connection = options.connect().await.map_err(failed)?;
        // Taking the write lock once makes it exclusive for as long as the file is open.
        sqlx::query("begin immediate").execute(&mut connection).await.map_err(failed)?;
        let found = sqlx::query_scalar("pragma user_version")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        match found {
            0 => {
                sqlx::raw_sql(SCHEMA).execute(&mut connection).await.map_err(failed)?;
                sqlx::query(
                    "insert into spool (id, spool, agent, next_sequence) values (1, $1, $2, 1)",
                )
                .bind(Uuid::now_v7().as_bytes().as_slice())
                .bind(agent.as_str())
                .execute(&mut connection)
                .await
                .map_err(failed)?;
            }
            VERSION => {}
            _ => {
                let path = path.to_owned();
                return Err(SpoolError::Newer { path, found, known: VERSION });
            }
        }
        sqlx::query("commit").execute(&mut connection).await.map_err(failed)?;
        Self::with_identity(connection, path, agent, limit).await
    }

    /// Reads what the spool is, refusing another agent's.
    async fn with_identity(
        mut connection: SqliteConnection,
        path: &Path,
        agent: &Name,
        limit: u64,
    ) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Database { doing: "reading its identity", source };
        let row = sqlx::query(
            "select spool, agent, next_sequence, (select count(*) from outbox) as batches from spool",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
        let owner = row.try_get::<String, _>("agent").map_err(failed)?;
        if owner != agent.as_str() {
            return Err(SpoolError::Foreign { path: path.to_owned(), owner });
        }
        let spool = Uuid::from_slice(row.try_get("spool").map_err(failed)?)
            .map_err(|error| unreadable("spool id", error))?;
        let outbox = Outbox {
            next_sequence: unsigned(&row, "next_sequence").map_err(failed)?,
            batches: unsigned(&row, "batches").map_err(failed)?,
        };
        let outbox = watch::Sender::new(outbox);
        Ok(Self { connection, spool, agent: agent.clone(), outbox, limit })
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Outbox> {
        self.outbox.subscribe()
    }

    pub(super) async fn plan(&mut self, calls: &[Call]) -> Result<(), SpoolError> {
        const DOING: &str = "writing down a plan";
        let limit = self.limit;
        let failed = |source| full_or(source, limit, DOING);
        let mut texts = Vec::with_capacity(calls.len());
        for call in calls {
            texts.push(serde_json::to_string(call).map_err(|error| unreadable("call", error))?);
        }
        let insert = async |connection: &mut SqliteConnection| {
            for (call, text) in calls.iter().zip(texts) {
                sqlx::query("insert into plan (uid, call) values ($1, $2)")
                    .bind(call.uid.as_bytes().as_slice())
                    .bind(text)
                    .execute(&mut *connection)
                    .await?;
            }
            Ok(())
        };
        self.commit(insert).await.map_err(failed)
    }

    pub(super) async fn start(&mut self, uid: Uuid, now: Timestamp) -> Result<(), SpoolError> {
        let limit = self.limit;
        let failed = |source| full_or(source, limit, "writing down the start of a call");
        if self.used_bytes().await.map_err(failed)? > limit - limit / RESERVE {
            return Err(SpoolError::Full { limit });
        }
        sqlx::query("update plan set started_at_ns = $1 where uid = $2")
            .bind(now.unix_ns())
            .bind(uid.as_bytes().as_slice())
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Puts measurements into the outbox and takes their plans out, all or none.
    pub(super) async fn finish(&mut self, measurements: &[Measurement]) -> Result<(), SpoolError> {
        let limit = self.limit;
        let failed = |source| full_or(source, limit, "keeping a measurement");
        let mut batches = Vec::new();
        let mut outbox = *self.outbox.borrow();
        let first = outbox.next_sequence;
        pack_within_limit(&self.agent, self.spool, first, measurements, &mut batches)
            .map_err(SpoolError::Pack)?;
        if let Some(last) = batches.last() {
            outbox.next_sequence = last.sequence + 1;
        }
        outbox.batches += u64::try_from(batches.len()).unwrap_or(u64::MAX);
        let replace = async |connection: &mut SqliteConnection| {
            for measurement in measurements {
                sqlx::query("delete from plan where uid = $1")
                    .bind(measurement.call.uid.as_bytes().as_slice())
                    .execute(&mut *connection)
                    .await?;
            }
            for batch in batches {
                sqlx::query("insert into outbox (sequence, rows, batch) values ($1, $2, $3)")
                    .bind(signed(batch.sequence))
                    .bind(i64::from(batch.rows))
                    .bind(batch.encode_to_vec())
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query("update spool set next_sequence = $1")
                .bind(signed(outbox.next_sequence))
                .execute(connection)
                .await
                .map(drop)
        };
        self.commit(replace).await.map_err(failed)?;
        self.outbox.send_replace(outbox);
        Ok(())
    }

    pub(super) async fn leftovers(&mut self) -> Result<Vec<Leftover>, SpoolError> {
        let failed = |source| SpoolError::Database { doing: "reading plans", source };
        let rows = sqlx::query("select call, started_at_ns from plan order by place")
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed)?;
        let mut leftovers = Vec::with_capacity(rows.len());
        for row in rows {
            let call = match serde_json::from_str(row.try_get("call").map_err(failed)?) {
                Ok(call) => call,
                Err(error) => {
                    tracing::error!(%error, "a planned call is unreadable; it stays in the spool");
                    continue;
                }
            };
            let started_at = row.try_get::<Option<i64>, _>("started_at_ns").map_err(failed)?;
            leftovers.push(Leftover { call, started_at: started_at.map(Timestamp::from_unix_ns) });
        }
        Ok(leftovers)
    }

    pub(super) async fn batches(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<v1::Batch>, SpoolError> {
        let failed = |source| SpoolError::Database { doing: "reading batches", source };
        let rows = sqlx::query(
            "select sequence, batch from outbox where sequence > $1 order by sequence limit $2",
        )
        .bind(signed(after))
        .bind(i64::from(limit))
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed)?;
        let mut batches = Vec::with_capacity(rows.len());
        for row in rows {
            let bytes = row.try_get::<&[u8], _>("batch").map_err(failed)?;
            match v1::Batch::decode(bytes) {
                Ok(batch) => batches.push(batch),
                Err(error) => {
                    let sequence = unsigned(&row, "sequence").map_err(failed)?;
                    tracing::error!(sequence, %error, "a batch is unreadable and is set aside");
                    self.set_aside(sequence, "unreadable in the spool").await?;
                }
            }
        }
        Ok(batches)
    }

    pub(super) async fn acknowledge(&mut self, sequence: u64) -> Result<(), SpoolError> {
        let failed = |source| SpoolError::Database { doing: "deleting delivered batches", source };
        let deleted = sqlx::query("delete from outbox where sequence <= $1")
            .bind(signed(sequence))
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        self.left_outbox(deleted.rows_affected());
        self.shrink().await.map_err(failed)
    }

    pub(super) async fn set_aside(
        &mut self,
        sequence: u64,
        reason: &str,
    ) -> Result<(), SpoolError> {
        let limit = self.limit;
        let failed = |source| full_or(source, limit, "setting a batch aside");
        let set_aside = async |connection: &mut SqliteConnection| {
            // Deleted first, so that its pages take it in again where the spool is full.
            let moved = sqlx::query("delete from outbox where sequence = $1 returning rows, batch")
                .bind(signed(sequence))
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(batch) = &moved {
                sqlx::query(
                    "insert into dead_letter (sequence, rows, batch, reason)
                     values ($1, $2, $3, $4)",
                )
                .bind(signed(sequence))
                .bind(batch.try_get::<i64, _>("rows")?)
                .bind(batch.try_get::<&[u8], _>("batch")?)
                .bind(reason)
                .execute(connection)
                .await?;
            }
            Ok(u64::from(moved.is_some()))
        };
        let moved = self.commit(set_aside).await.map_err(failed)?;
        self.left_outbox(moved);
        Ok(())
    }

    pub(super) async fn contents(&mut self) -> Result<Contents, SpoolError> {
        let failed = |source| SpoolError::Database { doing: "counting", source };
        let outbox = *self.outbox.borrow();
        let row = sqlx::query(
            "select (select count(*) from plan) as planned,
                    (select coalesce(sum(rows), 0) from outbox) as rows,
                    (select coalesce(sum(rows), 0) from dead_letter) as dead,
                    (select coalesce(min(sequence), $1) from outbox) as oldest",
        )
        .bind(signed(outbox.next_sequence))
        .fetch_one(&mut self.connection)
        .await
        .map_err(failed)?;
        let count = |column| unsigned(&row, column).map_err(failed);
        Ok(Contents {
            spool: self.spool,
            planned: count("planned")?,
            batches: outbox.batches,
            rows: count("rows")?,
            dead: count("dead")?,
            oldest_sequence: count("oldest")?,
            next_sequence: outbox.next_sequence,
        })
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the spool did not close cleanly; nothing is lost");
        }
    }

    /// Does all of the work in one transaction, or none of it.
    ///
    /// SQLite rolls back by itself where the disk is full. sqlx's transactions do not notice: they
    /// count one open for good, and commit nothing from then on.
    async fn commit<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let connection = &mut self.connection;
        sqlx::query("begin immediate").execute(&mut *connection).await?;
        let done = match work(&mut *connection).await {
            Ok(done) => sqlx::query("commit").execute(&mut *connection).await.map(|_| done),
            Err(error) => Err(error),
        };
        if done.is_err()
            && let Err(error) = sqlx::query("rollback").execute(connection).await
        {
            tracing::debug!(%error, "nothing to roll back");
        }
        done
    }

    fn left_outbox(&self, batches: u64) {
        self.outbox.send_if_modified(|outbox| {
            outbox.batches = outbox.batches.saturating_sub(batches);
            batches > 0
        });
    }

    /// Bytes of the file that hold something.
    async fn used_bytes(&mut self) -> Result<u64, sqlx::Error> {
        let pages = sqlx::query_scalar::<_, i64>("pragma page_count")
            .fetch_one(&mut self.connection)
            .await?;
        let free = sqlx::query_scalar::<_, i64>("pragma freelist_count")
            .fetch_one(&mut self.connection)
            .await?;
        let used = u64::try_from(pages.saturating_sub(free)).unwrap_or(0);
        Ok(used * u64::from(PAGE_BYTES))
    }

    /// Gives free pages back to the file system once they are worth it.
    async fn shrink(&mut self) -> Result<(), sqlx::Error> {
        const WORTH_IT: i64 = 256;
        let free = sqlx::query_scalar::<_, i64>("pragma freelist_count")
            .fetch_one(&mut self.connection)
            .await?;
        if free >= WORTH_IT {
            sqlx::query("pragma incremental_vacuum").fetch_all(&mut self.connection).await?;
        }
        Ok(())
    }
}

fn full_or(source: sqlx::Error, limit: u64, doing: &'static str) -> SpoolError {
    if has_code(&source, SQLITE_FULL) {
        SpoolError::Full { limit }
    } else {
        SpoolError::Database { doing, source }
    }
}

fn unreadable(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> SpoolError {
    SpoolError::Unreadable { what, source: Box::new(source) }
}

/// Sequence numbers count from 1 in steps of 1 and do not reach SQLite's largest integer.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, sqlx::Error> {
    let number = row.try_get::<i64, _>(column)?;
    u64::try_from(number).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}
