//! Questions in SQL, of any shape, answered row by row.

use std::io;

use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Column, Decode, Executor, Row, SqlSafeStr, Sqlite, Statement, TypeInfo,
    ValueRef, sqlite::SqliteRow,
};

use super::{Reader, StoreError, Value};

/// What SQLite answers where a statement would write to a database that is open for reading.
const READ_ONLY: &str = "8";

/// What SQLite answers where a statement makes no sense.
const ERROR: &str = "1";

/// Takes an answer as it is read.
pub trait RowSink {
    /// Takes the columns' names, once, before any row.
    ///
    /// # Errors
    /// Where they cannot be handed on.
    fn columns(&mut self, names: &[String]) -> io::Result<()>;

    /// Takes a row.
    ///
    /// # Errors
    /// Where it cannot be handed on.
    fn row(&mut self, values: &[Value]) -> io::Result<()>;
}

impl Reader {
    /// Answers a question in SQL without holding the answer in memory.
    ///
    /// # Errors
    /// Where it is not exactly one statement, it would write, the database refuses it, or the sink
    /// does not take the answer.
    pub async fn query(&self, sql: &str, sink: &mut impl RowSink) -> Result<(), StoreError> {
        match statements(sql) {
            0 => return Err(StoreError::NoStatement),
            1 => {}
            _ => return Err(StoreError::SeveralStatements),
        }
        let mut connection = self.connection().await?;
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let statement = (&mut *connection).prepare(sql.clone()).await.map_err(not_understood)?;
        // Pragmas, "attach" and "vacuum into" change something without writing to this database,
        // and a question has columns.
        if statement.columns().is_empty() {
            return Err(StoreError::WouldWrite);
        }
        let names = statement.columns().iter().map(|column| column.name().to_owned());
        sink.columns(&names.collect::<Vec<_>>()).map_err(StoreError::Output)?;
        let mut rows = sqlx::raw_sql(sql).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.map_err(refused)? {
            let values = (0..row.len()).map(|place| value(&row, place));
            let values = values.collect::<Result<Vec<_>, _>>().map_err(refused)?;
            sink.row(&values).map_err(StoreError::Output)?;
        }
        Ok(())
    }
}

fn not_understood(source: sqlx::Error) -> StoreError {
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some(ERROR) { StoreError::NotUnderstood(source) } else { refused(source) }
}

fn refused(source: sqlx::Error) -> StoreError {
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.as_deref() == Some(READ_ONLY) {
        StoreError::WouldWrite
    } else {
        StoreError::Database { doing: "answering the query", source }
    }
}

fn value(row: &SqliteRow, place: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let decoded = match raw.type_info().name() {
        "INTEGER" => <i64 as Decode<'_, Sqlite>>::decode(raw).map(Value::Integer),
        "REAL" => <f64 as Decode<'_, Sqlite>>::decode(raw).map(Value::Real),
        // By bytes, for text need not be UTF-8: cast(body as text) may be anything.
        "TEXT" => <&[u8] as Decode<'_, Sqlite>>::decode(raw)
            .map(|bytes| Value::Text(String::from_utf8_lossy(bytes).into_owned())),
        _ => <&[u8] as Decode<'_, Sqlite>>::decode(raw).map(|bytes| Value::Blob(bytes.to_vec())),
    };
    decoded.map_err(sqlx::Error::Decode)
}

/// Counts statements: pieces between semicolons that hold more than space and comments.
fn statements(sql: &str) -> usize {
    let mut count = 0;
    let mut in_statement = false;
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match (character, next) {
            ('-', Some('-')) => {
                characters.by_ref().find(|character| *character == '\n');
            }
            ('/', Some('*')) => {
                characters.next();
                let mut before = ' ';
                characters.by_ref().find(|character| {
                    let ends = before == '*' && *character == '/';
                    before = *character;
                    ends
                });
            }
            (';', _) => in_statement = false,
            (space, _) if space.is_whitespace() => {}
            (first, _) => {
                if !in_statement {
                    in_statement = true;
                    count += 1;
                }
                let end = match first {
                    '\'' | '"' | '`' => Some(first),
                    '[' => Some(']'),
                    _ => None,
                };
                // A doubled quote inside a quoted text ends it and begins the next at once.
                if let Some(end) = end {
                    characters.by_ref().find(|character| *character == end);
                }
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_statements_but_not_semicolons_in_quotes_and_comments() {
        for (sql, count) in [
            ("", 0),
            (" ; -- select 1\n /* select 2; */ ;", 0),
            ("select 1", 1),
            ("select 1;\n", 1),
            ("select ';', \"a;\", [b;], `c;`, 'it''s;' -- ;\n /* ; */;", 1),
            ("select 1; select 2", 2),
            ("select 1; -- and\n delete from request;", 2),
            ("select 3 - 1 / 2;", 1),
        ] {
            assert_eq!(statements(sql), count, "{sql}");
        }
    }
}
