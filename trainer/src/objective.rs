//! What a choice of providers is worth: how good its answer is, less what it costs and how long it
//! takes.

use serde::{Deserialize, Serialize};

/// How value, price and latency add up to a reward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// What a thousandth of a US dollar adds to a value, not above 0 (the paper's beta).
    pub beta: f64,
    /// What a second of waiting takes from a value, not below 0.
    pub latency_weight: f64,
    /// The reward of the published code in place of the paper's: `tanh(v - 0.1 k) - 0.15` for k
    /// providers, whatever they cost.
    pub published: bool,
}

/// What a choice comes to, beside the value of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expense {
    /// How many providers are asked.
    pub calls: u32,
    /// What they cost, in thousandths of a US dollar.
    pub cost: f64,
    /// How long all of it takes, in seconds: the longest of calls at once, the sum of calls one
    /// after another.
    pub latency_s: f64,
}

impl Objective {
    /// The reward of an answer of some value.
    pub fn reward(&self, value: f64, expense: Expense) -> f64 {
        if self.published {
            return 0.1_f64.mul_add(-f64::from(expense.calls), value).tanh() - 0.15;
        }
        self.beta.mul_add(expense.cost, value) - self.latency_weight * expense.latency_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn price_and_waiting_lower_a_value() {
        let objective = Objective { beta: -0.1, latency_weight: 0.5, published: false };
        let expense = Expense { calls: 2, cost: 2.0, latency_s: 0.25 };
        assert!((objective.reward(0.8, expense) - 0.475).abs() < 1e-12);
    }

    #[test]
    fn the_published_reward_counts_calls() {
        let objective = Objective { beta: -9.0, latency_weight: 9.0, published: true };
        let expense = Expense { calls: 3, cost: 5.0, latency_s: 1.0 };
        assert!((objective.reward(0.8, expense) - (0.5_f64.tanh() - 0.15)).abs() < 1e-12);
    }
}
