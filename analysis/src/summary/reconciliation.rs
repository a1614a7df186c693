//! Whether the calls that are stored are the calls that were planned and that providers received.
//!
//! A simulated provider logs every request that it received whole. Each such line must belong to
//! one stored call, and each stored call that says its request was sent whole must have one line;
//! in between are calls whose end leaves that open, a reset for example.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use super::{CallRow, OutcomeCounts};
use crate::{
    outcome::{Outcome, Phase},
    truth::TruthRecord,
};

/// What simulated providers logged, by call.
#[derive(Clone, Debug, Default)]
pub struct TruthLog {
    lines: u64,
    without_uid: u64,
    calls: BTreeMap<Uuid, LoggedCall>,
}

#[derive(Clone, Debug, Default)]
struct LoggedCall {
    lines: u64,
    inference: Option<Duration>,
    has_row: bool,
}

/// Holds stored calls against the plan and the log, one after the other.
#[derive(Clone, Debug)]
pub struct Reconciler {
    planned: Option<u64>,
    log: Option<TruthLog>,
    filtered: bool,
    outcomes: OutcomeCounts,
    sent: u64,
    maybe_sent: u64,
    sent_without_line: Cases,
    unsent_with_line: Cases,
}

/// What came of holding stored calls against the plan and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// How many calls should be stored; `None` where that is not known.
    pub planned: Option<u64>,
    /// How the stored calls ended.
    pub outcomes: OutcomeCounts,
    /// Stored calls whose request was sent whole.
    pub sent: u64,
    /// Stored calls whose request may have been sent whole.
    pub maybe_sent: u64,
    /// Whether only some of the stored calls were asked for.
    pub filtered: bool,
    /// The comparison with the log; `None` where there is none.
    pub log: Option<LogMatch>,
}

/// Which lines of the log belong to stored calls, and which do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogMatch {
    /// All lines.
    pub lines: u64,
    /// Lines that are the only one of a stored call.
    pub matched: u64,
    /// Lines whose call is not stored, or that name no call.
    pub lines_without_row: Cases,
    /// Stored calls that were sent whole, but that no line tells of.
    pub sent_without_line: Cases,
    /// Stored calls that say nothing was sent, but that a line tells of.
    pub unsent_with_line: Cases,
    /// Calls that several lines tell of.
    pub logged_twice: Cases,
}

/// How often something is the case, and the first call it is the case for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// How often.
    pub count: u64,
    /// The first call; `None` where there is none, or it has no name.
    pub first: Option<Uuid>,
}

impl TruthLog {
    /// Adds one line.
    pub fn add(&mut self, record: &TruthRecord) {
        self.lines += 1;
        let Some(uid) = record.uid else {
            self.without_uid += 1;
            return;
        };
        let call = self.calls.entry(uid).or_default();
        call.lines += 1;
        // Two lines of one call disagree about its truth, so it has none.
        call.inference = if call.lines == 1 { record.inference() } else { None };
    }
}

impl Reconciler {
    /// A reconciler that has seen no stored call.
    ///
    /// `filtered` says that not all stored calls will be seen, so that a line without one of them
    /// is no sign of loss.
    pub fn new(planned: Option<u64>, log: Option<TruthLog>, filtered: bool) -> Self {
        Self {
            planned,
            log,
            filtered,
            outcomes: OutcomeCounts::default(),
            sent: 0,
            maybe_sent: 0,
            sent_without_line: Cases::default(),
            unsent_with_line: Cases::default(),
        }
    }

    /// Takes one stored call; returns its true inference time where the log has it.
    pub fn add(&mut self, row: &CallRow) -> Option<Duration> {
        self.outcomes.add(row.outcome);
        let sending = Sending::of(row.outcome);
        match sending {
            Sending::Whole => self.sent += 1,
            Sending::Open => self.maybe_sent += 1,
            Sending::Nothing => {}
        }
        let logged = self.log.as_mut()?.calls.get_mut(&row.uid);
        match (sending, logged) {
            (Sending::Whole, None) => {
                self.sent_without_line.add(row.uid);
                None
            }
            (_, None) => None,
            (_, Some(call)) => {
                call.has_row = true;
                if sending == Sending::Nothing {
                    self.unsent_with_line.add(row.uid);
                }
                call.inference
            }
        }
    }

    /// What came of it; `None` where there was neither a plan nor a log.
    pub fn finish(self) -> Option<Reconciliation> {
        if self.planned.is_none() && self.log.is_none() {
            return None;
        }
        let (sent_without_line, unsent_with_line) = (self.sent_without_line, self.unsent_with_line);
        let log = self.log.map(|log| log.finish(sent_without_line, unsent_with_line));
        Some(Reconciliation {
            planned: self.planned,
            outcomes: self.outcomes,
            sent: self.sent,
            maybe_sent: self.maybe_sent,
            filtered: self.filtered,
            log,
        })
    }
}

impl TruthLog {
    fn finish(self, sent_without_line: Cases, unsent_with_line: Cases) -> LogMatch {
        let mut matched = 0;
        let mut lines_without_row = Cases { count: self.without_uid, first: None };
        let mut logged_twice = Cases::default();
        for (uid, call) in self.calls {
            if !call.has_row {
                lines_without_row.count += call.lines - 1;
                lines_without_row.add(uid);
            } else if call.lines == 1 {
                matched += 1;
            }
            if call.lines > 1 {
                logged_twice.add(uid);
            }
        }
        LogMatch {
            lines: self.lines,
            matched,
            lines_without_row,
            sent_without_line,
            unsent_with_line,
            logged_twice,
        }
    }
}

impl Reconciliation {
    /// What is wrong, one sentence each; empty where everything agrees.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let rows = self.outcomes.total();
        if let Some(planned) = self.planned
            && planned != rows
        {
            findings.push(format!("{planned} calls were planned, but {rows} are stored"));
        }
        let Some(log) = &self.log else { return findings };
        let lines_without_row =
            if self.filtered { Cases::default() } else { log.lines_without_row };
        for (cases, what) in [
            (lines_without_row, "log lines belong to no stored call"),
            (log.sent_without_line, "stored calls were sent whole, but no log line tells of them"),
            (log.unsent_with_line, "stored calls say nothing was sent, but a log line tells of it"),
            (log.logged_twice, "calls have more than one log line: sent, or logged, twice"),
        ] {
            if cases.count > 0 {
                findings.push(format!("{} {what}{}", cases.count, cases.example()));
            }
        }
        findings
    }
}

impl Cases {
    fn add(&mut self, uid: Uuid) {
        self.count += 1;
        self.first.get_or_insert(uid);
    }

    fn example(self) -> String {
        self.first.map(|uid| format!(", the first {uid}")).unwrap_or_default()
    }
}

/// Whether a request was sent, as far as the outcome tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Whole,
    Open,
    Nothing,
}

impl Sending {
    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok
            | Outcome::Throttled
            | Outcome::Quota
            | Outcome::Auth
            | Outcome::ImageRejected
            | Outcome::ServerError
            | Outcome::Timeout(Phase::Wait | Phase::Download) => Self::Whole,
            Outcome::Timeout(Phase::Upload)
            | Outcome::Reset
            | Outcome::Cancelled
            | Outcome::Unknown => Self::Open,
            Outcome::Timeout(Phase::Dns | Phase::Connect | Phase::Tls)
            | Outcome::Dns
            | Outcome::Tls
            | Outcome::Skipped(_)
            | Outcome::Missed => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::testing::{failed, row, truth};

    fn reconcile(planned: Option<u64>, lines: &[u128], rows: &[(u128, Outcome)]) -> Reconciliation {
        let mut log = TruthLog::default();
        for uid in lines {
            log.add(&truth(*uid, Duration::from_millis(100)));
        }
        let mut reconciler = Reconciler::new(planned, Some(log), false);
        for (uid, outcome) in rows {
            reconciler.add(&failed(*uid, *outcome));
        }
        reconciler.finish().unwrap()
    }

    #[test]
    fn one_line_for_each_call_that_was_sent_agrees() {
        let rows = [(1, Outcome::Ok), (2, Outcome::Throttled), (3, Outcome::Dns)];
        let reconciliation = reconcile(Some(3), &[1, 2], &rows);
        assert_eq!(reconciliation.findings(), Vec::<String>::new());
        assert_eq!(reconciliation.log.unwrap().matched, 2);
        assert_eq!((reconciliation.sent, reconciliation.maybe_sent), (2, 0));
    }

    #[test]
    fn a_line_without_a_row_is_found() {
        let reconciliation = reconcile(None, &[1, 9], &[(1, Outcome::Ok)]);
        let [finding] = &reconciliation.findings()[..] else { panic!("one finding") };
        assert!(finding.starts_with("1 log lines belong to no stored call"), "{finding}");
        assert!(finding.ends_with(&Uuid::from_u128(9).to_string()), "{finding}");
    }

    #[test]
    fn a_line_that_names_no_call_is_without_a_row() {
        let mut log = TruthLog::default();
        log.add(&TruthRecord { uid: None, ..truth(1, Duration::ZERO) });
        let log = Reconciler::new(None, Some(log), false).finish().unwrap().log.unwrap();
        assert_eq!(log.lines_without_row, Cases { count: 1, first: None });
    }

    #[test]
    fn a_sent_call_without_a_line_is_found() {
        let reconciliation = reconcile(None, &[], &[(1, Outcome::Timeout(Phase::Wait))]);
        assert_eq!(reconciliation.log.as_ref().unwrap().sent_without_line.count, 1);
        assert_eq!(reconciliation.findings().len(), 1);
    }

    #[test]
    fn a_call_that_says_nothing_was_sent_has_no_line() {
        let reconciliation = reconcile(None, &[1], &[(1, Outcome::Missed)]);
        assert_eq!(reconciliation.log.as_ref().unwrap().unsent_with_line.count, 1);
        assert_eq!(reconciliation.findings().len(), 1);
    }

    #[test]
    fn a_call_logged_twice_is_found_and_has_no_truth() {
        let reconciliation = reconcile(None, &[1, 1, 2], &[(1, Outcome::Ok), (2, Outcome::Ok)]);
        let log = reconciliation.log.clone().unwrap();
        assert_eq!((log.lines, log.matched, log.logged_twice.count), (3, 1, 1));
        assert_eq!(reconciliation.findings().len(), 1);

        let mut twice = TruthLog::default();
        for inference in [1, 2] {
            twice.add(&truth(1, Duration::from_millis(inference)));
        }
        assert_eq!(Reconciler::new(None, Some(twice), false).add(&row(1)), None);
    }

    #[test]
    fn an_unknown_end_agrees_with_a_line_and_without() {
        let with = reconcile(None, &[1], &[(1, Outcome::Unknown)]);
        let without = reconcile(None, &[], &[(1, Outcome::Unknown)]);
        for reconciliation in [&with, &without] {
            assert_eq!(reconciliation.findings(), Vec::<String>::new());
            assert_eq!((reconciliation.sent, reconciliation.maybe_sent), (0, 1));
        }
        assert_eq!((with.log.unwrap().matched, without.log.unwrap().matched), (1, 0));
    }

    #[test]
    fn a_missing_row_is_found_by_the_plan() {
        let reconciliation = reconcile(Some(2), &[1], &[(1, Outcome::Ok)]);
        assert_eq!(reconciliation.findings(), ["2 calls were planned, but 1 are stored"]);
    }

    #[test]
    fn calls_outside_the_filter_are_not_missed() {
        let mut log = TruthLog::default();
        log.add(&truth(9, Duration::ZERO));
        let reconciliation = Reconciler::new(None, Some(log), true).finish().unwrap();
        assert_eq!(reconciliation.findings(), Vec::<String>::new());
        assert_eq!(reconciliation.log.unwrap().lines_without_row.count, 1);
    }

    #[test]
    fn without_a_plan_and_a_log_there_is_nothing_to_hold_against() {
        assert_eq!(Reconciler::new(None, None, false).finish(), None);
    }
}
