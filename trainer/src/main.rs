//! The command line.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments},
    score::{self, ScoreArguments},
};
use clap::{Parser, Subcommand};

/// Scores stored answers against ground truth.
///
/// Exit codes: 0 done, 1 failed, 2 wrong use: flags, a file that is no database of a collector, or a
/// ground truth or list of detections that is none.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Baselines(BaselinesArguments),
    Score(ScoreArguments),
}

/// What went wrong, and whether what was asked for is the mistake.
struct Failure {
    error: anyhow::Error,
    is_wrong_use: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(CommandLine::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if cause::is_broken_pipe(failure.error.as_ref()) => ExitCode::SUCCESS,
        Err(Failure { error, is_wrong_use }) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::from(if is_wrong_use { 2 } else { 1 })
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    let output = &mut io::stdout();
    match command {
        Command::Baselines(arguments) => baselines::run(&arguments, output)
            .await
            .map_err(|error| Failure { is_wrong_use: error.is_wrong_use(), error: error.into() }),
        Command::Score(arguments) => score::run(&arguments, output)
            .map_err(|error| Failure { is_wrong_use: error.is_wrong_use(), error: error.into() }),
    }
}
