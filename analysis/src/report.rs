//! A summary in the forms that people and programs read.
//!
//! Every rendering is a pure function of a [`Report`]. Whatever the form, figures of simulators
//! are called SIMULATED where the report begins and wherever they stand.

mod account;
mod charts;
mod figures;
pub mod html;
pub mod json;
mod plain_table;
pub mod svg;
pub mod text;

use crate::summary::{Reconciliation, Summary};

pub use plain_table::{plain_table, table_text};

/// All that a report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The figures.
    pub summary: Summary,
    /// The stored calls held against the plan and the simulator's log; `None` where there is
    /// neither.
    pub reconciliation: Option<Reconciliation>,
    /// What its reader should know, in the words of whoever made it.
    pub notes: Vec<String>,
}

impl Report {
    /// The warning that stands above everything else; `None` where no call is simulated.
    fn simulated_banner(&self) -> Option<String> {
        let calls = self.summary.outcomes.total();
        let simulated = self.summary.simulated_calls;
        if !self.summary.is_simulated() {
            None
        } else if self.summary.is_mixed() {
            Some(format!(
                "SIMULATED: {simulated} of {calls} calls went to simulated providers; \
                 their figures are marked and are no cloud's."
            ))
        } else {
            Some(format!(
                "SIMULATED: every call ({calls}) went to simulated providers; \
                 no figure here is a cloud's."
            ))
        }
    }

    /// What the calls are grouped by, as a phrase.
    fn grouping(&self) -> String {
        let words: Vec<&str> = self.summary.by.iter().map(|dimension| dimension.as_str()).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod testing {
    use std::time::Duration;

    use super::Report;
    use crate::{
        outcome::{Outcome, Phase, SkipReason},
        split::{SplitFlags, SplitMethod},
        summary::{
            CallRow, Dimension, Reconciler, Tally, TruthLog,
            testing::{failed, row, truth},
        },
    };

    /// A report of these calls, beside the log where there is one.
    pub(super) fn report(rows: &[CallRow], log: Option<TruthLog>) -> Report {
        let mut tally = Tally::new(&[Dimension::Region, Dimension::Provider]);
        let mut reconciler = Reconciler::new(None, log, false);
        for row in rows {
            let truth = reconciler.add(row);
            tally.add(row, truth);
        }
        Report { summary: tally.finish(), reconciliation: reconciler.finish(), notes: Vec::new() }
    }

    /// A small report that has something in every place: simulated and real calls, failures,
    /// flags, both methods, truth, and a log that does not match.
    pub(super) fn full_report() -> Report {
        let rows = [
            row(1),
            CallRow {
                inference: Some(Duration::from_micros(120_345)),
                flags: SplitFlags::DELAYED_ACK,
                ..row(2)
            },
            failed(3, Outcome::Throttled),
            failed(4, Outcome::Timeout(Phase::Wait)),
            failed(5, Outcome::Skipped(SkipReason::SpoolFull)),
            CallRow {
                region: "hk".to_owned(),
                method: Some(SplitMethod::Application),
                simulated: false,
                ..row(6)
            },
        ];
        let mut log = TruthLog::default();
        for (uid, microseconds) in [(1, 99_800), (2, 120_400), (3, 10), (9, 50)] {
            log.add(&truth(uid, Duration::from_micros(microseconds)));
        }
        let mut report = report(&rows, Some(log));
        report.notes.push("one machine".to_owned());
        report
    }
}
