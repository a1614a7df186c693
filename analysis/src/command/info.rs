//! `armol-analysis info`: what captures hold, and whether they are whole.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    capture_file::{CaptureFileError, Damage, Tally},
    capture_name::CaptureName,
    cause::chain,
    frame::LinkType,
    report::{plain_table, table_text},
    time::Timestamp,
};
use clap::Args;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::{
    CommandError, Completion,
    inputs::{Input, inputs},
    open, parallel, tell_damage, tell_refused,
};

/// Counts what captures hold, and says whether they are whole.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis info run.cap us2sg/
  zstdcat run.pcapng.zst | armol-analysis info --json -

JSON is one object a line, in the order of the captures; absent is null. begun, route and series
are what names like us-sg_08/20210508_010101.cap say.")]
pub(crate) struct InfoArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// What is known of one capture.
#[derive(Debug)]
struct Capture {
    format: &'static str,
    tally: Tally,
    damage: Option<Damage>,
}

/// Reads the captures and writes what they hold.
///
/// # Errors
/// Where an input is not there, or `output` fails.
pub(crate) fn run(
    arguments: &InfoArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    let mut completion = Completion::Whole;
    let mut table = empty_table();
    parallel::in_order(&inputs, read, |input, made| -> io::Result<()> {
        let capture = match made {
            Ok(capture) => capture,
            Err(error) => {
                completion = completion.max(tell_refused(input, &error, errors));
                return Ok(());
            }
        };
        completion = completion.max(tell_damage(input, capture.damage.as_ref(), errors));
        if arguments.json {
            serde_json::to_writer(&mut *output, &Line::new(input, &capture))?;
            writeln!(output)?;
        } else {
            add_row(&mut table, input, &capture);
        }
        Ok(())
    })?;
    if !arguments.json && !table.is_empty() {
        writeln!(output, "{}", table_text(&table))?;
    }
    output.flush()?;
    Ok(completion)
}

fn read(input: &Input) -> Result<Capture, CaptureFileError> {
    let mut reader = open(input)?;
    while reader.next_frame().is_some() {}
    let (format, tally) = (reader.format(), reader.tally().clone());
    Ok(Capture { format, tally, damage: reader.into_damage() })
}

fn empty_table() -> Table {
    let mut table = plain_table();
    table.set_header([
        "file",
        "format",
        "link types",
        "packets",
        "captured",
        "on the wire",
        "first (UTC)",
        "seconds",
        "read",
    ]);
    for figures in [3, 4, 5, 7] {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn add_row(table: &mut Table, input: &Input, capture: &Capture) {
    let Capture { format, tally, damage } = capture;
    let first = tally.first.map(|first| first.to_utc().format("%Y-%m-%d %H:%M:%S").to_string());
    let length = tally.last.zip(tally.first).and_then(|(last, first)| last.since(first));
    let read =
        damage.as_ref().map_or_else(|| "whole".to_owned(), |damage| damage.fault.to_string());
    table.add_row([
        input.to_string(),
        (*format).to_owned(),
        link_names(tally).join(" "),
        tally.packets.to_string(),
        tally.captured_bytes.to_string(),
        tally.wire_bytes.to_string(),
        first.unwrap_or_default(),
        length.map(|length| format!("{:.6}", length.as_secs_f64())).unwrap_or_default(),
        read,
    ]);
}

/// The link types of a capture's packets, those that are not understood by number.
fn link_names(tally: &Tally) -> Vec<String> {
    let name = |number: &u32| {
        let understood = i32::try_from(*number).ok().and_then(LinkType::from_number);
        understood.map_or_else(|| format!("linktype_{number}"), |kind| kind.as_str().to_owned())
    };
    tally.link_numbers.keys().map(name).collect()
}

/// A capture as JSON has it.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    route: Option<String>,
    series: Option<String>,
    begun: Option<String>,
    format: &'static str,
    link_types: Vec<String>,
    packets: u64,
    cut_packets: u64,
    untimed_packets: u64,
    not_understood_packets: u64,
    other_records: u64,
    captured_bytes: u64,
    wire_bytes: u64,
    first_ns: Option<i64>,
    last_ns: Option<i64>,
    damage: Option<DamageLine>,
}

#[derive(Debug, Serialize)]
struct DamageLine {
    offset: u64,
    unread_bytes: Option<u64>,
    reason: String,
}

impl Line {
    fn new(input: &Input, capture: &Capture) -> Self {
        let tally = &capture.tally;
        let CaptureName { begun, route } = input.name();
        Self {
            file: input.to_string(),
            begun: begun.map(|begun| begun.format("%Y-%m-%dT%H:%M:%S").to_string()),
            route: route.as_ref().map(ToString::to_string),
            series: route.and_then(|route| route.series),
            format: capture.format,
            link_types: link_names(tally),
            packets: tally.packets,
            cut_packets: tally.cut_packets,
            untimed_packets: tally.untimed_packets,
            not_understood_packets: tally.not_understood(),
            other_records: tally.other_records,
            captured_bytes: tally.captured_bytes,
            wire_bytes: tally.wire_bytes,
            first_ns: tally.first.map(Timestamp::unix_ns),
            last_ns: tally.last.map(Timestamp::unix_ns),
            damage: capture.damage.as_ref().map(|damage| DamageLine {
                offset: damage.offset,
                unread_bytes: damage.unread_bytes,
                reason: chain(&damage.fault),
            }),
        }
    }
}
