//! Listens for the simulated providers, each on a port of its own, over TLS, HTTP/1.1 and HTTP/2.
//!
//! A connection stays open between requests for as long as the client likes. On shutdown no more
//! connections are taken, requests under way are answered, and what does not end is cut.

use std::{
    error::Error,
    fs, future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    pin, select,
    task::{self, JoinSet},
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{
    SimulationError,
    azure_vision::AzureVision,
    catalogue::Catalogue,
    certificate::{HTTP2, ServerIdentity},
    credentials::Credentials,
    endpoints,
    fault::FaultRates,
    google_vision::GoogleVision,
    inference_time::{InferenceTime, InferenceTimes},
    provider::SimulatedProvider,
    rekognition::Rekognition,
    service::{Connection, Draws, Service},
    stamped_stream::{StampedStream, Stamps},
    tls_version::TlsVersion,
    truth_log::TruthLog,
    vendor::Vendor,
};
use crate::{clock::Clock, http::FrameStream, owned_tasks::OwnedTasks};

/// The most connections to one provider; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 1024;

/// How long requests under way have to end on shutdown.
const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// How long to leave a listener alone that cannot accept, for example for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The image set that the providers know.
    pub images: PathBuf,
    /// The folder for `ca.pem`, the truth logs and `endpoints.env`.
    pub out: PathBuf,
    /// Whom to simulate.
    pub providers: Vec<SimulatedProvider>,
    /// The address to listen on.
    pub listen: IpAddr,
    /// The first provider's port, the others' following it; `None` for any that are free.
    pub port: Option<u16>,
    /// What everything random is drawn from.
    pub seed: u64,
    /// How long the providers think.
    pub inference: InferenceTimes,
    /// How long a response's body comes after its head.
    pub body_pause: Duration,
    /// The version of TLS that the providers speak.
    pub tls_version: TlsVersion,
    /// What goes wrong.
    pub faults: FaultRates,
}

/// Simulated providers that listen.
#[derive(Debug)]
pub struct Simulation {
    listening: Vec<(TcpListener, SocketAddr, Arc<Service>)>,
    tls: Arc<ServerConfig>,
}

impl Simulation {
    /// Begins to listen, and writes `endpoints.env` when all that clients need is there.
    ///
    /// # Errors
    /// Where the image set cannot be read, a file cannot be written or a port is taken.
    pub async fn start(
        settings: Settings,
        clock: Arc<dyn Clock>,
        shutdown: CancellationToken,
    ) -> Result<Self, SimulationError> {
        let out = settings.out.as_path();
        let cannot_write =
            |path: &Path, source| SimulationError::Write { path: path.into(), source };
        fs::create_dir_all(out).map_err(|source| cannot_write(out, source))?;
        endpoints::remove(out)?;
        let images = settings.images.clone();
        let catalogue = task::spawn_blocking(move || Catalogue::read(&images)).await;
        let catalogue = Arc::new(catalogue.map_err(SimulationError::Stopped)??);
        let identity = ServerIdentity::make(settings.listen, settings.tls_version)?;
        let ca = out.join("ca.pem");
        fs::write(&ca, identity.ca_pem).map_err(|source| cannot_write(&ca, source))?;

        let credentials = Credentials::draw(settings.seed);
        let mut listening = Vec::new();
        for (provider, offset) in settings.providers.iter().copied().zip(0..) {
            let (listener, address) = listen(settings.listen, settings.port, offset).await?;
            let log = TruthLog::open(&out.join(format!("{}.jsonl", provider.name())))?;
            let service = Service {
                provider,
                vendor: vendor(provider, credentials.clone()),
                catalogue: Arc::clone(&catalogue),
                seed: settings.seed,
                draws: draws(provider, &settings),
                body_pause: settings.body_pause,
                log: Arc::new(log),
                clock: Arc::clone(&clock),
                shutdown: shutdown.clone(),
            };
            listening.push((listener, address, Arc::new(service)));
        }
        let simulation = Self { listening, tls: identity.tls };
        endpoints::write(out, &simulation.endpoints(), &credentials)?;
        Ok(simulation)
    }

    /// Where each provider listens.
    pub fn endpoints(&self) -> Vec<(SimulatedProvider, SocketAddr)> {
        let endpoints = self.listening.iter();
        endpoints.map(|(_, address, service)| (service.provider, *address)).collect()
    }

    /// Answers requests until the shutdown, then ends those that are under way.
    pub async fn run(self) {
        let tls = TlsAcceptor::from(self.tls);
        let mut listeners = JoinSet::new();
        for (listener, _, service) in self.listening {
            listeners.spawn(accept(listener, service, tls.clone()));
        }
        while listeners.join_next().await.is_some() {}
    }
}

async fn listen(
    address: IpAddr,
    port: Option<u16>,
    offset: u16,
) -> Result<(TcpListener, SocketAddr), SimulationError> {
    let port = match port {
        None => 0,
        Some(first) => first.checked_add(offset).ok_or(SimulationError::Port(first))?,
    };
    let wanted = SocketAddr::new(address, port);
    let cannot_listen = |source| SimulationError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(cannot_listen)?;
    let mut address = listener.local_addr().map_err(cannot_listen)?;
    // A client cannot connect to "any address"; this machine is one of them.
    match address.ip() {
        IpAddr::V4(any) if any.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(any) if any.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok((listener, address))
}

fn vendor(provider: SimulatedProvider, credentials: Credentials) -> Box<dyn Vendor> {
    match provider {
        SimulatedProvider::Aws => Box::new(Rekognition::new(credentials)),
        SimulatedProvider::Azure => Box::new(AzureVision::new(credentials)),
        SimulatedProvider::Google => Box::new(GoogleVision::new(credentials)),
    }
}

fn draws(provider: SimulatedProvider, settings: &Settings) -> Draws {
    let inference = InferenceTime::of(provider, &settings.inference);
    Draws::new(provider, settings.seed, settings.faults, inference)
}

/// Takes connections to one provider until the shutdown, then waits for their ends.
async fn accept(listener: TcpListener, service: Arc<Service>, tls: TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        select! {
            biased;
            () = service.shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((socket, client)) => {
                    connections.spawn(converse(socket, client, Arc::clone(&service), tls.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if time::timeout(LONGEST_DRAIN, ended).await.is_err() {
        tracing::warn!("connections that did not end on shutdown are cut");
    }
    connections.shutdown().await;
}

/// Serves one connection to its end.
async fn converse(socket: TcpStream, client: SocketAddr, service: Arc<Service>, tls: TlsAcceptor) {
    if let Err(error) = converse_until_error(socket, client, service, tls).await {
        tracing::debug!(%client, error, "a connection ended early");
    }
}

async fn converse_until_error(
    socket: TcpStream,
    client: SocketAddr,
    service: Arc<Service>,
    tls: TlsAcceptor,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    socket.set_nodelay(true)?;
    let stamps = Arc::new(Stamps::new(Arc::clone(&service.clock)));
    let connection = Connection { client, stamps: Arc::clone(&stamps) };
    let stream = select! {
        () = service.shutdown.cancelled() => return Ok(()),
        stream = tls.accept(StampedStream::new(socket, stamps)) => stream?,
    };
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() == Some(HTTP2) {
        converse_in_frames(stream, connection, service).await?;
    } else {
        converse_in_lines(stream, connection, service).await?;
    }
    Ok(())
}

/// Speaks HTTP/1.1.
async fn converse_in_lines(
    stream: TlsStream<StampedStream>,
    connection: Connection,
    service: Arc<Service>,
) -> hyper::Result<()> {
    let shutdown = service.shutdown.clone();
    let exchange = service_fn(move |request| {
        let (service, connection) = (Arc::clone(&service), connection.clone());
        async move { service.exchange(request, connection).await }
    });
    let conversation = http1::Builder::new().serve_connection(TokioIo::new(stream), exchange);
    pin!(conversation);
    select! {
        ended = conversation.as_mut() => return ended,
        () = shutdown.cancelled() => conversation.as_mut().graceful_shutdown(),
    }
    conversation.await
}

/// Speaks HTTP/2, one request at a time, as HTTP/1.1 has it: so it is known which of a connection's
/// bytes are whose.
async fn converse_in_frames(
    stream: TlsStream<StampedStream>,
    connection: Connection,
    service: Arc<Service>,
) -> hyper::Result<()> {
    let shutdown = service.shutdown.clone();
    let stream = FrameStream::of_server(stream, Arc::clone(&connection.stamps));
    let cut = CancellationToken::new();
    let unanswered = cut.clone();
    let exchange = service_fn(move |request| {
        let (service, connection) = (Arc::clone(&service), connection.clone());
        let unanswered = unanswered.clone();
        async move {
            let result = service.exchange(request, connection).await;
            if result.is_err() {
                // An error ends the stream alone; here it is to end the connection.
                unanswered.cancel();
                future::pending::<()>().await;
            }
            result
        }
    });
    let tasks = OwnedTasks::default();
    let mut speaking = http2::Builder::new(tasks.spawner());
    speaking.max_concurrent_streams(1);
    let conversation = speaking.serve_connection(TokioIo::new(stream), exchange);
    pin!(conversation);
    select! {
        ended = conversation.as_mut() => return ended,
        () = cut.cancelled() => return Ok(()),
        () = shutdown.cancelled() => conversation.as_mut().graceful_shutdown(),
    }
    select! {
        ended = conversation => ended,
        () = cut.cancelled() => Ok(()),
    }
}
