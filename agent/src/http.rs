//! One connection that knows which bytes of its streams are the exchange.
//!
//! The vendors' own clients hide the local port, pool connections and retry; a measurement must
//! control all three. A [`Connector`] opens connections from a port that is announced to the
//! capture beforehand; a [`Connection`] sends one request at a time, exactly once, and notes the
//! byte counts and times of its own sockets. It speaks the version of HTTP that it is told to, and
//! no other: figures of one must not pass for figures of the other.

mod counted_stream;
mod frame_stream;
mod frame_walk;
mod head_walk;
mod marks;
mod protocol;
mod request_body;
mod sender;
mod socket;
mod stamped_socket;
mod trust;

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use armol_analysis::{
    outcome::Phase,
    split::{Split, SplitMethod},
    splitter::Markers,
    time::Timestamp,
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use rustls::{AlertDescription, ClientConfig, pki_types::ServerName};
use tokio::{
    net::{TcpSocket, TcpStream, lookup_host},
    time,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::{Host, Url};

use crate::{
    capture::{Capture, Watch},
    clock::Clock,
};

use counted_stream::CountedStream;
use marks::Marks;
use sender::Sender;
use socket::Socket;
use stamped_socket::{Opened, StampedSocket};

pub(crate) use frame_stream::{FrameStream, FrameWatch};
pub(crate) use frame_walk::{Event, FrameKind};
pub use marks::Exchange;
pub use protocol::Protocol;
pub use trust::{TrustError, client_config};

/// Where a split comes from that no packets are captured for.
pub fn method_without_packets() -> SplitMethod {
    let asked = TcpSocket::new_v4().and_then(|socket| StampedSocket::try_asking(&socket));
    if asked.is_ok() { SplitMethod::Socket } else { SplitMethod::Application }
}

/// The largest response body that is read, in bytes: an answer must fit into one batch.
pub const LARGEST_ANSWER: usize = 2 * 1024 * 1024;

/// How long one of a name's addresses is tried before the next: SYN and its first retransmissions.
const LONGEST_DIALLING: Duration = Duration::from_secs(5);

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The name could not be resolved.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No connection could be opened.
    #[error("cannot connect to {address}")]
    Connect {
        /// The provider's end.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The TLS handshake failed.
    #[error("TLS handshake with {host} failed")]
    Tls {
        /// The name that the certificate should be for.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The provider does not take the version of HTTP that is asked for.
    #[error("{host} does not speak {wanted}; set http = {:?}", wanted.other_setting())]
    Version {
        /// The provider's host.
        host: String,
        /// The version.
        wanted: Protocol,
    },
    /// The connection broke before the response was complete.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    /// What came back is not HTTP.
    #[error("the response is not HTTP")]
    Malformed(#[source] hyper::Error),
    /// The response is larger than what is kept.
    #[error("the response is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
}

/// Opens connections to one provider.
#[derive(Clone, Debug)]
pub struct Connector {
    host: Host<String>,
    port: u16,
    tls: Option<TlsConfig>,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
}

/// Whom to trust, and the name that the certificate must be for.
#[derive(Clone, Debug)]
struct TlsConfig {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// What opening a connection has done so far; readable after it failed or was given up.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The step under way.
    pub phase: Phase,
    /// How long resolving the name took; `None` for an address, or before it is done.
    pub dns: Option<Duration>,
    /// How long opening the TCP connection took.
    pub connect: Option<Duration>,
    /// How long the TLS handshake took.
    pub tls: Option<Duration>,
    /// The connection's ends, ours first.
    pub ends: Option<(SocketAddr, SocketAddr)>,
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    marks: Arc<Marks>,
    /// The kernel's stamps; `None` where it gives none.
    stamps: Option<Arc<StampedSocket>>,
    host: HeaderValue,
    ends: (SocketAddr, SocketAddr),
    opened_at: Timestamp,
    handshake: u64,
    exchanges: u32,
    /// Keeps the capture looking at the local port.
    _watch: Option<Watch>,
}

impl Connector {
    /// A connector to the host of an `http` or `https` URL, which it speaks to in this version of
    /// HTTP; `config` says whom to trust where it is `https`.
    ///
    /// # Errors
    /// Where the host is no name that a certificate can be for.
    pub fn new(
        url: &Url,
        config: &ClientConfig,
        protocol: Protocol,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrustError> {
        let no_host = || TrustError::Host(url.to_string());
        let host = url.host().ok_or_else(no_host)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(no_host)?;
        let tls = if url.scheme() == "https" {
            let name = match &host {
                Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| no_host())?,
                Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
                Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
            };
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.alpn().to_vec()];
            Some(TlsConfig { config: Arc::new(config), name })
        } else {
            None
        };
        Ok(Self { host, port, tls, protocol, clock })
    }

    /// The addresses of the provider's host, in the order in which they are tried.
    ///
    /// # Errors
    /// Where its name cannot be resolved.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, HttpError> {
        let name = match &self.host {
            Host::Ipv4(address) => return Ok(vec![SocketAddr::from((*address, self.port))]),
            Host::Ipv6(address) => return Ok(vec![SocketAddr::from((*address, self.port))]),
            Host::Domain(name) => name.as_str(),
        };
        let failed = |source| HttpError::Resolve { host: name.to_owned(), source };
        let addresses = lookup_host((name, self.port)).await.map_err(failed)?.collect::<Vec<_>>();
        if addresses.is_empty() {
            return Err(failed(io::Error::from(io::ErrorKind::NotFound)));
        }
        Ok(addresses)
    }

    /// The provider's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Opens a connection, telling `opening` how far it is.
    ///
    /// # Errors
    /// Names the step that failed.
    pub async fn open(
        &self,
        capture: Option<&Capture>,
        opening: &mut Opening,
    ) -> Result<Connection, HttpError> {
        let start = self.clock.monotonic();
        let addresses = self.resolve().await?;
        if matches!(self.host, Host::Domain(_)) {
            opening.dns = Some(self.since(start));
        }
        opening.phase = Phase::Connect;
        let dialled = self.dial(&addresses, capture, opening).await?;
        let Dialled { stream, stamps, ends, opened_at, watch } = dialled;
        let marks = Arc::new(Marks::new(Arc::clone(&self.clock)));
        let counted = CountedStream::new(stream, Arc::clone(&marks), self.tls.is_some());
        let (sender, handshake) = match &self.tls {
            Some(tls) => {
                opening.phase = Phase::Tls;
                let start = self.clock.monotonic();
                let stream = self.agree(tls, counted).await?;
                opening.tls = Some(self.since(start));
                // HTTP/2 begins with bytes of its own, which are no part of TLS's handshake.
                let handshake = marks.written();
                (Sender::over(stream, self.protocol, &marks).await, handshake)
            }
            None => (Sender::over(counted, self.protocol, &marks).await, 0),
        };
        opening.phase = Phase::Upload;
        Ok(Connection {
            sender: sender.map_err(HttpError::Broken)?,
            handshake,
            marks,
            stamps,
            host: self.host_header(),
            ends,
            opened_at,
            exchanges: 0,
            _watch: watch,
        })
    }

    /// Agrees with the provider on keys and on the version of HTTP.
    async fn agree(
        &self,
        tls: &TlsConfig,
        stream: CountedStream,
    ) -> Result<TlsStream<CountedStream>, HttpError> {
        let host = || self.host.to_string();
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        let connected = connector.connect(tls.name.clone(), stream).await;
        let stream = connected.map_err(|source| match source.get_ref() {
            Some(cause) if refuses_version(cause) => {
                HttpError::Version { host: host(), wanted: self.protocol }
            }
            _ => HttpError::Tls { host: host(), source },
        })?;
        let (_, session) = stream.get_ref();
        // A server that agrees on nothing speaks HTTP/1.1 (RFC 9113, section 3.2).
        if self.protocol == Protocol::Http2 && session.alpn_protocol().is_none() {
            return Err(HttpError::Version { host: host(), wanted: self.protocol });
        }
        Ok(stream)
    }

    /// Opens a TCP connection to the first address that takes one.
    async fn dial(
        &self,
        addresses: &[SocketAddr],
        capture: Option<&Capture>,
        opening: &mut Opening,
    ) -> Result<Dialled, HttpError> {
        let mut failure = None;
        for address in addresses {
            let opened_at = self.clock.now();
            let start = self.clock.monotonic();
            let dialling = time::timeout(LONGEST_DIALLING, dial(*address, capture)).await;
            match dialling.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok((stream, client, watch)) => {
                    let length = self.since(start);
                    opening.connect = Some(length);
                    let ends = (client, *address);
                    opening.ends = Some(ends);
                    let opened = Opened { at: opened_at, length, ends };
                    let (stream, stamps) = Socket::new(stream, opened, Arc::clone(&self.clock))
                        .map_err(|source| HttpError::Connect { address: *address, source })?;
                    return Ok(Dialled { stream, stamps, ends, opened_at, watch });
                }
                Err(source) => failure = Some(HttpError::Connect { address: *address, source }),
            }
        }
        Err(failure.unwrap_or_else(|| HttpError::Resolve {
            host: self.host.to_string(),
            source: io::Error::from(io::ErrorKind::NotFound),
        }))
    }

    /// The value of `Host` (RFC 9110, section 7.2): the port only where it is not the scheme's own.
    fn host_header(&self) -> HeaderValue {
        let default_port = if self.tls.is_some() { 443 } else { 80 };
        let text = if self.port == default_port {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        };
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn since(&self, start: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(start)
    }
}

/// A TCP connection that was opened.
struct Dialled {
    stream: Socket,
    stamps: Option<Arc<StampedSocket>>,
    ends: (SocketAddr, SocketAddr),
    opened_at: Timestamp,
    watch: Option<Watch>,
}

/// Opens one TCP connection from a port that the capture knows before the first packet leaves.
async fn dial(
    address: SocketAddr,
    capture: Option<&Capture>,
) -> io::Result<(TcpStream, SocketAddr, Option<Watch>)> {
    let (socket, any) = match address {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    socket.bind(SocketAddr::new(any, 0))?;
    let port = socket.local_addr()?.port();
    let watch = capture.map(|capture| capture.watch(port));
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let client = stream.local_addr()?;
    Ok((stream, client, watch))
}

/// Whether the other side ended the handshake because it takes none of the versions offered.
fn refuses_version(cause: &(dyn Error + Send + Sync + 'static)) -> bool {
    let refusal = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    cause.downcast_ref::<rustls::Error>() == Some(&refusal)
}

impl Default for Opening {
    fn default() -> Self {
        Self { phase: Phase::Dns, dns: None, connect: None, tls: None, ends: None }
    }
}

impl Connection {
    /// Waits until a request can be sent; `false` where the connection has ended.
    pub async fn is_ready(&mut self) -> bool {
        self.sender.is_ready().await
    }

    /// Sends one request, once, and reads the response to its end.
    ///
    /// # Errors
    /// Where the connection breaks, or what comes back is not HTTP or too large.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, HttpError> {
        self.exchanges += 1;
        let response = self.sender.send(request, &self.host).await.map_err(of_hyper)?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, LARGEST_ANSWER).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge),
            Err(error) => Err(match error.downcast::<hyper::Error>() {
                Ok(error) => of_hyper(*error),
                // `Limited` passes on its own error or hyper's, and there is no third.
                Err(_) => HttpError::TooLarge,
            }),
        }
    }

    /// What is known of the last exchange, whether it ended well or not.
    pub fn last_exchange(&self) -> Exchange {
        self.marks.exchange()
    }

    /// The split of the last exchange by the kernel's stamps of the socket; `None` where it gives
    /// none. Ask once for each exchange.
    pub fn socket_split(&self, markers: &Markers) -> Option<Split> {
        self.stamps.as_ref().map(|stamps| stamps.split(markers))
    }

    /// The last exchange's place on the connection, from 0.
    pub const fn last_index(&self) -> u32 {
        self.exchanges.saturating_sub(1)
    }

    /// The connection's ends, ours first.
    pub const fn ends(&self) -> (SocketAddr, SocketAddr) {
        self.ends
    }

    /// When opening it began.
    pub const fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// How many of our bytes the TLS handshake took.
    pub const fn handshake(&self) -> u64 {
        self.handshake
    }
}

fn of_hyper(error: hyper::Error) -> HttpError {
    if error.is_parse() { HttpError::Malformed(error) } else { HttpError::Broken(error) }
}
