//! The evaluation of a policy: a table and a plot for people, JSON and CSV for programs.

use std::io::{self, Write};

use armol_analysis::{
    metrics::bootstrap::Interval,
    report::{
        plain_table,
        svg::{Colour, Line, Plot, Scale, Shape},
        table_text,
    },
};
use comfy_table::CellAlignment;
use serde::Serialize;

use super::{Figures, Intervals};
use crate::{
    baseline::{Kind, Row},
    dataset::Dataset,
    policy::Policy,
    rendering::simulated_names,
    subset::Subset,
};

/// About how many values are named on an axis.
const TICKS: i32 = 6;

/// All that a rendering shows.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    /// What the policy was held against.
    pub dataset: &'a Dataset,
    /// The policy.
    pub policy: &'a Policy,
    /// Where its file is.
    pub file: &'a str,
    /// What its choices come to.
    pub figures: &'a Figures,
    /// How far figures could be off by the choice of images, where that was asked for.
    pub intervals: Option<&'a Intervals>,
    /// Whether these are the images that it was learned from.
    pub is_training_data: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    simulated: bool,
    dataset: &'a str,
    policy: &'a str,
    is_training_data: bool,
    merge: &'static str,
    vote: &'static str,
    method: &'static str,
    #[serde(flatten)]
    figures: &'a Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    bootstrap: Option<&'a Intervals>,
}

impl Evaluation<'_> {
    /// Whether any answer is a simulator's, of those that were learned from or those here.
    fn simulated(&self) -> bool {
        self.dataset.simulated() || self.policy.simulated()
    }

    /// What is held against what, in one line.
    fn summary(&self) -> String {
        let (learner, merger) = (self.policy.learner, &self.policy.merger);
        let images = self.dataset.images.len();
        format!(
            "{images} images, data set {}, policy {} ({learner}, trained on {}), merged by {}, {} vote",
            self.dataset.name,
            self.file,
            self.policy.training.dataset,
            merger.method(),
            merger.vote()
        )
    }

    /// The providers with a simulator's answers.
    fn simulated_names(&self) -> String {
        let here = simulated_names(&self.dataset.providers);
        if here.is_empty() && self.policy.simulated() {
            return "answers that the policy was trained on".to_owned();
        }
        here
    }
}

/// Writes one JSON object: fractions, and thousandths of a US dollar.
///
/// # Errors
/// Where `output` fails.
pub fn json(evaluation: &Evaluation<'_>, output: &mut impl Write) -> io::Result<()> {
    let merger = &evaluation.policy.merger;
    let document = Document {
        simulated: evaluation.simulated(),
        dataset: &evaluation.dataset.name,
        policy: evaluation.file,
        is_training_data: evaluation.is_training_data,
        merge: merger.method().as_str(),
        vote: merger.vote().as_str(),
        method: evaluation.policy.learner.as_str(),
        figures: evaluation.figures,
        bootstrap: evaluation.intervals,
    };
    serde_json::to_writer_pretty(&mut *output, &document)?;
    writeln!(output)
}

/// Writes one line of CSV below its heading: fractions, and thousandths of a US dollar.
///
/// # Errors
/// Where `output` fails.
pub fn csv(evaluation: &Evaluation<'_>, output: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let figures = evaluation.figures;
    let calls = figures.calls.keys().map(|name| format!("calls_{name}"));
    let columns = ["method", "simulated", "ap", "ap50", "mean_cost", "mean_v"];
    writer.write_record(columns.map(str::to_owned).into_iter().chain(calls))?;
    let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let fields = [
        evaluation.policy.learner.to_string(),
        evaluation.simulated().to_string(),
        text(figures.ap),
        text(figures.ap50),
        figures.mean_cost.to_string(),
        text(figures.mean_v),
    ];
    writer.write_record(fields.into_iter().chain(figures.calls.values().map(usize::to_string)))?;
    writer.flush()
}

/// Writes a table for people.
///
/// # Errors
/// Where `output` fails.
pub fn table(evaluation: &Evaluation<'_>, output: &mut impl Write) -> io::Result<()> {
    let simulated = evaluation.simulated_names();
    if !simulated.is_empty() {
        writeln!(output, "SIMULATED: {simulated} from a simulator, not from a cloud")?;
    }
    if evaluation.is_training_data {
        writeln!(
            output,
            "TRAINING DATA: the policy was trained on these images; use others to judge it"
        )?;
    }
    writeln!(output, "{}", evaluation.summary())?;
    let mut grid = plain_table();
    let figures = evaluation.figures;
    let columns = ["method", "mAP", "AP50", "cost", "v", "latency"];
    grid.set_header(columns.into_iter().chain(figures.calls.keys().map(String::as_str)));
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let percent = |share: f64| format!("{:.2}", share * 100.0);
    let mut cells = vec![
        evaluation.policy.learner.to_string(),
        or_dash(figures.ap.map(percent)),
        or_dash(figures.ap50.map(percent)),
        format!("{:.3}", figures.mean_cost),
        or_dash(figures.mean_v.map(|value| format!("{value:.4}"))),
        or_dash(figures.mean_latency_s.map(|seconds| format!("{seconds:.3}"))),
    ];
    cells.extend(figures.calls.values().map(ToString::to_string));
    grid.add_row(cells);
    writeln!(output, "{}", table_text(&grid))?;
    write_intervals(evaluation.intervals, output)?;
    writeln!(output, "mAP and AP50 in %, cost in 1e-3 USD an image, latency in seconds, calls by")?;
    writeln!(
        output,
        "provider; v: the mean over images of an image's own AP50, -1 where nothing is found"
    )
}

fn write_intervals(intervals: Option<&Intervals>, output: &mut impl Write) -> io::Result<()> {
    let Some(intervals) = intervals else { return Ok(()) };
    let bootstrap = intervals.resampling.bootstrap;
    let (resamples, level) = (bootstrap.resamples(), bootstrap.level() * 100.0);
    writeln!(output, "{level:.0} % intervals of {resamples} resamples of the images:")?;
    let range = |interval: Option<Interval>, scale: f64| {
        let shown = |Interval { low, high }| format!("{:.4} to {:.4}", low * scale, high * scale);
        interval.map_or_else(|| "-".to_owned(), shown)
    };
    writeln!(output, "  AP50 {}", range(intervals.ap50, 100.0))?;
    writeln!(output, "  v    {}", range(intervals.mean_v, 1.0))?;
    writeln!(output, "  cost {}", range(intervals.mean_cost, 1.0))
}

/// Draws the policy's cost and AP50 beside those of ways that know nothing of the image.
pub fn plot(evaluation: &Evaluation<'_>, baselines: &[Row]) -> String {
    let mut lines = Vec::new();
    let mut add = |name: &str, points: Vec<(f64, f64)>, shape, dashed| {
        if !points.is_empty() {
            let colour = Colour::Series(lines.len());
            lines.push(Line { name: name.to_owned(), colour, points, shape, dashed });
        }
    };
    let figures = evaluation.figures;
    let own = figures.ap50.map(|ap50| (figures.mean_cost, ap50 * 100.0));
    add(evaluation.policy.learner.as_str(), own.into_iter().collect(), Shape::Dots, false);
    let point = |row: &Row| Some((row.mean_cost, row.precision?.ap50 * 100.0));
    let best = |row: &&Row| matches!(row.kind, Kind::BestFixed(_) | Kind::All);
    let mut fixed: Vec<&Row> = baselines.iter().filter(best).collect();
    fixed.sort_by_key(|row| row.kind.chosen_set().map_or(u32::MAX, Subset::count));
    let fixed: Vec<(f64, f64)> = fixed.into_iter().filter_map(point).collect();
    add("best fixed set of each size", fixed.clone(), Shape::Dots, false);
    add("mixing them", fixed, Shape::Line, true);
    let singles = baselines.iter().filter(|row| row.kind == Kind::Single).filter_map(point);
    add("one provider", singles.collect(), Shape::Dots, false);
    let most = |side: fn(&(f64, f64)) -> f64| {
        lines.iter().flat_map(|line| &line.points).map(side).fold(0.0, f64::max)
    };
    let plot = Plot {
        title: "AP50 against cost".to_owned(),
        x: (Scale::from_zero(most(|(cost, _)| *cost), TICKS), "1e-3 USD an image".to_owned()),
        y: (Scale::from_zero(most(|(_, ap50)| *ap50), TICKS), "AP50, %".to_owned()),
        lines,
        reference: None,
    };
    let simulated = evaluation.simulated_names();
    let mut caption = evaluation.summary();
    if !simulated.is_empty() {
        caption.push_str("; SIMULATED: ");
        caption.push_str(&simulated);
    }
    plot.render().document(&caption)
}
