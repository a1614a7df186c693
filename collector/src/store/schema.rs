//! Making the database, bringing it up to date, and refusing what is none of ours.

use std::{borrow::Cow, path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection, SqlSafeStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::StoreError;

/// The schema's version: the number of the last migration.
pub(super) const VERSION: i64 = 3;

/// The application id that the first migration writes into the file.
const APPLICATION_ID: i64 = 1_095_912_780;

/// What SQLite answers where the file is no database.
const NOT_A_DATABASE: &str = "26";

/// How long one side waits for the other's locks. Readers and the writer do not block each other
/// in WAL mode; this is for checkpoints and for people with other tools.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the database for writing, and makes it or brings it up to date.
pub(super) async fn open_for_writing(path: &Path) -> Result<SqliteConnection, StoreError> {
    refuse_what_is_not_ours(path).await?;
    let options = plain_options(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledgement is a promise that outlives a power cut.
        .synchronous(SqliteSynchronous::Full)
        // A burst grows the WAL; afterwards it is cut back to this.
        .pragma("journal_size_limit", "67108864")
        // 64 MiB: the indexes on SHA-256 are random, and slow where they do not fit in memory.
        .pragma("cache_size", "-65536");
    let mut connection = options.connect().await.map_err(|source| refused(path, source))?;
    migrations().run(&mut connection).await.map_err(StoreError::Migration)?;
    Ok(connection)
}

/// How to open the database for reading; no statement on it can write.
pub(super) fn options_for_reading(path: &Path) -> SqliteConnectOptions {
    plain_options(path).read_only(true).pragma("query_only", "on")
}

fn plain_options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
    options.disable_statement_logging()
}

/// Looks at the database over a connection of its own: to set the journal mode is to change the
/// file, which may belong to another program.
async fn refuse_what_is_not_ours(path: &Path) -> Result<(), StoreError> {
    let refused = |source| refused(path, source);
    let mut connection = plain_options(path).connect().await.map_err(refused)?;
    match version(path, &mut connection).await? {
        Some(found) if found > VERSION => Err(newer(path, found)),
        _ => connection.close().await.map_err(refused),
    }
}

/// Checks that the database is one that this program reads.
pub(super) async fn recognise(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<(), StoreError> {
    match version(path, connection).await? {
        None => Err(StoreError::Foreign(path.to_owned())),
        Some(found) if found > VERSION => Err(newer(path, found)),
        Some(found) if found < VERSION => {
            Err(StoreError::OlderSchema { path: path.to_owned(), found, known: VERSION })
        }
        Some(_) => Ok(()),
    }
}

/// The version of the database's schema; `None` where the database is empty.
async fn version(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<Option<i64>, StoreError> {
    let refused = |source| refused(path, source);
    let application: i64 = sqlx::query_scalar("select application_id from pragma_application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(refused)?;
    if application == APPLICATION_ID {
        return sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations")
            .fetch_one(connection)
            .await
            .map(Some)
            .map_err(refused);
    }
    // A collector that was killed while it made the database leaves the first migration undone.
    let others: i64 =
        sqlx::query_scalar("select count(*) from sqlite_schema where name not like '%sqlx%'")
            .fetch_one(connection)
            .await
            .map_err(refused)?;
    if application == 0 && others == 0 {
        Ok(None)
    } else {
        Err(StoreError::Foreign(path.to_owned()))
    }
}

fn migrations() -> Migrator {
    Migrator::with_migrations(vec![
        migration(1, "measurements", include_str!("../../migrations/sqlite/0001_measurements.sql")),
        migration(
            2,
            "socket stamps",
            include_str!("../../migrations/sqlite/0002_socket_stamps.sql"),
        ),
        migration(
            3,
            "answers by content",
            include_str!("../../migrations/sqlite/0003_answers_by_content.sql"),
        ),
    ])
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    let (description, sql) = (Cow::Borrowed(description), sql.into_sql_str());
    Migration::new(version, description, MigrationType::Simple, sql, false)
}

fn newer(path: &Path, found: i64) -> StoreError {
    StoreError::NewerSchema { path: path.to_owned(), found, known: VERSION }
}

/// What the database said when it was opened, in words that help.
pub(super) fn refused(path: &Path, source: sqlx::Error) -> StoreError {
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some(NOT_A_DATABASE) {
        StoreError::NotADatabase(path.to_owned())
    } else {
        StoreError::Database { doing: "opening the database", source }
    }
}
