//! One agent's stream: batches up, acknowledgements down.
//!
//! A session is polled by the connection that carries it, and owns no task. Batches go to the
//! writer in the order of arrival and are answered in that order, each after its commit. When the
//! collector stops, or the agent has said all, whatever was accepted is answered before the stream
//! ends.

use std::{collections::VecDeque, future, sync::Arc};

use armol_analysis::{VERSION, cause};
use armol_proto::v1::{
    Ack, AgentMessage, Batch, CollectorMessage, Nack, Welcome, agent_message, collector_message,
};
use futures::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::{
    clock::Clock,
    ingest::{Greeting, receive},
    status::SessionEnd,
    store::{NotStored, Receipt, SpoolKey, Work, Writer},
};

/// How many batches of one agent may wait for their answer; more are not read from the stream.
/// Many, because a batch may hold one call, and the round trip may take 200 ms; what they
/// take in memory is bounded by the writer's queue.
const BATCHES_IN_FLIGHT: usize = 32;

/// What every session needs.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where work goes.
    pub(crate) writer: Writer,
    /// Stamps what arrives.
    pub(crate) clock: Arc<dyn Clock>,
    /// Cancelled when the collector stops.
    pub(crate) shutdown: CancellationToken,
}

/// One agent's stream.
struct Session {
    context: Context,
    messages: Streaming<AgentMessage>,
    /// Who speaks; `None` until the Hello.
    key: Option<SpoolKey>,
    waiting: VecDeque<Waiting>,
    progress: Progress,
}

/// A batch that was accepted and not answered yet.
struct Waiting {
    sequence: i64,
    /// Why it is refused; `None` where it is to be stored.
    refusal: Option<String>,
    receipt: Receipt,
}

/// How far a session is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Messages are read.
    Reading,
    /// The agent has said all; what waits is still answered.
    AgentDone,
    /// The collector stops; what waits is still answered.
    Draining,
    /// Nothing more is to come.
    Ended,
}

/// Runs a session, as the stream of its answers.
pub(crate) fn run(
    context: Context,
    messages: Streaming<AgentMessage>,
) -> impl Stream<Item = Result<CollectorMessage, Status>> {
    let session = Session {
        context,
        messages,
        key: None,
        waiting: VecDeque::new(),
        progress: Progress::Reading,
    };
    stream::unfold(session, |mut session| async {
        let answer = session.next().await?;
        Some((answer, session))
    })
}

impl Session {
    /// The next message down; `None` at the end.
    async fn next(&mut self) -> Option<Result<CollectorMessage, Status>> {
        if self.progress == Progress::Ended {
            return None;
        }
        match self.answer().await {
            Ok(Some(message)) => Some(Ok(CollectorMessage { message: Some(message) })),
            Ok(None) => {
                self.progress = Progress::Ended;
                tracing::info!(agent = self.agent(), "agent disconnected");
                None
            }
            Err(end) => {
                self.progress = Progress::Ended;
                tracing::info!(agent = self.agent(), reason = cause::chain(&end), "session ended");
                Some(Err(end.into()))
            }
        }
    }

    /// Reads and waits until there is something to answer; `None` where there will be nothing.
    async fn answer(&mut self) -> Result<Option<collector_message::Message>, SessionEnd> {
        loop {
            match (self.progress, self.waiting.is_empty()) {
                (Progress::AgentDone | Progress::Ended, true) => return Ok(None),
                (Progress::Draining, true) => return Err(SessionEnd::ShuttingDown),
                _ => {}
            }
            let reading = self.progress == Progress::Reading;
            let room = self.waiting.len() < BATCHES_IN_FLIGHT;
            tokio::select! {
                biased;
                committed = first(&mut self.waiting) => {
                    committed?;
                    return Ok(self.waiting.pop_front().map(Waiting::into_answer));
                }
                () = self.context.shutdown.cancelled(), if reading => {
                    self.progress = Progress::Draining;
                }
                message = self.messages.message(), if reading && room => {
                    match message.map_err(SessionEnd::Broken)? {
                        Some(message) => {
                            if let Some(welcome) = self.take(message).await? {
                                return Ok(Some(welcome));
                            }
                        }
                        None => self.progress = Progress::AgentDone,
                    }
                }
            }
        }
    }

    /// Takes a message; a Hello is answered at once.
    async fn take(
        &mut self,
        message: AgentMessage,
    ) -> Result<Option<collector_message::Message>, SessionEnd> {
        match (message.message, self.key.clone()) {
            (Some(agent_message::Message::Hello(hello)), None) => {
                let greeting = Greeting::read(hello)?;
                let welcome = self.welcome(&greeting).await?;
                self.key = Some(greeting.key);
                Ok(Some(collector_message::Message::Welcome(welcome)))
            }
            (Some(agent_message::Message::Batch(batch)), Some(key)) => {
                self.accept(key, batch).await.map(|()| None)
            }
            (Some(_), _) => Err(SessionEnd::HelloFirst),
            (None, _) => Err(SessionEnd::UnknownMessage),
        }
    }

    async fn welcome(&self, greeting: &Greeting) -> Result<Welcome, SessionEnd> {
        let resumption = greeting.resumption(self.context.clock.now());
        let writer = &self.context.writer;
        let stored = writer.submit(Work::Resume(resumption)).await?.await?;
        // Above a refused batch others may be stored, whose numbers must not be used again either.
        let newest = writer.submit(Work::Newest(greeting.key.clone())).await?.await?;
        if greeting.next_sequence <= newest {
            let next = greeting.next_sequence;
            return Err(SessionEnd::RestoredSpool { next, stored: newest });
        }
        tracing::info!(
            agent = %greeting.key.agent,
            region = %greeting.region,
            spool = %greeting.key.spool,
            build = greeting.build,
            stored,
            "agent connected"
        );
        Ok(Welcome {
            acknowledged_sequence: unsigned(stored),
            batches_in_flight: u32::try_from(BATCHES_IN_FLIGHT).unwrap_or(u32::MAX),
            build: VERSION.to_owned(),
        })
    }

    /// Hands a batch to the writer; it is answered when it is committed.
    async fn accept(&mut self, key: SpoolKey, batch: Batch) -> Result<(), SessionEnd> {
        let sequence = i64::try_from(batch.sequence).ok().filter(|sequence| *sequence > 0);
        let sequence = sequence.ok_or(SessionEnd::Sequence(batch.sequence))?;
        let received_at = self.context.clock.now();
        // Decompressing megabytes would hold up the other sessions of this thread.
        let unpacking =
            tokio::task::spawn_blocking(move || receive(&key, sequence, &batch, received_at));
        let work = unpacking.await.map_err(|error| {
            tracing::error!(error = cause::chain(&error), sequence, "could not unpack a batch");
            SessionEnd::NotStored
        })??;
        let refusal = match &work {
            Work::Reject(rejection) => {
                let reason = rejection.reason.clone();
                tracing::warn!(agent = self.agent(), sequence, reason, "batch refused");
                Some(reason)
            }
            _ => None,
        };
        let receipt = self.context.writer.submit(work).await?;
        self.waiting.push_back(Waiting { sequence, refusal, receipt });
        Ok(())
    }

    fn agent(&self) -> &str {
        self.key.as_ref().map_or("unknown", |key| key.agent.as_str())
    }
}

impl Waiting {
    fn into_answer(self) -> collector_message::Message {
        let sequence = unsigned(self.sequence);
        match self.refusal {
            None => collector_message::Message::Ack(Ack { sequence }),
            Some(reason) => {
                collector_message::Message::Nack(Nack { sequence, reason, permanent: true })
            }
        }
    }
}

/// Waits until the first that waits is committed; for ever where none waits.
async fn first(waiting: &mut VecDeque<Waiting>) -> Result<i64, NotStored> {
    match waiting.front_mut() {
        Some(first) => (&mut first.receipt).await,
        None => future::pending().await,
    }
}

/// A sequence number for the wire; the database has none below 0.
fn unsigned(sequence: i64) -> u64 {
    u64::try_from(sequence).unwrap_or(0)
}
