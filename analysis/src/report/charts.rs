//! Which charts a report has, and what of the summary each shows.
//!
//! A chart that would show nothing is left out. Each provider keeps its colour throughout.

use maud::Markup;

use super::{
    figures::{as_number, dollars, in_milliseconds, percentage, simulated_suffix},
    svg::{Bar, BarChart, BarRow, Colour, Line, Panel, Plot, Reference, Scale, Shape},
};
use crate::summary::{Dimension, Distribution, Group, ProviderSeries, Summary};

/// The error that the chart of errors marks, in milliseconds.
const MARKED_ERROR_MS: f64 = 0.5;
/// How many stretches of time a chart through time is divided into at most.
const MOST_STRETCHES: i64 = 72;
const SECOND: i64 = 1_000_000_000;
/// The stretches that medians may be taken over: seconds up to a week.
const STRETCHES: [(i64, &str); 10] = [
    (1, "1 second"),
    (5, "5 seconds"),
    (15, "15 seconds"),
    (60, "1 minute"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (3600, "1 hour"),
    (21_600, "6 hours"),
    (86_400, "1 day"),
    (604_800, "1 week"),
];

/// A chart with its heading and what is to be said about it.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) heading: String,
    pub(super) caption: String,
    pub(super) drawing: Markup,
}

/// Every chart that the summary has something for.
pub(super) fn charts(summary: &Summary) -> Vec<Chart> {
    [
        latency(summary),
        distribution(summary),
        through_time(summary),
        error(summary),
        failures_and_cost(summary),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn latency(summary: &Summary) -> Option<Chart> {
    if summary.groups.iter().all(|group| group.inference.is_empty()) {
        return None;
    }
    let heading = heading(summary, "Transmission and inference");
    let chart = BarChart {
        title: heading.clone(),
        rows: rows(summary, method_mark),
        panels: vec![
            latency_panel(summary, "Transmission, ms", |group| &group.transmission),
            latency_panel(summary, "Inference, ms", |group| &group.inference),
        ],
    };
    let caption = "Bars end at the median, whiskers at the 95th percentile; both are named \
                   beside them. The two scales differ.";
    Some(Chart { heading, caption: caption.to_owned(), drawing: chart.render().inline() })
}

fn latency_panel(summary: &Summary, title: &str, values: fn(&Group) -> &Distribution) -> Panel {
    let highs = summary.groups.iter().filter_map(|group| values(group).percentile(95));
    let decimals = if highs.max() < Some(100_000_000) { 2 } else { 0 };
    let bar = |group: &Group| {
        let median = in_milliseconds(values(group).percentile(50)?);
        let high = in_milliseconds(values(group).percentile(95)?);
        let figure = format!("{median:.decimals$} / {high:.decimals$}");
        Some(Bar { value: median, whisker: Some(high), figure })
    };
    Panel { title: title.to_owned(), bars: summary.groups.iter().map(bar).collect() }
}

fn distribution(summary: &Summary) -> Option<Chart> {
    let lines = cumulative(summary, |series| &series.inference);
    let (low, high) = range(&lines)?;
    // Beyond this ratio a linear axis squeezes most calls into a corner of it.
    let logarithmic = high > low.max(1e-6) * 20.0;
    let x = if logarithmic { Scale::logarithmic(low, high) } else { Scale::from_zero(high, 8) };
    let heading = heading(summary, "Inference time by provider");
    let plot = Plot {
        title: heading.clone(),
        x: (x, axis_name("inference, ms", logarithmic)),
        y: (Scale::from_zero(100.0, 5), "calls at or below, %".to_owned()),
        lines,
        reference: None,
    };
    let caption = "Each line rises with the share of a provider's ok calls that were at least as \
                   fast; all regions together.";
    Some(Chart { heading, caption: caption.to_owned(), drawing: plot.render().inline() })
}

fn through_time(summary: &Summary) -> Option<Chart> {
    let (first, last) = summary.span?;
    let (first, last) = (first.unix_ns(), last.unix_ns());
    let (width, name) = stretch(last.saturating_sub(first));
    let start = first.saturating_sub(first.rem_euclid(width));
    let mut lines = Vec::new();
    for (series, colour) in coloured(summary) {
        let place = |(time, median): (i64, i64)| {
            (as_number(time.saturating_sub(start)), in_milliseconds(median))
        };
        let points: Vec<_> = series.medians(width).into_iter().map(place).collect();
        if !points.is_empty() {
            let name = series_name(summary, series);
            lines.push(Line { name, colour, points, shape: Shape::Dots, dashed: false });
        }
    }
    let heights = lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y);
    let high = heights.reduce(f64::max)?;
    let heading = heading(summary, "Inference time through time");
    let plot = Plot {
        title: heading.clone(),
        x: (Scale::time(start, last), "time of the call, UTC".to_owned()),
        y: (Scale::from_zero(high, 5), "median inference, ms".to_owned()),
        lines,
        reference: None,
    };
    let caption =
        format!("Each point is the median of the ok calls of {name}, drawn where that begins.");
    Some(Chart { heading, caption, drawing: plot.render().inline() })
}

fn error(summary: &Summary) -> Option<Chart> {
    let lines = cumulative(summary, |series| &series.absolute_error);
    let (low, high) = range(&lines)?;
    let low = low.clamp(1e-3, MARKED_ERROR_MS / 2.0);
    let x = Scale::logarithmic(low, high.max(MARKED_ERROR_MS * 2.0));
    let heading = heading(summary, "Error of the inference time");
    let plot = Plot {
        title: heading.clone(),
        x: (x, axis_name("|measured - true|, ms", true)),
        y: (Scale::from_zero(100.0, 5), "calls at or below, %".to_owned()),
        lines,
        reference: Some(Reference { value: MARKED_ERROR_MS, name: "0.5 ms".to_owned() }),
    };
    let caption = "How far the measured inference time is from what the simulator logged as true, \
                   for the ok calls that its log has.";
    Some(Chart { heading, caption: caption.to_owned(), drawing: plot.render().inline() })
}

fn failures_and_cost(summary: &Summary) -> Option<Chart> {
    if summary.groups.is_empty() {
        return None;
    }
    let failed = |group: &Group| {
        let count = group.calls() - group.ok();
        Some(Bar {
            value: percentage(count, group.calls()),
            whisker: None,
            figure: count.to_string(),
        })
    };
    let cost = |group: &Group| {
        let microusd = i64::try_from(group.cost_microusd).unwrap_or(i64::MAX);
        let figure = dollars(group.cost_microusd);
        Some(Bar { value: as_number(microusd) / 1e6, whisker: None, figure })
    };
    let panel = |title: &str, bar: &dyn Fn(&Group) -> Option<Bar>| Panel {
        title: title.to_owned(),
        bars: summary.groups.iter().map(bar).collect(),
    };
    let heading = heading(summary, "Failures and cost");
    let chart = BarChart {
        title: heading.clone(),
        rows: rows(summary, |_| ""),
        panels: vec![panel("Calls not ok, %", &failed), panel("Cost, USD", &cost)],
    };
    let caption = "The figure beside a bar of failures is how many calls failed.";
    Some(Chart { heading, caption: caption.to_owned(), drawing: chart.render().inline() })
}

/// One line a provider: the share of its values at or below each, in percent over milliseconds.
fn cumulative(summary: &Summary, values: fn(&ProviderSeries) -> &Distribution) -> Vec<Line> {
    let mut lines = Vec::new();
    for (series, colour) in coloured(summary) {
        let values = values(series);
        let mut points = Vec::new();
        for percent in 0..=100 {
            if let Some(value) = values.percentile(percent) {
                points.push((in_milliseconds(value), f64::from(percent)));
            }
        }
        if !points.is_empty() {
            let name = series_name(summary, series);
            lines.push(Line { name, colour, points, shape: Shape::Line, dashed: false });
        }
    }
    lines
}

/// The least and the greatest value on the horizontal axis; `None` where there is no point.
fn range(lines: &[Line]) -> Option<(f64, f64)> {
    let mut values = lines.iter().flat_map(|line| &line.points).map(|(x, _)| *x);
    let first = values.next()?;
    Some(values.fold((first, first), |(low, high), x| (low.min(x), high.max(x))))
}

/// The shortest stretch that divides a span into few enough.
fn stretch(span_ns: i64) -> (i64, &'static str) {
    let fits = |(seconds, _): &(i64, &str)| span_ns / (seconds * SECOND) < MOST_STRETCHES;
    let (seconds, name) = STRETCHES.into_iter().find(fits).unwrap_or((2_419_200, "4 weeks"));
    (seconds * SECOND, name)
}

/// Groups as rows, sections by the first dimension, coloured by provider where that is known; the
/// mark is added to the name.
fn rows(summary: &Summary, mark: fn(&Group) -> &'static str) -> Vec<BarRow> {
    let provider = summary.by.iter().position(|dimension| *dimension == Dimension::Provider);
    let row = |group: &Group| {
        let name = provider.and_then(|place| group.key.get(place));
        let place = name.and_then(|name| {
            let same = |series: &ProviderSeries| {
                series.provider == *name && series.simulated == group.simulated
            };
            summary.providers.iter().position(same)
        });
        let several = summary.by.len() > 1;
        let section = group.key.first().filter(|_| several).cloned().unwrap_or_default();
        let simulated = simulated_mark(summary, group.simulated);
        BarRow {
            name: group.key.join(" · ") + simulated + mark(group),
            section,
            colour: place.map_or(Colour::Neutral, Colour::Series),
        }
    };
    summary.groups.iter().map(row).collect()
}

fn coloured(summary: &Summary) -> impl Iterator<Item = (&ProviderSeries, Colour)> {
    let colour = |(place, series)| (series, Colour::Series(place));
    summary.providers.iter().enumerate().map(colour)
}

fn series_name(summary: &Summary, series: &ProviderSeries) -> String {
    format!("{}{}", series.provider, simulated_mark(summary, series.simulated))
}

/// Marks what is simulated among what is not; where all is, the heading says so.
fn simulated_mark(summary: &Summary, simulated: bool) -> &'static str {
    if simulated && summary.is_mixed() { " SIMULATED" } else { "" }
}

/// Marks latency that comes from the application's timers instead of packets or stamps.
const fn method_mark(group: &Group) -> &'static str {
    match (group.application, group.packets + group.socket) {
        (0, _) => "",
        (_, 0) => " APPLICATION",
        _ => " partly APPLICATION",
    }
}

fn heading(summary: &Summary, text: &str) -> String {
    format!("{text}{}", simulated_suffix(summary))
}

fn axis_name(name: &str, logarithmic: bool) -> String {
    if logarithmic { format!("{name} (logarithmic)") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outcome::Outcome,
        report::testing::{full_report, report},
        summary::testing::{failed, row},
    };

    #[test]
    fn nothing_has_no_charts_and_failures_have_one() {
        assert!(charts(&report(&[], None).summary).is_empty());
        let charts = charts(&report(&[failed(1, Outcome::Reset)], None).summary);
        let headings: Vec<_> = charts.iter().map(|chart| chart.heading.as_str()).collect();
        assert_eq!(headings, ["Failures and cost (SIMULATED)"]);
    }

    #[test]
    fn one_call_is_drawn_at_finite_places() {
        for chart in charts(&report(&[row(1)], None).summary) {
            let drawing = chart.drawing.into_string();
            assert!(!drawing.contains("NaN") && !drawing.contains("inf\""), "{drawing}");
        }
    }

    #[test]
    fn every_chart_says_what_is_simulated() {
        let charts = charts(&full_report().summary);
        assert_eq!(charts.len(), 5);
        for chart in charts {
            assert!(chart.heading.contains("(partly SIMULATED)"), "{}", chart.heading);
            let drawing = chart.drawing.into_string();
            assert!(drawing.contains(" SIMULATED</text>"), "{drawing}");
        }
    }

    #[test]
    fn latency_of_the_applications_timers_is_marked() {
        let latency = latency(&full_report().summary).unwrap().drawing.into_string();
        assert!(latency.contains("hk · aws APPLICATION</text>"), "{latency}");
        assert!(!latency.contains("us · aws SIMULATED APPLICATION"), "{latency}");
    }

    #[test]
    fn stretches_are_few() {
        assert_eq!(stretch(0).1, "1 second");
        assert_eq!(stretch(40 * 60 * SECOND).1, "1 minute");
        assert_eq!(stretch(48 * 3600 * SECOND).1, "1 hour");
        assert_eq!(stretch(i64::MAX).1, "4 weeks");
    }
}
