//! `armol-analysis flows`: what went over each TCP stream of captures.

use std::{io::Write, net::IpAddr, path::PathBuf};

use armol_analysis::{
    offline::{Finding, StreamSummary},
    report::{plain_table, table_text},
    time::nanoseconds,
};
use clap::Args;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::{
    CommandError, Completion,
    findings::{self, StreamArguments},
    inputs::{Input, inputs},
    split::milliseconds,
};

/// Counts what went over each TCP stream.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis flows run.pcapng
  armol-analysis flows run.cap --server-port 443 --json

A stream is a pair of ends and a generation: a SYN with another sequence number begins the next.
JSON is one object a line, each stream where it ended; absent is null. Payload counts bytes that
were sent twice twice. Records are TLS records of which the end was seen. The handshake's round
trip runs from SYN to SYN-ACK.")]
pub(crate) struct FlowsArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    streams: StreamArguments,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Reads the captures and writes their streams.
///
/// # Errors
/// Where an input is not there, or `output` fails.
pub(crate) fn run(
    arguments: &FlowsArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    let mut table = empty_table();
    let completion = findings::for_each(&inputs, &arguments.streams, errors, |input, finding| {
        let Finding::Stream(stream) = finding else { return Ok(()) };
        if arguments.json {
            serde_json::to_writer(&mut *output, &Line::new(input, &stream))
                .map_err(std::io::Error::from)?;
            writeln!(output)?;
        } else {
            table.add_row(table_row(&stream));
        }
        Ok(())
    })?;
    if !arguments.json {
        let text = table_text(&table);
        writeln!(output, "{}", if table.is_empty() { "no streams found" } else { &text })?;
    }
    output.flush()?;
    Ok(completion)
}

fn empty_table() -> Table {
    let mut table = plain_table();
    table.set_header([
        "client",
        "server",
        "gen",
        "packets",
        "sent",
        "received",
        "again",
        "records up",
        "down",
        "handshake ms",
        "exchanges",
    ]);
    for figures in 2..11 {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn table_row(stream: &StreamSummary) -> [String; 11] {
    let StreamSummary { up, down, .. } = stream;
    let server = match &stream.server_name {
        Some(name) => format!("{name}:{}", stream.server.port()),
        None => stream.server.to_string(),
    };
    [
        stream.client.to_string(),
        server,
        stream.generation.to_string(),
        (up.packets + down.packets).to_string(),
        up.payload_bytes.to_string(),
        down.payload_bytes.to_string(),
        (up.retransmissions + down.retransmissions).to_string(),
        up.application_records.to_string(),
        down.application_records.to_string(),
        milliseconds(stream.handshake_round_trip.map(nanoseconds)),
        stream.exchanges.to_string(),
    ]
}

/// A stream as JSON has it.
#[derive(Debug, Serialize)]
struct Line<'s> {
    file: String,
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    generation: u32,
    server_name: Option<&'s str>,
    first_ns: i64,
    last_ns: i64,
    packets: u64,
    client_packets: u64,
    server_packets: u64,
    client_payload_bytes: u64,
    server_payload_bytes: u64,
    retransmissions: u64,
    client_retransmissions: u64,
    server_retransmissions: u64,
    client_application_records: u64,
    server_application_records: u64,
    client_handshake_records: u64,
    server_handshake_records: u64,
    handshake_rtt_ns: Option<i64>,
    exchanges: u32,
}

impl<'s> Line<'s> {
    fn new(input: &Input, stream: &'s StreamSummary) -> Self {
        let StreamSummary { up, down, .. } = stream;
        Self {
            file: input.to_string(),
            client: stream.client.ip(),
            client_port: stream.client.port(),
            server: stream.server.ip(),
            server_port: stream.server.port(),
            generation: stream.generation,
            server_name: stream.server_name.as_deref(),
            first_ns: stream.span.0.unix_ns(),
            last_ns: stream.span.1.unix_ns(),
            packets: up.packets + down.packets,
            client_packets: up.packets,
            server_packets: down.packets,
            client_payload_bytes: up.payload_bytes,
            server_payload_bytes: down.payload_bytes,
            retransmissions: up.retransmissions + down.retransmissions,
            client_retransmissions: up.retransmissions,
            server_retransmissions: down.retransmissions,
            client_application_records: up.application_records,
            server_application_records: down.application_records,
            client_handshake_records: up.handshake_records,
            server_handshake_records: down.handshake_records,
            handshake_rtt_ns: stream.handshake_round_trip.map(nanoseconds),
            exchanges: stream.exchanges,
        }
    }
}
