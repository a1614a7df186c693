//! The database: the only place that holds SQL.

pub mod reader;

use std::path::PathBuf;

use thiserror::Error;

pub use reader::{CallFilter, Reader, StoredAnswer};

/// Why the database could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no database at the path.
    #[error("no database at {0}; start a collector with --db to make one")]
    Missing(PathBuf),
    /// The database refused.
    #[error("while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
}
