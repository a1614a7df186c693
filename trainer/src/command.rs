//! The command line's subcommands, each a file of its own that writes to any `impl Write`.

pub mod baselines;
pub mod dataset;
pub mod evaluate;
pub mod explain;
pub mod features;
mod numbers;
mod policy_data;
pub mod score;
pub mod train;
mod word_table;
pub mod words;

pub use policy_data::PolicyDataError;
pub use word_table::WordTableError;
