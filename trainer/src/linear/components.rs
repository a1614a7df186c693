//! Principal components: the few directions that a long row varies in most.

use serde::{Deserialize, Serialize};

use super::{
    LinearError,
    eigen::{Leading, leading},
    moments::{Moments, Table, mean_products},
};
use crate::{features::single, network::weights};

/// A mean, and the directions from it in which rows vary most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Components {
    #[serde(with = "weights")]
    means: Vec<f32>,
    /// A row for each number of a row, with a number for each direction.
    #[serde(with = "weights")]
    directions: Vec<f32>,
    /// How much rows vary in each direction, by falling size.
    variances: Vec<f64>,
    /// How much they vary in all.
    total_variance: f64,
}

/// Stored components, whatever their numbers are.
#[derive(Deserialize)]
struct Parts {
    #[serde(with = "weights")]
    means: Vec<f32>,
    #[serde(with = "weights")]
    directions: Vec<f32>,
    variances: Vec<f64>,
    total_variance: f64,
}

impl Components {
    /// The leading directions of a table's rows.
    ///
    /// # Errors
    /// Where there are fewer than two rows, one holds what is no number, or there are not so many
    /// directions.
    pub fn fit(table: Table<'_>, count: usize) -> Result<Self, LinearError> {
        let dimension = table.columns;
        if count == 0 || count > dimension {
            return Err(LinearError::Components { count, dimension });
        }
        let moments = Moments::of(table)?;
        let covariances = mean_products(table, &moments, false);
        let Leading { values, vectors } = leading(&covariances, dimension, count);
        let mut directions = vec![0.0; dimension * count];
        for (place, vector) in vectors.chunks(dimension).enumerate() {
            // A direction and its opposite are one: the greatest number is positive.
            let greatest =
                vector.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs()));
            let sign = greatest.unwrap_or(1.0).signum();
            let column = directions.iter_mut().skip(place).step_by(count);
            column.zip(vector).for_each(|(entry, value)| *entry = single(sign * value));
        }
        Ok(Self {
            means: moments.means.iter().copied().map(single).collect(),
            directions,
            // What is below 0 is rounding.
            variances: values.iter().map(|value| value.max(0.0)).collect(),
            total_variance: moments.deviations.iter().map(|one| one * one).sum(),
        })
    }

    /// How many numbers a row has.
    pub const fn dimension(&self) -> usize {
        self.means.len()
    }

    /// How many directions there are.
    pub const fn count(&self) -> usize {
        self.variances.len()
    }

    /// How much rows vary in each direction, by falling size.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The share of all variance that is in the directions.
    pub fn explained(&self) -> f64 {
        let kept: f64 = self.variances.iter().sum();
        if self.total_variance > 0.0 { (kept / self.total_variance).min(1.0) } else { 1.0 }
    }

    /// Appends to numbers how far a row lies from the mean in each direction.
    pub fn project(&self, row: &[f32], onto: &mut Vec<f32>) {
        let start = onto.len();
        onto.resize(start + self.count(), 0.0);
        let places = onto.get_mut(start..).unwrap_or_default();
        let directions = self.directions.chunks(self.count().max(1));
        for ((value, mean), directions) in row.iter().zip(&self.means).zip(directions) {
            let distance = value - mean;
            places.iter_mut().zip(directions).for_each(|(sum, share)| *sum += distance * share);
        }
    }
}

impl TryFrom<Parts> for Components {
    type Error = LinearError;

    fn try_from(parts: Parts) -> Result<Self, LinearError> {
        let Parts { means, directions, variances, total_variance } = parts;
        if Some(directions.len()) != means.len().checked_mul(variances.len()) {
            return Err(LinearError::Stored(
                "other directions of components than numbers of a row",
            ));
        }
        let is_variance = |variance: &f64| variance.is_finite() && *variance >= 0.0;
        if variances.is_empty() || !variances.iter().chain([&total_variance]).all(is_variance) {
            return Err(LinearError::Stored("a variance that is none"));
        }
        Ok(Self { means, directions, variances, total_variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(rows: &[[f64; 2]], count: usize) -> Result<Components, LinearError> {
        let fill = |row: usize, values: &mut [f64]| values.copy_from_slice(&rows[row]);
        Components::fit(Table { rows: rows.len(), columns: 2, fill: &fill }, count)
    }

    #[test]
    fn directions_of_a_known_cloud_are_found() {
        // Along (4, 3) by 5 and across it by 1, around (10, 20).
        let rows = [[14.0, 23.0], [6.0, 17.0], [9.4, 20.8], [10.6, 19.2]];
        let components = fitted(&rows, 2).unwrap();
        let near = |one: f64, other: f64| (one - other).abs() < 1e-6;
        assert!(near(components.variances()[0], 12.5) && near(components.variances()[1], 0.5));
        let mut places = vec![7.0];
        components.project(&[14.0, 23.0], &mut places);
        components.project(&[9.4, 20.8], &mut places);
        let expected = [7.0, 5.0, 0.0, 0.0, 1.0];
        let off = places.iter().zip(expected).map(|(one, other): (&f32, f32)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "{places:?}");
        let one = fitted(&rows, 1).unwrap();
        assert!(near(one.explained(), 12.5 / 13.0) && near(components.explained(), 1.0));
    }

    #[test]
    fn directions_that_are_not_there_are_refused() {
        let rows = [[1.0, 2.0], [3.0, 1.0]];
        for count in [0, 3] {
            let refusal = fitted(&rows, count).unwrap_err();
            assert_eq!(refusal, LinearError::Components { count, dimension: 2 });
        }
    }

    #[test]
    fn stored_components_come_back_and_damaged_ones_are_refused() {
        let components = fitted(&[[1.0, 2.0], [3.0, 1.0]], 1).unwrap();
        let text = serde_json::to_string(&components).unwrap();
        assert_eq!(serde_json::from_str::<Components>(&text).unwrap(), components);
        let mut value = serde_json::to_value(&components).unwrap();
        value["variances"] = serde_json::json!([1.0, 1.0]);
        let refusal = serde_json::from_value::<Components>(value.clone()).unwrap_err().to_string();
        assert!(refusal.contains("other directions"), "{refusal}");
        value["variances"] = serde_json::json!([-1.0]);
        let refusal = serde_json::from_value::<Components>(value).unwrap_err().to_string();
        assert!(refusal.contains("a variance that is none"), "{refusal}");
    }
}
