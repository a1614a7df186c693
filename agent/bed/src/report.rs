//! What was found, as a table on a terminal, as Markdown for the documentation, and as JSON with
//! every call.

use armol_analysis::report::{plain_table, table_text};
use comfy_table::CellAlignment;
use serde::Serialize;

use crate::{
    line::{LATE, LineCounts},
    method::Method,
    score::{BoundsScore, Errors, Score},
};

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// How many requests each scenario was to have.
    pub(crate) requests: usize,
    /// What everything random was drawn from.
    pub(crate) seed: u64,
    /// How many processors there are.
    pub(crate) processors: usize,
    /// The load averages of the kernel before and after.
    pub(crate) load: [String; 2],
    /// Where it ran and what could not be run.
    pub(crate) remarks: Vec<String>,
    /// Each scenario's outcome.
    pub(crate) scenarios: Vec<ScenarioOutcome>,
}

/// One scenario's outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ScenarioOutcome {
    /// Which one.
    pub(crate) scenario: &'static str,
    /// Frames to the provider and from it; `None` where they were not counted.
    pub(crate) frames: Option<[LineCounts; 2]>,
    /// Each method's score.
    pub(crate) methods: Vec<MethodOutcome>,
}

/// How a method did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MethodOutcome {
    /// Its name.
    pub(crate) method: &'static str,
    /// The bars that it missed; `None` where it is held against none.
    pub(crate) missed_bars: Option<Vec<&'static str>>,
    /// Its score.
    #[serde(flatten)]
    pub(crate) score: Score,
}

const HEADER: [&str; 10] = [
    "scenario",
    "n",
    "missed",
    "spurious",
    "|inference error| µs, p50 / p95 / max",
    "|transmission error| µs, p50 / p95 / max",
    "held by bounds",
    "width µs",
    "late frames",
    "bars",
];

impl Report {
    /// Whether any bar was missed.
    pub(crate) fn misses_bars(&self) -> bool {
        let all = self.scenarios.iter().flat_map(|outcome| &outcome.methods);
        all.filter_map(|outcome| outcome.missed_bars.as_ref()).any(|missed| !missed.is_empty())
    }

    /// A table for each method, in plain text.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![self.circumstances().join("\n")];
        for method in Method::ALL {
            let mut table = plain_table();
            table.set_header(HEADER);
            for row in self.rows(method) {
                table.add_row(row);
            }
            for column in table.column_iter_mut().skip(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            parts.push(format!("{}\n{}", method.name(), table_text(&table)));
        }
        parts.push(self.flags().join("\n"));
        parts.join("\n\n")
    }

    /// The same in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut parts = vec![self.circumstances().join("\n")];
        for method in Method::ALL {
            let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
            // A bar would end the cell.
            let header = HEADER.map(|title| title.replace('|', "\\|"));
            let mut lines = vec![line(&header), line(&HEADER.map(|_| "---".to_owned()))];
            lines.extend(self.rows(method).iter().map(|row| line(row)));
            parts.push(format!("### {}\n\n{}", method.name(), lines.join("\n")));
        }
        let flags = self.flags().into_iter().map(|line| format!("- {line}")).collect::<Vec<_>>();
        parts.push(format!("### Flags seen\n\n{}", flags.join("\n")));
        parts.join("\n\n") + "\n"
    }

    fn circumstances(&self) -> Vec<String> {
        let Self { requests, seed, processors, load: [before, after], .. } = self;
        let late = LATE.as_millis();
        let mut lines = vec![format!(
            "Up to {requests} requests a scenario, seed {seed}; {processors} processors, load \
             {before} before and {after} after. A late frame is one that the bed itself handed on \
             more than {late} ms late."
        )];
        lines.extend(self.remarks.iter().cloned());
        lines
    }

    fn rows(&self, method: Method) -> Vec<[String; 10]> {
        let of_method = |outcome: &ScenarioOutcome| {
            let found = outcome.methods.iter().find(|found| found.method == method.name())?;
            Some(row(outcome, found))
        };
        self.scenarios.iter().filter_map(of_method).collect()
    }

    /// A line for each scenario in which the method by packets raised flags.
    fn flags(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for outcome in &self.scenarios {
            let words = outcome.methods.iter().flat_map(|found| &found.score.flags);
            let words = words.map(|(flag, count)| format!("{flag} {count}")).collect::<Vec<_>>();
            if !words.is_empty() {
                lines.push(format!("{}: {}", outcome.scenario, words.join(", ")));
            }
        }
        lines
    }
}

fn row(outcome: &ScenarioOutcome, method: &MethodOutcome) -> [String; 10] {
    let MethodOutcome { score, missed_bars, .. } = method;
    [
        outcome.scenario.to_owned(),
        score.answered.to_string(),
        score.missed.to_string(),
        score.spurious.to_string(),
        errors(score.inference),
        errors(score.transmission),
        score
            .bounds
            .map_or_else(absent, |BoundsScore { given, held, .. }| format!("{held} of {given}")),
        score.bounds.map_or_else(absent, |bounds| microseconds(bounds.median_width_ns)),
        outcome.frames.map_or_else(absent, |[there, back]| (there.late + back.late).to_string()),
        match missed_bars.as_deref() {
            None => absent(),
            Some([]) => "met".to_owned(),
            Some(missed) => format!("MISSED: {}", missed.join(", ")),
        },
    ]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn report(missed: Vec<&'static str>) -> Report {
        let errors = Errors { median: 61_000, p95: 900_999, max: 1_200_000 };
        let score = Score {
            answered: 40,
            missed: 1,
            inference: Some(errors),
            bounds: Some(BoundsScore { given: 39, held: 38, median_width_ns: 400_000 }),
            flags: BTreeMap::from([("delayed_ack".to_owned(), 3)]),
            ..Score::default()
        };
        let method = Method::Packets.name();
        let methods = vec![MethodOutcome { method, missed_bars: Some(missed), score }];
        Report {
            requests: 40,
            seed: 7,
            processors: 2,
            load: ["0.10".to_owned(), "0.20".to_owned()],
            remarks: vec!["Only h1-lo could be run: no root.".to_owned()],
            scenarios: vec![ScenarioOutcome { scenario: "h1-lo", frames: None, methods }],
        }
    }

    #[test]
    fn a_row_says_all_of_a_score_and_which_bars_it_missed() {
        let report = report(vec!["missed", "coverage"]);
        assert!(report.misses_bars());
        let markdown = report.markdown();
        let row = "| h1-lo | 40 | 1 | 0 | 61 / 900 / 1200 | – | 38 of 39 | 400 | – \
                   | MISSED: missed, coverage |";
        assert!(markdown.contains(row), "{markdown}");
        assert!(markdown.contains("load 0.10 before and 0.20 after"), "{markdown}");
        assert!(markdown.contains("- h1-lo: delayed_ack 3"), "{markdown}");
        assert!(report.text().contains("Only h1-lo could be run: no root."));
    }

    #[test]
    fn a_report_without_a_miss_says_so() {
        let report = report(Vec::new());
        assert!(!report.misses_bars());
        assert!(report.markdown().contains("| met |"));
    }
}
