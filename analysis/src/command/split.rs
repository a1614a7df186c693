//! `armol-analysis split`: the latency of every exchange in captures, split.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    offline::{ExchangeRow, Finding},
    report::{plain_table, table_text},
    time::Timestamp,
};
use clap::Args;
use comfy_table::{CellAlignment, Table};

use super::{
    CommandError, Completion,
    findings::{self, StreamArguments},
    inputs::inputs,
};

/// Splits the latency of every exchange into the network's part and the server's.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis split run.cap us2sg/ --server-port 443
  armol-analysis split run.pcapng.zst --json | jq .inference_ns

Times are nanoseconds in JSON and CSV, milliseconds in the table; absent is null, empty or -.
Upload, inference and download sum to the total; transmission is upload plus download.
Quality says how requests were told from responses: read from HTTP in clear text, or inferred
from TLS records. Flags say what to know before trusting the times.")]
pub(crate) struct SplitArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    streams: StreamArguments,
    /// Write one JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV with a header
    #[arg(long)]
    csv: bool,
}

/// Reads the captures and writes their exchanges.
///
/// # Errors
/// Where an input is not there, or `output` fails.
pub(crate) fn run(
    arguments: &SplitArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    let mut rows = Rows::begin(arguments, output)?;
    let completion = findings::for_each(&inputs, &arguments.streams, errors, |input, finding| {
        if let Finding::Exchange(found) = finding {
            rows.write(&ExchangeRow::new(&input.to_string(), &found))?;
        }
        Ok(())
    })?;
    rows.finish()?;
    Ok(completion)
}

/// Where rows go, in the form that was asked for.
enum Rows<'o, Output: Write> {
    Json(&'o mut Output),
    Csv(Box<csv::Writer<&'o mut Output>>),
    Table(Box<Table>, &'o mut Output),
}

impl<'o, Output: Write> Rows<'o, Output> {
    fn begin(arguments: &SplitArguments, output: &'o mut Output) -> io::Result<Self> {
        if arguments.json {
            return Ok(Self::Json(output));
        }
        if arguments.csv {
            let mut writer = csv::Writer::from_writer(output);
            writer.write_record(ExchangeRow::NAMES)?;
            return Ok(Self::Csv(Box::new(writer)));
        }
        Ok(Self::Table(Box::new(empty_table()), output))
    }

    fn write(&mut self, row: &ExchangeRow) -> io::Result<()> {
        match self {
            Self::Json(output) => {
                serde_json::to_writer(&mut **output, row)?;
                writeln!(output)
            }
            Self::Csv(writer) => Ok(writer.write_record(row.fields())?),
            Self::Table(table, _) => {
                table.add_row(table_row(row));
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(output) => output.flush(),
            Self::Csv(mut writer) => writer.flush(),
            Self::Table(table, output) => {
                if table.is_empty() {
                    writeln!(output, "no exchanges found")?;
                } else {
                    writeln!(output, "{}", table_text(&table))?;
                }
                output.flush()
            }
        }
    }
}

fn empty_table() -> Table {
    let mut table = plain_table();
    table.set_header([
        "began (UTC)",
        "client",
        "server",
        "n",
        "upload",
        "inference ms",
        "at least",
        "at most",
        "download",
        "round trip",
        "sent",
        "received",
        "flags",
    ]);
    for figures in 3..12 {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn table_row(row: &ExchangeRow) -> [String; 13] {
    let began = row.request_first_ns.map(|first| {
        let first = Timestamp::from_unix_ns(first).to_utc();
        first.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    });
    let address = row.server.to_string();
    let server = row.server_name.as_deref().unwrap_or(&address);
    [
        began.unwrap_or_else(|| "-".to_owned()),
        format!("{}:{}", row.client, row.client_port),
        format!("{server}:{}", row.server_port),
        row.index.to_string(),
        milliseconds(row.upload_ns),
        milliseconds(row.inference_ns),
        milliseconds(row.inference_low_ns),
        milliseconds(row.inference_high_ns),
        milliseconds(row.download_ns),
        milliseconds(row.rtt_ns),
        row.request_bytes.to_string(),
        row.response_bytes.to_string(),
        row.flags.join(" "),
    ]
}

/// A time to the microsecond.
pub(super) fn milliseconds(nanoseconds: Option<i64>) -> String {
    nanoseconds.map_or_else(
        || "-".to_owned(),
        |length| {
            let microseconds = length / 1000;
            let sign = if microseconds < 0 { "-" } else { "" };
            let microseconds = microseconds.unsigned_abs();
            format!("{sign}{}.{:03}", microseconds / 1000, microseconds % 1000)
        },
    )
}
