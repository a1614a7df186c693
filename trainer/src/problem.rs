//! What there is to learn from: images with their states, and what every choice is worth on each.

use crate::{
    baseline::number,
    objective::{Expense, Objective},
    rewards::{Reward, Rewards, ScoredImage, Valuation},
    state::States,
    subset::Subset,
};

/// How good the answers of choices are.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Judged beforehand, for all subsets.
    Table(&'a Rewards),
    /// Judged when it is asked for, where there are too many subsets.
    Judged(Valuation<'a, Reward<'a>>),
}

/// How long each provider takes on each image, in seconds, image by image; 0 where nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies {
    providers: usize,
    seconds: Vec<f32>,
}

/// Images to learn from. Places of states, of latencies and in the table are those of the images.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The images with all answers.
    pub images: &'a [ScoredImage<'a>],
    /// What is known of each before anyone is asked.
    pub states: &'a States,
    /// How many providers there are.
    pub providers: usize,
    /// How good the answers of choices are.
    pub values: Values<'a>,
    /// How long providers take; `None` where it does not matter.
    pub latencies: Option<&'a Latencies>,
    /// What is to be as high as can be.
    pub objective: Objective,
}

impl Latencies {
    /// So many numbers an image as there are providers.
    pub const fn new(providers: usize, seconds: Vec<f32>) -> Self {
        Self { providers, seconds }
    }

    /// How long each provider takes on an image; empty where there is no such image.
    pub fn row(&self, image: usize) -> &[f32] {
        let start = image.saturating_mul(self.providers);
        self.seconds.get(start..start.saturating_add(self.providers)).unwrap_or_default()
    }

    /// How long it takes to ask a subset at once.
    pub fn longest(&self, image: usize, subset: Subset) -> f64 {
        let asked = self.row(image).iter().enumerate().filter(|(place, _)| subset.contains(*place));
        f64::from(asked.fold(0.0_f32, |longest, (_, seconds)| longest.max(*seconds)))
    }
}

impl Problem<'_> {
    /// How good the merged answer of a subset is on one image.
    pub fn value(&self, image: usize, subset: Subset) -> f64 {
        match self.values {
            Values::Table(table) => table.value(image, subset).map_or(-1.0, f64::from),
            Values::Judged(valuation) => self.images.get(image).map_or(-1.0, |scored| {
                valuation.value(&scored.merged(subset, valuation.merger), scored)
            }),
        }
    }

    /// What it costs to ask these subsets one after another; providers in one of them are asked at
    /// once, and nobody twice.
    pub fn expense(&self, image: usize, asked: &[Subset]) -> Expense {
        let mut expense = Expense::default();
        for &subset in asked {
            let cost = self.images.get(image).map_or(0, |scored| scored.cost_microusd(subset));
            expense.calls += subset.count();
            expense.cost += number(cost) / 1e3;
            let latency = self.latencies.map_or(0.0, |known| known.longest(image, subset));
            expense.latency_s += latency;
        }
        expense
    }

    /// The reward of asking a subset at once.
    pub fn reward(&self, image: usize, subset: Subset) -> f64 {
        self.objective.reward(self.value(image, subset), self.expense(image, &[subset]))
    }
}
