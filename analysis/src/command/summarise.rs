//! `armol-analysis summarise`: many exchanges as a few numbers.

mod tally;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    offline::{Finding, FoundExchange},
    report::{plain_table, table_text},
    summary::Distribution,
};
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use serde_json::{Map, Value};

use self::tally::{GroupTally, PARTS};
use super::{
    CommandError, Completion,
    findings::{self, StreamArguments},
    inputs::{Input, inputs},
    split::milliseconds,
};

/// Summarises the exchanges of captures, group by group.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis summarise us2sg/ --by provider,route,hour
  armol-analysis summarise us2sg/ hk-sg_08/ --server-port 443 --json

Percentiles are nearest rank. Excluded are exchanges without times, by the flag that says why, and
implausible ones. The provider is told by the server's name, from TLS or DNS, else by its address;
the route by the capture's folder; hour and day are UTC.")]
pub(crate) struct SummariseArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "DIR")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    streams: StreamArguments,
    /// What to group by
    #[arg(long, value_delimiter = ',', default_value = "provider")]
    by: Vec<Key>,
    /// Write one JSON object a line and group
    #[arg(long)]
    json: bool,
}

/// What exchanges can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Key {
    /// Whom it asked
    Provider,
    /// The server's address
    Server,
    /// Between which regions, as the folder's name says
    Route,
    /// The hour of the day it began
    Hour,
    /// The day it began
    Day,
    /// The capture
    File,
}

/// Reads the captures and writes their summary.
///
/// # Errors
/// Where an input is not there, or `output` fails.
pub(crate) fn run(
    arguments: &SummariseArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    let mut groups: BTreeMap<Vec<String>, GroupTally> = BTreeMap::new();
    let completion = findings::for_each(&inputs, &arguments.streams, errors, |input, finding| {
        if let Finding::Exchange(found) = finding {
            let key = arguments.by.iter().map(|key| key.value(input, &found)).collect();
            groups.entry(key).or_default().add(&found.split);
        }
        Ok(())
    })?;
    if arguments.json {
        for (key, group) in groups {
            serde_json::to_writer(&mut *output, &Line::new(&arguments.by, key, group))
                .map_err(io::Error::from)?;
            writeln!(output)?;
        }
    } else {
        write_table(&arguments.by, groups, output)?;
    }
    output.flush()?;
    Ok(completion)
}

impl Key {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Server => "server",
            Self::Route => "route",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::File => "file",
        }
    }

    fn value(self, input: &Input, found: &FoundExchange) -> String {
        let began = |format: &str| {
            let first = found.split.request_first;
            first.map(|first| first.to_utc().format(format).to_string()).unwrap_or_default()
        };
        match self {
            Self::Provider => provider(found),
            Self::Server => found.server.ip().to_string(),
            Self::Route => input.name().route.map(|route| route.to_string()).unwrap_or_default(),
            Self::Hour => began("%H"),
            Self::Day => began("%Y-%m-%d"),
            Self::File => input.to_string(),
        }
    }
}

/// Where the names of the clouds' services end.
const PROVIDERS: [(&str, &str); 4] = [
    (".amazonaws.com", "aws"),
    (".azure.com", "azure"),
    (".googleapis.com", "google"),
    (".aliyuncs.com", "aliyun"),
];

/// The cloud where the server's name tells it, else that name, else its address.
fn provider(found: &FoundExchange) -> String {
    let Some(name) = found.server_name.as_deref() else { return found.server.ip().to_string() };
    let known = PROVIDERS.iter().find(|(ending, _)| name.ends_with(ending));
    known.map_or(name, |(_, provider)| provider).to_owned()
}

fn write_table(
    by: &[Key],
    groups: BTreeMap<Vec<String>, GroupTally>,
    output: &mut impl Write,
) -> io::Result<()> {
    if groups.is_empty() {
        return writeln!(output, "no exchanges found");
    }
    let mut table = empty_table(by);
    for (mut cells, group) in groups {
        cells.push(group.exchanges().to_string());
        cells.push(group.used().to_string());
        let excluded: Vec<String> =
            group.excluded().iter().map(|(why, count)| format!("{count} {why}")).collect();
        let [upload, inference, download, transmission, _, round_trip] = group.distributions();
        for (part, percent) in [
            (&inference, 50),
            (&inference, 95),
            (&transmission, 50),
            (&transmission, 95),
            (&upload, 50),
            (&download, 50),
            (&round_trip, 50),
        ] {
            cells.push(milliseconds(part.percentile(percent)));
        }
        cells.push(excluded.join(", "));
        table.add_row(cells);
    }
    writeln!(output, "{}", table_text(&table))
}

fn empty_table(by: &[Key]) -> Table {
    let figures = [
        "exchanges",
        "used",
        "inference p50 ms",
        "p95",
        "transmission p50",
        "p95",
        "upload p50",
        "download p50",
        "round trip p50",
    ];
    let mut header: Vec<&str> = by.iter().map(|key| key.as_str()).collect();
    header.extend(figures);
    header.push("excluded");
    let mut table = plain_table();
    table.set_header(header);
    for column in by.len()..by.len() + figures.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A group as JSON has it.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    key: Map<String, Value>,
    exchanges: u64,
    used: u64,
    excluded: BTreeMap<String, u64>,
    flags: BTreeMap<String, u64>,
    /// The percentiles of each part in nanoseconds.
    percentiles: BTreeMap<&'static str, Percentiles>,
}

/// Nearest-rank percentiles, in nanoseconds.
#[derive(Debug, Serialize)]
struct Percentiles {
    p5: Option<i64>,
    p50: Option<i64>,
    p95: Option<i64>,
    p99: Option<i64>,
}

impl Line {
    fn new(by: &[Key], values: Vec<String>, group: GroupTally) -> Self {
        let mut key = Map::new();
        for (name, value) in by.iter().zip(values) {
            key.insert(name.as_str().to_owned(), Value::String(value));
        }
        let (exchanges, used) = (group.exchanges(), group.used());
        let (excluded, flags) = (group.excluded().clone(), group.flags().clone());
        let parts = group.distributions();
        let percentiles =
            PARTS.iter().zip(&parts).map(|(name, part)| (*name, Percentiles::of(part))).collect();
        Self { key, exchanges, used, excluded, flags, percentiles }
    }
}

impl Percentiles {
    fn of(part: &Distribution) -> Self {
        let [p5, p50, p95, p99] = [5, 50, 95, 99].map(|percent| part.percentile(percent));
        Self { p5, p50, p95, p99 }
    }
}
