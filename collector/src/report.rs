//! The `report` subcommand: what is stored, as text, JSON or a page.
//!
//! It streams the calls out of the database, one by one, into a summary, beside a simulator's log
//! where there is one. What a report says and looks like is decided in `armol_analysis`.

mod page;
mod truth_log;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use armol_analysis::{
    identity::Name,
    report::{self, html, json, text},
    summary::{CallRow, Dimension, Reconciler, Reconciliation, Tally, TruthLog},
    time::Timestamp,
};
use thiserror::Error;

use crate::store::{CallFilter, Reader, StoreError};

pub use truth_log::TruthLogError;

/// Reports on the stored calls.
///
/// Exits with 1 where --planned or --truth shows that calls are missing or counted twice; the
/// report is printed all the same.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  armol-collector report --db armol.sqlite --by region,provider --html report.html")]
pub struct Report {
    /// The database.
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// What to group by: region, provider, `provider_region`, agent, outcome, method, hour, day.
    #[arg(long, value_name = "WORDS", value_delimiter = ',', default_value = "region,provider")]
    by: Vec<Dimension>,
    /// Only calls of agents in this region.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    region: Option<Name>,
    /// Only calls planned at this time (RFC 3339) or later.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only calls planned before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Write a page with charts there, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A simulator's log of what it received, to compare with; may be given several times.
    #[arg(long, value_name = "FILE")]
    truth: Vec<PathBuf>,
    /// How many calls should be stored.
    #[arg(long, value_name = "COUNT")]
    planned: Option<u64>,
    /// A sentence that the report should carry; may be given several times.
    #[arg(long, value_name = "TEXT")]
    note: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The database could not be read.
    #[error("while reading the calls to report on")]
    Store(#[from] StoreError),
    /// A log of the simulator could not be read.
    #[error("while reading the simulator's log")]
    Truth(#[from] TruthLogError),
    /// The report could not be written as JSON.
    #[error("while writing the report as json")]
    Json(#[from] serde_json::Error),
    /// The page could not be written.
    #[error("while writing the page {path}; choose another place with --html")]
    Page {
        /// Where it should have been.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
    /// The report could not be printed.
    #[error("while printing the report")]
    Output(#[from] io::Error),
}

impl ReportError {
    /// Whether what is asked for is the mistake, rather than anything that happened since.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Store(error) => error.is_wrong_use(),
            Self::Truth(_) | Self::Page { .. } => true,
            Self::Json(_) | Self::Output(_) => false,
        }
    }
}

/// Whether what is stored agrees with the plan and the log.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing speaks against it.
    Agrees,
    /// The report says what does not agree; the program exits with 1.
    Disagrees,
}

impl Report {
    /// Prints the report to `output`; where the page is, and what does not agree, to `messages`.
    ///
    /// # Errors
    /// Where the database or a log cannot be read, or the report cannot be written.
    pub async fn run(
        &self,
        output: &mut impl Write,
        messages: &mut impl Write,
    ) -> Result<Agreement, ReportError> {
        let log = self.read_truth()?;
        let reader = Reader::open(&self.db).await?;
        let filter = self.filter();
        let mut collection = Collection::new(self, log);
        reader.for_each_call(&filter, |row| collection.add(&row)).await?;
        self.write(&collection.finish(&self.note), output, messages)
    }

    fn filter(&self) -> CallFilter {
        CallFilter { region: self.region.clone(), since: self.since, until: self.until }
    }

    fn read_truth(&self) -> Result<Option<TruthLog>, TruthLogError> {
        if self.truth.is_empty() {
            return Ok(None);
        }
        let mut log = TruthLog::default();
        for path in &self.truth {
            truth_log::read(path, &mut log)?;
        }
        Ok(Some(log))
    }

    fn write(
        &self,
        report: &report::Report,
        output: &mut impl Write,
        messages: &mut impl Write,
    ) -> Result<Agreement, ReportError> {
        let rendered = if self.json { json::render(report)? } else { text::render(report) };
        // First the page, which does not depend on whoever reads the output.
        if let Some(path) = &self.html {
            page::write(path, &html::render(report))
                .map_err(|source| ReportError::Page { path: path.clone(), source })?;
        }
        let printed = output.write_all(rendered.as_bytes()).and_then(|()| output.flush());
        if let Some(path) = &self.html {
            writeln!(messages, "wrote {}", path.display())?;
        }
        let findings = report.reconciliation.as_ref().map(Reconciliation::findings);
        let findings = findings.unwrap_or_default();
        for finding in &findings {
            writeln!(messages, "wrong: {finding}")?;
        }
        // A reader that has had enough of the text does not make calls agree.
        let enough = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if findings.is_empty() || !printed.as_ref().is_err_and(enough) {
            printed?;
        }
        Ok(if findings.is_empty() { Agreement::Agrees } else { Agreement::Disagrees })
    }
}

/// Everything that a report needs of the calls, while they stream by.
struct Collection {
    tally: Tally,
    reconciler: Reconciler,
}

impl Collection {
    fn new(command: &Report, log: Option<TruthLog>) -> Self {
        let filtered = command.filter() != CallFilter::default();
        Self {
            tally: Tally::new(&command.by),
            reconciler: Reconciler::new(command.planned, log, filtered),
        }
    }

    fn add(&mut self, row: &CallRow) {
        let truth = self.reconciler.add(row);
        self.tally.add(row, truth);
    }

    fn finish(self, notes: &[String]) -> report::Report {
        report::Report {
            summary: self.tally.finish(),
            reconciliation: self.reconciler.finish(),
            notes: notes.to_vec(),
        }
    }
}

fn parse_name(text: &str) -> Result<Name, armol_analysis::identity::NameError> {
    Name::new(text)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use armol_analysis::{
        outcome::Outcome,
        split::{SplitFlags, SplitMethod},
    };
    use clap::Parser;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        report: Report,
    }

    fn parse(arguments: &[&str]) -> Result<Report, clap::Error> {
        let arguments = ["report", "--db", "x.sqlite"].iter().chain(arguments);
        CommandLine::try_parse_from(arguments).map(|line| line.report)
    }

    fn row(uid: u128) -> CallRow {
        CallRow {
            uid: Uuid::from_u128(uid),
            agent: "us-1".to_owned(),
            region: "us".to_owned(),
            provider: "aws".to_owned(),
            provider_region: "sg".to_owned(),
            planned_at: Timestamp::from_unix_ns(1_620_435_661_000_000_000),
            started_at: None,
            outcome: Outcome::Ok,
            method: Some(SplitMethod::Packets),
            flags: SplitFlags::empty(),
            upload: Some(Duration::from_millis(3)),
            inference: Some(Duration::from_millis(100)),
            download: Some(Duration::from_millis(1)),
            cost_microusd: 1000,
            simulated: true,
            server_ip: None,
        }
    }

    /// What the command says of these calls: its standing, its output, its messages.
    fn say(command: &Report, rows: &[CallRow]) -> (Agreement, String, String) {
        let mut collection = Collection::new(command, command.read_truth().unwrap());
        for row in rows {
            collection.add(row);
        }
        let (mut output, mut messages) = (Vec::new(), Vec::new());
        let report = collection.finish(&command.note);
        let agreement = command.write(&report, &mut output, &mut messages).unwrap();
        (agreement, String::from_utf8(output).unwrap(), String::from_utf8(messages).unwrap())
    }

    fn write_log(folder: &Path, uids: &[u128]) -> String {
        let path = folder.join("aws.jsonl");
        let lines: Vec<String> = uids
            .iter()
            .map(|uid| {
                format!(
                    r#"{{"uid":"{}","provider":"aws","client":"127.0.0.1:4000","image_sha256":null,"request_last_ns":1000000,"response_first_ns":100900000,"status":200,"fault":null}}"#,
                    Uuid::from_u128(*uid)
                )
            })
            .collect();
        fs::write(&path, lines.join("\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn groups_by_region_and_provider_unless_told_otherwise() {
        assert_eq!(parse(&[]).unwrap().by, [Dimension::Region, Dimension::Provider]);
        assert_eq!(parse(&["--by", "region"]).unwrap().by, [Dimension::Region]);
    }

    #[test]
    fn an_unknown_grouping_is_a_usage_error_that_names_the_words() {
        let refusal = parse(&["--by", "region,colour"]).unwrap_err();
        assert_eq!(refusal.exit_code(), 2);
        assert!(refusal.to_string().contains("provider_region"), "{refusal}");
        assert_eq!(parse(&["--since", "noon"]).unwrap_err().exit_code(), 2);
    }

    #[tokio::test]
    async fn a_missing_database_prints_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = parse(&[]).unwrap();
        command.db = folder.path().join("none.sqlite");
        let (mut output, mut messages) = (Vec::new(), Vec::new());
        let error = command.run(&mut output, &mut messages).await.unwrap_err();
        assert!(matches!(error, ReportError::Store(StoreError::Missing(_))), "{error}");
        assert!(output.is_empty() && messages.is_empty());
    }

    #[test]
    fn a_log_that_matches_agrees() {
        let folder = tempfile::tempdir().unwrap();
        let log = write_log(folder.path(), &[1, 2]);
        let command = parse(&["--truth", &log, "--planned", "2"]).unwrap();
        let (agreement, output, messages) = say(&command, &[row(1), row(2)]);
        assert_eq!((agreement, messages.as_str()), (Agreement::Agrees, ""));
        assert!(output.contains("One to one"), "{output}");
        assert!(output.contains("99.90") && output.contains("0.100"), "{output}");
    }

    #[test]
    fn what_is_missing_is_said_and_the_report_printed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let log = write_log(folder.path(), &[1, 3]);
        let command = parse(&["--truth", &log, "--planned", "3", "--json"]).unwrap();
        let (agreement, output, messages) = say(&command, &[row(1), row(2)]);
        assert_eq!(agreement, Agreement::Disagrees);
        assert_eq!(messages.lines().count(), 3, "{messages}");
        let value: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(value["groups"][0]["n"], 2);
        assert_eq!(value["reconciliation"]["log"]["lines_without_row"]["count"], 1);
    }

    #[test]
    fn what_is_missing_is_told_although_nobody_reads_the_text() {
        let command = parse(&["--planned", "3"]).unwrap();
        let report = Collection::new(&command, None).finish(&[]);
        let (reader, mut output) = io::pipe().unwrap();
        drop(reader);
        let mut messages = Vec::new();
        let agreement = command.write(&report, &mut output, &mut messages).unwrap();
        assert_eq!(agreement, Agreement::Disagrees);
        assert!(!messages.is_empty());
    }

    #[test]
    fn an_empty_database_is_reported_as_empty() {
        let (agreement, output, _) = say(&parse(&[]).unwrap(), &[]);
        assert_eq!(agreement, Agreement::Agrees);
        assert!(output.contains("No calls"), "{output}");
    }

    #[test]
    fn nothing_is_printed_where_the_page_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("report.html");
        let command = parse(&["--html", path.to_str().unwrap()]).unwrap();
        let report = Collection::new(&command, None).finish(&[]);
        let (mut output, mut messages) = (Vec::new(), Vec::new());
        let error = command.write(&report, &mut output, &mut messages).unwrap_err();
        assert!(matches!(error, ReportError::Page { .. }) && output.is_empty(), "{error}");
    }

    #[test]
    fn the_page_is_written_and_its_place_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let command =
            parse(&["--html", path.to_str().unwrap(), "--note", "one <machine>"]).unwrap();
        let (_, _, messages) = say(&command, &[row(1)]);
        assert_eq!(messages, format!("wrote {}\n", path.display()));
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains("SIMULATED") && page.contains("one &lt;machine&gt;"));
    }
}
