//! A report as text for a terminal: narrow tables, then what stands behind them in words.

use comfy_table::{CellAlignment, Table};

use super::{
    Report,
    account::account,
    figures::{
        counts, dollars, explanations, flag_counts, methods, overview, percentile_ms, share,
        simulated_suffix,
    },
    plain_table, table_text,
};
use crate::summary::{Group, Summary};

/// Renders the report, with a line feed at its end.
pub fn render(report: &Report) -> String {
    let summary = &report.summary;
    let mut lines =
        vec![format!("Latency and cost by {}{}", report.grouping(), simulated_suffix(summary))];
    lines.extend(report.simulated_banner());
    lines.push(overview(summary));
    lines.extend(report.notes.iter().map(|note| format!("Note: {}", printable(note))));
    if !summary.groups.is_empty() {
        lines.push(String::new());
        lines.push(latency_table(summary));
        if summary.has_truth() {
            lines.push("\nMeasured inference beside the simulator's own truth, ms".to_owned());
            lines.push(truth_table(summary));
        }
        push_section(
            &mut lines,
            "Failures",
            group_lines(summary, |group| group.outcomes.failures()),
        );
        push_section(&mut lines, "Flags of ok calls", group_lines(summary, flag_counts));
        push_section(&mut lines, "How to read this", explanations(summary));
    }
    if let Some(reconciliation) = &report.reconciliation {
        let mut section = account(reconciliation);
        let findings = reconciliation.findings();
        section.extend(findings.into_iter().map(|finding| format!("WRONG: {finding}.")));
        push_section(&mut lines, "Reconciliation", section);
    }
    lines.join("\n") + "\n"
}

fn latency_table(summary: &Summary) -> String {
    let figures = [
        "calls",
        "ok",
        "transmission\np50 ms",
        "\np95 ms",
        "inference\np50 ms",
        "\np95 ms",
        "cost\nUSD",
        "split from",
    ];
    let mut table = group_table(summary, &figures);
    for group in &summary.groups {
        let mut cells = key_cells(summary, group);
        cells.extend([
            group.calls().to_string(),
            share(group.ok(), group.calls()),
            percentile_ms(&group.transmission, 50, 2),
            percentile_ms(&group.transmission, 95, 2),
            percentile_ms(&group.inference, 50, 2),
            percentile_ms(&group.inference, 95, 2),
            dollars(group.cost_microusd),
            methods(group),
        ]);
        table.add_row(cells);
    }
    let last = table.column_count().saturating_sub(1);
    if let Some(column) = table.column_mut(last) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    table_text(&table)
}

fn truth_table(summary: &Summary) -> String {
    let figures = ["matched", "true\np50", "\np95", "|error|\np50", "\np95", "error\np50"];
    let mut table = group_table(summary, &figures);
    for group in &summary.groups {
        let truth = &group.truth;
        let mut cells = key_cells(summary, group);
        cells.extend([
            truth.matched().to_string(),
            percentile_ms(&truth.truth, 50, 2),
            percentile_ms(&truth.truth, 95, 2),
            percentile_ms(&truth.absolute_error, 50, 3),
            percentile_ms(&truth.absolute_error, 95, 3),
            percentile_ms(&truth.signed_error, 50, 3),
        ]);
        table.add_row(cells);
    }
    table_text(&table)
}

/// An empty table whose first columns are the group's key, its figures to the right.
fn group_table(summary: &Summary, figures: &[&str]) -> Table {
    let mut header: Vec<&str> = summary.by.iter().map(|dimension| dimension.as_str()).collect();
    if summary.is_simulated() {
        header.push("");
    }
    let keys = header.len();
    header.extend(figures);
    let mut table = plain_table();
    table.set_header(header);
    for column in table.column_iter_mut().skip(keys) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn key_cells(summary: &Summary, group: &Group) -> Vec<String> {
    let mut cells: Vec<String> = group.key.iter().map(|value| printable(value)).collect();
    if summary.is_simulated() {
        cells.push(if group.simulated { "SIMULATED" } else { "" }.to_owned());
    }
    cells
}

fn push_section(lines: &mut Vec<String>, title: &str, section: Vec<String>) {
    if !section.is_empty() {
        lines.push(format!("\n{title}"));
        lines.extend(section.into_iter().map(|line| format!("  {line}")));
    }
}

/// One line for each group that `describe` has something to say about.
fn group_lines(summary: &Summary, describe: fn(&Group) -> Vec<(String, u64)>) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &summary.groups {
        let counts = counts(&describe(group));
        if !counts.is_empty() {
            let simulated = if group.simulated { " SIMULATED" } else { "" };
            lines.push(format!("{}{simulated}: {counts}", printable(&group.key.join(" "))));
        }
    }
    lines
}

/// Text without characters that steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::testing::{full_report, report},
        summary::{CallRow, testing::row},
    };

    #[test]
    fn reads_well() {
        insta::assert_snapshot!(render(&full_report()));
    }

    #[test]
    fn of_nothing_says_so() {
        let text = render(&report(&[], None));
        assert!(text.contains("No calls"), "{text}");
    }

    #[test]
    fn only_real_calls_are_not_called_simulated() {
        let text = render(&report(&[CallRow { simulated: false, ..row(1) }], None));
        assert!(!text.contains("SIMULATED"), "{text}");
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        let text = render(&report(&[CallRow { region: "\u{1b}[2J".to_owned(), ..row(1) }], None));
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
