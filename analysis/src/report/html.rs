//! A report as one page that needs nothing else: no script, no font, no request to anyone.
//!
//! Every text goes through maud, which escapes it; the page's own policy forbids scripts besides.
//! Colours follow the reader's preference for light or dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Report,
    account::account,
    charts::{Chart, charts},
    figures::{
        NO_CALLS, counts, dollars, explanations, flag_counts, methods, percentile_ms, share,
        simulated_suffix, to_the_second,
    },
    svg,
};
use crate::{
    VERSION,
    summary::{Group, Reconciliation, Summary},
};

const STYLE: &str = include_str!("html/page.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Renders the report as a page.
pub fn render(report: &Report) -> String {
    let title = title(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(svg::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header { (head(report)) }
                main { (body(report)) }
                footer {
                    p { "How to read this" }
                    ul { @for sentence in explanations(&report.summary) { li { (sentence) } } }
                    p { "Made by Armol " (VERSION) "." }
                }
            }
        }
    };
    page.into_string()
}

fn title(report: &Report) -> String {
    let suffix = simulated_suffix(&report.summary);
    format!("Latency of vision services by {}{suffix}", report.grouping())
}

fn head(report: &Report) -> Markup {
    let summary = &report.summary;
    html! {
        h1 { (title(report)) }
        p.lead {
            "Each call's latency, split into transmission (the network) and inference (the server)."
        }
        @if let Some(banner) = report.simulated_banner() { p.banner { (banner) } }
        @for note in &report.notes { p { "Note: " (note) } }
        (facts(summary))
    }
}

fn facts(summary: &Summary) -> Markup {
    let calls = summary.outcomes.total();
    let Some((first, last)) = summary.span else {
        return html! { p { (NO_CALLS) } };
    };
    let ok = summary.outcomes.ok();
    let facts = [
        ("Calls", calls.to_string()),
        ("Answered well", format!("{ok} ({})", share(ok, calls))),
        ("From", to_the_second(first)),
        ("To", to_the_second(last)),
        ("Cost", format!("{} USD", dollars(summary.cost_microusd))),
    ];
    html! {
        dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
    }
}

fn body(report: &Report) -> Markup {
    let summary = &report.summary;
    html! {
        @if !summary.groups.is_empty() {
            h2 { "Figures" }
            (latency_table(summary))
            @for chart in charts(summary) { (figure(&chart)) }
            @if summary.has_truth() {
                h2 { "Measured inference beside the simulator's own truth" }
                (truth_table(summary))
            }
            h2 { "Failures and flags" }
            (remarks_table(summary))
            h2 { "Providers" }
            (provider_table(summary))
        }
        @if let Some(reconciliation) = &report.reconciliation {
            h2 { "Reconciliation" }
            (reconciliation_section(reconciliation))
        }
    }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            h2 { (chart.heading) }
            figcaption { (chart.caption) }
            div.wide { (chart.drawing) }
        }
    }
}

fn latency_table(summary: &Summary) -> Markup {
    let figures =
        ["Calls", "Ok", "Transmission p50, ms", "p95", "Inference p50, ms", "p95", "Cost, USD"];
    let row = |group: &Group| {
        html! {
            (key_cells(summary, group))
            (number(&group.calls().to_string()))
            (number(&share(group.ok(), group.calls())))
            (number(&percentile_ms(&group.transmission, 50, 2)))
            (number(&percentile_ms(&group.transmission, 95, 2)))
            (number(&percentile_ms(&group.inference, 50, 2)))
            (number(&percentile_ms(&group.inference, 95, 2)))
            (number(&dollars(group.cost_microusd)))
            td { (methods(group)) }
        }
    };
    group_table(summary, &figures, &["Split from"], &row)
}

/// How the calls of each group failed, and what is to be known of its splits.
fn remarks_table(summary: &Summary) -> Markup {
    let row = |group: &Group| {
        html! {
            (key_cells(summary, group))
            td { (counts(&group.outcomes.failures())) }
            td { (counts(&flag_counts(group))) }
        }
    };
    group_table(summary, &[], &["Failures", "Flags of ok calls"], &row)
}

fn truth_table(summary: &Summary) -> Markup {
    let figures =
        ["Calls matched", "True p50, ms", "p95", "|error| p50, ms", "p95", "Signed error p50, ms"];
    let row = |group: &Group| {
        let truth = &group.truth;
        html! {
            (key_cells(summary, group))
            (number(&truth.matched().to_string()))
            (number(&percentile_ms(&truth.truth, 50, 2)))
            (number(&percentile_ms(&truth.truth, 95, 2)))
            (number(&percentile_ms(&truth.absolute_error, 50, 3)))
            (number(&percentile_ms(&truth.absolute_error, 95, 3)))
            (number(&percentile_ms(&truth.signed_error, 50, 3)))
        }
    };
    group_table(summary, &figures, &[], &row)
}

fn group_table(
    summary: &Summary,
    figures: &[&str],
    words: &[&str],
    row: &dyn Fn(&Group) -> Markup,
) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        @for dimension in &summary.by { th scope="col" { (dimension) } }
                        @if summary.is_simulated() { th scope="col" {} }
                        @for figure in figures { th.number scope="col" { (figure) } }
                        @for word in words { th scope="col" { (word) } }
                    }
                }
                tbody { @for group in &summary.groups { tr { (row(group)) } } }
            }
        }
    }
}

fn provider_table(summary: &Summary) -> Markup {
    let figures = ["Ok calls with a split", "Inference p5, ms", "p25", "p50", "p75", "p95", "p99"];
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "provider" }
                        @if summary.is_simulated() { th scope="col" {} }
                        @for figure in figures { th.number scope="col" { (figure) } }
                    }
                }
                tbody {
                    @for series in &summary.providers {
                        tr {
                            th scope="row" { (series.provider) }
                            (mark_cell(summary, series.simulated))
                            (number(&series.inference.count().to_string()))
                            @for percent in [5, 25, 50, 75, 95, 99] {
                                (number(&percentile_ms(&series.inference, percent, 2)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn key_cells(summary: &Summary, group: &Group) -> Markup {
    html! {
        @for value in &group.key { th scope="row" { (value) } }
        (mark_cell(summary, group.simulated))
    }
}

fn mark_cell(summary: &Summary, simulated: bool) -> Markup {
    html! {
        @if summary.is_simulated() { td.mark { @if simulated { "SIMULATED" } } }
    }
}

fn number(text: &str) -> Markup {
    html! { td.number { (text) } }
}

fn reconciliation_section(reconciliation: &Reconciliation) -> Markup {
    html! {
        @for sentence in account(reconciliation) { p { (sentence) } }
        @for finding in reconciliation.findings() { p.wrong { "WRONG: " (finding) "." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outcome::Outcome,
        report::testing::{full_report, report},
        summary::{
            CallRow,
            testing::{failed, row},
        },
    };

    /// Fails where an element is not closed where it should be.
    fn assert_well_formed(page: &str) {
        let mut open: Vec<&str> = Vec::new();
        let body = page.replace(STYLE, "");
        for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let name = tag.split(' ').next().unwrap();
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{tag}");
            } else if !["!DOCTYPE", "meta"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn pages_are_well_formed_and_their_coordinates_numbers() {
        let reports = [
            report(&[], None),
            report(&[row(1)], None),
            report(&[failed(1, Outcome::Reset)], None),
            full_report(),
        ];
        for report in reports {
            let page = render(&report);
            assert_well_formed(&page);
            assert!(!page.contains("NaN") && !page.contains("\"inf"), "{page}");
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let hostile = "</text><script>alert(1)</script>\" onload=\"x";
        let rows = [CallRow { region: hostile.to_owned(), provider: hostile.to_owned(), ..row(1) }];
        let mut report = report(&rows, None);
        report.notes.push(hostile.to_owned());
        let page = render(&report);
        assert_well_formed(&page);
        assert!(!page.contains("<script") && !page.contains("\" onload"), "{page}");
    }

    #[test]
    fn every_row_and_every_heading_say_simulated() {
        let page = render(&report(&[row(1), row(2)], None));
        assert!(page.contains("by region, provider (SIMULATED)</title>"));
        assert!(page.contains("by region, provider (SIMULATED)</h1>"));
        assert!(page.contains("<p class=\"banner\">SIMULATED: every call (2) "));
        assert!(page.contains("<td class=\"mark\">SIMULATED</td>"));
    }

    #[test]
    fn nothing_else_is_loaded() {
        let page = render(&full_report());
        for word in ["<script", "<link", "<img", "url(", "@import", " href=", " src="] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
