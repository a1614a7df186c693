//! `armol-trainer words`: which group a provider's word leads to, and why.

mod build;
mod check;
mod explain;
mod inputs;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::label_groups::{BuildError, LabelGroupsError, wordnet::WordNetError};
use clap::{Args, Subcommand};
use thiserror::Error;

use build::BuildArguments;
use check::CheckArguments;
use explain::ExplainArguments;

/// Which group a provider's word leads to, and why.
///
/// A table of words leads "Mobile phone" and "Cell Phone" to one group. It is built from a list of
/// targets, WordNet's nouns (Debian's package wordnet-base) and rules for what WordNet does not know.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer words build --vocabulary coco --out words.json
  armol-trainer words check words.json --vocabulary rekognition
  armol-trainer words explain motorbike 'Land vehicle'")]
pub struct WordsArguments {
    #[command(subcommand)]
    command: WordsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum WordsCommand {
    Build(BuildArguments),
    Check(CheckArguments),
    Explain(ExplainArguments),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Nothing is wrong.
    Sound,
    /// A table lacks some of its targets.
    Lacking,
}

/// Why a command on words fails.
#[derive(Debug, Error)]
pub enum WordsError {
    /// A file cannot be read.
    #[error("cannot read {what} {path}")]
    Read {
        /// What the file should be.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// WordNet is not there.
    #[error(
        "no WordNet in {path}; install it (apt-get install wordnet-base), or name its folder with \
         --wordnet"
    )]
    NoWordNet {
        /// The folder that was looked at.
        path: PathBuf,
    },
    /// WordNet's files are damaged.
    #[error("WordNet in {path} cannot be used")]
    WordNet {
        /// The folder.
        path: PathBuf,
        /// What is wrong with a file in it.
        #[source]
        source: WordNetError,
    },
    /// The rules are none.
    #[error("overrides {path} cannot be used")]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A vocabulary has no words.
    #[error("vocabulary {path} has no words; list one a line")]
    EmptyVocabulary {
        /// The file.
        path: PathBuf,
    },
    /// Vocabulary, WordNet and rules make no table.
    #[error("no table can be built")]
    Build(#[from] BuildError),
    /// A table cannot be used.
    #[error("label groups {path} cannot be used")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: LabelGroupsError,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[from] io::Error),
}

impl WordsError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        !matches!(self, Self::WriteFile { .. } | Self::Write(_))
    }
}

/// Does what the command says and writes the result to `output`.
///
/// # Errors
/// Where a file cannot be used, or `output` fails.
pub fn run(arguments: &WordsArguments, output: &mut impl Write) -> Result<Completion, WordsError> {
    let completion = match &arguments.command {
        WordsCommand::Build(arguments) => build::run(arguments, output),
        WordsCommand::Check(arguments) => check::run(arguments, output),
        WordsCommand::Explain(arguments) => explain::run(arguments, output),
    }?;
    output.flush()?;
    Ok(completion)
}
