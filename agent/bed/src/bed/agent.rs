//! The agent's end: its own probes over its own capture, as `armol-agent` puts them together.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use armol_agent::{
    capture::{Capture, interfaces_of},
    config::ProviderConfig,
    image_file::LoadedImage,
    probe::Probe,
    targets::target,
};
use armol_analysis::{
    cause::chain,
    identity::Name,
    measurement::{Call, ImageKey, Measurement},
    provider::Api,
    time::Timestamp,
};
use tokio::{runtime, time};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use super::{BedError, Ground, Setting};
use crate::{
    recorder::Recorder,
    scenario::{Connections, Scenario},
};

/// The longest that a call may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// What the agent's end leaves.
#[derive(Debug)]
pub(super) struct AgentRecord {
    /// What the agent measured.
    pub(super) measurements: Vec<Measurement>,
    /// The file of its packets; `None` where none could be recorded.
    pub(super) capture: Option<PathBuf>,
    /// The provider's port.
    pub(super) port: u16,
}

/// Calls the provider with each picture.
pub(super) fn run(
    scenario: &Scenario,
    setting: &Setting,
    folder: &Path,
    pictures: &[LoadedImage],
) -> Result<AgentRecord, BedError> {
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(BedError::Start)?;
    let provider = Provider::read(scenario, folder)?;
    let address = provider.address;
    let interfaces = interfaces_of(None, &[address])?;
    let capture = match Capture::open(&interfaces, &[address.port()]) {
        Ok(capture) => Some(Arc::new(capture)),
        // Who may make namespaces may capture; on loopback the timers are worth a run alone.
        Err(error) if setting.ground == Ground::Loopback => {
            tracing::warn!(error = chain(&error), "only the application timers are tried");
            None
        }
        Err(error) => return Err(error.into()),
    };
    let path = setting.keep.as_deref().unwrap_or(folder).join(format!("{}.pcap", scenario.name));
    let mut recorders = Vec::new();
    for interface in interfaces.iter().filter(|_| capture.is_some()) {
        recorders.push(Recorder::start(&interface.name, address.port(), &path)?);
    }
    let mut probe = provider.probe(setting, capture.as_ref())?;
    let idle = scenario.traffic.idle;
    let measurements = if scenario.traffic.connections == Connections::Two {
        let mut other = provider.probe(setting, capture.as_ref())?;
        let (one, two) = runtime.block_on(async {
            tokio::join!(
                call_each(&mut probe, pictures.iter().step_by(2), idle),
                call_each(&mut other, pictures.iter().skip(1).step_by(2), idle),
            )
        });
        one.into_iter().chain(two).collect()
    } else {
        runtime.block_on(call_each(&mut probe, pictures.iter(), idle))
    };
    let capture = (!recorders.is_empty()).then_some(path);
    for recorder in recorders {
        recorder.stop()?;
    }
    Ok(AgentRecord { measurements, capture, port: address.port() })
}

/// How the provider is reached.
struct Provider {
    config: ProviderConfig,
    address: SocketAddr,
    /// What `endpoints.env` says.
    variables: Vec<(String, String)>,
}

impl Provider {
    fn read(scenario: &Scenario, folder: &Path) -> Result<Self, BedError> {
        let path = folder.join("endpoints.env");
        let failed = |source| BedError::File { path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(failed)?;
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let variables =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
        let (_, endpoint) = variables
            .iter()
            .find(|(name, _)| name == "AWS_ENDPOINT_URL")
            .ok_or_else(|| failed(io::Error::other("it has no AWS_ENDPOINT_URL")))?;
        let endpoint = Url::parse(endpoint).map_err(|error| failed(io::Error::other(error)))?;
        let addresses = endpoint.socket_addrs(|| None).map_err(failed)?;
        let address = addresses.first().copied();
        let address =
            address.ok_or_else(|| failed(io::Error::other("its endpoint has no address")))?;
        let config = ProviderConfig {
            name: name("aws")?,
            api: Api::Rekognition,
            region: name("bed")?,
            endpoint: Some(endpoint),
            price_microusd: 0,
            timeout: TIMEOUT,
            reuse_connection: scenario.traffic.connections != Connections::Fresh,
            protocol: scenario.traffic.protocol,
            ca: Some(folder.join("ca.pem")),
            simulated: true,
        };
        Ok(Self { config, address, variables })
    }

    fn probe(&self, setting: &Setting, capture: Option<&Arc<Capture>>) -> Result<Probe, BedError> {
        let variable = |wanted: &str| {
            let found = self.variables.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone())
        };
        let target = target(&self.config, variable, &setting.clock)?;
        let capture = capture.map(Arc::clone);
        Ok(Probe::new(target, capture, Arc::clone(&setting.clock), Duration::ZERO))
    }
}

/// Calls with one picture after the other.
async fn call_each(
    probe: &mut Probe,
    pictures: impl Iterator<Item = &LoadedImage>,
    idle: Duration,
) -> Vec<Measurement> {
    let shutdown = CancellationToken::new();
    let mut measurements = Vec::new();
    for picture in pictures {
        if !idle.is_zero() && !measurements.is_empty() {
            time::sleep(idle).await;
        }
        let call = Call {
            uid: Uuid::now_v7(),
            slice: Uuid::nil(),
            planned_at: Timestamp::from_unix_ns(0),
            agent: probe.identity().name.clone(),
            region: probe.identity().region.clone(),
            provider: probe.identity().clone(),
            image: ImageKey { bucket: "bed".to_owned(), key: "picture.jpg".to_owned() },
            attempt: 1,
        };
        measurements.push(probe.call(call, picture, &shutdown).await);
    }
    measurements
}

fn name(text: &str) -> Result<Name, BedError> {
    Name::new(text).map_err(|error| BedError::Start(io::Error::other(error)))
}
