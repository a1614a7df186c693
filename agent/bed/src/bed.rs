//! One scenario from start to end: two ends, a wire between them, calls, and the truth about them.
//!
//! The provider's end and the agent's each have a thread with a network of its own. Without the
//! privilege for that, the loopback scenario runs on the machine's own network.

mod agent;
mod provider;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use armol_agent::{
    capture::{CaptureError, InterfaceError},
    clock::Clock,
    simulation::SimulationError,
    targets::TargetError,
};
use armol_analysis::{
    measurement::{Failure, Measurement},
    truth::TruthRecord,
};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use self::agent::AgentRecord;
use crate::{
    capture_rows::{CaptureRows, CaptureRowsError},
    line::{Line, LineCounts},
    picture::{self, PictureError},
    recorder::RecorderError,
    scenario::Scenario,
    site::{Side, Site, SiteError},
    tap::Tap,
    wire::{End, Wire},
};

/// Where scenarios are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// In namespaces of their own.
    Namespaces,
    /// On the machine's loopback interface, which has no properties to choose.
    Loopback,
}

/// What runs need beside the scenario.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Where.
    pub(crate) ground: Ground,
    /// How many requests.
    pub(crate) requests: usize,
    /// What everything random is drawn from.
    pub(crate) seed: u64,
    /// Where packets and the truth are kept after the run, if they are.
    pub(crate) keep: Option<PathBuf>,
    /// All time comes from it.
    pub(crate) clock: Arc<dyn Clock>,
}

/// The folder of the pictures, in the run's own.
const IMAGES: &str = "images";

/// What a run left.
#[derive(Debug)]
pub(crate) struct Run {
    /// What the agent measured.
    pub(crate) measurements: Vec<Measurement>,
    /// What the provider says is true.
    pub(crate) truth: Vec<TruthRecord>,
    /// What is read from the agent's packets without its help.
    pub(crate) rows: CaptureRows,
    /// What became of frames to the provider and from it; `None` where there was no wire.
    pub(crate) frames: Option<[LineCounts; 2]>,
}

/// Why a scenario could not be run.
#[derive(Debug, Error)]
pub(crate) enum BedError {
    /// An end is missing.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The simulated providers did not start.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The providers cannot be called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Packets cannot be captured.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// There is no interface to capture on.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// Packets cannot be kept.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// What was recorded cannot be read.
    #[error(transparent)]
    Rows(#[from] CaptureRowsError),
    /// There is nothing to send.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A file of the run is missing or malformed.
    #[error("cannot read or write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread could not be started or a folder not be made.
    #[error("cannot start a part of the bed")]
    Start(#[source] io::Error),
    /// The wire broke.
    #[error("the wire broke")]
    Wire(#[source] io::Error),
    /// The provider answered otherwise than with what it was asked for, whose time says nothing.
    #[error("the provider answered a call with status {status}: {message}")]
    Refused {
        /// The response's status.
        status: u16,
        /// What the provider said.
        message: String,
    },
    /// A thread ended too early.
    #[error("the {0} ended too early")]
    Ended(&'static str),
}

/// A thread that has told what it is ready with.
struct Part<T> {
    name: &'static str,
    thread: JoinHandle<Result<T, BedError>>,
}

/// Says whether scenarios can have namespaces of their own.
///
/// # Errors
/// Says why not.
pub(crate) fn try_namespaces() -> Result<(), SiteError> {
    let site =
        Site { side: Side::Agent, ipv6: false, super_packets: false, congestion_control: "cubic" };
    let tried = thread::spawn(move || site.settle().map(drop)).join();
    tried.unwrap_or_else(|_| Err(SiteError::Refused(io::Error::other("the attempt failed"))))
}

/// Runs a scenario.
///
/// # Errors
/// Where a part of the bed cannot be had.
pub(crate) fn run(scenario: &Scenario, setting: &Setting) -> Result<Run, BedError> {
    let folder = tempfile::tempdir().map_err(BedError::Start)?;
    let folder = folder.path();
    let traffic = &scenario.traffic;
    let (count, bytes) = (setting.requests, traffic.picture_bytes());
    let pictures = picture::draw(count, &bytes, setting.seed, &folder.join(IMAGES))?;
    let stop = CancellationToken::new();
    // Whatever ends this function ends the provider too.
    let stopping = stop.clone().drop_guard();
    let (provider, at_provider) = start("provider", {
        let (scenario, setting, folder) = (*scenario, setting.clone(), folder.to_owned());
        move |ready| provider::run(&scenario, &setting, &folder, &stop, &ready)
    })?;
    let (go, started) = mpsc::sync_channel(1);
    let (agent, at_agent) = start("agent", {
        let (scenario, setting, folder) = (*scenario, setting.clone(), folder.to_owned());
        move |ready| {
            let tap = site(&scenario, &setting, Side::Agent)?;
            ready.send(tap).map_err(|_| BedError::Ended("bed"))?;
            started.recv().map_err(|_| BedError::Ended("bed"))?;
            agent::run(&scenario, &setting, &folder, &pictures)
        }
    })?;
    let wire =
        at_agent.zip(at_provider).map(|taps| connect(scenario, setting, taps)).transpose()?;
    // Where nobody listens any more, the agent's own error says why.
    let begun = go.send(()).map_err(|_| BedError::Ended("agent"));
    let AgentRecord { measurements, capture, port } = agent.end()?;
    drop(stopping);
    provider.end()?;
    let frames = wire.map(Wire::stop).transpose().map_err(BedError::Wire)?;
    begun?;
    for measurement in &measurements {
        answered(measurement.http_status, measurement.failure.as_ref())?;
    }
    let truth = folder.join("aws.jsonl");
    if let Some(kept) = &setting.keep {
        let path = kept.join(format!("{}.jsonl", scenario.name));
        fs::copy(&truth, &path).map_err(|source| BedError::File { path, source })?;
    }
    let rows = capture.map(|capture| CaptureRows::read(&capture, port)).transpose()?;
    let rows = rows.unwrap_or_default();
    Ok(Run { measurements, truth: read_truth(&truth)?, rows, frames })
}

/// Starts a part in a thread of its own, and waits until it is ready with its device.
fn start<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce(mpsc::SyncSender<Option<Tap>>) -> Result<T, BedError> + Send + 'static,
) -> Result<(Part<T>, Option<Tap>), BedError> {
    let (ready, told) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name(name.to_owned());
    let thread = thread.spawn(move || work(ready)).map_err(BedError::Start)?;
    let part = Part { name, thread };
    match told.recv() {
        Ok(tap) => Ok((part, tap)),
        Err(mpsc::RecvError) => part.end().and(Err(BedError::Ended(name))),
    }
}

impl<T> Part<T> {
    /// Waits for its end.
    fn end(self) -> Result<T, BedError> {
        self.thread.join().unwrap_or(Err(BedError::Ended(self.name)))
    }
}

/// Moves the calling thread to its end of the network; `None` where it stays on the machine's.
fn site(scenario: &Scenario, setting: &Setting, side: Side) -> Result<Option<Tap>, BedError> {
    if setting.ground == Ground::Loopback {
        return Ok(None);
    }
    let wanted = Site {
        side,
        ipv6: scenario.network.ipv6,
        super_packets: scenario.network.super_packets,
        congestion_control: scenario.traffic.congestion_control,
    };
    Ok(Some(wanted.settle()?))
}

fn connect(
    scenario: &Scenario,
    setting: &Setting,
    (at_agent, at_provider): (Tap, Tap),
) -> Result<Wire, BedError> {
    let [there, back] = scenario.network.lines();
    let agent = End { tap: at_agent, line: Line::new(there, setting.seed) };
    let provider = End { tap: at_provider, line: Line::new(back, !setting.seed) };
    Wire::start([agent, provider], Arc::clone(&setting.clock)).map_err(BedError::Start)
}

/// Refuses a run in which an answer is a refusal: that takes no time, and would be taken for a
/// quick inference.
fn answered(status: Option<u16>, failure: Option<&Failure>) -> Result<(), BedError> {
    match (status, failure) {
        (Some(status), Some(failure)) => {
            Err(BedError::Refused { status, message: failure.message.clone() })
        }
        _ => Ok(()),
    }
}

fn read_truth(path: &Path) -> Result<Vec<TruthRecord>, BedError> {
    let failed = |source| BedError::File { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(failed)?;
    let lines = text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from));
    lines.collect::<Result<_, _>>().map_err(failed)
}

#[cfg(test)]
mod tests {
    use armol_agent::clock::SystemClock;
    use armol_analysis::split::SplitMethod;

    use super::*;
    use crate::scenario::SCENARIOS;

    #[test]
    fn a_refusal_is_no_answer() {
        let failure = Failure { code: "refused".to_owned(), message: "not like that".to_owned() };
        assert!(answered(Some(200), None).is_ok() && answered(None, Some(&failure)).is_ok());
        let said = answered(Some(400), Some(&failure)).unwrap_err().to_string();
        assert!(said.contains("status 400: not like that"), "{said}");
    }

    #[test]
    fn packets_cross_the_wire_at_the_round_trip_asked_for_and_are_split() {
        if let Err(error) = try_namespaces() {
            eprintln!("NOT TESTED, namespaces: {error}");
            return;
        }
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == "h1-rtt40").unwrap();
        let setting = Setting {
            ground: Ground::Namespaces,
            requests: 4,
            seed: 7,
            keep: None,
            clock: Arc::new(SystemClock::new()),
        };
        let run = run(scenario, &setting).unwrap();
        assert_eq!((run.measurements.len(), run.truth.len()), (4, 4));
        for (index, measurement) in run.measurements.iter().enumerate() {
            let timing = measurement.timing.as_ref().unwrap();
            let split = timing.split.as_ref().unwrap();
            assert_eq!(split.method, SplitMethod::Packets, "{split:?}");
            assert!(split.times.is_some(), "{split:?}");
            assert_eq!(split.connect.is_some(), index == 0);
            // A wire may be late on a busy machine; it is never early.
            assert!(split.connect.is_none_or(|connect| connect.as_millis() >= 40), "{split:?}");
        }
        assert_eq!(run.rows.offline.len(), 4, "{:?}", run.rows.offline);
        assert!(!run.rows.published.is_empty(), "answers are long enough for the published rule");
        let [there, back] = run.frames.unwrap();
        assert!(there.carried > 100 && back.carried > 10, "{there:?} {back:?}");
        assert_eq!((there.lost, back.lost), (0, 0));
    }
}
