//! The command line's subcommands, each a file of its own that writes to any `impl Write`.

pub mod baselines;
pub mod dataset;
pub mod features;
pub mod score;
mod word_table;
pub mod words;

pub use word_table::WordTableError;
