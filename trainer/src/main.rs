//! The command line.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments, BaselinesError},
    features::{self, FeaturesArguments, FeaturesError},
};
use clap::{Parser, Subcommand};

/// Scores stored answers against ground truth.
///
/// Exit codes: 0 done, 1 failed, 2 wrong use: flags, a file that is no database of a collector, or a
/// ground truth that is none.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Baselines(BaselinesArguments),
    Features(FeaturesArguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let output = &mut io::stdout();
    match CommandLine::parse().command {
        Command::Baselines(arguments) => {
            let result = baselines::run(&arguments, output).await;
            ended(result, BaselinesError::is_wrong_use)
        }
        Command::Features(arguments) => {
            ended(features::run(&arguments, output), FeaturesError::is_wrong_use)
        }
    }
}

/// The exit code of a result; its error is told with all its causes.
fn ended<E>(result: Result<(), E>, is_wrong_use: impl Fn(&E) -> bool) -> ExitCode
where
    E: Error + Send + Sync + 'static,
{
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if cause::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {}", cause::chain(&error)));
            ExitCode::from(if is_wrong_use(&error) { 2 } else { 1 })
        }
    }
}
