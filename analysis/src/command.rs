//! The subcommands of `armol-analysis`, and what they share.
//!
//! A subcommand names its inputs (`inputs`), has each opened and unpacked (`unpacking`) and read by
//! several threads at once (`parallel`), and writes what comes of them in the order in which they
//! were named.

pub(crate) mod compare;
mod findings;
pub(crate) mod flows;
pub(crate) mod info;
mod inputs;
mod parallel;
pub(crate) mod seed_lags;
pub(crate) mod split;
pub(crate) mod summarise;
mod unpacking;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    capture_file::{CaptureFileError, CaptureReader, Damage},
    cause::chain,
};
use thiserror::Error;

use self::{
    inputs::{Input, InputError},
    unpacking::Unpacked,
};

/// How far a subcommand came with its inputs, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Completion {
    /// All of them were read to their end.
    Whole,
    /// One was read as far as it is whole.
    Damaged,
    /// One is no capture, or cannot be opened.
    Refused,
}

/// Why a subcommand stopped.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// The inputs cannot be found.
    #[error(transparent)]
    Inputs(#[from] InputError),
    /// Two captures would be written to one file.
    #[error("two captures would be written to {0}; write them to separate folders with --out")]
    SameName(String),
    /// A file of the result cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file, or its folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Write(#[from] io::Error),
}

impl CommandError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub(crate) const fn is_wrong_use(&self) -> bool {
        matches!(self, Self::Inputs(_) | Self::SameName(_))
    }
}

/// Begins to read an input as a capture.
///
/// # Errors
/// Where it cannot be opened or is no capture.
fn open(input: &Input) -> Result<CaptureReader<Unpacked>, CaptureFileError> {
    let source = input.open().map_err(CaptureFileError::Read)?;
    CaptureReader::new(unpacking::unpack(source).map_err(CaptureFileError::Read)?)
}

/// Tells of an input that was refused; returns what that makes of the whole. Where `errors` is gone,
/// the exit code still tells.
fn tell_refused(input: &Input, error: &CaptureFileError, errors: &mut impl Write) -> Completion {
    drop(writeln!(errors, "error: {input} cannot be used: {}", chain(error)));
    Completion::Refused
}

/// Tells of an input that is damaged, where it is; returns what that makes of the whole.
fn tell_damage(input: &Input, damage: Option<&Damage>, errors: &mut impl Write) -> Completion {
    let Some(damage) = damage else { return Completion::Whole };
    drop(writeln!(errors, "warning: {input} is damaged: {}", chain(damage)));
    Completion::Damaged
}
