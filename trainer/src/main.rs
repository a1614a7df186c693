//! The command line.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::baselines::{self, BaselinesArguments};
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
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Command::Baselines(arguments) = CommandLine::parse().command;
    match baselines::run(&arguments, &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if cause::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let code = ExitCode::from(if error.is_wrong_use() { 2 } else { 1 });
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {:#}", anyhow::Error::from(error)));
            code
        }
    }
}
