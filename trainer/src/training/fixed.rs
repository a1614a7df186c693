//! The simplest learner: the best set of providers that is the same for every image.

use crate::{
    baseline::number,
    evaluation::mean,
    objective::Objective,
    problem::Problem,
    subset::{MOST_PROVIDERS, Subset},
};

/// The sets to choose from, with what there is to choose by.
#[derive(Clone, Debug)]
pub(super) struct FixedModel<'a> {
    problem: Problem<'a>,
    sets: Vec<Subset>,
}

impl<'a> FixedModel<'a> {
    /// All sets; of more than [`MOST_PROVIDERS`] providers each alone, and those that grow by the
    /// best one at a time.
    pub(super) fn new(problem: Problem<'a>) -> Self {
        let mut model = Self { problem, sets: Vec::new() };
        if problem.providers <= MOST_PROVIDERS {
            model.sets = Subset::each(problem.providers).collect();
            return model;
        }
        model.sets = (0..problem.providers).map(Subset::single).collect();
        let mut grown = Subset::default();
        for _ in 0..problem.providers {
            let more = (0..problem.providers).filter(|place| !grown.contains(*place));
            let sets = more.map(|place| grown.with(place));
            let Some(best) = model.best(sets, problem.objective) else { break };
            grown = best;
            model.sets.push(grown);
        }
        model
    }

    /// The set of the highest mean reward at a price of money; the first of equals.
    pub(super) fn at(&self, beta: f64) -> Subset {
        let objective = Objective { beta, ..self.problem.objective };
        self.best(self.sets.iter().copied(), objective).unwrap_or_default()
    }

    /// The set of the highest mean reward that costs no more than the budget at the mean; `None`
    /// where there is none.
    pub(super) fn within(&self, budget: f64) -> Option<Subset> {
        let affordable = self.sets.iter().copied().filter(|set| self.cost(*set) <= budget);
        self.best(affordable, self.problem.objective)
    }

    /// What the cheapest set costs at the mean.
    pub(super) fn least_cost(&self) -> f64 {
        self.sets.iter().map(|set| self.cost(*set)).fold(f64::INFINITY, f64::min)
    }

    /// What a set costs at the mean, in thousandths of a US dollar.
    fn cost(&self, set: Subset) -> f64 {
        let images = self.problem.images;
        // Sums are whole numbers, so that a budget of what a set costs is met exactly.
        let sum =
            images.iter().fold(0_u64, |sum, image| sum.saturating_add(image.cost_microusd(set)));
        number(sum) / 1e3 / number(u64::try_from(images.len()).unwrap_or(u64::MAX))
    }

    fn best(&self, sets: impl Iterator<Item = Subset>, objective: Objective) -> Option<Subset> {
        let problem = Problem { objective, ..self.problem };
        let mut best: Option<(f64, Subset)> = None;
        for set in sets {
            let rewards = (0..problem.images.len()).map(|image| problem.reward(image, set));
            let reward = mean(rewards).unwrap_or(f64::NEG_INFINITY);
            if best.is_none_or(|(most, _)| reward > most) {
                best = Some((reward, set));
            }
        }
        best.map(|(_, set)| set)
    }
}
