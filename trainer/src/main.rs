//! The command line of the trainer.
//!
//! Exits with 0 when done, 2 where what was asked for is wrong, 1 for every other failure.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use armol_trainer::command::baselines::{self, BaselinesArguments};
use clap::{Parser, Subcommand};

/// Scores stored answers against ground truth.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = armol_analysis::VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Baselines(BaselinesArguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Command::Baselines(arguments) = CommandLine::parse().command;
    match baselines::run(&arguments, &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let code = if error.is_usage() { 2 } else { 1 };
            report(&error.into());
            ExitCode::from(code)
        }
    }
}

/// Prints an error with its whole chain, once.
fn report(error: &anyhow::Error) {
    // Where standard error is gone too, there is no one left to tell.
    drop(writeln!(io::stderr(), "armol-trainer: {error:#}"));
}
