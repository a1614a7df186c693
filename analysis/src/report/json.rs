//! A report as one JSON object, for programs.
//!
//! Names are stable; fields are added, never changed. Times are integer nanoseconds, costs integer
//! millionths of a US dollar, times of day RFC 3339 in UTC. What is not known is `null`.
//!
//! | field | what |
//! | --- | --- |
//! | `simulated` | whether any call went to a simulated provider |
//! | `percentiles` | the definition of every percentile |
//! | `by` | the words that calls are grouped by |
//! | `n`, `ok`, `simulated_calls`, `cost_microusd` | of all calls |
//! | `first`, `last` | when the first and the last call began |
//! | `groups` | one object for each group, below; simulated and real calls never share one |
//! | `reconciliation` | below; `null` without a plan and a log |
//! | `notes` | what whoever made the report wants known |
//!
//! A group: `key` (word to value), `simulated`, `n`, `ok`, `failures` (outcome to count), `flags`
//! (of ok calls, flag to count), `methods` (`packets`, `socket`, `application`: ok calls with a
//! split), `without_split` (ok calls), `cost_microusd`, the spreads `transmission_ns`, `upload_ns`,
//! `inference_ns` and `download_ns`, and `truth`: `matched` calls, the spread `inference_ns` of
//! their true times, and the spreads `absolute_error_ns` and `signed_error_ns` (measured minus
//! true); `null` where no call is matched.
//!
//! A spread: `n`, `min`, `p50`, `p90`, `p95`, `p99`, `max`.
//!
//! The reconciliation: `planned`, `rows`, `outcomes` (outcome to count), `sent` (rows whose request
//! was sent whole), `maybe_sent`, `filtered` (not all rows were asked for), `findings` (sentences;
//! empty where everything agrees) and `log`, `null` without one: `lines`, `matched`, and as objects
//! of `count` and the `first` uid `lines_without_row`, `sent_without_line`, `unsent_with_line`,
//! `logged_twice`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Report, figures::to_the_second};
use crate::{
    outcome::Outcome,
    summary::{Cases, Comparison, Distribution, Group, LogMatch, PERCENTILE_DEFINITION},
    summary::{OutcomeCounts, Reconciliation, Summary},
};

/// Renders the report, indented, with a line feed at its end.
///
/// # Errors
/// Where the report cannot be written as JSON, which none of its values causes.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let summary = &report.summary;
    let document = Document {
        simulated: summary.is_simulated(),
        percentiles: PERCENTILE_DEFINITION,
        by: summary.by.iter().map(|dimension| dimension.as_str()).collect(),
        n: summary.outcomes.total(),
        ok: summary.outcomes.ok(),
        simulated_calls: summary.simulated_calls,
        cost_microusd: summary.cost_microusd,
        first: summary.span.map(|(first, _)| to_the_second(first)),
        last: summary.span.map(|(_, last)| to_the_second(last)),
        groups: summary.groups.iter().map(|group| group_form(summary, group)).collect(),
        reconciliation: report.reconciliation.as_ref().map(reconciliation_form),
        notes: &report.notes,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
struct Document<'a> {
    simulated: bool,
    percentiles: &'static str,
    by: Vec<&'static str>,
    n: u64,
    ok: u64,
    simulated_calls: u64,
    cost_microusd: u64,
    first: Option<String>,
    last: Option<String>,
    groups: Vec<GroupForm<'a>>,
    reconciliation: Option<ReconciliationForm>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct GroupForm<'a> {
    key: BTreeMap<&'static str, &'a str>,
    simulated: bool,
    n: u64,
    ok: u64,
    failures: BTreeMap<&'static str, u64>,
    flags: &'a BTreeMap<String, u64>,
    methods: MethodsForm,
    without_split: u64,
    cost_microusd: u64,
    transmission_ns: SpreadForm,
    upload_ns: SpreadForm,
    inference_ns: SpreadForm,
    download_ns: SpreadForm,
    truth: Option<TruthForm>,
}

#[derive(Serialize)]
struct MethodsForm {
    packets: u64,
    socket: u64,
    application: u64,
}

#[derive(Serialize)]
struct SpreadForm {
    n: u64,
    min: Option<i64>,
    p50: Option<i64>,
    p90: Option<i64>,
    p95: Option<i64>,
    p99: Option<i64>,
    max: Option<i64>,
}

#[derive(Serialize)]
struct TruthForm {
    matched: u64,
    inference_ns: SpreadForm,
    absolute_error_ns: SpreadForm,
    signed_error_ns: SpreadForm,
}

#[derive(Serialize)]
struct ReconciliationForm {
    planned: Option<u64>,
    rows: u64,
    outcomes: BTreeMap<&'static str, u64>,
    sent: u64,
    maybe_sent: u64,
    filtered: bool,
    findings: Vec<String>,
    log: Option<LogForm>,
}

#[derive(Serialize)]
struct LogForm {
    lines: u64,
    matched: u64,
    lines_without_row: CasesForm,
    sent_without_line: CasesForm,
    unsent_with_line: CasesForm,
    logged_twice: CasesForm,
}

#[derive(Serialize)]
struct CasesForm {
    count: u64,
    first: Option<String>,
}

fn group_form<'a>(summary: &Summary, group: &'a Group) -> GroupForm<'a> {
    let words = summary.by.iter().map(|dimension| dimension.as_str());
    GroupForm {
        key: words.zip(group.key.iter().map(String::as_str)).collect(),
        simulated: group.simulated,
        n: group.calls(),
        ok: group.ok(),
        failures: failures_form(&group.outcomes),
        flags: &group.flags,
        methods: MethodsForm {
            packets: group.packets,
            socket: group.socket,
            application: group.application,
        },
        without_split: group.without_split,
        cost_microusd: group.cost_microusd,
        transmission_ns: spread_form(&group.transmission),
        upload_ns: spread_form(&group.upload),
        inference_ns: spread_form(&group.inference),
        download_ns: spread_form(&group.download),
        truth: truth_form(&group.truth),
    }
}

fn failures_form(outcomes: &OutcomeCounts) -> BTreeMap<&'static str, u64> {
    let mut failures = outcomes.by_word();
    failures.remove(Outcome::Ok.as_str());
    failures
}

fn spread_form(values: &Distribution) -> SpreadForm {
    SpreadForm {
        n: values.count(),
        min: values.percentile(0),
        p50: values.percentile(50),
        p90: values.percentile(90),
        p95: values.percentile(95),
        p99: values.percentile(99),
        max: values.percentile(100),
    }
}

fn truth_form(comparison: &Comparison) -> Option<TruthForm> {
    (comparison.matched() > 0).then(|| TruthForm {
        matched: comparison.matched(),
        inference_ns: spread_form(&comparison.truth),
        absolute_error_ns: spread_form(&comparison.absolute_error),
        signed_error_ns: spread_form(&comparison.signed_error),
    })
}

fn reconciliation_form(reconciliation: &Reconciliation) -> ReconciliationForm {
    ReconciliationForm {
        planned: reconciliation.planned,
        rows: reconciliation.outcomes.total(),
        outcomes: reconciliation.outcomes.by_word(),
        sent: reconciliation.sent,
        maybe_sent: reconciliation.maybe_sent,
        filtered: reconciliation.filtered,
        findings: reconciliation.findings(),
        log: reconciliation.log.as_ref().map(log_form),
    }
}

fn log_form(log: &LogMatch) -> LogForm {
    LogForm {
        lines: log.lines,
        matched: log.matched,
        lines_without_row: cases_form(log.lines_without_row),
        sent_without_line: cases_form(log.sent_without_line),
        unsent_with_line: cases_form(log.unsent_with_line),
        logged_twice: cases_form(log.logged_twice),
    }
}

fn cases_form(cases: Cases) -> CasesForm {
    CasesForm { count: cases.count, first: cases.first.map(|uid| uid.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{full_report, report};

    #[test]
    fn has_stable_names() {
        insta::assert_snapshot!(render(&full_report()).unwrap());
    }

    #[test]
    fn of_nothing_has_no_groups_and_nulls() {
        let text = render(&report(&[], None)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["groups"], serde_json::json!([]));
        assert_eq!(value["n"], 0);
        assert!(value["first"].is_null() && value["reconciliation"].is_null());
    }
}
