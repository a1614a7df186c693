//! Holds what the agent measures against the truth, over networks that are made for it.
//!
//! Two network namespaces are joined over TAP devices by a link in this process; the simulated
//! providers are on one side, the agent's own probe and capture on the other. Each scenario of the
//! table is run, each method of measuring scored. A tool for developers: it is never shipped.

mod bars;
mod bed;
mod capture_rows;
mod line;
mod matching;
mod method;
mod picture;
mod progress;
mod recorder;
mod report;
mod scenario;
mod score;
mod site;
mod tap;
mod wire;

use std::{
    error::Error,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
};

use armol_agent::clock::{Clock, SystemClock};
use armol_analysis::cause::chain;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::{
    bed::{Ground, Setting},
    progress::Progress,
    report::{Circumstances, Report, ScenarioOutcome},
    scenario::{LOOPBACK, SCENARIOS, Scenario},
};

/// Holds what the agent measures against the truth, over networks that are made for it.
#[derive(Debug, Parser)]
#[command(name = "armol-bed", version = armol_analysis::VERSION)]
#[command(
    after_help = "Example:\n  armol-bed --scenario h1-rtt40 --requests 100 --out results\n\n\
    Exit codes: 0 done and every bar met, 1 failed or a bar missed, 2 wrong usage."
)]
struct Arguments {
    /// Which scenario to run; repeat for several, leave out for all.
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<String>,
    /// How many requests to send in each; a quarter of them where each takes long.
    #[arg(long, value_name = "N", default_value_t = 40,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    requests: usize,
    /// The same seed gives the same pictures, inference times and losses.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where to write accuracy.json, accuracy.md and the charts accuracy-*.svg; of several the
    /// last counts.
    #[arg(long, value_name = "DIR", overrides_with = "out")]
    out: Option<PathBuf>,
    /// Where to keep each scenario's packets, at both ends (NAME.pcap, NAME.provider.pcap), and the
    /// truth (NAME.jsonl); they are not kept without.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Names the scenarios, and runs none.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(&arguments, &mut io::stdout()) {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell where standard error is closed.
            drop(writeln!(io::stderr(), "armol-bed: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, output: &mut impl Write) -> Result<ExitCode, Box<dyn Error>> {
    if arguments.list {
        for scenario in SCENARIOS.iter().chain([&LOOPBACK]) {
            writeln!(output, "{}", scenario.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let before = load();
    let (scenarios, remarks) = match chosen(&arguments.scenarios) {
        Ok(chosen) => possible(chosen),
        Err(unknown) => {
            writeln!(io::stderr(), "armol-bed: {unknown}")?;
            return Ok(ExitCode::from(2));
        }
    };
    if let Some(folder) = &arguments.keep {
        fs::create_dir_all(folder)?;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut outcomes = Vec::new();
    let mut progress = Progress::new(scenarios.len());
    for (scenario, ground) in &scenarios {
        let requests = scenario.requests(arguments.requests);
        let setting = Setting {
            ground: *ground,
            requests,
            seed: arguments.seed,
            keep: arguments.keep.clone(),
            clock: Arc::clone(&clock),
        };
        progress.begin(scenario.name, requests)?;
        outcomes.push(ScenarioOutcome::new(scenario, &bed::run(scenario, &setting)?));
    }
    let circumstances = Circumstances {
        requests: arguments.requests,
        seed: arguments.seed,
        processors: thread::available_parallelism().map_or(0, usize::from),
        load: [before, load()],
        remarks,
    };
    progress.end();
    let report = Report::new(circumstances, outcomes);
    writeln!(output, "{}", report.text())?;
    if let Some(folder) = &arguments.out {
        write_files(&report, folder)?;
    }
    Ok(if report.misses_bars() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Writes the report in every form: JSON, Markdown and charts.
fn write_files(report: &Report, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("accuracy.json"), serde_json::to_vec_pretty(report)?)?;
    fs::write(folder.join("accuracy.md"), report.markdown())?;
    for (name, chart) in report.charts() {
        fs::write(folder.join(name), chart)?;
    }
    Ok(())
}

/// The scenarios of these names, or all.
fn chosen(names: &[String]) -> Result<Vec<Scenario>, String> {
    if names.is_empty() {
        return Ok(SCENARIOS.iter().copied().chain([LOOPBACK]).collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let found = SCENARIOS.iter().chain([&LOOPBACK]).find(|scenario| scenario.name == *name);
        let unknown = || format!("no scenario {name:?}; --list names them");
        chosen.push(*found.ok_or_else(unknown)?);
    }
    Ok(chosen)
}

/// Where each scenario is run, and what is to be said of that; without namespaces of their own all
/// but one cannot be.
fn possible(chosen: Vec<Scenario>) -> (Vec<(Scenario, Ground)>, Vec<String>) {
    let mut remarks = Vec::new();
    if cfg!(debug_assertions) {
        remarks.push("A build without optimisation: its providers are slow.".to_owned());
    }
    let namespaces = bed::try_namespaces();
    let mut scenarios = Vec::new();
    for scenario in chosen {
        if scenario == LOOPBACK {
            scenarios.push((scenario, Ground::Loopback));
        } else if namespaces.is_ok() {
            scenarios.push((scenario, Ground::Namespaces));
        }
    }
    if let Err(error) = &namespaces {
        remarks.push(format!("Only {} could be run: {}.", LOOPBACK.name, chain(error)));
        if scenarios.is_empty() {
            scenarios.push((LOOPBACK, Ground::Loopback));
        }
    }
    (scenarios, remarks)
}

/// The kernel's load averages over 1, 5 and 15 minutes.
fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}
