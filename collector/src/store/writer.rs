//! The one connection that writes, and its queue.
//!
//! Whatever waits in the queue is committed in one transaction, since with `synchronous=FULL` a
//! commit costs about the same for one batch as for many. Everybody is answered after the commit,
//! and not before. Where the transaction fails, each piece of work is tried alone, so that one
//! batch that the database refuses takes no others with it.

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
};

use armol_analysis::cause;
use sqlx::{Connection, SqliteConnection};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    StoreError, account,
    batch::{Batch, Rejection, Resumption, SpoolKey},
    file::{self, WriteLock},
    insert, schema,
};

/// How many pieces of work wait at most, and are committed together; whoever brings more waits. A
/// batch of a long backlog takes some megabytes unpacked, and as many again may be in hand.
const QUEUE: usize = 16;

/// What the writer can be asked to do.
#[derive(Debug)]
pub enum Work {
    /// Say up to which sequence number a spool's batches are stored.
    Resume(Resumption),
    /// Say the highest sequence number of a spool's stored batches, be there gaps below it or not.
    Newest(SpoolKey),
    /// Store a batch.
    Store(Batch),
    /// Note that a batch was refused.
    Reject(Rejection),
}

/// The database did not store what it was asked to; the cause is in the collector's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the database did not store this; send it again later")]
pub struct NotStored;

/// Resolves after the commit, to the sequence number that the work was about: a batch's own, or
/// the one that was asked for.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<i64, NotStored>>);

/// A piece of work and who waits for it.
#[derive(Debug)]
struct Request {
    work: Work,
    answer: oneshot::Sender<Result<i64, NotStored>>,
}

/// Hands work to the writer; clones share it.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Request>,
}

/// A database that is open for writing; no other collector writes to it meanwhile.
#[derive(Debug)]
pub struct Store {
    connection: SqliteConnection,
    queue: mpsc::Receiver<Request>,
    _lock: WriteLock,
}

impl Store {
    /// Opens a database for writing; makes it where there is none, readable by its owner only.
    ///
    /// # Errors
    /// Where another collector has it open, the file is none of a collector, or its schema is
    /// newer than this program.
    pub async fn open(path: &Path) -> Result<(Self, Writer), StoreError> {
        let (path, lock) = file::make_and_lock(path)?;
        let connection = schema::open_for_writing(&path).await?;
        let (sender, queue) = mpsc::channel(QUEUE);
        Ok((Self { connection, queue, _lock: lock }, Writer { queue: sender }))
    }

    /// Does the writers' work until every [`Writer`] is gone or `stop` is cancelled; then does what
    /// was accepted, and closes the database.
    ///
    /// # Errors
    /// Where the connection is lost for good, or cannot be closed.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        let mut group = Vec::with_capacity(QUEUE);
        loop {
            tokio::select! {
                count = self.queue.recv_many(&mut group, QUEUE) => {
                    if count == 0 {
                        break;
                    }
                    self.work_through(&mut group).await?;
                }
                () = stop.cancelled(), if !self.queue.is_closed() => self.queue.close(),
            }
        }
        self.connection.close().await.map_err(StoreError::while_doing("closing the database"))
    }

    async fn work_through(&mut self, group: &mut Vec<Request>) -> Result<(), StoreError> {
        let mut locked = false;
        if group.len() > 1 {
            let works = group.iter().map(|request| &request.work).collect::<Vec<_>>();
            match self.commit(&works).await {
                Ok(answers) => {
                    for (request, answer) in group.drain(..).zip(answers) {
                        request.answer(Ok(answer));
                    }
                    return Ok(());
                }
                Err(error) => {
                    locked = is_locked(&error);
                    let error = cause::chain(&error);
                    tracing::warn!(error, works = group.len(), "could not commit together");
                }
            }
        }
        for request in group.drain(..) {
            // Each would wait for the lock as long as the first; agents come back by themselves.
            if locked {
                request.answer(Err(NotStored));
                continue;
            }
            match self.commit(&[&request.work]).await {
                Ok(answers) => request.answer(answers.into_iter().next().ok_or(NotStored)),
                Err(error) if is_fatal(&error) => return Err(error),
                Err(error) => {
                    locked = is_locked(&error);
                    tracing::error!(error = cause::chain(&error), "could not store");
                    request.answer(Err(NotStored));
                }
            }
        }
        Ok(())
    }

    /// Does all of the work, or none of it.
    async fn commit(&mut self, works: &[&Work]) -> Result<Vec<i64>, StoreError> {
        self.execute("begin immediate").await?;
        let answers = match apply(&mut self.connection, works).await {
            Ok(answers) => self.execute("commit").await.map(|()| answers),
            Err(error) => Err(error),
        };
        if answers.is_err() {
            // Fails where the database has rolled back by itself, as it does on a full disk. That
            // is also why sqlx's transactions are not used: they would count one open for good.
            if let Err(error) = self.execute("rollback").await {
                tracing::debug!(error = cause::chain(&error), "nothing to roll back");
            }
        }
        answers
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        sqlx::query(sql)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(|source| StoreError::Database { doing: sql, source })
    }
}

async fn apply(connection: &mut SqliteConnection, works: &[&Work]) -> Result<Vec<i64>, StoreError> {
    let mut answers = Vec::with_capacity(works.len());
    let mut fresh = Vec::new();
    for work in works {
        answers.push(match work {
            Work::Resume(resumption) => account::resume(connection, resumption).await?,
            Work::Newest(key) => account::newest(connection, key).await?,
            Work::Store(batch) => {
                if let Some(spool_id) = account::record(connection, batch).await? {
                    fresh.push((spool_id, batch));
                }
                batch.sequence
            }
            Work::Reject(rejection) => {
                account::reject(connection, rejection).await?;
                rejection.sequence
            }
        });
    }
    insert::calls(connection, &fresh).await?;
    Ok(answers)
}

/// Whether another program has locked the database, and had it locked for as long as was waited.
fn is_locked(error: &StoreError) -> bool {
    /// What SQLite answers then.
    const BUSY: &str = "5";
    let StoreError::Database { source, .. } = error else { return false };
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(BUSY)
}

/// Whether the connection itself is gone, so that no later work can succeed.
const fn is_fatal(error: &StoreError) -> bool {
    matches!(error, StoreError::Database { source: sqlx::Error::WorkerCrashed, .. })
}

impl Writer {
    /// Queues a piece of work; waits while the queue is full.
    ///
    /// # Errors
    /// Where the writer has stopped.
    pub async fn submit(&self, work: Work) -> Result<Receipt, NotStored> {
        let (answer, receipt) = oneshot::channel();
        self.queue.send(Request { work, answer }).await.map_err(|_| NotStored)?;
        Ok(Receipt(receipt))
    }
}

impl Request {
    fn answer(self, answer: Result<i64, NotStored>) {
        if self.answer.send(answer).is_err() {
            tracing::debug!("stored for a session that has ended");
        }
    }
}

impl Future for Receipt {
    type Output = Result<i64, NotStored>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A writer that stops drops the other end.
        let answer = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(answer.unwrap_or(Err(NotStored)))
    }
}
