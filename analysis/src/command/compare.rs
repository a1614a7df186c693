//! `armol-analysis compare`: the published rule and ours side by side, request by request.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use armol_analysis::{
    capture_file::CaptureFileError,
    offline::{
        ExchangeFinder, Finding, FoundExchange, PublishedLag, PublishedRule, published_terms,
    },
    report::{plain_table, table_text},
    summary::Distribution,
    time::{Timestamp, nanoseconds},
};
use clap::Args;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::{
    CommandError, Completion,
    findings::{self, Reading, StreamArguments},
    inputs::{Input, inputs},
    parallel,
    split::milliseconds,
};

/// Holds the split of the scripts published with Armol against ours, request by request.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  armol-analysis compare run.cap --server-port 443
  armol-analysis compare us2sg/ --json

The round trip is no part of the upload here. The published rule knows one server a capture and
takes every long packet that begins with a TLS record for a response; of those, requests that only
one of the two found are shown with the other's times absent.")]
pub(crate) struct CompareArguments {
    /// Captures, folders of captures, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    streams: StreamArguments,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Reads the captures and writes both splits of their requests.
///
/// # Errors
/// Where an input is not there, or `output` fails.
pub(crate) fn run(
    arguments: &CompareArguments,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> Result<Completion, CommandError> {
    let inputs = inputs(&arguments.files)?;
    let mut completion = Completion::Whole;
    let mut table = empty_table();
    let mut account = Account::default();
    let read = |input: &Input| pairs(input, &arguments.streams);
    parallel::in_order(&inputs, read, |input, made| -> io::Result<()> {
        let reading = match made {
            Ok((pairs, reading)) => {
                for pair in pairs {
                    account.add(&pair);
                    if arguments.json {
                        let file = input.to_string();
                        serde_json::to_writer(&mut *output, &Line { file, pair })?;
                        writeln!(output)?;
                    } else {
                        table.add_row(table_row(&pair));
                    }
                }
                Ok(reading)
            }
            Err(error) => Err(error),
        };
        completion = completion.max(findings::tell(input, reading, errors));
        Ok(())
    })?;
    if !arguments.json {
        if !table.is_empty() {
            writeln!(output, "{}", table_text(&table))?;
        }
        account.write(output)?;
    }
    output.flush()?;
    Ok(completion)
}

/// One request as both see it.
#[derive(Debug, Serialize)]
struct Pair {
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    began_ns: Option<i64>,
    upload_ns: Option<i64>,
    rtt_ns: Option<i64>,
    inference_ns: Option<i64>,
    published_upload_ns: Option<i64>,
    published_rtt_ns: Option<i64>,
    published_inference_ns: Option<i64>,
    found_by_us: bool,
    found_by_published: bool,
    flags: Vec<String>,
}

/// A pair as JSON has it.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    #[serde(flatten)]
    pair: Pair,
}

impl Pair {
    fn new(found: Option<&FoundExchange>, published: Option<&PublishedLag>) -> Option<Self> {
        let client = found.map(|found| found.client).or_else(|| published.map(|lag| lag.client))?;
        let server = found.map(|found| found.server).or_else(|| published.map(|lag| lag.server))?;
        let ours = found
            .and_then(|found| published_terms(found.split.times?, found.split.rtt))
            .map(|lag| lag.map(nanoseconds));
        let theirs =
            published.map(|lag| [lag.upload, lag.round_trip, lag.inference].map(nanoseconds));
        let part = |lag: Option<[i64; 3]>, part: usize| lag.and_then(|lag| lag.get(part).copied());
        let began = found
            .and_then(|found| found.split.request_first)
            .or_else(|| published.map(|lag| lag.began));
        Some(Self {
            client: client.ip(),
            client_port: client.port(),
            server: server.ip(),
            server_port: server.port(),
            began_ns: began.map(Timestamp::unix_ns),
            upload_ns: part(ours, 0),
            rtt_ns: part(ours, 1),
            inference_ns: part(ours, 2),
            published_upload_ns: part(theirs, 0),
            published_rtt_ns: part(theirs, 1),
            published_inference_ns: part(theirs, 2),
            found_by_us: found.is_some(),
            found_by_published: published.is_some(),
            flags: found.map(|found| found.split.flags.words()).unwrap_or_default(),
        })
    }
}

/// The requests of a capture in the order in which they began.
fn pairs(
    input: &Input,
    streams: &StreamArguments,
) -> Result<(Vec<Pair>, Reading), CaptureFileError> {
    let mut finder = ExchangeFinder::new(streams.filter());
    let mut rule = PublishedRule::new();
    let mut found = Vec::new();
    let mut sink = |finding| {
        if let Finding::Exchange(exchange) = finding {
            found.push(*exchange);
        }
    };
    let reading = findings::read_frames(input, |link_type, frame| {
        finder.push(link_type, frame, &mut sink);
        rule.push(link_type, frame);
    })?;
    finder.finish(&mut sink);
    let mut pairs = Vec::new();
    let mut published = rule.finish();
    published.retain(|lag| streams.wants(lag.server));
    for exchange in &found {
        let matching = published.iter().position(|lag| answers(lag, exchange));
        let lag = matching.map(|index| published.remove(index));
        pairs.extend(Pair::new(Some(exchange), lag.as_ref()));
    }
    pairs.extend(published.iter().filter_map(|lag| Pair::new(None, Some(lag))));
    pairs.sort_by_key(|pair| pair.began_ns);
    Ok((pairs, reading))
}

/// Whether the response of the published rule came during our exchange.
fn answers(lag: &PublishedLag, found: &FoundExchange) -> bool {
    let during = || {
        let first = found.split.request_first?;
        let last = first.plus(found.split.times?.total());
        Some(first <= lag.responded && lag.responded <= last)
    };
    lag.client == found.client && lag.server == found.server && during() == Some(true)
}

fn empty_table() -> Table {
    let mut table = plain_table();
    table.set_header([
        "began (UTC)",
        "client",
        "upload ms",
        "round trip",
        "inference",
        "published: upload",
        "round trip",
        "inference",
        "inference off by",
        "flags",
    ]);
    for figures in 2..9 {
        if let Some(column) = table.column_mut(figures) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn table_row(pair: &Pair) -> [String; 10] {
    let began = pair.began_ns.map(|began| {
        Timestamp::from_unix_ns(began).to_utc().format("%Y-%m-%d %H:%M:%S%.3f").to_string()
    });
    let off = difference(pair);
    [
        began.unwrap_or_else(|| "-".to_owned()),
        SocketAddr::new(pair.client, pair.client_port).to_string(),
        milliseconds(pair.upload_ns),
        milliseconds(pair.rtt_ns),
        milliseconds(pair.inference_ns),
        milliseconds(pair.published_upload_ns),
        milliseconds(pair.published_rtt_ns),
        milliseconds(pair.published_inference_ns),
        milliseconds(off),
        pair.flags.join(" "),
    ]
}

/// The published inference less ours.
fn difference(pair: &Pair) -> Option<i64> {
    pair.published_inference_ns?.checked_sub(pair.inference_ns?)
}

/// How far the two agree.
#[derive(Debug, Default)]
struct Account {
    both: u64,
    only_ours: u64,
    only_published: u64,
    differences: Vec<i64>,
}

impl Account {
    fn add(&mut self, pair: &Pair) {
        match (pair.found_by_us, pair.found_by_published) {
            (true, true) => self.both += 1,
            (true, false) => self.only_ours += 1,
            (false, _) => self.only_published += 1,
        }
        self.differences.extend(difference(pair).map(i64::saturating_abs));
    }

    fn write(self, output: &mut impl Write) -> io::Result<()> {
        let Self { both, only_ours, only_published, differences } = self;
        writeln!(
            output,
            "requests found by both: {both}, by ours only: {only_ours}, \
             by the published rule only: {only_published}"
        )?;
        let differences = Distribution::new(differences);
        if differences.is_empty() {
            return Ok(());
        }
        let [median, high] = [50, 95].map(|percent| milliseconds(differences.percentile(percent)));
        writeln!(output, "inference differs by {median} ms (median), {high} ms (95th percentile)")
    }
}
