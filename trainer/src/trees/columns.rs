//! Numbers sorted into bins, feature by feature: trees ask only between bins.

#![expect(clippy::indexing_slicing, reason = "a matrix whose bounds its constructor sets")]

use super::TreesError;

/// The most bins of a feature, so that a bin is a byte.
const MOST_BINS: usize = 255;

/// Rows of numbers, ready for trees to be fitted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    rows: usize,
    /// Of each feature, where one bin ends and the next begins, rising.
    edges: Vec<Vec<f32>>,
    /// The bin of each row, feature by feature: how many edges its number is above.
    bins: Vec<u8>,
}

impl Columns {
    /// Sorts rows of so many numbers each, which stand one behind the other.
    ///
    /// # Errors
    /// Where a number is not finite, or the last row is not full.
    pub fn new(values: &[f32], dimension: usize) -> Result<Self, TreesError> {
        let rows = values.len().checked_div(dimension).unwrap_or(0);
        if rows * dimension != values.len() {
            return Err(TreesError::Shape { numbers: values.len(), dimension });
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let what = format!("feature {}", place % dimension);
            return Err(TreesError::NotFinite { what, row: place / dimension });
        }
        let mut columns = Self {
            rows,
            edges: Vec::with_capacity(dimension),
            bins: Vec::with_capacity(values.len()),
        };
        let mut column = Vec::with_capacity(rows);
        for feature in 0..dimension {
            column.clear();
            column.extend(values.iter().skip(feature).step_by(dimension));
            let edges = edges_of(&column);
            columns.bins.extend(column.iter().map(|value| bin(&edges, *value)));
            columns.edges.push(edges);
        }
        Ok(columns)
    }

    /// How many rows there are.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// How many numbers a row has.
    pub const fn dimension(&self) -> usize {
        self.edges.len()
    }

    /// Where the bins of a feature end.
    pub(super) fn edges(&self, feature: usize) -> &[f32] {
        &self.edges[feature]
    }

    /// The bin of every row by one feature.
    pub(super) fn bins(&self, feature: usize) -> &[u8] {
        &self.bins[feature * self.rows..][..self.rows]
    }
}

/// Where bins end: between any two numbers where they are few, else so that bins have about as many
/// rows each.
fn edges_of(column: &[f32]) -> Vec<f32> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut unique = sorted.clone();
    unique.dedup();
    if unique.len() <= MOST_BINS {
        return unique.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f32> = Vec::with_capacity(MOST_BINS - 1);
    for place in 1..MOST_BINS {
        let first_above = place * sorted.len() / MOST_BINS;
        let (low, high) = (sorted[first_above - 1], sorted[first_above]);
        if low < high && edges.last().is_none_or(|last| *last < low) {
            edges.push(between(low, high));
        } else if edges.last().is_none_or(|last| *last < low) && low < sorted[sorted.len() - 1] {
            // Equal numbers share a bin, which ends with them.
            edges.push(low);
        }
    }
    edges
}

/// A number that is not below `low` and below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    if middle < high && middle.is_finite() { middle } else { low }
}

fn bin(edges: &[f32], value: f32) -> u8 {
    u8::try_from(edges.partition_point(|edge| value > *edge)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_have_a_bin_each() {
        let columns = Columns::new(&[3.0, 1.0, 2.0, 1.0], 1).unwrap();
        assert_eq!(columns.bins(0), [2, 0, 1, 0]);
        assert_eq!(columns.edges(0), [1.5, 2.5]);
    }

    #[test]
    fn many_numbers_share_bins_of_about_the_same_size() {
        let values: Vec<f32> = (0..10_000_u16).map(f32::from).collect();
        let columns = Columns::new(&values, 1).unwrap();
        let mut sizes = [0_usize; 256];
        for bin in columns.bins(0) {
            sizes[usize::from(*bin)] += 1;
        }
        assert!(columns.edges(0).len() == 254 && sizes[..255].iter().all(|size| *size >= 39));
    }

    #[test]
    fn a_number_that_most_rows_have_is_a_bin_of_its_own() {
        let mut values = vec![0.0; 5_000];
        values.extend((1..=1_000_u16).map(f32::from));
        let columns = Columns::new(&values, 1).unwrap();
        assert!(columns.bins(0)[..5_000].iter().all(|bin| *bin == 0));
        assert!(columns.bins(0)[5_010..].iter().all(|bin| *bin > 0));
    }

    #[test]
    fn numbers_that_are_none_and_rows_that_are_not_full_are_refused() {
        let refusal = Columns::new(&[0.0, 1.0, 2.0, f32::NAN], 2).unwrap_err();
        assert_eq!(refusal, TreesError::NotFinite { what: "feature 1".to_owned(), row: 1 });
        let refusal = Columns::new(&[0.0; 3], 2).unwrap_err();
        assert_eq!(refusal, TreesError::Shape { numbers: 3, dimension: 2 });
        assert!(Columns::new(&[1.0], 0).is_err());
    }
}
