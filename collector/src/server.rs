//! The gRPC service over one listener.

use std::{pin::Pin, sync::Arc, time::Duration};

use armol_proto::v1::{
    AgentMessage, CollectorMessage,
    ingest_server::{Ingest, IngestServer},
};
use futures::Stream;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use crate::{
    clock::Clock,
    session::{self, Context},
    store::{Store, StoreError, Writer},
};

/// The largest message that is read. A batch is refused from 4 MiB on; this is larger, so that one
/// that is only somewhat too large is refused by its number instead of ending the stream.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// HTTP/2's windows: with the default of 64 KiB a stream carries 320 kB/s where a round trip takes
/// 200 ms.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// How often a silent connection is asked whether it lives, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long agents may take to receive their last acknowledgements when the collector stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the server stopped by itself.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Connections can no longer be accepted.
    #[error("while serving agents")]
    Transport(#[source] tonic::transport::Error),
    /// The database can no longer be written.
    #[error("the database's writer stopped")]
    Writer(#[source] StoreError),
    /// A task did not end by itself.
    #[error("the database's writer was broken off")]
    Task(#[source] tokio::task::JoinError),
}

/// Serves agents until `shutdown` is cancelled; then answers what was accepted, and returns.
///
/// # Errors
/// Where the listener or the database fails for good.
pub async fn run(
    listener: TcpListener,
    (store, writer): (Store, Writer),
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let stop_writer = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(store.run(stop_writer.clone()));

    let context = Context { writer, clock, shutdown: shutdown.clone() };
    let service = IngestServer::new(Service { context }).max_decoding_message_size(LARGEST_MESSAGE);
    let incoming =
        TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE));
    let serving = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, shutdown.clone().cancelled_owned());
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(ServeError::Transport)?,
        Some(ended) = tasks.join_next() => {
            shutdown.cancel();
            return ended.map_err(ServeError::Task)?.map_err(ServeError::Writer);
        }
        () = too_late => tracing::warn!("an agent did not take its last acknowledgements"),
    }
    stop_writer.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(ServeError::Task)?.map_err(ServeError::Writer)?;
    }
    Ok(())
}

struct Service {
    context: Context,
}

#[tonic::async_trait]
impl Ingest for Service {
    type IngestStream = Pin<Box<dyn Stream<Item = Result<CollectorMessage, Status>> + Send>>;

    async fn ingest(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Result<Response<Self::IngestStream>, Status> {
        let answers = session::run(self.context.clone(), request.into_inner());
        Ok(Response::new(Box::pin(answers)))
    }
}
