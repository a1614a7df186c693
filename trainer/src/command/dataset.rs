//! `armol-trainer dataset`: data sets come, go, and are looked at.

mod check;
mod error;
mod export;
mod from_collector;
mod import;
mod show;
mod source;
mod summary;

use std::io::Write;

use clap::{Args, Subcommand};

pub use check::CheckArguments;
pub use error::DatasetCommandError;
pub use export::ExportArguments;
pub use from_collector::FromCollectorArguments;
pub use import::ImportArguments;
pub use show::ShowArguments;

/// Makes, checks, shows and exports data sets: images with ground truth and providers' answers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset import --name voc --ground-truth gt.json --answers aws=aws.json --out data/voc
  armol-trainer dataset show data/voc")]
pub struct DatasetArguments {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum DatasetCommand {
    Import(ImportArguments),
    FromCollector(FromCollectorArguments),
    Export(ExportArguments),
    Check(CheckArguments),
    Show(ShowArguments),
}

/// Does what was asked for and writes what is to be said to `output`.
///
/// # Errors
/// Where a file cannot be used, a data set is damaged, or `output` fails.
pub async fn run(
    arguments: &DatasetArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    match &arguments.command {
        DatasetCommand::Import(arguments) => import::run(arguments, output),
        DatasetCommand::FromCollector(arguments) => from_collector::run(arguments, output).await,
        DatasetCommand::Export(arguments) => export::run(arguments, output),
        DatasetCommand::Check(arguments) => check::run(arguments, output),
        DatasetCommand::Show(arguments) => show::run(arguments, output),
    }
}
