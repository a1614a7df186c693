//! The provider's end: the agent's own simulated Rekognition.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    ops::Range,
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
};

use armol_agent::simulation::{
    FaultRates, InferenceTimes, Settings, SimulatedProvider, Simulation, TimeRange,
};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

use super::{BedError, Ground, IMAGES, Setting, site};
use crate::{
    recorder::Recorder,
    scenario::Scenario,
    site::{DEVICE, Side},
    tap::Tap,
};

/// The port of services over HTTPS.
const HTTPS: u16 = 443;

/// Ports that an ordinary user may listen on and that Linux gives to no client.
const UNCLAIMED: Range<u16> = 8443..32_768;

/// Serves until told to stop; says when it listens.
pub(super) fn run(
    scenario: &Scenario,
    setting: &Setting,
    folder: &Path,
    stop: &CancellationToken,
    ready: &mpsc::SyncSender<Option<Tap>>,
) -> Result<(), BedError> {
    read_before_others_run();
    let tap = site(scenario, setting, Side::Provider)?;
    let settings = settings(scenario, setting, folder)?;
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(BedError::Start)?;
    runtime.block_on(async {
        let clock = Arc::clone(&setting.clock);
        let simulation = Simulation::start(settings, clock, stop.clone()).await?;
        let mut recorders = Vec::new();
        if let (Ground::Namespaces, Some(kept)) = (setting.ground, &setting.keep) {
            let path = kept.join(format!("{}.provider.pcap", scenario.name));
            for (_, address) in simulation.endpoints() {
                recorders.push(Recorder::start(DEVICE, address.port(), &path)?);
            }
        }
        ready.send(tap).map_err(|_| BedError::Ended("bed"))?;
        simulation.run().await;
        for recorder in recorders {
            recorder.stop()?;
        }
        Ok(())
    })
}

/// Where the bed runs at real-time priority, has the calling thread run before its others: while it
/// waits for them, a request that has arrived is not read, and its log says that it came later.
fn read_before_others_run() {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let raised = format!("chrt --pid {thread} | grep -q FIFO && chrt --fifo --pid 20 {thread}");
    match Command::new("sh").args(["-c", &raised]).status() {
        Ok(status) => tracing::debug!(%status, "asked to run the provider before others"),
        Err(error) => tracing::debug!(%error, "cannot run the provider before others"),
    }
}

fn settings(scenario: &Scenario, setting: &Setting, folder: &Path) -> Result<Settings, BedError> {
    let (shortest, longest) = scenario.traffic.inference_ms;
    let range = TimeRange::new(shortest, longest)
        .map_err(|error| BedError::Start(io::Error::other(error)))?;
    Ok(Settings {
        images: folder.join(IMAGES),
        out: folder.to_owned(),
        providers: vec![SimulatedProvider::Aws],
        listen: match setting.ground {
            Ground::Namespaces => Side::Provider.address(scenario.network.ipv6),
            Ground::Loopback => IpAddr::V4(Ipv4Addr::LOCALHOST),
        },
        port: port(setting.ground),
        seed: setting.seed,
        inference: InferenceTimes::Within(range),
        body_pause: scenario.traffic.body_pause,
        tls_version: scenario.traffic.tls,
        faults: FaultRates::default(),
    })
}

/// A port that no client is given: a capture's reader without other knowledge tells servers by it.
fn port(ground: Ground) -> Option<u16> {
    match ground {
        Ground::Namespaces => Some(HTTPS),
        Ground::Loopback => UNCLAIMED
            .into_iter()
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()),
    }
}
