//! The command line's subcommands, each a file of its own that writes to any `impl Write`.

pub mod baselines;
pub mod features;
