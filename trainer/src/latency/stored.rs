//! The stored calls of one provider, by image and by hour.

use std::{collections::BTreeMap, time::Duration};

use armol_analysis::outcome::Outcome;
use rand::Rng;

use super::{HOURS, hour_of_day};
use crate::{baseline::number, dataset::records::CallRecord};

/// One call, as far as it is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct StoredCall {
    pub(super) seconds: f32,
    pub(super) answered: bool,
    pub(super) bytes: Option<u64>,
}

/// The calls of one provider; there is at least one.
#[derive(Clone, Debug)]
pub(super) struct ProviderCalls {
    about: BTreeMap<u64, Vec<StoredCall>>,
    all: Vec<StoredCall>,
    by_hour: Vec<Vec<StoredCall>>,
}

impl ProviderCalls {
    /// Sorts the calls by time; `None` where none of them was timed.
    pub(super) fn new(mut calls: Vec<CallRecord>, deadline: Option<Duration>) -> Option<Self> {
        let longest = calls.iter().filter_map(CallRecord::total).max()?;
        calls.sort_by_key(|call| call.started_at.unix_ns());
        let mut sorted =
            Self { about: BTreeMap::new(), all: Vec::new(), by_hour: vec![Vec::new(); HOURS] };
        for call in calls {
            let Some(stored) = replayed(&call, longest, deadline) else { continue };
            sorted.all.push(stored);
            if let Some(hour) = sorted.by_hour.get_mut(hour_of_day(&call)) {
                hour.push(stored);
            }
            if let Some(image) = call.image {
                sorted.about.entry(image).or_default().push(stored);
            }
        }
        Some(sorted)
    }

    /// Whether it was called in that hour of some day.
    pub(super) fn has_hour(&self, hour: usize) -> bool {
        self.by_hour.get(hour).is_some_and(|calls| !calls.is_empty())
    }

    /// How long a call takes at the mean.
    pub(super) fn mean_s(&self) -> f64 {
        let sum: f64 = self.all.iter().map(|call| f64::from(call.seconds)).sum();
        sum / number(u64::try_from(self.all.len()).unwrap_or(u64::MAX))
    }

    /// One of the calls about an image.
    pub(super) fn about(&self, image: u64, generator: &mut impl Rng) -> Option<StoredCall> {
        let calls = self.about.get(&image)?;
        calls.get(generator.random_range(0..calls.len())).copied()
    }

    /// Calls that followed one another in an hour, round its end to its start; of any hour where
    /// there is none in that.
    pub(super) fn run(
        &self,
        hour: usize,
        length: usize,
        generator: &mut impl Rng,
    ) -> Vec<StoredCall> {
        let calls = self.by_hour.get(hour).filter(|calls| !calls.is_empty()).unwrap_or(&self.all);
        let start = generator.random_range(0..calls.len());
        calls.iter().copied().cycle().skip(start).take(length).collect()
    }
}

/// What is replayed of a call. A failed one that nobody timed is waited for as long as the longest
/// of its provider; one that brought an answer and was not timed says nothing.
fn replayed(
    call: &CallRecord,
    longest: Duration,
    deadline: Option<Duration>,
) -> Option<StoredCall> {
    let answered = call.outcome == Outcome::Ok;
    let length = match call.total() {
        Some(length) => length,
        None if answered => return None,
        None => longest,
    };
    let late = deadline.filter(|deadline| length > *deadline);
    Some(StoredCall {
        seconds: late.unwrap_or(length).as_secs_f32(),
        answered: answered && late.is_none(),
        bytes: call.bytes,
    })
}
