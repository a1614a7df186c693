//! The tables: in short on a terminal, in full as Markdown for the documentation.
//!
//! A summary has a row for each method, an overview one for each scenario; in full there are a table
//! for each method and the flags besides.

use armol_analysis::report::{plain_table, table_text};
use comfy_table::CellAlignment;

use super::{Circumstances, MethodOutcome, Report, ScenarioOutcome, SummaryRow};
use crate::{
    line::LATE,
    method::Method,
    score::{BoundsScore, Errors, Score},
};

/// What a summary and a detailed table both have of a score.
const FIGURES: [&str; 8] = [
    "n",
    "missed",
    "spurious",
    "|inference error| µs,\np50 / p95 / max",
    "over 5 ms",
    "|transmission error| µs,\np50 / p95 / max",
    "held by\nbounds",
    "width µs",
];

/// How the overview's cells are to be read.
const OVERVIEW_NOTE: &str = "Median / 95th percentile of the inference time's absolute error, µs; \
                             -1 is a call that was missed, +1 an estimate that is no call's.";

/// One table; a line break in a cell is a blank in Markdown.
struct Table {
    title: String,
    note: Option<&'static str>,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// The tables for a terminal.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![self.circumstances.lines().join("\n")];
        parts.extend([self.summary(), self.overview()].iter().map(Table::text));
        parts.join("\n\n")
    }

    /// Every table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut parts = vec!["# Accuracy by scenario and method".to_owned()];
        parts.push(self.circumstances.lines().join("\n"));
        parts.extend([self.summary(), self.overview()].iter().map(Table::markdown));
        parts.extend(Method::ALL.map(|method| self.detail(method).markdown()));
        let flags = self.flags().into_iter().map(|line| format!("- {line}")).collect::<Vec<_>>();
        parts.push(format!("## Flags seen\n\n{}", flags.join("\n")));
        parts.join("\n\n") + "\n"
    }

    /// Each method over all scenarios.
    fn summary(&self) -> Table {
        Table {
            title: "All scenarios together".to_owned(),
            note: None,
            header: header(&["method", "scenarios"], &["bars"]),
            rows: self.summary.iter().map(summary_row).collect(),
        }
    }

    /// Every method in each scenario, in short.
    fn overview(&self) -> Table {
        let methods = Method::ALL.map(|method| method.name().replace(' ', "\n"));
        let mut header = vec!["scenario".to_owned(), "n".to_owned()];
        header.extend(methods);
        header.extend(["late\nframes", "bars"].map(str::to_owned));
        Table {
            title: "Scenario by scenario".to_owned(),
            note: Some(OVERVIEW_NOTE),
            header,
            rows: self.scenarios.iter().map(overview_row).collect(),
        }
    }

    /// One method in each scenario, in full.
    fn detail(&self, method: Method) -> Table {
        let row = |scenario: &ScenarioOutcome| Some(detail_row(scenario, scenario.of(method)?));
        Table {
            title: capitalised(method.name()),
            note: None,
            header: header(&["scenario"], &["late\nframes", "bars"]),
            rows: self.scenarios.iter().filter_map(row).collect(),
        }
    }

    /// A line for each method that raised flags in a scenario.
    fn flags(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for scenario in &self.scenarios {
            for outcome in &scenario.methods {
                let words = outcome.score.flags.iter();
                let words = words.map(|(flag, count)| format!("{flag} {count}"));
                let words = words.collect::<Vec<_>>().join(", ");
                if !words.is_empty() {
                    lines.push(format!(
                        "{}, {}: {words}",
                        scenario.scenario,
                        outcome.method.name()
                    ));
                }
            }
        }
        lines
    }
}

impl Circumstances {
    fn lines(&self) -> Vec<String> {
        let Self { requests, seed, processors, load: [before, after], .. } = self;
        let late = LATE.as_millis();
        let mut lines = vec![format!(
            "Simulated providers. Up to {requests} requests a scenario, seed {seed}; {processors} \
             processors, load {before} before and {after} after. A late frame is one that the bed \
             itself handed on more than {late} ms late."
        )];
        lines.extend(self.remarks.iter().cloned());
        lines
    }
}

impl Table {
    fn text(&self) -> String {
        let mut table = plain_table();
        table.set_header(&self.header);
        for row in &self.rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let title =
            self.note.map_or_else(|| self.title.clone(), |note| format!("{}. {note}", self.title));
        format!("{title}\n{}", table_text(&table))
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | ").replace('\n', " "));
        // A bar would end the cell.
        let header = self.header.iter().map(|title| title.replace('|', "\\|"));
        let mut rule = vec!["---:".to_owned(); self.header.len()];
        if let Some(names) = rule.first_mut() {
            "---".clone_into(names);
        }
        let mut lines = vec![line(&header.collect::<Vec<_>>()), line(&rule)];
        lines.extend(self.rows.iter().map(|row| line(row)));
        let note = self.note.map_or_else(String::new, |note| format!("{note}\n\n"));
        format!("## {}\n\n{note}{}", self.title, lines.join("\n"))
    }
}

fn summary_row(row: &SummaryRow) -> Vec<String> {
    let SummaryRow { scenarios, outcome } = row;
    let mut cells = vec![outcome.method.name().to_owned(), scenarios.as_str().to_owned()];
    cells.extend(figures(&outcome.score));
    cells.push(bars(outcome.missed_bars.as_deref()));
    cells
}

fn detail_row(scenario: &ScenarioOutcome, outcome: &MethodOutcome) -> Vec<String> {
    let mut cells = vec![scenario.scenario.to_owned()];
    cells.extend(figures(&outcome.score));
    cells.push(late_frames(scenario));
    cells.push(bars(outcome.missed_bars.as_deref()));
    cells
}

fn overview_row(scenario: &ScenarioOutcome) -> Vec<String> {
    let answered = scenario.methods.iter().map(|outcome| outcome.score.answered).max();
    let mut cells = vec![scenario.scenario.to_owned(), answered.unwrap_or(0).to_string()];
    cells.extend(
        Method::ALL.map(|method| {
            scenario.of(method).map_or_else(absent, |outcome| in_short(&outcome.score))
        }),
    );
    cells.push(late_frames(scenario));
    let missed = scenario.methods.iter().filter_map(|outcome| {
        let missed = outcome.missed_bars.as_ref().filter(|missed| !missed.is_empty())?;
        Some(format!("{}: {}", outcome.method.name(), missed.join(", ")))
    });
    let missed = missed.collect::<Vec<_>>();
    cells.push(if missed.is_empty() { "met".to_owned() } else { missed.join(";\n") });
    cells
}

/// [`FIGURES`] between what comes before and after them.
fn header(before: &[&str], after: &[&str]) -> Vec<String> {
    [before, &FIGURES, after].concat().into_iter().map(str::to_owned).collect()
}

/// The values of [`FIGURES`].
fn figures(score: &Score) -> [String; 8] {
    let bounds = score.bounds;
    [
        score.answered.to_string(),
        score.missed.to_string(),
        score.spurious.to_string(),
        errors(score.inference),
        far_off(score),
        errors(score.transmission),
        bounds.map_or_else(absent, |BoundsScore { given, held, .. }| format!("{held} of {given}")),
        bounds.map_or_else(absent, |bounds| microseconds(bounds.median_width_ns)),
    ]
}

/// How many estimates are far off, and what share of all that is.
fn far_off(score: &Score) -> String {
    let estimates = score.answered.saturating_sub(score.missed);
    // Rounded, half a tenth of a percent up.
    let per_mille = (score.over_5_ms * 2000 + estimates).checked_div(estimates * 2);
    let share =
        |per_mille| format!("{} ({}.{} %)", score.over_5_ms, per_mille / 10, per_mille % 10);
    per_mille.map_or_else(absent, share)
}

fn in_short(score: &Score) -> String {
    let mut words = vec![score.inference.map_or_else(absent, |Errors { median, p95, .. }| {
        [median, p95].map(microseconds).join(" / ")
    })];
    for (sign, count) in [("-", score.missed), ("+", score.spurious)] {
        if count > 0 {
            words.push(format!("{sign}{count}"));
        }
    }
    words.join(" ")
}

fn late_frames(scenario: &ScenarioOutcome) -> String {
    scenario.frames.map_or_else(absent, |[there, back]| (there.late + back.late).to_string())
}

fn bars(missed: Option<&[&str]>) -> String {
    match missed {
        None => absent(),
        Some([]) => "met".to_owned(),
        Some(missed) => format!("MISSED: {}", missed.join(", ")),
    }
}

fn errors(errors: Option<Errors>) -> String {
    errors.map_or_else(absent, |Errors { median, p95, max }| {
        [median, p95, max].map(microseconds).join(" / ")
    })
}

fn microseconds(nanoseconds: i64) -> String {
    (nanoseconds / 1000).to_string()
}

fn absent() -> String {
    "–".to_owned()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A score with one call missed and two rows too many.
    fn score() -> Score {
        let errors = Errors { median: 61_000, p95: 900_999, max: 1_200_000 };
        Score {
            answered: 40,
            missed: 1,
            spurious: 2,
            over_5_ms: 2,
            inference: Some(errors),
            bounds: Some(BoundsScore { given: 39, held: 38, median_width_ns: 400_000 }),
            flags: BTreeMap::from([("delayed_ack".to_owned(), 3)]),
            ..Score::default()
        }
    }

    fn report(method: Method, score: &Score) -> Report {
        let circumstances = Circumstances {
            requests: 40,
            seed: 7,
            processors: 2,
            load: ["0.10".to_owned(), "0.20".to_owned()],
            remarks: vec!["Only h1-lo could be run: no root.".to_owned()],
        };
        let scenario = |scenario, lossless| ScenarioOutcome {
            scenario,
            lossless,
            frames: None,
            methods: vec![MethodOutcome::new(method, score.clone(), lossless)],
        };
        Report::new(circumstances, vec![scenario("h1-lo", true), scenario("h1-loss", false)])
    }

    #[test]
    fn a_row_says_all_of_a_score_and_which_bars_it_missed() {
        let report = report(Method::Packets, &score());
        assert!(report.misses_bars());
        let markdown = report.markdown();
        let row = "| h1-lo | 40 | 1 | 2 | 61 / 900 / 1200 | 2 (5.1 %) | – | 38 of 39 | 400 | – \
                   | MISSED: missed, spurious, coverage |";
        assert!(markdown.contains(row), "{markdown}");
        assert!(markdown.contains("| h1-lo | 40 | 61 / 900 -1 +2 | – |"), "{markdown}");
        let missed = "| – | live packets: missed, spurious, coverage |";
        assert!(markdown.contains(missed), "{markdown}");
        assert!(markdown.contains("load 0.10 before and 0.20 after"), "{markdown}");
        assert!(markdown.contains("- h1-lo, live packets: delayed_ack 3"), "{markdown}");
        assert!(report.text().contains("Only h1-lo could be run: no root."));
    }

    #[test]
    fn a_summary_has_scenarios_with_and_without_loss_apart_and_together() {
        let summary = report(Method::Packets, &score()).summary().rows;
        let counts = |method: Method, group: &str| {
            let row = summary.iter().find(|row| row[0] == method.name() && row[1] == group);
            row.unwrap()[2..5].to_vec()
        };
        assert_eq!(counts(Method::Packets, "all"), ["80", "2", "4"]);
        assert_eq!(counts(Method::Packets, "loss-free"), ["40", "1", "2"]);
        assert_eq!(counts(Method::Packets, "lossy"), ["40", "1", "2"]);
        assert_eq!(summary.len(), 3 * Method::ALL.len());
    }

    #[test]
    fn a_report_without_a_miss_says_so() {
        let compared = report(Method::Application, &score());
        assert!(!compared.misses_bars());
        assert!(compared.markdown().contains("| – | met |"));
        let good = Score { missed: 0, spurious: 0, bounds: None, ..score() };
        let report = report(Method::Packets, &good);
        assert!(!report.misses_bars());
        assert!(report.markdown().contains("| – | – | met |"), "{}", report.markdown());
    }
}
