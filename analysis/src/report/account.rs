//! A reconciliation in words, the same in every rendering; what is wrong stands apart from it, in
//! its findings.

use crate::summary::{LogMatch, Reconciliation};

/// What was planned, stored and logged, one sentence each.
pub(super) fn account(reconciliation: &Reconciliation) -> Vec<String> {
    let mut sentences = vec![
        stored(reconciliation),
        format!(
            "{} requests were sent whole, {} more may have been.",
            reconciliation.sent, reconciliation.maybe_sent
        ),
    ];
    sentences.extend(reconciliation.log.as_ref().map(logged));
    if reconciliation.findings().is_empty() {
        sentences.push(agreement(reconciliation).to_owned());
    }
    sentences
}

fn stored(reconciliation: &Reconciliation) -> String {
    let mut outcomes = Vec::new();
    for (word, count) in reconciliation.outcomes.by_word() {
        outcomes.push(format!("{word} {count}"));
    }
    let planned = reconciliation.planned.map(|planned| format!("{planned} calls planned, "));
    let colon = if outcomes.is_empty() { "" } else { ": " };
    format!(
        "{}{} calls stored{colon}{}.",
        planned.unwrap_or_default(),
        reconciliation.outcomes.total(),
        outcomes.join(", ")
    )
}

fn logged(log: &LogMatch) -> String {
    format!(
        "{} lines in the simulator's log: {} match exactly one stored call, {} match none; {} sent \
         calls have no line, {} unsent calls have one, {} calls have several.",
        log.lines,
        log.matched,
        log.lines_without_row.count,
        log.sent_without_line.count,
        log.unsent_with_line.count,
        log.logged_twice.count,
    )
}

fn agreement(reconciliation: &Reconciliation) -> &'static str {
    match (&reconciliation.log, reconciliation.filtered) {
        (None, _) => "As many calls are stored as were planned.",
        (Some(_), true) => {
            "Every stored call that was sent has its line; lines outside the filter are not judged."
        }
        (Some(_), false) => {
            "One to one: every line has one stored call, every call that was sent has one line."
        }
    }
}
