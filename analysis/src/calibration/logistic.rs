//! Logistic regression by Newton's method, and the arithmetic of log-odds.
//!
//! The penalty makes the optimum unique and finite even where the examples could be told apart
//! without an error, so that no answer is ever taken for certain.
#![expect(clippy::indexing_slicing, reason = "every index is below the width of a square matrix")]

/// The nearest to certainty that a probability comes.
const DOUBT: f64 = 1e-4;

/// How often weights are improved at most; a handful suffices.
const MOST_STEPS: usize = 50;

/// What is learned from: rows of features, each with the share of 1 that is right.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    width: usize,
    features: Vec<f64>,
    targets: Vec<f64>,
}

/// The probability of these log-odds.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The log-odds of a probability, which is taken with doubt.
pub(crate) fn log_odds(probability: f64) -> f64 {
    let doubted = doubted(probability);
    (doubted / (1.0 - doubted)).ln()
}

/// The probability, but never certainty.
pub(crate) const fn doubted(probability: f64) -> f64 {
    probability.clamp(DOUBT, 1.0 - DOUBT)
}

impl Examples {
    /// No examples yet; each will have `width` features.
    pub(crate) const fn new(width: usize) -> Self {
        Self { width, features: Vec::new(), targets: Vec::new() }
    }

    /// Adds an example; missing features are 0, and those beyond the width are left out.
    pub(crate) fn push(&mut self, features: impl IntoIterator<Item = f64>, target: f64) {
        let end = self.features.len() + self.width;
        self.features.extend(features.into_iter().take(self.width));
        self.features.resize(end, 0.0);
        self.targets.push(target);
    }

    /// Makes a feature 0 in every example, so that its weight is.
    pub(crate) fn erase(&mut self, feature: usize) {
        for row in self.features.chunks_exact_mut(self.width) {
            if let Some(value) = row.get_mut(feature) {
                *value = 0.0;
            }
        }
    }

    /// The weights that explain the examples best, under a penalty of `ridge` / 2 times the square
    /// of each.
    pub(crate) fn fit(&self, ridge: f64) -> Vec<f64> {
        let mut weights = vec![0.0; self.width];
        let mut loss = self.loss(&weights, ridge);
        for _ in 0..MOST_STEPS {
            let step = self.newton_step(&weights, ridge);
            let Some((better, lower)) = self.improved(&weights, &step, ridge, loss) else { break };
            let gained = loss - lower;
            (weights, loss) = (better, lower);
            if gained <= 1e-12 * loss.abs() {
                break;
            }
        }
        weights
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.features.chunks_exact(self.width).zip(self.targets.iter().copied())
    }

    /// Minus the log-likelihood, and the penalty.
    fn loss(&self, weights: &[f64], ridge: f64) -> f64 {
        let penalty: f64 = weights.iter().map(|weight| weight * weight).sum();
        let misfit: f64 = self
            .rows()
            .map(|(row, target)| {
                let odds = dot(row, weights);
                // ln(1 + e^x) without overflow.
                odds.max(0.0) + (-odds.abs()).exp().ln_1p() - target * odds
            })
            .sum();
        misfit + 0.5 * ridge * penalty
    }

    /// Where Newton's method would go, were the loss a parabola.
    fn newton_step(&self, weights: &[f64], ridge: f64) -> Vec<f64> {
        let width = self.width;
        let mut gradient: Vec<f64> = weights.iter().map(|weight| -ridge * weight).collect();
        let mut curvature = vec![0.0; width * width];
        for place in 0..width {
            curvature[place * width + place] = ridge;
        }
        for (row, target) in self.rows() {
            let expected = probability(dot(row, weights));
            let variance = expected * (1.0 - expected);
            for (place, &feature) in row.iter().enumerate().filter(|(_, feature)| **feature != 0.0)
            {
                gradient[place] += feature * (target - expected);
                let scaled = feature * variance;
                for (other, &second) in row.iter().enumerate().take(place + 1) {
                    curvature[place * width + other] += scaled * second;
                }
            }
        }
        solve(&mut curvature, gradient)
    }

    /// The weights a step away, or a fraction of it; `None` where no fraction improves them.
    fn improved(
        &self,
        weights: &[f64],
        step: &[f64],
        ridge: f64,
        loss: f64,
    ) -> Option<(Vec<f64>, f64)> {
        let mut share = 1.0;
        for _ in 0..30 {
            let moved = weights.iter().zip(step).map(|(weight, step)| weight + share * step);
            let moved: Vec<f64> = moved.collect();
            let lower = self.loss(&moved, ridge);
            if lower < loss {
                return Some((moved, lower));
            }
            share /= 2.0;
        }
        None
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Solves a symmetric positive definite system, whose lower triangle is given, by Cholesky.
fn solve(matrix: &mut [f64], mut side: Vec<f64>) -> Vec<f64> {
    let width = side.len();
    for row in 0..width {
        for column in 0..=row {
            let known: f64 = (0..column)
                .map(|place| matrix[row * width + place] * matrix[column * width + place])
                .sum();
            let rest = matrix[row * width + column] - known;
            matrix[row * width + column] = if row == column {
                // The penalty keeps it above 0 but for rounding.
                rest.max(f64::MIN_POSITIVE).sqrt()
            } else {
                rest / matrix[column * width + column]
            };
        }
    }
    for row in 0..width {
        let known: f64 = (0..row).map(|place| matrix[row * width + place] * side[place]).sum();
        side[row] = (side[row] - known) / matrix[row * width + row];
    }
    for row in (0..width).rev() {
        let known: f64 =
            (row + 1..width).map(|place| matrix[place * width + row] * side[place]).sum();
        side[row] = (side[row] - known) / matrix[row * width + row];
    }
    side
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_system() {
        let mut matrix = vec![4.0, 0.0, 2.0, 3.0];
        let solution = solve(&mut matrix, vec![10.0, 8.0]);
        // 4x + 2y = 10 and 2x + 3y = 8.
        assert!((solution[0] - 1.75).abs() < 1e-12 && (solution[1] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn one_constant_feature_learns_the_share_of_what_is_right() {
        let mut examples = Examples::new(1);
        for place in 0..100 {
            examples.push([1.0], if place < 80 { 1.0 } else { 0.0 });
        }
        let weights = examples.fit(1e-9);
        assert!((probability(weights[0]) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn what_can_be_told_apart_without_an_error_has_finite_weights() {
        let mut examples = Examples::new(2);
        for place in -10..10 {
            examples.push([1.0, f64::from(place)], if place < 0 { 0.0 } else { 1.0 });
        }
        let weights = examples.fit(1.0);
        assert!(weights.iter().all(|weight| weight.is_finite() && weight.abs() < 10.0));
        assert!(weights[1] > 0.0);
    }

    #[test]
    fn an_erased_feature_weighs_nothing() {
        let mut examples = Examples::new(2);
        for place in -10..10 {
            examples.push([1.0, f64::from(place)], if place < 3 { 0.0 } else { 1.0 });
        }
        examples.erase(1);
        assert!(examples.fit(1.0)[1].abs() < 1e-12);
    }
}
