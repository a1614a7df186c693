//! An agent's side of the stream, over a real socket.

use std::{net::SocketAddr, sync::Arc};

use armol_analysis::{identity::Name, measurement::Measurement, time::Timestamp};
use armol_collector::{clock::Clock, server, store::Store};
use armol_proto::{batch::pack, v1};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, transport::Endpoint};
use v1::{agent_message, collector_message, ingest_client::IngestClient};

use super::{Place, key, sample};

/// Always the same time.
#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ns(1_700_000_000_000_000_000)
    }
}

/// A collector inside the test.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    task: JoinHandle<Result<(), server::ServeError>>,
}

impl Collector {
    pub(crate) async fn start(place: &Place) -> Self {
        let store = Store::open(&place.db).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let clock = Arc::new(StoppedClock);
        let task = tokio::spawn(server::run(listener, store, clock, shutdown.clone()));
        Self { address, shutdown, task }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// One session of an agent.
pub(crate) struct Agent {
    up: mpsc::Sender<v1::AgentMessage>,
    down: Streaming<v1::CollectorMessage>,
}

impl Agent {
    /// Opens a stream, and says nothing yet.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        let mut client = IngestClient::new(endpoint.connect().await?);
        let (up, messages) = mpsc::channel(64);
        let answered = client.ingest(ReceiverStream::new(messages)).await.unwrap();
        Ok(Self { up, down: answered.into_inner() })
    }

    /// Opens a stream and says Hello; returns the sequence number of the Welcome.
    pub(crate) async fn greet(address: SocketAddr, oldest: u64, next: u64) -> (Self, u64) {
        let mut agent = Self::connect(address).await.unwrap();
        agent.send_hello(hello(oldest, next)).await;
        match agent.receive().await.unwrap() {
            Some(collector_message::Message::Welcome(welcome)) => {
                (agent, welcome.acknowledged_sequence)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send_hello(&self, hello: v1::Hello) {
        self.send(agent_message::Message::Hello(hello)).await;
    }

    pub(crate) async fn send_batch(&self, batch: v1::Batch) {
        self.send(agent_message::Message::Batch(batch)).await;
    }

    async fn send(&self, message: agent_message::Message) {
        self.up.send(v1::AgentMessage { message: Some(message) }).await.unwrap();
    }

    /// The next message down; `None` at the end of the stream.
    pub(crate) async fn receive(&mut self) -> Result<Option<collector_message::Message>, Status> {
        Ok(self.down.message().await?.map(|message| message.message.unwrap()))
    }

    /// The next message, which is to be an acknowledgement.
    pub(crate) async fn acknowledged(&mut self) -> u64 {
        match self.receive().await.unwrap() {
            Some(collector_message::Message::Ack(ack)) => ack.sequence,
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which is to be a refusal: its number and its reason.
    pub(crate) async fn refused(&mut self) -> (u64, String) {
        match self.receive().await.unwrap() {
            Some(collector_message::Message::Nack(nack)) => {
                assert!(nack.permanent);
                (nack.sequence, nack.reason)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Says that nothing more comes, and returns what the collector still says.
    pub(crate) async fn finish(mut self) -> Result<Option<collector_message::Message>, Status> {
        drop(self.up);
        let message = self.down.message().await?;
        Ok(message.map(|message| message.message.unwrap()))
    }
}

pub(crate) fn hello(oldest_sequence: u64, next_sequence: u64) -> v1::Hello {
    v1::Hello {
        agent: sample::AGENT.to_owned(),
        region: "us".to_owned(),
        spool: key().spool.as_bytes().to_vec(),
        oldest_sequence,
        next_sequence,
        build: "test".to_owned(),
    }
}

pub(crate) fn packed(sequence: u64, measurements: &[Measurement]) -> v1::Batch {
    pack(&Name::new(sample::AGENT).unwrap(), key().spool, sequence, measurements).unwrap()
}
