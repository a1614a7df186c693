//! The command line.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments},
    dataset::{self, DatasetArguments},
};
use clap::{Parser, Subcommand};

/// Scores stored answers against ground truth.
///
/// Exit codes: 0 done, 1 failed or a damaged data set, 2 wrong use: flags, or a file that is not what
/// it should be.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Baselines(BaselinesArguments),
    Dataset(DatasetArguments),
}

/// Why a command did not do what it was asked for, and whether that is the caller's mistake.
struct Failure {
    error: anyhow::Error,
    wrong_use: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(CommandLine::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { error, .. }) if cause::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(Failure { error, wrong_use }) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::from(if wrong_use { 2 } else { 1 })
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    let output = &mut io::stdout();
    match command {
        Command::Baselines(arguments) => {
            baselines::run(&arguments, output).await.map_err(|error| {
                let wrong_use = error.is_wrong_use();
                Failure { error: error.into(), wrong_use }
            })
        }
        Command::Dataset(arguments) => dataset::run(&arguments, output).await.map_err(|error| {
            let wrong_use = error.is_wrong_use();
            Failure { error: error.into(), wrong_use }
        }),
    }
}
