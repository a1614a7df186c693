//! Many calls as a few numbers.
//!
//! A [`Tally`] takes calls one by one and keeps only the integers that percentiles and charts need;
//! the [`Summary`] it ends in is what every rendering of a report reads. Calls that simulators
//! answered never share a figure with real ones.

mod dimension;
mod distribution;
mod group;
mod reconciliation;
mod series;
#[cfg(test)]
pub(crate) mod testing;

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use crate::{
    outcome::Outcome,
    split::{SplitFlags, SplitMethod},
    time::Timestamp,
};
use group::GroupTally;
use series::SeriesTally;

pub use dimension::{Dimension, UnknownDimension};
pub use distribution::{Distribution, PERCENTILE_DEFINITION};
pub use group::{Comparison, Group, OutcomeCounts};
pub use reconciliation::{Cases, LogMatch, Reconciler, Reconciliation, TruthLog};
pub use series::ProviderSeries;

/// One call as summaries and reports see it: what `v_request` has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// The call.
    pub uid: Uuid,
    /// The agent that planned it.
    pub agent: String,
    /// The agent's region.
    pub region: String,
    /// Whom it asked.
    pub provider: String,
    /// Where the provider is.
    pub provider_region: String,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it began; `None` where it was never started.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the split comes from; `None` where there is none.
    pub method: Option<SplitMethod>,
    /// What to know before trusting the split.
    pub flags: SplitFlags,
    /// The network's part up; `None` where it was not measured.
    pub upload: Option<Duration>,
    /// The server's part; `None` where it was not measured.
    pub inference: Option<Duration>,
    /// The network's part down; `None` where it was not measured.
    pub download: Option<Duration>,
    /// What the call is taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Whether a simulator answered.
    pub simulated: bool,
    /// The address that answered; `None` where no connection was opened.
    pub server_ip: Option<String>,
}

impl CallRow {
    /// The network's part: upload plus download.
    pub fn transmission(&self) -> Option<Duration> {
        self.upload?.checked_add(self.download?)
    }

    /// When it began; when it was planned to where it was never started.
    pub fn time(&self) -> Timestamp {
        self.started_at.unwrap_or(self.planned_at)
    }
}

/// What many calls come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What the calls are grouped by.
    pub by: Vec<Dimension>,
    /// The groups, in the order of their keys.
    pub groups: Vec<Group>,
    /// How all calls ended.
    pub outcomes: OutcomeCounts,
    /// How many of them simulators answered.
    pub simulated_calls: u64,
    /// What all calls are taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// When the first and the last call began; `None` where there is no call.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Each provider's inference times, in the order of their names.
    pub providers: Vec<ProviderSeries>,
}

impl Summary {
    /// Whether any figure is of a simulator.
    pub const fn is_simulated(&self) -> bool {
        self.simulated_calls > 0
    }

    /// Whether some calls are simulated and others are real.
    pub fn is_mixed(&self) -> bool {
        self.is_simulated() && self.simulated_calls < self.outcomes.total()
    }

    /// Whether any measured time has a true one beside it.
    pub fn has_truth(&self) -> bool {
        self.groups.iter().any(|group| group.truth.matched() > 0)
    }
}

/// A summary while calls are added to it.
#[derive(Debug)]
pub struct Tally {
    by: Vec<Dimension>,
    groups: BTreeMap<(Vec<String>, bool), GroupTally>,
    providers: BTreeMap<(String, bool), SeriesTally>,
    outcomes: OutcomeCounts,
    simulated_calls: u64,
    cost_microusd: u64,
    span: Option<(Timestamp, Timestamp)>,
}

impl Tally {
    /// A tally without calls; a dimension that is named twice counts once.
    pub fn new(dimensions: &[Dimension]) -> Self {
        let mut by = Vec::new();
        for dimension in dimensions {
            if !by.contains(dimension) {
                by.push(*dimension);
            }
        }
        Self {
            by,
            groups: BTreeMap::new(),
            providers: BTreeMap::new(),
            outcomes: OutcomeCounts::default(),
            simulated_calls: 0,
            cost_microusd: 0,
            span: None,
        }
    }

    /// Adds a call, and its true inference time where that is known.
    pub fn add(&mut self, row: &CallRow, truth: Option<Duration>) {
        let key = self.by.iter().map(|dimension| dimension.value(row)).collect();
        self.groups.entry((key, row.simulated)).or_default().add(row, truth);
        let provider = (row.provider.clone(), row.simulated);
        self.providers.entry(provider).or_default().add(row, truth);
        self.outcomes.add(row.outcome);
        self.simulated_calls += u64::from(row.simulated);
        self.cost_microusd = self.cost_microusd.saturating_add(row.cost_microusd);
        let time = row.time();
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// Puts all times in order.
    pub fn finish(self) -> Summary {
        let mut groups = Vec::new();
        for ((key, simulated), group) in self.groups {
            groups.push(group.finish(key, simulated));
        }
        let mut providers = Vec::new();
        for ((provider, simulated), series) in self.providers {
            providers.push(series.finish(provider, simulated));
        }
        Summary {
            by: self.by,
            groups,
            outcomes: self.outcomes,
            simulated_calls: self.simulated_calls,
            cost_microusd: self.cost_microusd,
            span: self.span,
            providers,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{testing::row, *};
    use crate::outcome::Phase;

    fn summarise(by: &[Dimension], rows: &[CallRow]) -> Summary {
        let mut tally = Tally::new(by);
        for row in rows {
            tally.add(row, None);
        }
        tally.finish()
    }

    #[test]
    fn one_dimension_alone_groups_everything_else_together() {
        let rows = [
            row(1),
            CallRow { provider: "azure".to_owned(), ..row(2) },
            CallRow { region: "hk".to_owned(), ..row(3) },
        ];
        let summary = summarise(&[Dimension::Region, Dimension::Region], &rows);
        let groups: Vec<_> =
            summary.groups.iter().map(|group| (group.key.join(","), group.calls())).collect();
        assert_eq!(groups, [("hk".to_owned(), 1), ("us".to_owned(), 2)]);
        assert_eq!(summary.providers.len(), 2);
    }

    #[test]
    fn simulated_and_real_calls_share_no_group_and_no_series() {
        let rows = [row(1), CallRow { simulated: false, ..row(2) }];
        let summary = summarise(&[Dimension::Provider], &rows);
        assert_eq!(summary.groups.len(), 2);
        assert_eq!(summary.providers.len(), 2);
        assert!(summary.is_mixed());
    }

    #[test]
    fn only_ok_calls_count_towards_latency() {
        let timeout = Outcome::Timeout(Phase::Download);
        let rows = [row(1), CallRow { outcome: timeout, ..row(2) }];
        let summary = summarise(&[Dimension::Region], &rows);
        let [group] = &summary.groups[..] else { panic!("one group") };
        assert_eq!((group.calls(), group.ok(), group.inference.count()), (2, 1, 1));
        assert_eq!(group.outcomes.failures(), [("timeout (download)".to_owned(), 1)]);
        assert_eq!(group.cost_microusd, 2000);
    }

    #[test]
    fn absent_times_are_left_out_and_counted() {
        let flags = SplitFlags::EARLY_RESPONSE;
        let nulled = CallRow { upload: None, inference: None, download: None, flags, ..row(2) };
        let summary = summarise(&[Dimension::Region], &[row(1), nulled]);
        let [group] = &summary.groups[..] else { panic!("one group") };
        assert_eq!((group.without_split, group.packets), (1, 1));
        assert_eq!(group.inference.values(), [100_000_000]);
        assert_eq!(group.transmission.values(), [4_000_000]);
        assert_eq!(group.flags.get("early_response"), Some(&1));
    }

    #[test]
    fn truth_is_compared_call_by_call() {
        let mut tally = Tally::new(&[Dimension::Region]);
        for truth in [Some(101), Some(98), None] {
            tally.add(&row(1), truth.map(Duration::from_millis));
        }
        let summary = tally.finish();
        let [group] = &summary.groups[..] else { panic!("one group") };
        assert_eq!(group.truth.matched(), 2);
        assert_eq!(group.truth.signed_error.values(), [-1_000_000, 2_000_000]);
        assert_eq!(group.truth.absolute_error.percentile(50), Some(1_000_000));
    }

    proptest! {
        #[test]
        fn counts_sum_and_percentiles_are_in_order(
            calls in prop::collection::vec(
                (0_u8..4, any::<bool>(), any::<bool>(), prop::option::of(0_u64..1 << 40)),
                0..60,
            ),
        ) {
            let rows: Vec<CallRow> = calls
                .iter()
                .map(|(region, ok, simulated, inference)| CallRow {
                    region: format!("r{region}"),
                    outcome: if *ok { Outcome::Ok } else { Outcome::Throttled },
                    simulated: *simulated,
                    inference: inference.map(Duration::from_nanos),
                    ..row(1)
                })
                .collect();
            let summary = summarise(&[Dimension::Region, Dimension::Outcome], &rows);
            let calls: u64 = summary.groups.iter().map(Group::calls).sum();
            let cost: u64 = summary.groups.iter().map(|group| group.cost_microusd).sum();
            prop_assert_eq!(calls, rows.len() as u64);
            prop_assert_eq!(calls, summary.outcomes.total());
            prop_assert_eq!(cost, summary.cost_microusd);
            for group in &summary.groups {
                prop_assert_eq!(group.inference.count() + group.without_split, group.ok());
                prop_assert!(group.inference.percentile(50) <= group.inference.percentile(95));
            }
        }
    }
}
