//! One provider's inference times, as charts draw them: how they spread, and through time.

use std::{collections::BTreeMap, time::Duration};

use super::{CallRow, Distribution};
use crate::{outcome::Outcome, time::nanoseconds};

/// One provider's ok calls with an inference time, whatever else the summary groups by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSeries {
    /// The provider's name.
    pub provider: String,
    /// Whether simulators answered; a provider with calls of both kinds has two series.
    pub simulated: bool,
    /// The inference times, in nanoseconds.
    pub inference: Distribution,
    /// How far the measured times are from the true ones, in nanoseconds without sign.
    pub absolute_error: Distribution,
    /// When each call began, in nanoseconds since the epoch, and its inference time.
    points: Vec<(i64, i64)>,
}

/// A series while calls are added to it.
#[derive(Clone, Debug, Default)]
pub(super) struct SeriesTally {
    points: Vec<(i64, i64)>,
    absolute_error: Vec<i64>,
}

impl ProviderSeries {
    /// The median inference time of each stretch of time that has calls, by the stretch's start;
    /// all in nanoseconds. A width below 1 counts as 1.
    pub fn medians(&self, width_ns: i64) -> Vec<(i64, i64)> {
        let width_ns = width_ns.max(1);
        let mut stretches: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (time, inference) in &self.points {
            let start = time.saturating_sub(time.rem_euclid(width_ns));
            stretches.entry(start).or_default().push(*inference);
        }
        stretches
            .into_iter()
            .filter_map(|(start, values)| Some((start, Distribution::new(values).percentile(50)?)))
            .collect()
    }
}

impl SeriesTally {
    pub(super) fn add(&mut self, row: &CallRow, truth: Option<Duration>) {
        let (Outcome::Ok, Some(inference)) = (row.outcome, row.inference) else { return };
        self.points.push((row.time().unix_ns(), nanoseconds(inference)));
        self.absolute_error.extend(truth.map(|truth| nanoseconds(inference.abs_diff(truth))));
    }

    pub(super) fn finish(self, provider: String, simulated: bool) -> ProviderSeries {
        let inference = self.points.iter().map(|(_, inference)| *inference).collect();
        ProviderSeries {
            provider,
            simulated,
            inference: Distribution::new(inference),
            absolute_error: Distribution::new(self.absolute_error),
            points: self.points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{summary::testing::row, time::Timestamp};

    #[test]
    fn medians_are_of_whole_stretches_of_time() {
        let mut tally = SeriesTally::default();
        for (time, inference) in [(59, 5), (60, 7), (61, 9), (119, 8)] {
            let mut row = row(1);
            row.started_at = Some(Timestamp::from_unix_ns(time));
            row.inference = Some(Duration::from_nanos(inference));
            tally.add(&row, None);
        }
        let series = tally.finish("aws".to_owned(), true);
        assert_eq!(series.medians(60), [(0, 5), (60, 8)]);
    }

    #[test]
    fn the_first_time_of_all_has_a_median() {
        let mut tally = SeriesTally::default();
        let first = Some(Timestamp::from_unix_ns(i64::MIN));
        tally.add(&CallRow { started_at: first, ..row(1) }, None);
        assert_eq!(tally.finish("aws".to_owned(), true).medians(60).len(), 1);
    }
}
