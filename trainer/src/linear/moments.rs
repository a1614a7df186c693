//! Means, spreads and products of numbers, gathered row by row.

#![expect(clippy::indexing_slicing, reason = "places within rows that are made here")]

use serde::{Deserialize, Serialize};

use super::LinearError;
use crate::{
    baseline::number,
    features::single,
    network::{
        product::{Matrix, Onto, multiply},
        weights,
    },
};

/// How many rows are held at a time.
const ROWS_AT_ONCE: usize = 256;

/// Rows of numbers that are made when they are looked at.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    /// How many rows there are.
    pub rows: usize,
    /// How many numbers a row has.
    pub columns: usize,
    /// Writes the row at a place into as many numbers.
    pub fill: &'a dyn Fn(usize, &mut [f64]),
}

/// How numbers are brought to a mean of 0 and a standard deviation of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Scaling {
    #[serde(with = "weights")]
    means: Vec<f32>,
    /// One by the standard deviation; 0 for a number that is always the same.
    #[serde(with = "weights")]
    factors: Vec<f32>,
}

/// A stored scaling, whatever its lengths are.
#[derive(Deserialize)]
struct Parts {
    #[serde(with = "weights")]
    means: Vec<f32>,
    #[serde(with = "weights")]
    factors: Vec<f32>,
}

/// The mean of each column, and how far its numbers lie from it.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    pub(super) means: Vec<f64>,
    /// Standard deviations.
    pub(super) deviations: Vec<f64>,
}

impl Scaling {
    /// The scaling of the columns of a table.
    ///
    /// # Errors
    /// Where there are fewer than two rows, or one holds what is no number.
    pub fn of(table: Table<'_>) -> Result<Self, LinearError> {
        let Moments { means, deviations } = Moments::of(table)?;
        let factor = |deviation: &f64| if *deviation > 0.0 { single(1.0 / deviation) } else { 0.0 };
        Ok(Self {
            means: means.iter().copied().map(single).collect(),
            factors: deviations.iter().map(factor).collect(),
        })
    }

    /// How many numbers a row has.
    pub const fn dimension(&self) -> usize {
        self.means.len()
    }

    /// Scales a row in place.
    pub fn apply(&self, row: &mut [f32]) {
        for ((value, mean), factor) in row.iter_mut().zip(&self.means).zip(&self.factors) {
            *value = (*value - mean) * factor;
        }
    }
}

impl TryFrom<Parts> for Scaling {
    type Error = LinearError;

    fn try_from(Parts { means, factors }: Parts) -> Result<Self, LinearError> {
        if means.len() == factors.len() {
            Ok(Self { means, factors })
        } else {
            Err(LinearError::Stored("more means than factors of a scaling, or fewer"))
        }
    }
}

impl Moments {
    pub(super) fn of(table: Table<'_>) -> Result<Self, LinearError> {
        if table.rows < 2 {
            return Err(LinearError::Rows(table.rows));
        }
        let mut values = vec![0.0; table.columns];
        let mut means = values.clone();
        let mut squares = values.clone();
        for row in 0..table.rows {
            (table.fill)(row, &mut values);
            if let Some(column) = values.iter().position(|value| !value.is_finite()) {
                return Err(LinearError::NotFinite { row, column });
            }
            let share = 1.0 / count(row + 1);
            for ((value, mean), square) in values.iter().zip(&mut means).zip(&mut squares) {
                let before = value - *mean;
                *mean += before * share;
                *square += before * (value - *mean);
            }
        }
        let rows = count(table.rows);
        // What rounding leaves of numbers that are all alike is no spread.
        let deviation = |(square, mean): (&f64, &f64)| {
            let deviation = (square / rows).sqrt();
            if deviation > 1e-9 * mean.abs() { deviation } else { 0.0 }
        };
        let deviations = squares.iter().zip(&means).map(deviation).collect();
        Ok(Self { means, deviations })
    }

    /// Writes some rows beside their means, in units of standard deviations where that is asked for.
    fn centred(&self, table: Table<'_>, start: usize, in_units: bool, block: &mut [f64]) {
        for (row, values) in (start..).zip(block.chunks_mut(table.columns.max(1))) {
            (table.fill)(row, values);
            let moments = self.means.iter().zip(&self.deviations);
            for (value, (mean, deviation)) in values.iter_mut().zip(moments) {
                let unit = if *deviation == 0.0 || !in_units { 1.0 } else { *deviation };
                *value = if *deviation == 0.0 { 0.0 } else { (*value - mean) / unit };
            }
        }
    }
}

/// The mean of the products of two columns, a row for each of the first table: covariances, or
/// correlations where units are standard deviations.
pub(super) fn mean_products(table: Table<'_>, moments: &Moments, in_units: bool) -> Vec<f64> {
    let columns = table.columns;
    let mut products = vec![0.0; columns * columns];
    let mut block = vec![0.0; ROWS_AT_ONCE * columns];
    for start in (0..table.rows).step_by(ROWS_AT_ONCE) {
        let rows = ROWS_AT_ONCE.min(table.rows - start);
        let block = &mut block[..rows * columns];
        moments.centred(table, start, in_units, block);
        let block = Matrix::new(block, rows, columns);
        multiply(block.transposed(), block, &mut products, Onto::Present);
    }
    let rows = count(table.rows);
    for product in &mut products {
        *product /= rows;
    }
    products
}

/// The mean of the products of each column of one table, in units of standard deviations, and each
/// of another; and the variances of the other's columns added up.
pub(super) fn mean_cross_products(
    (inputs, input_moments): (Table<'_>, &Moments),
    (outputs, output_moments): (Table<'_>, &Moments),
) -> (Vec<f64>, f64) {
    let mut products = vec![0.0; inputs.columns * outputs.columns];
    let mut left = vec![0.0; ROWS_AT_ONCE * inputs.columns];
    let mut right = vec![0.0; ROWS_AT_ONCE * outputs.columns];
    for start in (0..inputs.rows).step_by(ROWS_AT_ONCE) {
        let rows = ROWS_AT_ONCE.min(inputs.rows - start);
        let left = &mut left[..rows * inputs.columns];
        let right = &mut right[..rows * outputs.columns];
        input_moments.centred(inputs, start, true, left);
        output_moments.centred(outputs, start, false, right);
        let left = Matrix::new(left, rows, inputs.columns);
        multiply(
            left.transposed(),
            Matrix::new(right, rows, outputs.columns),
            &mut products,
            Onto::Present,
        );
    }
    let rows = count(inputs.rows);
    for product in &mut products {
        *product /= rows;
    }
    let deviations = output_moments.deviations.iter();
    (products, deviations.map(|deviation| deviation * deviation).sum())
}

/// A count as a number to calculate with.
pub(crate) fn count(rows: usize) -> f64 {
    number(u64::try_from(rows).unwrap_or(u64::MAX))
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = formatter.debug_struct("Table");
        table.field("rows", &self.rows).field("columns", &self.columns).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [[f64; 3]; 3] = [[1.0, 5.0, 0.1], [2.0, 5.0, 0.1], [6.0, 5.0, 0.1]];

    fn table(fill: &dyn Fn(usize, &mut [f64])) -> Table<'_> {
        Table { rows: 3, columns: 3, fill }
    }

    #[test]
    fn scaled_numbers_have_mean_0_and_deviation_1_and_constants_are_0() {
        let fill = |row: usize, values: &mut [f64]| values.copy_from_slice(&ROWS[row]);
        let scaling = Scaling::of(table(&fill)).unwrap();
        let deviation = (14.0_f32 / 3.0).sqrt();
        let mut row = [6.0, 5.0, 0.1];
        scaling.apply(&mut row);
        assert!((row[0] - 3.0 / deviation).abs() < 1e-6 && row[1..] == [0.0, 0.0], "{row:?}");
        let moments = Moments::of(table(&fill)).unwrap();
        let products = mean_products(table(&fill), &moments, false);
        assert!((products[0] - 14.0 / 3.0).abs() < 1e-12 && products[1..] == [0.0; 8]);
    }

    #[test]
    fn what_is_no_number_is_named_and_one_row_is_not_enough() {
        let fill = |row: usize, values: &mut [f64]| {
            values.copy_from_slice(&ROWS[row]);
            values[1] = if row == 2 { f64::NAN } else { 0.0 };
        };
        let refusal = Scaling::of(table(&fill)).unwrap_err();
        assert_eq!(refusal, LinearError::NotFinite { row: 2, column: 1 });
        let one = Table { rows: 1, ..table(&fill) };
        assert_eq!(Scaling::of(one), Err(LinearError::Rows(1)));
    }

    #[test]
    fn a_damaged_scaling_is_refused() {
        let stored = r#"{"means":"AAAAAA==","factors":""}"#;
        let refusal = serde_json::from_str::<Scaling>(stored).unwrap_err().to_string();
        assert!(refusal.contains("more means than factors"), "{refusal}");
    }
}
