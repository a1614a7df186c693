//! The charts: how errors are distributed for each method, and how it did in each scenario.

use std::time::Duration;

use armol_analysis::report::svg::{
    Colour, DotChart, DotRow, Drawing, Line, Plot, Reference, Scale, Shape,
};

use super::{Report, ScenarioGroup, ScenarioOutcome};
use crate::{
    method::Method,
    score::{FAR_OFF, Score, ScoredCall},
};

/// Errors below this are the clock readings', in microseconds; the axes begin here.
const LEAST: f64 = 10.0;

/// What every caption says.
const SIMULATED: &str = "All providers are simulated; sockets, TLS and packets are real.";

/// The error that the chart of scenarios marks.
const MARKED: Duration = Duration::from_millis(1);

impl Report {
    /// Every chart that there is something for: its file's name, and the file.
    pub(crate) fn charts(&self) -> Vec<(String, String)> {
        let mut charts = Vec::new();
        for group in [ScenarioGroup::LossFree, ScenarioGroup::Lossy] {
            if let Some(drawing) = self.distribution(group) {
                let caption = format!(
                    "Each line rises with the share of the calls whose inference time the method \
                     gives to within that error; a call that it missed keeps it below 100 %. \
                     {SIMULATED}"
                );
                let name = format!("accuracy-{}.svg", group.as_str());
                charts.push((name, drawing.document(&caption)));
            }
        }
        if let Some(drawing) = self.scenario_chart() {
            let caption = format!(
                "19 of 20 calls are off by no more than the dot says; calls that a method missed \
                 are not counted. Scenarios with loss stand below. {SIMULATED}"
            );
            charts.push(("accuracy-scenarios.svg".to_owned(), drawing.document(&caption)));
        }
        charts
    }

    /// The cumulative distribution of each method's error.
    fn distribution(&self, group: ScenarioGroup) -> Option<Drawing> {
        let outcomes = self.scenarios.iter().filter(|outcome| group.holds(outcome));
        let outcomes = outcomes.collect::<Vec<_>>();
        let scale = self.scale()?;
        let mut lines = Vec::new();
        for (method, colour) in coloured() {
            let scores = outcomes.iter().filter_map(|outcome| Some(&outcome.of(method)?.score));
            let points = cumulative(&scores.collect::<Vec<_>>());
            if !points.is_empty() {
                let name = method.name().to_owned();
                // Where a capture's reader finds all, its line covers the live method's.
                let dashed = method == Method::Offline;
                lines.push(Line { name, colour, points, shape: Shape::Steps, dashed });
            }
        }
        let plot = Plot {
            title: format!("Error of the inference time, {} scenarios", group.as_str()),
            x: (scale, "|measured - true|, µs (logarithmic)".to_owned()),
            y: (Scale::from_zero(100.0, 5), "calls at or below, %".to_owned()),
            lines,
            reference: Some(reference(FAR_OFF)),
        };
        (!plot.lines.is_empty()).then(|| plot.render())
    }

    /// The 95th percentile of each method's error in each scenario.
    fn scenario_chart(&self) -> Option<Drawing> {
        let (loss_free, lossy): (Vec<_>, Vec<_>) =
            self.scenarios.iter().partition(|outcome| outcome.lossless);
        let row = |outcome: &ScenarioOutcome| DotRow {
            name: outcome.scenario.to_owned(),
            section: outcome.lossless.to_string(),
            values: Method::ALL.map(|method| p95(&outcome.of(method)?.score)).to_vec(),
        };
        let series = coloured().map(|(method, colour)| (method.name().to_owned(), colour));
        let chart = DotChart {
            title: "95th percentile of the inference time's error, by scenario".to_owned(),
            axis: (self.scale()?, "|measured - true|, µs (logarithmic)".to_owned()),
            series: series.collect(),
            rows: loss_free.into_iter().chain(lossy).map(row).collect(),
            references: vec![reference(MARKED)],
        };
        Some(chart.render())
    }

    /// The axis of all charts, so that they can be compared; `None` where there is no estimate.
    fn scale(&self) -> Option<Scale> {
        let scores = self.scenarios.iter().flat_map(|outcome| &outcome.methods);
        let most = scores.filter_map(|outcome| Some(outcome.score.inference?.max)).max()?;
        Some(Scale::logarithmic(LEAST, microseconds(most)))
    }
}

/// Every method and its colour.
fn coloured() -> impl Iterator<Item = (Method, Colour)> {
    Method::ALL.into_iter().zip((0..).map(Colour::Series))
}

/// The share of answered calls, in percent, that are off by at most so many microseconds.
fn cumulative(scores: &[&Score]) -> Vec<(f64, f64)> {
    let calls = scores.iter().flat_map(|score| &score.calls);
    let mut errors = calls.map(ScoredCall::error_ns).collect::<Vec<_>>();
    errors.sort_unstable();
    let answered = scores.iter().map(|score| score.answered).sum::<usize>();
    let share = |count: usize| number(count) * 100.0 / number(answered.max(1));
    let first = errors.first().map(|error| (microseconds(*error), 0.0));
    let steps = errors.iter().zip(1..).map(|(error, count)| (microseconds(*error), share(count)));
    first.into_iter().chain(steps).collect()
}

fn p95(score: &Score) -> Option<f64> {
    score.inference.map(|errors| microseconds(errors.p95))
}

fn reference(error: Duration) -> Reference {
    Reference { value: error.as_secs_f64() * 1e6, name: format!("{} ms", error.as_millis()) }
}

fn microseconds(nanoseconds: i64) -> f64 {
    Duration::from_nanos(nanoseconds.unsigned_abs()).as_secs_f64() * 1e6
}

/// A count for an axis.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than the 53 bits that stay")]
const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        report::{Circumstances, MethodOutcome},
        score::Errors,
    };

    /// Calls that are off by so many microseconds each, of which one more was missed.
    fn score(errors: &[i64]) -> Score {
        let call = |error: &i64| ScoredCall {
            uid: Uuid::nil(),
            true_inference_ns: 0,
            inference_ns: -error * 1000,
            low_ns: None,
            high_ns: None,
            true_transmission_ns: None,
            transmission_ns: 0,
            flags: Vec::new(),
        };
        let most = errors.iter().max().map(|most| most * 1000);
        Score {
            answered: errors.len() + 1,
            missed: 1,
            inference: most.map(|max| Errors { median: max, p95: max, max }),
            calls: errors.iter().map(call).collect(),
            ..Score::default()
        }
    }

    fn report(scores: &[(bool, Score)]) -> Report {
        let circumstances = Circumstances {
            requests: 1,
            seed: 1,
            processors: 1,
            load: [String::new(), String::new()],
            remarks: Vec::new(),
        };
        let outcome = |(lossless, score): &(bool, Score)| ScenarioOutcome {
            scenario: "h1",
            lossless: *lossless,
            frames: None,
            methods: vec![MethodOutcome::new(Method::Packets, score.clone(), *lossless)],
        };
        Report::new(circumstances, scores.iter().map(outcome).collect())
    }

    #[test]
    fn a_missed_call_keeps_the_distribution_below_all() {
        let points = cumulative(&[&score(&[300, 100]), &score(&[200])]);
        assert_eq!(points, [(100.0, 0.0), (100.0, 20.0), (200.0, 40.0), (300.0, 60.0)]);
    }

    #[test]
    fn charts_say_that_providers_are_simulated() {
        let report = report(&[(true, score(&[100])), (false, score(&[5000]))]);
        let charts = report.charts();
        let names = charts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(
            names,
            ["accuracy-loss-free.svg", "accuracy-lossy.svg", "accuracy-scenarios.svg"]
        );
        for (_, chart) in charts {
            assert!(chart.contains("simulated"), "{chart}");
            assert!(!chart.contains("NaN"), "{chart}");
        }
    }

    #[test]
    fn nothing_has_no_charts() {
        assert!(report(&[]).charts().is_empty());
        assert!(report(&[(true, Score::default())]).charts().is_empty());
        assert_eq!(report(&[(false, score(&[1]))]).charts().len(), 2);
    }
}
