//! `armol-collector query`: a question in SQL, answered as a table, CSV or JSON.

mod render;

use std::{io::Write, path::PathBuf};

use clap::Args;

use crate::store::{Reader, StoreError};

use render::{Csv, Json, Table};

/// What `query` is told.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  armol-collector query --db armol.sqlite \\
      \"select provider, outcome, count(*) from v_request group by provider, outcome\"

The views v_request (one row a call) and v_answer (one row a detected object) are described in
docs/views.md.")]
pub struct QueryArguments {
    /// The database.
    #[arg(long, value_name = "FILE")]
    pub db: PathBuf,
    /// One SQL statement that reads.
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// Write one JSON array of objects, an object a line; nothing is null, bytes are hexadecimal.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Write CSV with a header; nothing is an empty field, bytes are hexadecimal.
    #[arg(long)]
    pub csv: bool,
}

/// Answers the question.
///
/// # Errors
/// Where there is no database, the question is refused, or the answer cannot be written.
pub async fn run(arguments: &QueryArguments, output: &mut impl Write) -> Result<(), StoreError> {
    let reader = Reader::open(&arguments.db).await?;
    let sql = &arguments.sql;
    let finished = if arguments.json {
        let mut json = Json::new(output);
        reader.query(sql, &mut json).await?;
        json.finish()
    } else if arguments.csv {
        let mut csv = Csv::new(output);
        reader.query(sql, &mut csv).await?;
        csv.finish()
    } else {
        let mut table = Table::new();
        reader.query(sql, &mut table).await?;
        table.finish(output)
    };
    finished.map_err(StoreError::Output)
}
