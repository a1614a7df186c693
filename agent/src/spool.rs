//! What an agent must not forget, on its own disk: plans, and measurements on their way.
//!
//! One SQLite file with `synchronous=FULL`, owned by one task; a [`Spool`] is a handle to it.
//! Whatever a handle's method returns from is durable. A measurement takes the place of its plan
//! in one transaction, together with all others that wait at that moment, packed as one batch.

mod database;
mod packing;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use armol_analysis::{
    identity::Name,
    measurement::{Call, Measurement},
    time::Timestamp,
};
use armol_proto::v1;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use uuid::Uuid;

use database::Database;

/// The spool's file in the state folder.
const FILE_NAME: &str = "spool.sqlite";

/// How many requests may wait for the spool; whoever asks beyond waits.
const QUEUE: usize = 64;

/// How many measurements share a batch at the most: with the largest answers, what a collector
/// takes in one.
const MOST_TOGETHER: usize = 8;

/// Why the spool cannot do what is asked.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The state folder cannot be used.
    #[error("cannot use the state folder {}; see agent.state", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has the spool open.
    #[error("{} is in use by another agent; give each its own agent.state", path.display())]
    InUse {
        /// The spool's file.
        path: PathBuf,
    },
    /// The spool belongs to another agent.
    #[error("{} belongs to agent {owner}; give each agent its own agent.state", path.display())]
    Foreign {
        /// The spool's file.
        path: PathBuf,
        /// The agent that made it.
        owner: String,
    },
    /// The spool's bound is reached, or the disk is full.
    #[error(
        "the spool has no room, its bound being {limit} bytes; start the collector, make room on the disk, or raise agent.spool_mebibytes"
    )]
    Full {
        /// The bound.
        limit: u64,
    },
    /// The database refused.
    #[error("the spool failed while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A newer program made the spool.
    #[error("{} has schema {found}, this program knows {known}; run the newer agent", path.display())]
    Newer {
        /// The spool's file.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// A stored call or batch does not read back.
    #[error("the spool holds an unreadable {what}")]
    Unreadable {
        /// What does not read.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Measurements could not be compressed.
    #[error("cannot pack measurements")]
    Pack(#[source] io::Error),
    /// The spool's task has ended.
    #[error("the spool is closed")]
    Closed,
}

/// What a spool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The spool's id.
    pub spool: Uuid,
    /// Calls that are planned and have not ended.
    pub planned: u64,
    /// Batches that are not acknowledged.
    pub batches: u64,
    /// Measurements in them.
    pub rows: u64,
    /// Measurements that the collector refused for good.
    pub dead: u64,
    /// The lowest sequence number held; the next one where none is.
    pub oldest_sequence: u64,
    /// The sequence number that the next batch gets.
    pub next_sequence: u64,
}

/// A call that an earlier process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The call.
    pub call: Call,
    /// When it was started; `None` where it was not.
    pub started_at: Option<Timestamp>,
}

/// A handle to the spool; clones share it.
#[derive(Clone, Debug)]
pub struct Spool {
    commands: mpsc::Sender<Command>,
    outbox: watch::Receiver<Outbox>,
}

/// What waits for the collector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// The sequence number that the next batch gets.
    pub next_sequence: u64,
    /// How many batches are not acknowledged.
    pub batches: u64,
}

/// The task that owns the file; awaited at shutdown, after the handles are gone.
#[derive(Debug)]
pub struct SpoolTask(JoinSet<()>);

impl SpoolTask {
    /// Waits until all that was asked is done.
    pub async fn join(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

type Reply<T> = oneshot::Sender<Result<T, SpoolError>>;

#[derive(Debug)]
enum Command {
    Plan(Vec<Call>, Reply<()>),
    Start(Uuid, Timestamp, Reply<()>),
    Finish(Box<Measurement>, Reply<()>),
    Leftovers(Reply<Vec<Leftover>>),
    Batches(u64, u32, Reply<Vec<v1::Batch>>),
    Acknowledge(u64, Reply<()>),
    SetAside(u64, String, Reply<()>),
    Contents(Reply<Contents>),
}

impl Spool {
    /// Opens the spool in a state folder, making both where they are not there. A file that is
    /// damaged is set aside, and said so in the log; a fresh one with another id takes its place.
    ///
    /// # Errors
    /// Where the folder cannot be used, or the spool is another's.
    pub async fn open(
        state: &Path,
        agent: &Name,
        limit: u64,
        now: Timestamp,
    ) -> Result<(Self, SpoolTask), SpoolError> {
        fs::create_dir_all(state)
            .map_err(|source| SpoolError::Folder { path: state.to_owned(), source })?;
        let path = state.join(FILE_NAME);
        let database = match Database::open(&path, agent, limit).await {
            Err(error) if database::is_damaged(&error) => {
                let aside = set_aside(&path, now)?;
                tracing::error!(
                    aside = %aside.display(), %error,
                    "the spool was damaged and is set aside; what it held is not delivered"
                );
                Database::open(&path, agent, limit).await?
            }
            opened => opened?,
        };
        let (commands, received) = mpsc::channel(QUEUE);
        let outbox = database.subscribe();
        let mut task = JoinSet::new();
        task.spawn(serve(database, received));
        Ok((Self { commands, outbox }, SpoolTask(task)))
    }

    /// Whether there is a spool in a state folder.
    pub fn exists_in(state: &Path) -> bool {
        state.join(FILE_NAME).exists()
    }

    /// Writes calls down before any of them is sent.
    ///
    /// # Errors
    /// Where the spool is full or fails; none of the calls is planned then.
    pub async fn plan(&self, calls: Vec<Call>) -> Result<(), SpoolError> {
        self.ask(|reply| Command::Plan(calls, reply)).await
    }

    /// Writes down that a call's request is about to leave.
    ///
    /// # Errors
    /// Where the spool has no room for the answer, or fails; the request must not be sent then.
    pub async fn start(&self, uid: Uuid, now: Timestamp) -> Result<(), SpoolError> {
        self.ask(|reply| Command::Start(uid, now, reply)).await
    }

    /// Puts a measurement in the place of its plan.
    ///
    /// # Errors
    /// Where the spool is full or fails; the call is still planned then.
    pub async fn finish(&self, measurement: Measurement) -> Result<(), SpoolError> {
        self.ask(|reply| Command::Finish(Box::new(measurement), reply)).await
    }

    /// The calls that are planned and have not ended, in the order of planning.
    ///
    /// # Errors
    /// Where the spool fails.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, SpoolError> {
        self.ask(Command::Leftovers).await
    }

    /// Up to `limit` batches that follow a sequence number, in order.
    ///
    /// # Errors
    /// Where the spool fails.
    pub async fn batches_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<v1::Batch>, SpoolError> {
        self.ask(|reply| Command::Batches(sequence, limit, reply)).await
    }

    /// Deletes batches up to a sequence number: the collector has them for good.
    ///
    /// # Errors
    /// Where the spool fails; the batches are then sent again, which harms nothing.
    pub async fn acknowledge(&self, sequence: u64) -> Result<(), SpoolError> {
        self.ask(|reply| Command::Acknowledge(sequence, reply)).await
    }

    /// Keeps a batch that the collector refused apart from those to be sent.
    ///
    /// # Errors
    /// Where the spool fails.
    pub async fn set_aside(&self, sequence: u64, reason: String) -> Result<(), SpoolError> {
        self.ask(|reply| Command::SetAside(sequence, reason, reply)).await
    }

    /// What the spool holds.
    ///
    /// # Errors
    /// Where the spool fails.
    pub async fn contents(&self) -> Result<Contents, SpoolError> {
        self.ask(Command::Contents).await
    }

    /// Tells what waits for the collector, whenever it changes.
    pub fn outbox(&self) -> watch::Receiver<Outbox> {
        self.outbox.clone()
    }

    /// Waits until nothing waits for the collector any more.
    ///
    /// # Errors
    /// Where the spool's task has ended.
    pub async fn delivered(&self) -> Result<(), SpoolError> {
        let mut outbox = self.outbox();
        let empty = outbox.wait_for(|outbox| outbox.batches == 0).await;
        empty.map(drop).map_err(|_| SpoolError::Closed)
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, SpoolError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| SpoolError::Closed)?;
        answer.await.map_err(|_| SpoolError::Closed)?
    }
}

/// Renames a damaged file and what SQLite keeps beside it.
fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, SpoolError> {
    let suffix = format!("damaged-{}", now.unix_ns());
    let aside = path.with_extension(&suffix);
    for ending in ["", "-wal", "-shm"] {
        let with_ending = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        let renamed = fs::rename(with_ending(path), with_ending(&aside));
        match renamed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(SpoolError::Folder { path: path.to_owned(), source });
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// Does what is asked, in order, until every handle is gone.
async fn serve(mut database: Database, mut received: mpsc::Receiver<Command>) {
    while let Some(command) = received.recv().await {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            next = answer(&mut database, command, &mut received).await;
        }
    }
    database.close().await;
}

/// Does one thing that is asked; returns a command that was taken from the queue and not done.
async fn answer(
    database: &mut Database,
    command: Command,
    received: &mut mpsc::Receiver<Command>,
) -> Option<Command> {
    match command {
        Command::Plan(calls, reply) => tell(reply, database.plan(&calls).await),
        Command::Start(uid, now, reply) => tell(reply, database.start(uid, now).await),
        Command::Finish(measurement, reply) => {
            return finish(database, (*measurement, reply), received).await;
        }
        Command::Leftovers(reply) => tell(reply, database.leftovers().await),
        Command::Batches(after, limit, reply) => tell(reply, database.batches(after, limit).await),
        Command::Acknowledge(sequence, reply) => {
            tell(reply, database.acknowledge(sequence).await);
        }
        Command::SetAside(sequence, reason, reply) => {
            tell(reply, database.set_aside(sequence, &reason).await);
        }
        Command::Contents(reply) => tell(reply, database.contents().await),
    }
    None
}

/// Packs a measurement with all others that wait; returns the command behind them.
async fn finish(
    database: &mut Database,
    (measurement, reply): (Measurement, Reply<()>),
    received: &mut mpsc::Receiver<Command>,
) -> Option<Command> {
    let mut measurements = vec![measurement];
    let mut replies = vec![reply];
    let mut behind = None;
    while behind.is_none()
        && measurements.len() < MOST_TOGETHER
        && let Ok(command) = received.try_recv()
    {
        match command {
            Command::Finish(measurement, reply) => {
                measurements.push(*measurement);
                replies.push(reply);
            }
            other => behind = Some(other),
        }
    }
    let together = database.finish(&measurements).await;
    if replies.len() == 1 || together.is_ok() {
        let mut together = Some(together);
        for reply in replies {
            tell(reply, together.take().unwrap_or(Ok(())));
        }
        return behind;
    }
    // Together they did not fit; each alone may, and each learns its own fate.
    for (measurement, reply) in measurements.iter().zip(replies) {
        tell(reply, database.finish(std::slice::from_ref(measurement)).await);
    }
    behind
}

/// Whoever asked may have gone; what was done stays done.
fn tell<T>(reply: Reply<T>, result: Result<T, SpoolError>) {
    drop(reply.send(result));
}
