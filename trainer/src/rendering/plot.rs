//! Baselines as a drawing: what each method costs, and how good it is.
//!
//! Who chooses for each image has to come above the line between the best single provider and the
//! best fixed pair: mixing those two at random reaches any point of it.

use armol_analysis::report::svg::{Colour, Line, Plot, Scale, Shape};

use super::{Baselines, table::simulated_names};
use crate::{
    baseline::{Kind, Row},
    rewards::Measure,
};

/// About how many values are named on an axis.
const TICKS: i32 = 6;

/// Draws the mean cost of each method against its AP50, or of labels against its Jaccard index, as an
/// SVG document.
pub fn plot(baselines: &Baselines<'_>) -> String {
    let rows = baselines.rows;
    let mut lines = Vec::new();
    let mut add = |name: &str, points: Vec<(f64, f64)>, shape, dashed| {
        if !points.is_empty() {
            let colour = Colour::Series(lines.len());
            lines.push(Line { name: name.to_owned(), colour, points, shape, dashed });
        }
    };
    let mut best: Vec<&Row> = rows.iter().filter(|row| best_of_size(row).is_some()).collect();
    best.sort_by_key(|row| best_of_size(row));
    let best: Vec<(f64, f64)> = best.into_iter().filter_map(point).collect();
    let mixed = best.iter().take(2).copied().collect::<Vec<_>>();
    add("best fixed set of each size", best, Shape::Dots, false);
    if mixed.len() == 2 {
        add("mixing the best single and the best pair", mixed, Shape::Line, true);
    }
    for row in rows {
        if matches!(row.kind, Kind::Single | Kind::Random | Kind::All) {
            add(&row.method, point(row).into_iter().collect(), Shape::Dots, false);
        }
    }
    let bounds = rows.iter().filter(|row| matches!(row.kind, Kind::UpperBound { .. }));
    let mut bounds: Vec<(f64, f64)> = bounds.filter_map(point).collect();
    bounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    add("upper bounds", bounds, Shape::Dots, false);
    let all = || rows.iter().filter_map(point);
    let high = |side: fn((f64, f64)) -> f64| all().map(side).fold(0.0, f64::max);
    let headline = match baselines.measure {
        Measure::Boxes => "AP50",
        Measure::Labels => "Jaccard index",
    };
    let plot = Plot {
        title: format!("{headline} against cost"),
        x: (Scale::from_zero(high(|(cost, _)| cost), TICKS), "1e-3 USD an image".to_owned()),
        y: (Scale::from_zero(high(|(_, figure)| figure), TICKS), format!("{headline}, %")),
        lines,
        reference: None,
    };
    let simulated = simulated_names(&baselines.dataset.providers);
    let mut caption = baselines.summary();
    if !simulated.is_empty() {
        caption.push_str("; SIMULATED: ");
        caption.push_str(&simulated);
    }
    plot.render().document(&caption)
}

/// How many providers a method asks about every image, where it is the best of its size.
fn best_of_size(row: &Row) -> Option<usize> {
    match row.kind {
        Kind::BestFixed(subset) => usize::try_from(subset.count()).ok(),
        Kind::All => Some(row.calls.len()),
        _ => None,
    }
}

/// Cost in thousandths of a US dollar and the headline figure in percent; `None` where there is none.
fn point(row: &Row) -> Option<(f64, f64)> {
    Some((row.mean_cost, row.headline()? * 100.0))
}
