//! Delivers the spool's batches to the collector and deletes what it acknowledged.
//!
//! One stream at a time: Hello up, Welcome down, then batches in the order of their sequence
//! numbers with a bounded number of them on their way. What the collector refuses for good is set
//! aside; everything else stays in the spool until it is acknowledged, over any number of
//! connections.

use std::{collections::BTreeSet, time::Duration};

use armol_analysis::{VERSION, cause::chain, identity::Name};
use armol_proto::v1::{self, agent_message, collector_message, ingest_client::IngestClient};
use thiserror::Error;
use tokio::{sync::mpsc, time};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status, Streaming,
    transport::{Channel, Endpoint},
};
use url::Url;
use uuid::Uuid;

use crate::{
    backoff::Backoff,
    spool::{Contents, Spool, SpoolError},
};

/// How long connecting, or waiting for the Welcome, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a silent connection is tried, and how long an answer may take.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most batches read from the spool at once.
const READ_AT_ONCE: u32 = 16;

/// A collector, as one agent speaks to it.
#[derive(Clone, Debug)]
pub struct Collector {
    endpoint: Endpoint,
    agent: Name,
    region: Name,
}

/// Delivers one spool.
#[derive(Clone, Debug)]
pub struct Uploader {
    collector: Collector,
    spool: Spool,
}

/// A stream that the collector has welcomed.
struct Stream {
    up: mpsc::Sender<v1::AgentMessage>,
    down: Streaming<v1::CollectorMessage>,
    welcome: v1::Welcome,
}

/// Why delivery stopped.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The collector's URL is not one that can be connected to.
    #[error("cannot use collector.url")]
    Url(#[source] tonic::transport::Error),
    /// No connection could be opened.
    #[error("cannot reach the collector at {url}; is it running?")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The collector ended the stream.
    #[error("the collector ended the stream")]
    Ended,
    /// The collector ended the stream with an error.
    #[error("the collector said: {}", .0.message())]
    Status(#[source] Box<Status>),
    /// The collector said what the protocol does not allow.
    #[error("the collector said {0}, which the protocol does not allow; is it another version?")]
    Protocol(&'static str),
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl From<Status> for UploadError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// Where a stream stands.
#[derive(Debug, Default)]
struct Window {
    /// The highest sequence number that was sent.
    sent: u64,
    /// The highest sequence number up to which all is settled.
    settled: u64,
    /// Refused for good, above `settled`.
    refused: BTreeSet<u64>,
    /// How many batches may be on their way.
    width: u64,
}

impl Window {
    fn room(&self) -> u32 {
        let under_way = self.sent.saturating_sub(self.settled);
        u32::try_from(self.width.saturating_sub(under_way)).unwrap_or(u32::MAX).min(READ_AT_ONCE)
    }

    fn acknowledged(&mut self, sequence: u64) {
        self.settled = self.settled.max(sequence);
        self.refused = self.refused.split_off(&self.settled);
        while self.refused.remove(&(self.settled + 1)) {
            self.settled += 1;
        }
    }

    fn refused(&mut self, sequence: u64) {
        self.refused.insert(sequence);
        self.acknowledged(self.settled);
    }
}

impl Collector {
    /// The collector at a URL.
    ///
    /// # Errors
    /// Where the URL is not one that can be connected to.
    pub fn new(url: &Url, agent: Name, region: Name) -> Result<Self, UploadError> {
        let endpoint = Endpoint::from_shared(url.to_string())
            .map_err(UploadError::Url)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .tcp_nodelay(true);
        Ok(Self { endpoint, agent, region })
    }

    /// Says Hello with a spool that holds nothing, and leaves; returns the collector's version.
    ///
    /// # Errors
    /// Where it cannot be reached, or refuses the agent.
    pub async fn greet(&self) -> Result<String, UploadError> {
        let empty = Contents {
            spool: Uuid::now_v7(),
            oldest_sequence: 1,
            next_sequence: 1,
            ..Contents::default()
        };
        let stream = self.connect(&empty).await?;
        Ok(stream.welcome.build)
    }

    /// Connects, says Hello and waits for the Welcome.
    async fn connect(&self, contents: &Contents) -> Result<Stream, UploadError> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| UploadError::Connect {
            url: self.endpoint.uri().to_string(),
            source,
        };
        let channel: Channel =
            self.endpoint.connect().await.map_err(|error| unreachable(Box::new(error)))?;
        // As many as are read from the spool at once; more waits there.
        let (up, messages) = mpsc::channel(usize::try_from(READ_AT_ONCE).unwrap_or(1));
        let hello = v1::Hello {
            agent: self.agent.to_string(),
            region: self.region.to_string(),
            spool: contents.spool.as_bytes().to_vec(),
            oldest_sequence: contents.oldest_sequence,
            next_sequence: contents.next_sequence,
            build: VERSION.to_owned(),
        };
        up.send(message(agent_message::Message::Hello(hello)))
            .await
            .map_err(|_| UploadError::Ended)?;
        let greeting = async {
            let mut client = IngestClient::new(channel);
            let mut down = client.ingest(ReceiverStream::new(messages)).await?.into_inner();
            let first = down.next().await.ok_or(UploadError::Ended)??;
            match first.message {
                Some(collector_message::Message::Welcome(welcome)) => Ok((down, welcome)),
                _ => Err(UploadError::Protocol("something before its Welcome")),
            }
        };
        let (down, welcome) = time::timeout(CONNECT_TIMEOUT, greeting)
            .await
            .map_err(|elapsed| unreachable(Box::new(elapsed)))??;
        Ok(Stream { up, down, welcome })
    }
}

impl Uploader {
    /// An uploader of a spool.
    pub const fn new(collector: Collector, spool: Spool) -> Self {
        Self { collector, spool }
    }

    /// Delivers until told to stop, reconnecting whenever the collector goes away and trying again
    /// whenever the spool fails: a full disk may have room later.
    ///
    /// # Errors
    /// Where the spool is closed.
    pub async fn run(
        &self,
        mut backoff: Backoff,
        stop: &CancellationToken,
    ) -> Result<(), SpoolError> {
        let mut reported = false;
        loop {
            let stream = self.stream(&mut backoff, &mut reported);
            let error = match stop.run_until_cancelled(stream).await {
                None | Some(Ok(())) => return Ok(()),
                Some(Err(UploadError::Spool(error @ SpoolError::Closed))) => return Err(error),
                Some(Err(error)) => error,
            };
            let wait = backoff.after_failure();
            report(&error, wait, &mut reported);
            if stop.run_until_cancelled(time::sleep(wait)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// One connection, for as long as it lasts.
    async fn stream(&self, backoff: &mut Backoff, reported: &mut bool) -> Result<(), UploadError> {
        let contents = self.spool.contents().await?;
        let Stream { up, mut down, welcome } = self.collector.connect(&contents).await?;
        tracing::info!(
            collector = welcome.build, url = %self.collector.endpoint.uri(), waiting = contents.batches,
            "connected to the collector"
        );
        *reported = false;
        let acknowledged = welcome.acknowledged_sequence;
        if acknowledged >= contents.next_sequence {
            return Err(UploadError::Protocol("that it has batches which were never sent"));
        }
        self.spool.acknowledge(acknowledged).await?;
        let mut window = Window {
            sent: acknowledged,
            settled: acknowledged,
            width: u64::from(welcome.batches_in_flight.max(1)),
            ..Window::default()
        };
        let mut outbox = self.spool.outbox();
        loop {
            outbox.borrow_and_update();
            self.send(&up, &mut window).await?;
            tokio::select! {
                message = down.next() => {
                    let message = message.ok_or(UploadError::Ended)??;
                    self.settle(message, &mut window).await?;
                    backoff.succeeded();
                }
                changed = outbox.changed(), if window.room() > 0 => {
                    if changed.is_err() {
                        return Err(SpoolError::Closed.into());
                    }
                }
            }
        }
    }

    /// Sends what waits in the spool, as far as there is room.
    async fn send(
        &self,
        up: &mpsc::Sender<v1::AgentMessage>,
        window: &mut Window,
    ) -> Result<(), UploadError> {
        while window.room() > 0 {
            let batches = self.spool.batches_after(window.sent, window.room()).await?;
            if batches.is_empty() {
                return Ok(());
            }
            for batch in batches {
                window.sent = batch.sequence;
                up.send(message(agent_message::Message::Batch(batch)))
                    .await
                    .map_err(|_| UploadError::Ended)?;
            }
        }
        Ok(())
    }

    /// Does what the collector's message says.
    async fn settle(
        &self,
        message: v1::CollectorMessage,
        window: &mut Window,
    ) -> Result<(), UploadError> {
        match message.message {
            Some(collector_message::Message::Ack(v1::Ack { sequence })) => {
                if sequence > window.sent {
                    return Err(UploadError::Protocol("an Ack of what was never sent"));
                }
                self.spool.acknowledge(sequence).await?;
                window.acknowledged(sequence);
                Ok(())
            }
            Some(collector_message::Message::Nack(nack)) if nack.permanent => {
                tracing::error!(
                    sequence = nack.sequence,
                    reason = nack.reason,
                    "the collector refused a batch for good; it is set aside in the spool"
                );
                self.spool.set_aside(nack.sequence, nack.reason).await?;
                window.refused(nack.sequence);
                Ok(())
            }
            Some(collector_message::Message::Nack(nack)) => {
                tracing::warn!(sequence = nack.sequence, reason = nack.reason, "batch not stored");
                Err(UploadError::Ended)
            }
            Some(collector_message::Message::Welcome(_)) => {
                Err(UploadError::Protocol("a second Welcome"))
            }
            None => Err(UploadError::Protocol("an empty message")),
        }
    }
}

/// Logs why delivery stopped: loudly once, until it goes on.
fn report(error: &UploadError, wait: Duration, reported: &mut bool) {
    let text = chain(error);
    if *reported {
        tracing::debug!(error = text, ?wait, "still not delivering");
    } else if needs_a_person(error) {
        tracing::error!(error = text, "cannot deliver; measurements stay in the spool");
    } else {
        tracing::warn!(
            error = text,
            "collector out of reach; measurements are kept and delivered later"
        );
    }
    *reported = true;
}

/// Whether trying again cannot help until something is changed.
fn needs_a_person(error: &UploadError) -> bool {
    match error {
        UploadError::Spool(_) | UploadError::Protocol(_) | UploadError::Url(_) => true,
        UploadError::Status(status) => {
            matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument)
        }
        UploadError::Connect { .. } | UploadError::Ended => false,
    }
}

fn message(message: agent_message::Message) -> v1::AgentMessage {
    v1::AgentMessage { message: Some(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_do_not_narrow_the_window() {
        let mut window = Window { sent: 8, settled: 5, width: 4, ..Window::default() };
        window.refused(7);
        assert_eq!(window.room(), 1);
        window.acknowledged(6);
        assert_eq!(window.settled, 7);
        window.refused(8);
        assert_eq!((window.settled, window.room()), (8, 4));
        assert!(window.refused.is_empty());
    }
}
