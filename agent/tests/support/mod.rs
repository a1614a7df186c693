//! What several end-to-end tests share: calls, the simulated providers, the other programs.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    fs,
    io::{self, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use armol_agent::{
    clock::{Clock, SystemClock},
    simulation::{
        FaultRates, ImageSet, InferenceTimes, Settings, SimulatedProvider, Simulation, TimeScale,
        TlsVersion,
    },
};
use armol_analysis::{
    identity::Name,
    measurement::{Call, ImageKey, ProviderIdentity},
    provider::Api,
    time::Timestamp,
    truth::TruthRecord,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// A call of agent `us-1` with a uid of its own.
pub(crate) fn call(key: &str) -> Call {
    Call {
        uid: Uuid::now_v7(),
        slice: Uuid::from_u128(1),
        planned_at: Timestamp::from_unix_ns(1_700_000_000_000_000_000),
        agent: name("us-1"),
        region: name("us"),
        provider: ProviderIdentity {
            name: name("aws"),
            api: Api::Rekognition,
            region: name("sg"),
            endpoint: "https://127.0.0.1/".to_owned(),
            simulated: true,
        },
        image: ImageKey { bucket: "set".to_owned(), key: key.to_owned() },
        attempt: 1,
    }
}

/// How much of what goes wrong, of 0 to 1.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) throttle: f64,
    pub(crate) error: f64,
    pub(crate) reset: f64,
    pub(crate) stall: f64,
}

/// Simulated providers that run until dropped.
pub(crate) struct Providers {
    pub(crate) folder: TempDir,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Providers {
    /// Three providers over a set of images, with this share of the published inference times.
    pub(crate) async fn start(images: u32, time_scale: f64, faults: Faults) -> Self {
        let folder = TempDir::new().expect("a folder");
        let set = ImageSet { folder: folder.path().join("images"), count: images, seed: 7 };
        set.make(|_| true).expect("images");
        let settings = Settings {
            images: folder.path().join("images"),
            out: folder.path().join("simulator"),
            providers: SimulatedProvider::ALL.to_vec(),
            listen: Ipv4Addr::LOCALHOST.into(),
            port: None,
            seed: 7,
            inference: InferenceTimes::Published(TimeScale::new(time_scale).expect("a scale")),
            body_pause: Duration::ZERO,
            tls_version: TlsVersion::Tls13,
            faults: FaultRates::new([faults.throttle, faults.error, faults.reset, faults.stall])
                .expect("rates"),
        };
        let stop = CancellationToken::new();
        let simulation =
            Simulation::start(settings, clock(), stop.clone()).await.expect("simulation");
        let mut tasks = JoinSet::new();
        tasks.spawn(simulation.run());
        Self { folder, stop, tasks }
    }

    /// Ends the providers, so that their logs are complete.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A variable of `endpoints.env`.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.path("simulator/endpoints.env")).expect("endpoints.env");
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    }

    /// What the providers say of each request, in the order of each provider's log.
    pub(crate) fn truth(&self) -> Vec<TruthRecord> {
        let mut records = Vec::new();
        for provider in ["aws", "azure", "google"] {
            let text = fs::read_to_string(self.path(&format!("simulator/{provider}.jsonl")));
            for line in text.unwrap_or_default().lines() {
                records.push(serde_json::from_str(line).expect("a truth record"));
            }
        }
        records
    }

    /// A configuration of an agent that sends the set to all three; `more` is put before the
    /// providers.
    pub(crate) fn write_config(&self, agent: &str, collector: &str, more: &str) -> PathBuf {
        let start = format!(
            "[agent]\nname = \"{agent}\"\nregion = \"us\"\nstate = \"state-{agent}\"\n\
             [collector]\nurl = \"http://{collector}\"\n{more}\n\
             [schedule]\nevent = \"images/event.json\"\nimages = \"images\"\nslice = \"all\"\n"
        );
        let mut sections = vec![start];
        for (provider, api, variable) in [
            ("aws", "rekognition", "AWS_ENDPOINT_URL"),
            ("azure", "azure_vision", "AZURE_VISION_ENDPOINT"),
            ("google", "google_vision", "GOOGLE_VISION_ENDPOINT"),
        ] {
            let endpoint = self.variable(variable).expect("an endpoint");
            sections.push(format!(
                "[[provider]]\nname = \"{provider}\"\napi = \"{api}\"\nregion = \"sg\"\n\
                 endpoint = \"{endpoint}\"\nusd_per_1000 = 1.0\nca = \"simulator/ca.pem\"\n\
                 simulated = true\n"
            ));
        }
        let text = sections.concat();
        let path = self.path(&format!("{agent}.toml"));
        fs::write(&path, text).expect("a configuration");
        path
    }
}

/// The agent's program with the providers' credentials in its environment, and no others.
pub(crate) fn agent_program(providers: &Providers, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armol-agent"));
    command.args(arguments).env_clear().env("RUST_LOG", "info").stdin(Stdio::null());
    for variable in
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_VISION_KEY", "GOOGLE_API_KEY"]
    {
        command.env(variable, providers.variable(variable).expect("a credential"));
    }
    command
}

/// The collector's program, which `cargo build --workspace --bins` puts beside the agent's.
pub(crate) fn collector_program() -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_armol-agent")).with_file_name("armol-collector");
    assert!(path.exists(), "run `cargo build --workspace --bins` first: no {}", path.display());
    Command::new(path)
}

/// A collector's process; killed when dropped.
pub(crate) struct Collector {
    child: Child,
    pub(crate) address: String,
}

impl Collector {
    /// Starts a collector and waits until it listens.
    pub(crate) fn start(folder: &Path, listen: &str) -> Self {
        let ready = folder.join("collector.address");
        drop(fs::remove_file(&ready));
        let mut child = collector_program()
            .args(["serve", "--listen", listen, "--db"])
            .arg(folder.join("armol.sqlite"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a collector");
        let address = loop {
            if let Ok(address) = fs::read_to_string(&ready) {
                break address;
            }
            let ended = child.try_wait().expect("a status");
            assert!(ended.is_none(), "the collector ended: {ended:?}");
            std::thread::yield_now();
        };
        Self { child, address }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        self.address.clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks the database a question; the rows as JSON.
pub(crate) fn query(folder: &Path, sql: &str) -> Vec<serde_json::Value> {
    let output = collector_program()
        .args(["query", "--json", "--db"])
        .arg(folder.join("armol.sqlite"))
        .arg(sql)
        .output()
        .expect("a query");
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// One number.
pub(crate) fn count(folder: &Path, sql: &str) -> i64 {
    let rows = query(folder, sql);
    let number = rows.first().and_then(|row| row.as_object()?.values().next()?.as_i64());
    number.expect("a number")
}

/// What a program wrote on standard error.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Says what this machine does not let a test do. Written past the capture of `cargo test`, which
/// shows what a passing test prints to nobody.
pub(crate) fn not_tested(what: &str) {
    writeln!(io::stderr(), "NOT TESTED, {what}").expect("standard error");
}
