//! The commands, and why one can fail.

pub mod check;
pub mod once;
pub mod run;
mod tally;

use std::{io, path::PathBuf};

use clap::Args;
use thiserror::Error;

use crate::{agent::AgentError, config::ConfigError, simulation::SimulationError};

/// Which configuration to use.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// The agent's configuration, in the form of the commented example agent/agent.toml.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The agent.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The simulation.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// Something that was looked for is missing.
    #[error("{0}")]
    NotReady(String),
    /// Measurements are in the spool that the collector does not have.
    #[error("{rows} measurements are not delivered; they stay in {} and go up with the next run", state.display())]
    Undelivered {
        /// How many.
        rows: u64,
        /// Where they are.
        state: PathBuf,
    },
    /// The command was stopped before its end.
    #[error("stopped; calls that were not sent are left in the spool")]
    Stopped,
    /// The output could not be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl CommandError {
    /// The exit code for scripts: 2 for usage and configuration, 130 where it was stopped, else 1.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Simulation(_) | Self::NotReady(_) => 2,
            Self::Agent(error) if error.is_configuration() => 2,
            Self::Stopped => 130,
            Self::Agent(_) | Self::Undelivered { .. } | Self::Output(_) => 1,
        }
    }
}
