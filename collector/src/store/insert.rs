//! Putting calls into the tables, many rows a statement.
//!
//! A statement costs a round trip to SQLite's thread, which is ten times the insert of a row, so
//! rows go in by powers of two: few enough texts that all of them stay prepared. Ids are counted
//! here rather than by the database, so that a call's rows in all tables are known at once; nobody
//! else writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, query_builder::Separated, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    StoreError, Value,
    batch::Batch,
    row::{Addressed, Cell},
};

/// The most rows of one statement: a power of two, and with the widest table below SQLite's
/// bound of 32,766 values.
const MOST_ROWS: usize = 128;

/// One row to insert: the ids that were given out here, and what was known before.
struct Line<'a> {
    ids: Vec<Cell>,
    cells: &'a [Cell],
}

/// A table whose rows are found by SHA-256.
#[derive(Clone, Copy)]
struct AddressedTable {
    name: &'static str,
    find: &'static str,
    newest_id: &'static str,
}

const IMAGES: AddressedTable = AddressedTable {
    name: "image",
    find: "select sha256, id from image where sha256 in (",
    newest_id: "select coalesce(max(id), 0) from image",
};

const RAW_ANSWERS: AddressedTable = AddressedTable {
    name: "raw_answer",
    find: "select sha256, id from raw_answer where sha256 in (",
    newest_id: "select coalesce(max(id), 0) from raw_answer",
};

/// Inserts the calls of batches that were not stored before, each with its spool's id; a call that
/// is stored already, or comes twice, is left out.
pub(super) async fn calls(
    connection: &mut SqliteConnection,
    batches: &[(i64, &Batch)],
) -> Result<(), StoreError> {
    let mut seen = stored_uids(connection, batches).await?;
    let mut fresh = Vec::new();
    for (spool_id, batch) in batches {
        for call in &batch.calls {
            if seen.insert(call.uid) {
                fresh.push((*spool_id, *batch, call));
            }
        }
    }
    let images = fresh.iter().filter_map(|(_, _, call)| call.image.as_ref());
    let images = addressed_ids(connection, IMAGES, images).await?;
    let answers = fresh.iter().filter_map(|(_, _, call)| call.raw_answer.as_ref());
    let answers = addressed_ids(connection, RAW_ANSWERS, answers).await?;

    let newest = newest_id(connection, "select coalesce(max(id), 0) from request").await?;
    let mut requests = Vec::with_capacity(fresh.len());
    let mut detections = Vec::new();
    for (id, (spool_id, batch, call)) in (newest.saturating_add(1)..).zip(fresh) {
        let ids = vec![
            ("id", id.into()),
            ("spool_id", spool_id.into()),
            ("sequence", batch.sequence.into()),
            ("received_at_ns", batch.received_at.into()),
            ("image_id", id_of(&images, call.image.as_ref())),
            ("raw_answer_id", id_of(&answers, call.raw_answer.as_ref())),
        ];
        requests.push(Line { ids, cells: &call.request });
        for cells in &call.detections {
            detections.push(Line { ids: vec![("request_id", id.into())], cells });
        }
    }
    insert(connection, "request", &requests).await?;
    insert(connection, "detection", &detections).await
}

/// Which of the batches' calls are in the database.
async fn stored_uids(
    connection: &mut SqliteConnection,
    batches: &[(i64, &Batch)],
) -> Result<HashSet<Uuid>, StoreError> {
    let calls = batches.iter().flat_map(|(_, batch)| &batch.calls);
    let uids = calls.map(|call| call.uid.into()).collect::<Vec<_>>();
    let rows = find(connection, "select uid from request where uid in (", &uids).await?;
    let mut stored = HashSet::with_capacity(uids.len());
    for row in rows {
        let uid: Vec<u8> = column(&row, 0)?;
        let uid = Uuid::from_slice(&uid)
            .map_err(|_| StoreError::Corrupt { column: "uid", found: format!("{uid:?}") })?;
        stored.insert(uid);
    }
    Ok(stored)
}

/// Finds rows by what they hold, inserts those that are not there, and returns all their ids.
async fn addressed_ids(
    connection: &mut SqliteConnection,
    table: AddressedTable,
    rows: impl Iterator<Item = &Addressed>,
) -> Result<HashMap<[u8; 32], i64>, StoreError> {
    // Sorted, so that pages of the index are written in order.
    let mut missing = rows.map(|row| (row.sha256, row)).collect::<BTreeMap<_, _>>();
    let wanted = missing.keys().map(|sha256| sha256.as_slice().into()).collect::<Vec<_>>();
    let mut ids = HashMap::with_capacity(wanted.len());
    for row in find(connection, table.find, &wanted).await? {
        let sha256: Vec<u8> = column(&row, 0)?;
        if let Ok(sha256) = <[u8; 32]>::try_from(sha256.as_slice()) {
            missing.remove(&sha256);
            ids.insert(sha256, column(&row, 1)?);
        }
    }
    let newest = newest_id(connection, table.newest_id).await?;
    let mut lines = Vec::with_capacity(missing.len());
    for (id, (sha256, row)) in (newest.saturating_add(1)..).zip(missing) {
        ids.insert(sha256, id);
        lines.push(Line { ids: vec![("id", id.into())], cells: &row.cells });
    }
    insert(connection, table.name, &lines).await?;
    Ok(ids)
}

fn id_of(ids: &HashMap<[u8; 32], i64>, row: Option<&Addressed>) -> Value {
    row.and_then(|row| ids.get(&row.sha256).copied()).into()
}

async fn newest_id(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(sql)
        .fetch_one(connection)
        .await
        .map_err(StoreError::while_doing("finding the newest id"))
}

/// Runs a query that ends in `in (` for all keys.
async fn find(
    connection: &mut SqliteConnection,
    sql: &'static str,
    keys: &[Value],
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut found = Vec::new();
    for keys in by_powers_of_two(keys) {
        let mut query = QueryBuilder::<Sqlite>::new(sql);
        let mut list = query.separated(", ");
        for key in keys {
            bind(&mut list, key);
        }
        query.push(")");
        let rows = query.build().fetch_all(&mut *connection).await;
        found.extend(rows.map_err(StoreError::while_doing("looking for stored rows"))?);
    }
    Ok(found)
}

/// Inserts rows that all have the same columns.
async fn insert(
    connection: &mut SqliteConnection,
    table: &'static str,
    lines: &[Line<'_>],
) -> Result<(), StoreError> {
    for lines in by_powers_of_two(lines) {
        let mut query = QueryBuilder::<Sqlite>::new("insert into ");
        query.push(table).push(" (");
        let mut columns = query.separated(", ");
        for (column, _) in lines.first().into_iter().flat_map(Line::all) {
            columns.push(column);
        }
        query.push(") ");
        query.push_values(lines, |mut values, line| {
            for (_, value) in line.all() {
                bind(&mut values, value);
            }
        });
        let inserted = query.build().execute(&mut *connection).await;
        inserted.map_err(StoreError::while_doing("inserting rows"))?;
    }
    Ok(())
}

impl Line<'_> {
    fn all(&self) -> impl Iterator<Item = &Cell> {
        self.ids.iter().chain(self.cells)
    }
}

fn bind(values: &mut Separated<'_, Sqlite, &'static str>, value: &Value) {
    match value {
        Value::Null => values.push_bind(None::<i64>),
        Value::Integer(number) => values.push_bind(*number),
        Value::Real(number) => values.push_bind(*number),
        Value::Text(text) => values.push_bind(text.as_str()),
        Value::Blob(bytes) => values.push_bind(bytes.as_slice()),
    };
}

fn column<'row, T>(row: &'row SqliteRow, place: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'row, Sqlite> + sqlx::Type<Sqlite>,
{
    sqlx::Row::try_get(row, place).map_err(StoreError::while_doing("reading stored rows"))
}

/// Cuts a slice into pieces whose lengths are powers of two, the longest first.
fn by_powers_of_two<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    let mut length = MOST_ROWS;
    std::iter::from_fn(move || {
        while length > rest.len() {
            length /= 2;
        }
        let (piece, others) = rest.split_at_checked(length).filter(|_| length > 0)?;
        rest = others;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_powers_of_two_and_leave_nothing_out() {
        for length in [0, 1, 2, 3, 127, 128, 129, 1000] {
            let all = (0..length).collect::<Vec<_>>();
            let pieces = by_powers_of_two(&all).collect::<Vec<_>>();
            assert!(pieces.iter().all(|piece| piece.len().is_power_of_two()));
            assert_eq!(pieces.concat(), all);
        }
    }
}
