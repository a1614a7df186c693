//! Integers in order, and the percentiles read from them.
//!
//! Every percentile of a report comes from here, so that there is one definition of it.

use std::ops::RangeInclusive;

/// How percentiles are defined, in the words that reports print.
pub const PERCENTILE_DEFINITION: &str =
    "nearest rank: the smallest value that at least p percent of the values do not exceed";

/// A set of values, each a measured one: nothing is interpolated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    sorted: Vec<i64>,
}

impl Distribution {
    /// Puts values in order.
    pub fn new(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        Self { sorted: values }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The values from the least to the greatest.
    pub fn values(&self) -> &[i64] {
        &self.sorted
    }

    /// The nearest-rank percentile; `None` where there is no value.
    ///
    /// A percentage above 100 counts as 100; 0 names the least value.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::summary::Distribution;
    ///
    /// let values = Distribution::new(vec![50, 15, 20, 35, 40]);
    /// assert_eq!(values.percentile(50), Some(35));
    /// assert_eq!(values.percentile(40), Some(20));
    /// ```
    pub fn percentile(&self, percent: u8) -> Option<i64> {
        let rank = (self.sorted.len() * usize::from(percent.min(100))).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }

    /// The least and the greatest value; `None` where there is none.
    pub fn range(&self) -> Option<RangeInclusive<i64>> {
        Some(*self.sorted.first()?..=*self.sorted.last()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank_of_the_textbook() {
        let values = Distribution::new(vec![3, 6, 7, 8, 8, 10, 13, 15, 16, 20]);
        let percentiles = [25, 50, 75, 100].map(|percent| values.percentile(percent));
        assert_eq!(percentiles, [Some(7), Some(8), Some(15), Some(20)]);
        assert_eq!(values.percentile(0), Some(3));
        assert_eq!(values.percentile(95), Some(20));
    }

    #[test]
    fn nothing_has_no_percentile_and_one_value_is_all_of_them() {
        assert_eq!(Distribution::default().percentile(50), None);
        let one = Distribution::new(vec![-4]);
        assert_eq!([0, 50, 95, 100].map(|percent| one.percentile(percent)), [Some(-4); 4]);
    }

    proptest! {
        #[test]
        fn percentiles_grow_and_are_values(values in prop::collection::vec(any::<i64>(), 1..200)) {
            let distribution = Distribution::new(values.clone());
            let percentiles: Vec<i64> =
                (0..=100).filter_map(|percent| distribution.percentile(percent)).collect();
            prop_assert_eq!(percentiles.len(), 101);
            prop_assert!(percentiles.is_sorted());
            prop_assert!(percentiles.iter().all(|value| values.contains(value)));
        }

        #[test]
        fn as_many_values_as_promised_do_not_exceed_a_percentile(
            values in prop::collection::vec(-50_i64..50, 1..200),
            percent in 1_u8..=100,
        ) {
            let percentile = Distribution::new(values.clone()).percentile(percent).unwrap();
            let share = |limit: i64| values.iter().filter(|value| **value <= limit).count() * 100;
            prop_assert!(share(percentile) >= values.len() * usize::from(percent));
            prop_assert!(share(percentile - 1) < values.len() * usize::from(percent));
        }
    }
}
