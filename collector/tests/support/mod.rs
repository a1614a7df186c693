//! What the collector's tests share: measurements made from a seed, and a place for a database.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod agent;
pub(crate) mod read_back;
pub(crate) mod sample;

use std::path::PathBuf;

use armol_analysis::{identity::Name, measurement::Measurement, time::Timestamp};
use armol_collector::store::{Batch, Resumption, SpoolKey, Store, StoreError, Work, Writer};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A folder with a database that may or may not be there yet.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) db: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("armol.sqlite");
        Self { folder, db }
    }

    /// A connection of the test's own, that may do anything.
    pub(crate) async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(&self.db).connect().await.unwrap()
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let mut connection = self.connect().await;
        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new("select count(*) from ");
        query.push(table).build_query_scalar().fetch_one(&mut connection).await.unwrap()
    }
}

/// A store at work.
pub(crate) struct Running {
    pub(crate) writer: Writer,
    stop: CancellationToken,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Running {
    pub(crate) async fn open(place: &Place) -> Self {
        let (store, writer) = Store::open(&place.db).await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(store.run(stop.clone()));
        Self { writer, stop, task }
    }

    /// Resumes the spool; returns up to where it is stored.
    pub(crate) async fn resume(&self, oldest_sequence: i64) -> i64 {
        let work = Work::Resume(Resumption {
            key: key(),
            oldest_sequence,
            build: "test".to_owned(),
            received_at: Timestamp::from_unix_ns(1),
        });
        self.writer.submit(work).await.unwrap().await.unwrap()
    }

    /// Stores a batch; returns once it is committed.
    pub(crate) async fn store(&self, sequence: i64, measurements: &[Measurement]) {
        let work = Work::Store(batch(sequence, measurements));
        assert_eq!(self.writer.submit(work).await.unwrap().await, Ok(sequence));
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) fn key() -> SpoolKey {
    SpoolKey { agent: Name::new(sample::AGENT).unwrap(), spool: Uuid::from_u128(77) }
}

pub(crate) fn batch(sequence: i64, measurements: &[Measurement]) -> Batch {
    Batch::new(key(), sequence, Timestamp::from_unix_ns(9), measurements).unwrap()
}

/// Stores measurements as one batch, and closes the database.
pub(crate) async fn fill(place: &Place, measurements: &[Measurement]) {
    let running = Running::open(place).await;
    let next = running.resume(1).await + 1;
    running.store(next, measurements).await;
    running.stop().await;
}
