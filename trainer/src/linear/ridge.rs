//! Ridge regression: several numbers of a row as weighted sums of others.
//!
//! Inputs are brought to a standard deviation of 1, so that the penalty lambda on squared weights
//! means the same whatever their units; outputs are beside their means. Squared errors count at the
//! mean over rows, so that lambda does not grow with their number. Where no lambda is given, the one
//! with the least generalised cross-validation error is taken (Golub, Heath and Wahba 1979), which
//! takes one decomposition for each that is tried and no part of the rows kept apart.

#![expect(clippy::indexing_slicing, reason = "places within matrices that are made here")]

use serde::{Deserialize, Serialize};

use super::{
    LinearError,
    cholesky::Cholesky,
    moments::{Moments, Table, count, mean_cross_products, mean_products},
};
use crate::{features::single, network::weights};

/// Lambdas that are tried: from one that leaves next to nothing to one that changes next to nothing.
const LAMBDAS: [f64; 9] = [1e4, 1e3, 1e2, 10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-4];

/// Around the best of [`LAMBDAS`], these multiples are tried too.
const BETWEEN: [f64; 2] = [0.316_227_766_016_837_94, 3.162_277_660_168_379_5];

/// Weights that predict some numbers of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Ridge {
    lambda: f64,
    #[serde(with = "weights")]
    means: Vec<f32>,
    /// What is predicted of a row of means.
    #[serde(with = "weights")]
    intercepts: Vec<f32>,
    /// A row for each input, with a weight for each output.
    #[serde(with = "weights")]
    weights: Vec<f32>,
}

/// Stored weights, whatever their numbers are.
#[derive(Deserialize)]
struct Parts {
    lambda: f64,
    #[serde(with = "weights")]
    means: Vec<f32>,
    #[serde(with = "weights")]
    intercepts: Vec<f32>,
    #[serde(with = "weights")]
    weights: Vec<f32>,
}

impl Ridge {
    /// Fits weights that predict the rows of `outputs` of those of `inputs`.
    ///
    /// # Errors
    /// Where there are fewer than two rows, one holds what is no number, or lambda is none.
    pub fn fit(
        inputs: Table<'_>,
        outputs: Table<'_>,
        lambda: Option<f64>,
    ) -> Result<Self, LinearError> {
        if let Some(lambda) = lambda.filter(|lambda| !(lambda.is_finite() && *lambda > 0.0)) {
            return Err(LinearError::Lambda(lambda));
        }
        let (moments, output_moments) = (Moments::of(inputs)?, Moments::of(outputs)?);
        let correlations = mean_products(inputs, &moments, true);
        let (products, variance) =
            mean_cross_products((inputs, &moments), (outputs, &output_moments));
        let equations = Equations {
            correlations,
            products,
            inputs: inputs.columns,
            outputs: outputs.columns,
            rows: count(inputs.rows),
            variance,
        };
        let lambda = lambda.map_or_else(|| equations.best_lambda(), Ok)?;
        let (_, mut solved) = equations.solved(lambda)?;
        for (row, deviation) in solved.chunks_mut(outputs.columns.max(1)).zip(&moments.deviations) {
            let factor = if *deviation > 0.0 { 1.0 / deviation } else { 0.0 };
            for weight in row.iter_mut() {
                *weight *= factor;
            }
        }
        Ok(Self {
            lambda,
            means: moments.means.iter().copied().map(single).collect(),
            intercepts: output_moments.means.iter().copied().map(single).collect(),
            weights: solved.iter().copied().map(single).collect(),
        })
    }

    /// The penalty that it was fitted with.
    pub const fn lambda(&self) -> f64 {
        self.lambda
    }

    /// How many numbers it takes.
    pub const fn inputs(&self) -> usize {
        self.means.len()
    }

    /// How many numbers it gives.
    pub const fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// What it predicts of a row; an input that is not there counts as its mean.
    pub fn predict(&self, row: &[f32]) -> Vec<f32> {
        let mut predicted = self.intercepts.clone();
        let weights = self.weights.chunks(self.outputs().max(1));
        for ((value, mean), weights) in row.iter().zip(&self.means).zip(weights) {
            let distance = value - mean;
            predicted.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += distance * weight);
        }
        predicted
    }
}

/// What rows come to: correlations of inputs, and what inputs say of outputs.
struct Equations {
    correlations: Vec<f64>,
    products: Vec<f64>,
    inputs: usize,
    outputs: usize,
    rows: f64,
    /// Of all outputs together.
    variance: f64,
}

impl Equations {
    /// Weights of inputs in units of standard deviations.
    fn solved(&self, lambda: f64) -> Result<(Cholesky, Vec<f64>), LinearError> {
        let mut matrix = self.correlations.clone();
        for place in 0..self.inputs {
            matrix[place * self.inputs + place] += lambda;
        }
        let cholesky = Cholesky::new(matrix, self.inputs)?;
        let mut weights = self.products.clone();
        cholesky.solve(&mut weights, self.outputs);
        Ok((cholesky, weights))
    }

    /// The error that generalised cross-validation expects of other rows, over all outputs.
    fn expected_error(&self, lambda: f64) -> Result<f64, LinearError> {
        let (cholesky, weights) = self.solved(lambda)?;
        let explained: f64 = weights.iter().zip(&self.products).map(|(one, two)| one * two).sum();
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let error = (self.variance - explained - lambda * squares).max(0.0);
        // The mean takes a degree of freedom too.
        let freedom = 1.0 + count(self.inputs) - lambda * cholesky.trace_of_inverse();
        let left = 1.0 - freedom / self.rows;
        Ok(if left > 0.0 { error / (left * left) } else { f64::INFINITY })
    }

    fn best_lambda(&self) -> Result<f64, LinearError> {
        let [first, ..] = LAMBDAS;
        let mut best = (first, f64::INFINITY);
        self.take_better(&mut best, &LAMBDAS)?;
        let between = BETWEEN.map(|factor| best.0 * factor);
        self.take_better(&mut best, &between)?;
        Ok(best.0)
    }

    /// Takes the lambdas whose expected error is less than that of the best so far.
    fn take_better(&self, best: &mut (f64, f64), lambdas: &[f64]) -> Result<(), LinearError> {
        for &lambda in lambdas {
            let error = match self.expected_error(lambda) {
                // Too little for inputs that explain each other: others may do.
                Err(LinearError::Singular) => continue,
                error => error?,
            };
            if error < best.1 {
                *best = (lambda, error);
            }
        }
        Ok(())
    }
}

impl TryFrom<Parts> for Ridge {
    type Error = LinearError;

    fn try_from(Parts { lambda, means, intercepts, weights }: Parts) -> Result<Self, LinearError> {
        if Some(weights.len()) != means.len().checked_mul(intercepts.len()) {
            return Err(LinearError::Stored("other weights than inputs and outputs"));
        }
        if !(lambda.is_finite() && lambda > 0.0) {
            return Err(LinearError::Lambda(lambda));
        }
        Ok(Self { lambda, means, intercepts, weights })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Rows of numbers as a table.
    fn fitted(
        inputs: &[Vec<f64>],
        outputs: &[Vec<f64>],
        lambda: Option<f64>,
    ) -> Result<Ridge, LinearError> {
        let input = |row: usize, values: &mut [f64]| values.copy_from_slice(&inputs[row]);
        let output = |row: usize, values: &mut [f64]| values.copy_from_slice(&outputs[row]);
        let rows = inputs.len();
        let columns = |rows: &[Vec<f64>]| rows.first().map_or(0, Vec::len);
        Ridge::fit(
            Table { rows, columns: columns(inputs), fill: &input },
            Table { rows, columns: columns(outputs), fill: &output },
            lambda,
        )
    }

    fn random_rows(rows: usize, columns: usize, generator: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
        let row = |_| (0..columns).map(|_| generator.random_range(-1.0..1.0)).collect();
        (0..rows).map(row).collect()
    }

    /// Solves by elimination with pivots, as nothing here does.
    fn eliminated(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
        let size = matrix.len();
        for column in 0..size {
            let pivot = (column..size)
                .max_by(|one, other| {
                    matrix[*one][column].abs().total_cmp(&matrix[*other][column].abs())
                })
                .unwrap();
            matrix.swap(column, pivot);
            for row in (0..size).filter(|row| *row != column) {
                let factor = matrix[row][column] / matrix[column][column];
                let pivot = matrix[column].clone();
                matrix[row].iter_mut().zip(&pivot).for_each(|(one, other)| *one -= factor * other);
            }
        }
        (0..size).map(|row| matrix[row][size] / matrix[row][row]).collect()
    }

    proptest! {
        #[test]
        fn weights_solve_the_normal_equations(seed in any::<u64>(), lambda in 1e-3..10.0_f64) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let inputs = random_rows(12, 3, &mut generator);
            let outputs = random_rows(12, 2, &mut generator);
            let ridge = fitted(&inputs, &outputs, Some(lambda)).unwrap();
            let mean = |rows: &[Vec<f64>], column: usize| {
                rows.iter().map(|row| row[column]).sum::<f64>() / 12.0
            };
            for output in 0..2 {
                // Penalised by the variance of each input: weights of inputs in their own units.
                let centred = |rows: &[Vec<f64>], row: usize, column: usize| {
                    rows[row][column] - mean(rows, column)
                };
                let covariance = |one: usize, (rows, other): (&[Vec<f64>], usize)| {
                    (0..12).map(|row| centred(&inputs, row, one) * centred(rows, row, other)).sum::<f64>() / 12.0
                };
                let equation = |one: usize| {
                    let mut row: Vec<f64> =
                        (0..3).map(|other| covariance(one, (&inputs, other))).collect();
                    row[one] *= 1.0 + lambda;
                    row.push(covariance(one, (&outputs, output)));
                    row
                };
                let weights = eliminated((0..3).map(equation).collect());
                let row = [0.3_f32, -0.7, 0.2];
                let expected = mean(&outputs, output)
                    + (0..3).map(|one| (f64::from(row[one]) - mean(&inputs, one)) * weights[one]).sum::<f64>();
                prop_assert!((f64::from(ridge.predict(&row)[output]) - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_expected_error_is_near_that_of_rows_left_out() {
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let inputs = random_rows(60, 12, &mut generator);
        let outputs: Vec<Vec<f64>> = inputs
            .iter()
            .map(|row| vec![0.4f64.mul_add(row[0], generator.random_range(-1.0..1.0))])
            .collect();
        let left_out = |lambda: f64| -> f64 {
            let off = |left: usize| {
                let keep = |rows: &[Vec<f64>]| [&rows[..left], &rows[left + 1..]].concat();
                let ridge = fitted(&keep(&inputs), &keep(&outputs), Some(lambda)).unwrap();
                let row: Vec<f32> = inputs[left].iter().copied().map(single).collect();
                (f64::from(ridge.predict(&row)[0]) - outputs[left][0]).powi(2)
            };
            (0..60).map(off).sum::<f64>() / 60.0
        };
        let chosen = fitted(&inputs, &outputs, None).unwrap().lambda();
        let best = LAMBDAS.map(left_out).into_iter().fold(f64::INFINITY, f64::min);
        assert!(left_out(chosen) < 1.02 * best, "{chosen}: {} {best}", left_out(chosen));
        assert!(chosen > 1e-2 && chosen < 1e4, "{chosen}");
    }

    #[test]
    fn what_is_exact_is_found_and_what_never_varies_weighs_nothing() {
        let mut generator = ChaCha8Rng::seed_from_u64(8);
        let mut inputs = random_rows(30, 3, &mut generator);
        for row in &mut inputs {
            row[1] = 0.7;
        }
        let outputs: Vec<Vec<f64>> = inputs.iter().map(|row| vec![2.0 - 3.0 * row[2]]).collect();
        let ridge = fitted(&inputs, &outputs, None).unwrap();
        assert!(ridge.lambda() <= 1e-4, "{}", ridge.lambda());
        let off = ridge.predict(&[0.5, 123.0, -0.25])[0] - 2.75;
        assert!(off.abs() < 1e-3, "{off}");
        assert_eq!((ridge.inputs(), ridge.outputs()), (3, 1));
    }

    #[test]
    fn more_inputs_than_rows_are_fitted() {
        let mut generator = ChaCha8Rng::seed_from_u64(9);
        let (inputs, outputs) =
            (random_rows(5, 20, &mut generator), random_rows(5, 1, &mut generator));
        let ridge = fitted(&inputs, &outputs, None).unwrap();
        assert!(ridge.predict(&[0.1; 20])[0].is_finite());
    }

    #[test]
    fn lambdas_that_are_none_are_refused() {
        for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refusal = fitted(&[vec![1.0], vec![2.0]], &[vec![1.0], vec![2.0]], Some(lambda));
            assert!(matches!(refusal, Err(LinearError::Lambda(_))), "{lambda}");
        }
    }

    #[test]
    fn stored_weights_come_back_and_damaged_ones_are_refused() {
        let ridge = fitted(&[vec![1.0], vec![2.0]], &[vec![1.0], vec![3.0]], Some(0.5)).unwrap();
        let text = serde_json::to_string(&ridge).unwrap();
        assert_eq!(serde_json::from_str::<Ridge>(&text).unwrap(), ridge);
        let damaged = text.replace("0.5", "-0.5");
        assert!(
            serde_json::from_str::<Ridge>(&damaged).unwrap_err().to_string().contains("lambda")
        );
        // AADAfw== is no number.
        let first = text.split('"').nth(5).unwrap();
        let damaged = text.replacen(first, "AADAfw==", 1);
        assert!(serde_json::from_str::<Ridge>(&damaged).is_err(), "{damaged}");
    }
}
