//! A probe of simulated providers over real sockets and TLS, and providers that answer as no
//! simulated one does.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use armol_agent::{
    capture::{Capture, interfaces_of},
    config::ProviderConfig,
    http::Protocol,
    image_file::{self, LoadedImage},
    probe::Probe,
    targets::target,
};
use armol_analysis::{
    measurement::{Call, Measurement},
    provider::Api,
};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::support::{Providers, call, clock, name, not_tested};

pub(crate) const AWS: &str = "AWS_ENDPOINT_URL";

/// A provider at an endpoint of the simulation, which its configuration trusts.
pub(crate) fn config(providers: &Providers, api: Api, endpoint: &str) -> ProviderConfig {
    ProviderConfig {
        name: name("probed"),
        api,
        region: name("sg"),
        endpoint: Some(Url::parse(endpoint).unwrap()),
        price_microusd: 1000,
        timeout: Duration::from_secs(20),
        reuse_connection: true,
        protocol: Protocol::default(),
        ca: Some(providers.path("simulator/ca.pem")),
        simulated: true,
    }
}

pub(crate) fn probe(
    providers: &Providers,
    config: &ProviderConfig,
    capture: Option<Arc<Capture>>,
) -> Probe {
    let target = target(config, |name| providers.variable(name), &clock()).unwrap();
    Probe::new(target, capture, clock(), Duration::ZERO)
}

pub(crate) fn image(providers: &Providers) -> LoadedImage {
    image_file::load(&providers.path("images/000000000001.jpg")).unwrap()
}

pub(crate) async fn ask(providers: &Providers, probe: &mut Probe) -> Measurement {
    let call = Call { provider: probe.identity().clone(), ..call("000000000001.jpg") };
    probe.call(call, &image(providers), &CancellationToken::new()).await
}

/// One call to the simulated Rekognition as `change` configures it.
pub(crate) async fn one(
    providers: &Providers,
    change: impl FnOnce(&mut ProviderConfig),
) -> Measurement {
    let mut config = config(providers, Api::Rekognition, &providers.variable(AWS).unwrap());
    change(&mut config);
    ask(providers, &mut probe(providers, &config, None)).await
}

/// A capture on loopback, or `None` with a word about it where this process may not.
pub(crate) fn loopback(providers: &Providers) -> Option<Arc<Capture>> {
    let url = Url::parse(&providers.variable(AWS).unwrap()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
    let interfaces = interfaces_of(None, &[address]).unwrap();
    match Capture::open(&interfaces, &[address.port()]) {
        Ok(capture) => Some(Arc::new(capture)),
        Err(error) => {
            not_tested(&format!("live capture: {error}"));
            None
        }
    }
}

/// How a provider behaves that is not of the simulation.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// What it says as soon as it has a request's head.
    pub(crate) first: &'static str,
    /// Whether it reads the rest of the request; where not, it reads nothing more at all.
    pub(crate) reads_body: bool,
    /// What it says then.
    pub(crate) answer: &'static str,
}

impl Manner {
    /// Reads a request to its end, and answers.
    pub(crate) const fn usual(answer: &'static str) -> Self {
        Self { first: "", reads_body: true, answer }
    }
}

/// A provider over TLS that speaks HTTP/1.1; writes its certificate to `ca` and returns its URL.
pub(crate) async fn answering(ca: &Path, manner: Manner) -> Url {
    served(ca, &[b"http/1.1"], move |stream| answer_all(BufReader::new(stream), manner)).await
}

/// A server over TLS that knows these versions of HTTP; writes its certificate to `ca` and returns
/// its URL.
pub(crate) async fn served<F>(
    ca: &Path,
    versions: &[&[u8]],
    serve: impl Fn(TlsStream<TcpStream>) -> F + Send + 'static,
) -> Url
where
    F: Future<Output = ()> + Send + 'static,
{
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(ca, issued.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who finds no version that it speaks leaves.
            if let Ok(stream) = acceptor.accept(stream).await {
                connections.spawn(serve(stream));
            }
        }
    });
    Url::parse(&format!("https://localhost:{port}")).unwrap()
}

async fn answer_all(mut stream: impl AsyncBufRead + AsyncWrite + Unpin, manner: Manner) {
    while let Some(length) = content_length(&mut stream).await {
        stream.write_all(manner.first.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if manner.reads_body {
            stream.read_exact(&mut vec![0; length]).await.unwrap();
        }
        stream.write_all(manner.answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if !manner.reads_body {
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a request's head; the length of its body, or `None` at the stream's end.
async fn content_length(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(read) if read > 0 => {}
            _ => return None,
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            return Some(length);
        }
    }
}
