//! The command line.

use std::{
    io::{self, Write},
    panic,
    process::{self, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use armol_analysis::{VERSION, cause};
use armol_trainer::command::{
    baselines::{self, BaselinesArguments, BaselinesError},
    dataset::{self, DatasetArguments, DatasetCommandError},
    evaluate::{self, EvaluateArguments, EvaluateError},
    explain::{self, ExplainArguments, ExplainError},
    features::{self, FeaturesArguments, FeaturesError},
    score::{self, ScoreArguments, ScoreError},
    train::{self, TrainArguments, TrainError},
    words::{self, Completion, WordsArguments, WordsError},
};
use clap::{Parser, Subcommand};
use tokio::{signal, task};

/// Makes data sets of stored answers, and scores them against ground truth.
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
        Command::Dataset(arguments) => {
            let result = dataset::run(&arguments, output).await;
            result.map_err(failure(DatasetCommandError::is_wrong_use))?;
        }
        Command::Words(arguments) => {
            let found = words::run(&arguments, output);
            if found.map_err(failure(WordsError::is_wrong_use))? == Completion::Lacking {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Features(arguments) => {
            features::run(&arguments, output).map_err(failure(FeaturesError::is_wrong_use))?;
        }
        Command::Baselines(arguments) => {
            let result = baselines::run(&arguments, output).await;
            result.map_err(failure(BaselinesError::is_wrong_use))?;
        }
        Command::Train(arguments) => {
            trained(*arguments).await.map_err(failure(TrainError::is_wrong_use))?;
        }
        Command::Evaluate(arguments) => {
            evaluate::run(&arguments, output).map_err(failure(EvaluateError::is_wrong_use))?;
        }
        Command::Explain(arguments) => {
            explain::run(&arguments, output).map_err(failure(ExplainError::is_wrong_use))?;
        }
        Command::Score(arguments) => {
            score::run(&arguments, output).map_err(failure(ScoreError::is_wrong_use))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Trains on a thread of its own; the first interrupt asks it to stop, a second ends the program.
async fn trained(arguments: TrainArguments) -> Result<(), TrainError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let training = task::spawn_blocking(move || train::run(&arguments, &asked, &mut io::stdout()));
    tokio::pin!(training);
    loop {
        tokio::select! {
            result = &mut training => {
                return result.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
            }
            // Where no signal can be waited for, the system's own way of ending is left.
            Ok(()) = signal::ctrl_c() => {
                if stop.swap(true, Ordering::Relaxed) {
                    process::abort();
                }
                drop(writeln!(io::stderr(), "stopping; once more to end without waiting"));
            }
        }
    }
}

fn failure<E: Into<anyhow::Error>>(is_wrong_use: impl Fn(&E) -> bool) -> impl Fn(E) -> Failure {
    move |error| Failure { is_wrong_use: is_wrong_use(&error), error: error.into() }
}
