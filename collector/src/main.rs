//! The command line.

use std::{
    future,
    io::{self, BufWriter, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use armol_analysis::{VERSION, cause};
use armol_collector::{
    clock::SystemClock,
    query::{self, QueryArguments},
    report::{Agreement, Report},
    serve::{self, ServeArguments},
    wrong_use::is_wrong_use,
};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Accepts measurements from agents, stores them, and answers questions about them.
///
/// Exit codes: 0 done, 1 failed, 2 wrong use: flags, addresses, a file that is no database of a
/// collector, or a query that would write or is not understood. The log goes to standard error;
/// `RUST_LOG=debug` shows more of it.
#[derive(Debug, Parser)]
#[command(name = "armol-collector", version = VERSION)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept measurements until stopped by SIGINT or SIGTERM.
    Serve(ServeArguments),
    /// Ask the database a question in SQL; it is opened for reading only.
    Query(QueryArguments),
    Report(Report),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let levels = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let log = tracing_subscriber::fmt().with_writer(io::stderr);
    let log = log.with_ansi(io::stderr().is_terminal());
    log.with_env_filter(levels.from_env_lossy()).init();
    let answers = !matches!(arguments.command, Command::Serve(_));
    match run(arguments.command).await {
        Ok(code) => code,
        Err(error) if answers && cause::is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {}", cause::chain(&*error)));
            if is_wrong_use(&*error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut output = BufWriter::new(io::stdout().lock());
    match command {
        Command::Serve(arguments) => {
            let shutdown = CancellationToken::new();
            let signalled = cancel_on_signal(shutdown.clone())?;
            let clock = Arc::new(SystemClock);
            tokio::select! {
                served = serve::run(&arguments, clock, shutdown, &mut output) => served?,
                () = signalled => {}
            }
        }
        Command::Query(arguments) => query::run(&arguments, &mut output).await?,
        Command::Report(report) => {
            if report.run(&mut output, &mut io::stderr()).await? == Agreement::Disagrees {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels on SIGINT or SIGTERM, and never ends.
fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        shutdown.cancel();
        future::pending::<()>().await;
    })
}
