//! The database: the only place that holds SQL.
//!
//! [`Store`] owns the one connection that writes, [`Writer`] is how everybody else reaches it, and
//! a [`Reader`] reads beside it without waiting for either. `schema` makes and recognises the
//! database, `row` turns measurements into rows, `insert` and `account` are the statements of the
//! writer's transactions.

mod account;
mod batch;
mod file;
mod insert;
mod query;
mod reader;
mod row;
mod schema;
mod value;
mod writer;

use std::{io, path::PathBuf};

use thiserror::Error;

pub use batch::{Batch, Rejection, Resumption, SpoolKey, Unstorable};
pub use query::RowSink;
pub use reader::{CallFilter, CalledImage, Reader, StoredAnswer};
pub use value::Value;
pub use writer::{NotStored, Receipt, Store, Work, Writer};

/// Why the database could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no database at the path.
    #[error("no database at {0}; start a collector with --db to make one")]
    Missing(PathBuf),
    /// The file could not be made or locked.
    #[error("database file {path} cannot be opened for writing; name another with --db")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another collector writes to the database.
    #[error("database {0} is in use by another collector; stop that one or name another file")]
    Locked(PathBuf),
    /// The file is no SQLite database.
    #[error("{0} is not a database; name the file that a collector made")]
    NotADatabase(PathBuf),
    /// The file is a database of some other program.
    #[error("{0} is not a collector's database; name the file that a collector made")]
    Foreign(PathBuf),
    /// A later version of this program made the database.
    #[error(
        "database {path} has schema {found}, this program knows up to {known}; \
         use the version of armol-collector that made it, or a later one"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema's version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// An earlier version of this program made the database, and it was opened for reading only.
    #[error(
        "database {path} has schema {found}, this program reads {known}; \
         start armol-collector serve on it once to bring it up to date"
    )]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// The schema's version.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// The schema could not be made or brought up to date.
    #[error("while bringing the schema up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database refused.
    #[error("while {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what no collector writes.
    #[error("stored row holds {found} as {column}, which no collector writes")]
    Corrupt {
        /// The column.
        column: &'static str,
        /// What it holds.
        found: String,
    },
    /// A question is more than one statement.
    #[error("query holds several statements; ask one at a time")]
    SeveralStatements,
    /// A question is no statement at all.
    #[error("query holds no statement; write one, such as \"select count(*) from v_request\"")]
    NoStatement,
    /// A question would change the database.
    #[error("query would write or change a setting, and only reading is allowed here; use select")]
    WouldWrite,
    /// A question is no SQL, or asks for what is not there.
    #[error("query is not understood; docs/views.md names what can be asked for")]
    NotUnderstood(#[source] sqlx::Error),
    /// An answer could not be handed on.
    #[error("while writing the answer")]
    Output(#[source] io::Error),
}

impl StoreError {
    /// Whether the file or the question is the mistake, rather than anything that happened.
    pub const fn is_wrong_use(&self) -> bool {
        matches!(
            self,
            Self::Missing(_)
                | Self::File { .. }
                | Self::NotADatabase(_)
                | Self::Foreign(_)
                | Self::NewerSchema { .. }
                | Self::OlderSchema { .. }
                | Self::SeveralStatements
                | Self::NoStatement
                | Self::WouldWrite
                | Self::NotUnderstood(_)
        )
    }

    /// Names what was being done when the database refused.
    pub(crate) fn while_doing(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
