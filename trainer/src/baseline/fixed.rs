//! Asking the same providers about every image: what a choice for each image has to beat.
//!
//! Of all sets of one size, those of the highest mean value are scored for AP50, which costs more to
//! know than the mean value, and the one of the highest AP50 is the best. Of labels the mean value,
//! which is the Jaccard index, decides by itself.

use std::collections::HashMap;

use super::{Kind, Options, Row, Scoring, Tried, number};
use crate::{dataset::Dataset, subset::Subset};

/// How many sets of one size, or within the budget, are scored for AP50.
pub const SHORTLIST: usize = 16;

/// The sets that have a row of their own, the best of each size below all, and the best within the
/// budget.
pub(super) fn rows(
    dataset: &Dataset,
    scoring: &Scoring<'_>,
    tried: &Tried,
    options: &Options<'_>,
) -> Vec<Row> {
    let providers = scoring.providers;
    let mut sets = FixedSets { scoring, known: HashMap::new() };
    let mut by_value = tried.fixed.clone();
    by_value.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let shown = |subset: &Subset| subset.count() >= 2 && subset.count() <= options.subsets;
    let mut rows = Vec::new();
    for subset in Subset::each(providers).filter(shown) {
        let names = subset.names(&dataset.providers);
        rows.push(Row { method: names.join("+"), ..sets.row(subset, Kind::Fixed(subset)) });
    }
    for size in 1..Subset::all(providers).count() {
        let of_size = by_value.iter().map(|(subset, _)| *subset);
        let best = sets.best(of_size.filter(|subset| subset.count() == size));
        rows.extend(best.map(|subset| Row {
            method: format!("Best of {size}"),
            ..sets.row(subset, Kind::BestFixed(subset))
        }));
    }
    if let Some(cost) = options.budget {
        let budget = scoring.budget_microusd(cost);
        let affordable = by_value.iter().map(|(subset, _)| *subset);
        let affordable = affordable.filter(|subset| scoring.cost_microusd(*subset) <= budget);
        let best = sets.best(affordable);
        rows.extend(best.map(|subset| Row {
            method: "Best at budget".to_owned(),
            ..sets.row(subset, Kind::BestWithinBudget(subset))
        }));
    }
    rows
}

/// Sets that were scored, so that none is scored twice.
struct FixedSets<'a> {
    scoring: &'a Scoring<'a>,
    known: HashMap<Subset, Row>,
}

impl FixedSets<'_> {
    fn row(&mut self, subset: Subset, kind: Kind) -> Row {
        let scored = || self.scoring.fixed_row("", kind, subset);
        Row { kind, ..self.known.entry(subset).or_insert_with(scored).clone() }
    }

    /// Of the first sets, the one of the highest headline figure; of equals that of the highest value, then the
    /// cheapest, then the first.
    fn best(&mut self, by_falling_value: impl Iterator<Item = Subset>) -> Option<Subset> {
        let mut best: Option<(Subset, Row)> = None;
        for subset in by_falling_value.take(SHORTLIST) {
            let row = self.row(subset, Kind::Fixed(subset));
            if best.as_ref().is_none_or(|(_, best)| is_better(&row, best)) {
                best = Some((subset, row));
            }
        }
        best.map(|(subset, _)| subset)
    }
}

fn is_better(row: &Row, best: &Row) -> bool {
    let headline = |row: &Row| row.headline().unwrap_or(0.0);
    let by_headline = headline(row).total_cmp(&headline(best));
    let by_value = row.mean_value.total_cmp(&best.mean_value);
    let by_cost = best.mean_cost.total_cmp(&row.mean_cost);
    by_headline.then(by_value).then(by_cost).is_gt()
}

impl Scoring<'_> {
    /// What asking the same providers about every image costs, in millionths of a US dollar.
    fn cost_microusd(&self, subset: Subset) -> f64 {
        let costs = self.images.iter().map(|image| image.cost_microusd(subset));
        number(costs.fold(0, u64::saturating_add))
    }
}
