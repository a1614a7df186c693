//! The command line of `armol-analysis`: what can be learnt from capture files alone.
//!
//! Files and threads are here and in `command`; the library behind them has none.

mod command;

use std::{
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use armol_analysis::cause;
use clap::{Parser, Subcommand};

use self::command::{Completion, compare, flows, info, seed_lags, split, summarise};

/// Tells from captured packets how long the server took, and how long the network.
///
/// Captures are pcap or pcapng files, as they are or packed with gzip or zstd; folders stand for
/// all captures in them, and - for standard input.
///
/// Exit codes: 0 done, 1 done as far as a capture is whole that is cut or corrupt, 2 wrong use:
/// flags, a file that is not there or is no capture.
#[derive(Debug, Parser)]
#[command(name = "armol-analysis", version = armol_analysis::VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Split(split::SplitArguments),
    Flows(flows::FlowsArguments),
    Summarise(summarise::SummariseArguments),
    Compare(compare::CompareArguments),
    SeedLags(seed_lags::SeedLagsArguments),
    Info(info::InfoArguments),
}

fn main() -> ExitCode {
    let mut output = BufWriter::new(io::stdout().lock());
    let mut errors = io::stderr();
    let result = match CommandLine::parse().command {
        Command::Split(arguments) => split::run(&arguments, &mut output, &mut errors),
        Command::Flows(arguments) => flows::run(&arguments, &mut output, &mut errors),
        Command::Summarise(arguments) => summarise::run(&arguments, &mut output, &mut errors),
        Command::Compare(arguments) => compare::run(&arguments, &mut output, &mut errors),
        Command::SeedLags(arguments) => seed_lags::run(&arguments, &mut output, &mut errors),
        Command::Info(arguments) => info::run(&arguments, &mut output, &mut errors),
    };
    match result {
        Ok(Completion::Whole) => ExitCode::SUCCESS,
        Ok(Completion::Damaged) => ExitCode::from(1),
        Ok(Completion::Refused) => ExitCode::from(2),
        Err(error) if cause::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let code = ExitCode::from(if error.is_wrong_use() { 2 } else { 1 });
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {}", cause::chain(&error)));
            code
        }
    }
}
