//! Rows as a table, as CSV, as JSON.
//!
//! CSV and JSON are written while rows are read, so an answer may be larger than memory; a table
//! has to know its widest row first.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use armol_analysis::report::plain_table;
use comfy_table::CellAlignment;

use crate::store::{RowSink, Value};

/// Writes CSV.
pub(super) struct Csv<W: Write> {
    writer: csv::Writer<W>,
}

/// Writes one JSON array.
pub(super) struct Json<W> {
    output: W,
    /// The columns' names as JSON strings.
    names: Vec<String>,
    rows: u64,
}

/// Gathers rows for a table.
pub(super) struct Table {
    table: comfy_table::Table,
    /// How many more values it takes.
    room: usize,
}

/// The most values of a table: each takes some 300 bytes until the table is written, on a machine
/// that the collector may share.
const MOST_VALUES: usize = 1_000_000;

impl<W: Write> Csv<W> {
    pub(super) fn new(output: W) -> Self {
        Self { writer: csv::Writer::from_writer(output) }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<W: Write> RowSink for Csv<W> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.writer.write_record(names).map_err(output_error)
    }

    fn row(&mut self, values: &[Value]) -> io::Result<()> {
        self.writer.write_record(values.iter().map(text)).map_err(output_error)
    }
}

impl<W: Write> Json<W> {
    pub(super) const fn new(output: W) -> Self {
        Self { output, names: Vec::new(), rows: 0 }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        let end = if self.rows == 0 { "[]\n" } else { "\n]\n" };
        self.output.write_all(end.as_bytes())?;
        self.output.flush()
    }
}

impl<W: Write> RowSink for Json<W> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            let advice = format!("two columns are named {twice:?}; tell them apart with \"as\"");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, advice));
        }
        for name in names {
            self.names.push(serde_json::to_string(name)?);
        }
        Ok(())
    }

    fn row(&mut self, values: &[Value]) -> io::Result<()> {
        let mut line = if self.rows == 0 { "[\n{".to_owned() } else { ",\n{".to_owned() };
        for (place, (name, value)) in self.names.iter().zip(values).enumerate() {
            if place > 0 {
                line.push(',');
            }
            line.push_str(name);
            line.push(':');
            line.push_str(&json(value)?);
        }
        line.push('}');
        self.rows += 1;
        self.output.write_all(line.as_bytes())
    }
}

impl Table {
    pub(super) fn new() -> Self {
        Self { table: plain_table(), room: MOST_VALUES }
    }

    pub(super) fn finish(self, output: &mut impl Write) -> io::Result<()> {
        writeln!(output, "{}", self.table)?;
        output.flush()
    }
}

impl RowSink for Table {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.table.set_header(names);
        Ok(())
    }

    fn row(&mut self, values: &[Value]) -> io::Result<()> {
        let Some(room) = self.room.checked_sub(values.len()) else {
            let advice = format!("a table holds up to {MOST_VALUES} values; use --csv or --json");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, advice));
        };
        self.room = room;
        self.table.add_row(values.iter().map(|value| {
            let alignment = match value {
                Value::Integer(_) | Value::Real(_) => CellAlignment::Right,
                _ => CellAlignment::Left,
            };
            comfy_table::Cell::new(printable(&text(value))).set_alignment(alignment)
        }));
        Ok(())
    }
}

/// What went wrong underneath, so that a closed pipe is still known as one.
fn output_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A value for people and for CSV.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => hexadecimal(bytes),
    }
}

/// Text without characters that steer a terminal: labels and messages are what others wrote.
fn printable(text: &str) -> String {
    let steers = |letter: char| letter.is_control() && letter != '\n';
    text.chars().map(|letter| if steers(letter) { '\u{fffd}' } else { letter }).collect()
}

fn json(value: &Value) -> serde_json::Result<String> {
    match value {
        Value::Null => Ok("null".to_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        // JSON has no infinity; serde_json writes null.
        Value::Real(number) => serde_json::to_string(number),
        Value::Text(text) => serde_json::to_string(text),
        Value::Blob(bytes) => serde_json::to_string(&hexadecimal(bytes)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_memory_should_not_hold_is_refused() {
        let mut table = Table { room: 3, ..Table::new() };
        let row = [Value::Null, Value::Integer(1)];
        table.row(&row).unwrap();
        let refusal = table.row(&row).unwrap_err().to_string();
        assert!(refusal.contains("--csv"), "{refusal}");
    }
}
