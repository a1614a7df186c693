//! The agent's command line: reads arguments and the environment, installs signals, prints errors.

use std::{
    env,
    io::{self, ErrorKind::BrokenPipe, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use armol_agent::{
    clock::{Clock, SystemClock},
    command::{CommandError, check::Check, once::Once, run::Run},
    simulation::{self, SimulateCommand},
};
use armol_analysis::{VERSION, cause};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Calls vision providers on a schedule, captures its own packets and streams measurements.
#[derive(Parser)]
#[command(name = "armol-agent", version = VERSION, arg_required_else_help = true)]
#[command(after_help = "Example:\n  armol-agent check --config agent.toml\n\n\
    RUST_LOG sets what is logged to standard error, such as RUST_LOG=debug.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Run),
    Once(Once),
    Check(Check),
    /// Simulated providers, and images for them to see.
    #[command(subcommand)]
    Simulate(SimulateCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Output(error)) if error.kind() == BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {}", cause::chain(&error)));
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(command: Command) -> Result<(), CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and handed on")]
    let variable = |name: &str| env::var(name).ok();
    let shutdown = stop_on_signals()?;
    let mut out = io::stdout();
    match command {
        Command::Run(run) => run.run(variable, clock, &shutdown).await,
        Command::Once(once) => once.run(variable, clock, &shutdown, &mut out).await,
        Command::Check(check) => check.run(variable, clock, &mut out).await,
        Command::Simulate(command) => {
            simulation::run(command, clock, shutdown, &mut out).await.map_err(CommandError::from)
        }
    }
}

/// A token that the first SIGINT or SIGTERM cancels; the second ends the process.
fn stop_on_signals() -> io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.is_cancelled() {
                #[expect(clippy::exit, reason = "asked for twice; the spool survives")]
                std::process::exit(130);
            }
            tracing::info!("stopping; calls under way may end, again to stop at once");
            stop.cancel();
        }
    });
    Ok(shutdown)
}
