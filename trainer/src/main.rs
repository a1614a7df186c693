//! The command line.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments},
    words::{self, Completion, WordsArguments},
};
use clap::{Parser, Subcommand};

/// Scores stored answers against ground truth.
///
/// Exit codes: 0 done, 1 failed or a check found something, 2 wrong use: flags, or a file that is not
/// what it should be.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Baselines(BaselinesArguments),
    Words(WordsArguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let output = &mut io::stdout();
    match CommandLine::parse().command {
        Command::Baselines(arguments) => match baselines::run(&arguments, output).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => told(error.is_wrong_use(), error),
        },
        Command::Words(arguments) => match words::run(&arguments, output) {
            Ok(Completion::Sound) => ExitCode::SUCCESS,
            Ok(Completion::Lacking) => ExitCode::FAILURE,
            Err(error) => told(error.is_wrong_use(), error),
        },
    }
}

/// Tells an error with its causes, once, and says with what code to end.
fn told(is_wrong_use: bool, error: impl Error + Send + Sync + 'static) -> ExitCode {
    if cause::is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    // Where standard error is gone too, nobody is left to be told.
    drop(writeln!(io::stderr(), "error: {:#}", anyhow::Error::from(error)));
    ExitCode::from(if is_wrong_use { 2 } else { 1 })
}
