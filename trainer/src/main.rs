//! The command line.

mod interrupt;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments, BaselinesError as BaselineError},
    dataset::{self, DatasetArguments, DatasetCommandError as DatasetError},
    evaluate::{self, EvaluateArguments, EvaluateError},
    explain::{self, ExplainArguments, ExplainError},
    features::{self, FeaturesArguments, FeaturesError},
    score::{self, ScoreArguments, ScoreError},
    train::{TrainArguments, TrainError},
    words::{self, Completion, WordsArguments, WordsError},
};
use clap::{Parser, Subcommand};

/// Makes data sets of stored answers, scores them against ground truth, and learns whom to ask.
///
/// Exit codes: 0 done, 1 failed or a damaged data set, 2 wrong use: flags, a file of another kind.
#[derive(Debug, Parser)]
#[command(name = "armol-trainer", version = VERSION, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dataset(DatasetArguments),
    Words(WordsArguments),
    Features(FeaturesArguments),
    Baselines(BaselinesArguments),
    Train(Box<TrainArguments>),
    Evaluate(EvaluateArguments),
    Explain(ExplainArguments),
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
        Ok(code) => code,
        Err(failure) if cause::is_broken_pipe(failure.error.as_ref()) => ExitCode::SUCCESS,
        Err(Failure { error, is_wrong_use }) => {
            // Where standard error is gone too, nobody is left to be told.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::from(if is_wrong_use { 2 } else { 1 })
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    let output = &mut io::stdout();
    match command {
        Command::Dataset(given) => {
            dataset::run(&given, output).await.map_err(failure(DatasetError::is_wrong_use))?;
        }
        Command::Words(given) => {
            let found = words::run(&given, output).map_err(failure(WordsError::is_wrong_use))?;
            return Ok(ExitCode::from(u8::from(found == Completion::Lacking)));
        }
        Command::Features(given) => {
            features::run(&given, output).map_err(failure(FeaturesError::is_wrong_use))?;
        }
        Command::Baselines(given) => {
            baselines::run(&given, output).await.map_err(failure(BaselineError::is_wrong_use))?;
        }
        Command::Train(given) => {
            interrupt::train(*given).await.map_err(failure(TrainError::is_wrong_use))?;
        }
        Command::Evaluate(given) => {
            evaluate::run(&given, output).map_err(failure(EvaluateError::is_wrong_use))?;
        }
        Command::Explain(given) => {
            explain::run(&given, output).map_err(failure(ExplainError::is_wrong_use))?;
        }
        Command::Score(given) => {
            score::run(&given, output).map_err(failure(ScoreError::is_wrong_use))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn failure<E: Into<anyhow::Error>>(is_wrong_use: impl Fn(&E) -> bool) -> impl Fn(E) -> Failure {
    move |error| Failure { is_wrong_use: is_wrong_use(&error), error: error.into() }
}
