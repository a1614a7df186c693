//! The price of money at which a budget is met: the dearer money is, the fewer are asked.
//!
//! The cost of what is chosen falls as money becomes dearer, by steps and nearly always. So the price
//! is sought by halving, and the best that met the budget is taken.

use super::{Model, TrainingError};
use crate::policy::Chooser;

/// How often the range of prices is halved: prices end up within a thousandth of each other.
const HALVINGS: u32 = 16;

/// The least and the most that a call of the least price can be made to weigh; values are from -1 to 1.
const WEIGHTS: [f64; 2] = [1e-4, 4.0];

/// What a price of money has to meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The price that is asked for, where the budget allows it.
    pub(super) beta: f64,
    /// What an image may cost at the mean, in thousandths of a US dollar.
    pub(super) budget: f64,
    /// The least that a call costs.
    pub(super) least_price: f64,
}

/// The chooser that spends most within the budget, and the price of money that makes it; `cost` says
/// what a chooser spends.
pub(super) fn meet(
    model: &Model<'_>,
    limits: Limits,
    cost: &mut dyn FnMut(&Chooser) -> Result<f64, TrainingError>,
    told: &mut dyn FnMut(&str),
) -> Result<(f64, Chooser), TrainingError> {
    let Limits { beta, budget, least_price } = limits;
    let wanted = model.chosen(beta, Some(budget))?;
    if cost(&wanted)? <= budget {
        return Ok((beta, wanted));
    }
    let [mut low, mut high] = WEIGHTS.map(|weight: f64| (weight / least_price).ln());
    let dearest = model.at(-high.exp())?;
    let least = cost(&dearest)?;
    if least > budget {
        return Err(TrainingError::Budget { budget, least });
    }
    let mut best = (-high.exp(), dearest, least);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let beta = -middle.exp();
        let chooser = model.at(beta)?;
        let spent = cost(&chooser)?;
        told(&format!("at beta {beta:.5} an image costs {spent:.4}"));
        if spent <= budget {
            high = middle;
            if spent >= best.2 {
                best = (beta, chooser, spent);
            }
        } else {
            low = middle;
        }
    }
    Ok((best.0, best.1))
}
