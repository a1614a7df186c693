//! A client for the simulated providers: a simulation in a folder of its own, connections that
//! trust its certificate authority, and requests in the vendors' formats.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use armol_agent::{
    clock::{Clock, SystemClock},
    simulation::{
        FaultRates, ImageSet, InferenceTimes, Settings, SimulatedProvider, Simulation, TimeRange,
        TimeScale, TlsVersion,
    },
};
use armol_analysis::truth::TruthRecord;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// A simulation of all three providers with one image.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) running: JoinHandle<()>,
    pub(crate) shutdown: CancellationToken,
    _stop: DropGuard,
    endpoints: Vec<(SimulatedProvider, SocketAddr)>,
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An open connection to one provider.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    pub(crate) driver: JoinHandle<hyper::Result<()>>,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) fn make_images(folder: &Path, count: u32) {
    ImageSet { folder: folder.to_owned(), count, seed: 7 }.make(|_| true).unwrap();
}

impl Served {
    /// Starts with these shares of throttle, error, reset and stall.
    pub(crate) async fn start(shares: [f64; 4], time_scale: f64) -> Self {
        Self::start_as(|settings| {
            settings.inference = InferenceTimes::Published(TimeScale::new(time_scale).unwrap());
            settings.faults = FaultRates::new(shares).unwrap();
        })
        .await
    }

    /// Starts without faults and without thinking, but as `change` wants it.
    pub(crate) async fn start_as(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_images(&folder.path().join("images"), 1);
        let mut settings = Settings {
            images: folder.path().join("images"),
            out: folder.path().join("out"),
            providers: SimulatedProvider::ALL.to_vec(),
            listen: "127.0.0.1".parse().unwrap(),
            port: None,
            seed: 7,
            inference: InferenceTimes::Within(TimeRange::new(0, 0).unwrap()),
            body_pause: Duration::ZERO,
            tls_version: TlsVersion::Tls13,
            faults: FaultRates::default(),
        };
        change(&mut settings);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let shutdown = CancellationToken::new();
        let simulation =
            Simulation::start(settings, Arc::clone(&clock), shutdown.clone()).await.unwrap();
        let endpoints = simulation.endpoints();
        let running = tokio::spawn(simulation.run());
        let stop = shutdown.clone().drop_guard();
        Self { folder, clock, running, shutdown, _stop: stop, endpoints }
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("images/000000000001.jpg")).unwrap()
    }

    /// The variables of `endpoints.env`.
    pub(crate) fn variables(&self) -> HashMap<String, String> {
        let text = fs::read_to_string(self.folder.path().join("out/endpoints.env")).unwrap();
        let pairs = text.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) fn truth(&self, provider: SimulatedProvider) -> Vec<TruthRecord> {
        let path = self.folder.path().join(format!("out/{}.jsonl", provider.name()));
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) async fn connect(&self, provider: SimulatedProvider) -> Connection {
        let stream = TokioIo::new(self.open(provider).await);
        let (sender, connection) = http1::handshake(stream).await.unwrap();
        Connection { sender, driver: tokio::spawn(connection) }
    }

    /// Opens a connection that trusts the simulation's authority alone.
    pub(crate) async fn open(&self, provider: SimulatedProvider) -> TlsStream<TcpStream> {
        let (_, address) = self.endpoints.iter().find(|(name, _)| *name == provider).unwrap();
        let ca = CertificateDer::from_pem_file(self.folder.path().join("out/ca.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(ca).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::from(address.ip());
        TlsConnector::from(Arc::new(tls)).connect(name, socket).await.unwrap()
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn ask(
        &self,
        provider: SimulatedProvider,
        request: Request<Full<Bytes>>,
    ) -> Answered {
        self.connect(provider).await.ask(request).await.unwrap()
    }

    /// A request about an image, as each vendor wants it.
    pub(crate) fn request(
        &self,
        provider: SimulatedProvider,
        image: &[u8],
        uid: Uuid,
    ) -> Request<Full<Bytes>> {
        let variables = self.variables();
        match provider {
            SimulatedProvider::Aws => {
                self.detect_labels(image, uid, &variables["AWS_SECRET_ACCESS_KEY"])
            }
            SimulatedProvider::Azure => analyze(image, uid, &variables["AZURE_VISION_KEY"]),
            SimulatedProvider::Google => annotate(image, uid, &variables["GOOGLE_API_KEY"]),
        }
    }

    /// A Rekognition request that is signed with this secret.
    pub(crate) fn detect_labels(
        &self,
        image: &[u8],
        uid: Uuid,
        secret: &str,
    ) -> Request<Full<Bytes>> {
        let variables = self.variables();
        let body = json!({"Image": {"Bytes": STANDARD.encode(image)}}).to_string();
        let id = &variables["AWS_ACCESS_KEY_ID"];
        let identity = Credentials::new(id, secret, None, None, "test").into();
        let now = SystemTime::from(self.clock.now().to_utc());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("ap-southeast-1")
            .name("rekognition")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = &variables["AWS_ENDPOINT_URL"];
        let host = url.strip_prefix("https://").unwrap();
        let mut request = Request::post("/")
            .header("host", host)
            .header("x-amz-target", "RekognitionService.DetectLabels")
            .header("content-type", "application/x-amz-json-1.1")
            .header("amz-sdk-invocation-id", uid.to_string())
            .body(Full::from(body.clone()))
            .unwrap();
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let payload = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", format!("{url}/"), headers, payload).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

pub(crate) fn analyze(image: &[u8], uid: Uuid, key: &str) -> Request<Full<Bytes>> {
    Request::post("/vision/v3.2/analyze?visualFeatures=Objects,Tags")
        .header("host", "localhost")
        .header("content-type", "application/octet-stream")
        .header("ocp-apim-subscription-key", key)
        .header("x-ms-client-request-id", uid.to_string())
        .body(Full::from(image.to_vec()))
        .unwrap()
}

pub(crate) fn annotate(image: &[u8], uid: Uuid, key: &str) -> Request<Full<Bytes>> {
    let image = json!({"content": STANDARD.encode(image)});
    let features = json!([{"type": "OBJECT_LOCALIZATION"}]);
    let body = json!({"requests": [{"image": image, "features": features}]}).to_string();
    Request::post(format!("/v1/images:annotate?key={key}"))
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("x-cloud-trace-context", format!("{}/0;o=0", uid.simple()))
        .body(Full::from(body))
        .unwrap()
}

impl Connection {
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answered> {
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answered { status: head.status, headers: head.headers, body })
    }
}
