//! The figures of one group of calls.
//!
//! Only calls that ended ok count towards latency, and of those only the times that were measured:
//! an absent time is left out and counted, never taken for zero.

use std::{collections::BTreeMap, time::Duration};

use super::{CallRow, Distribution};
use crate::{
    outcome::Outcome,
    split::{SplitFlags, SplitMethod},
    time::nanoseconds,
};

/// What is known of the calls that share a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The calls' value in each dimension of the summary.
    pub key: Vec<String>,
    /// Whether simulators answered these calls; simulated and real calls never share a group.
    pub simulated: bool,
    /// How the calls ended.
    pub outcomes: OutcomeCounts,
    /// Ok calls whose split comes from packets.
    pub packets: u64,
    /// Ok calls whose split comes from the kernel's stamps of the socket.
    pub socket: u64,
    /// Ok calls whose split comes from the application's timers.
    pub application: u64,
    /// Ok calls without an inference time.
    pub without_split: u64,
    /// How many ok calls carry each flag, by its word.
    pub flags: BTreeMap<String, u64>,
    /// The network's part up, in nanoseconds.
    pub upload: Distribution,
    /// The server's part, in nanoseconds.
    pub inference: Distribution,
    /// The network's part down, in nanoseconds.
    pub download: Distribution,
    /// Upload plus download, in nanoseconds.
    pub transmission: Distribution,
    /// What all calls are taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// The inference times beside the true ones; empty where no truth is known.
    pub truth: Comparison,
}

/// How many calls ended in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    counts: BTreeMap<(&'static str, Option<&'static str>), u64>,
}

/// Measured inference times beside the true ones of the same calls, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The true times.
    pub truth: Distribution,
    /// Measured minus true.
    pub signed_error: Distribution,
    /// The same without its sign.
    pub absolute_error: Distribution,
}

/// A group while calls are added to it.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupTally {
    outcomes: OutcomeCounts,
    packets: u64,
    socket: u64,
    application: u64,
    without_split: u64,
    flags: BTreeMap<String, u64>,
    upload: Vec<i64>,
    inference: Vec<i64>,
    download: Vec<i64>,
    transmission: Vec<i64>,
    cost_microusd: u64,
    truth: Vec<i64>,
    signed_error: Vec<i64>,
}

impl Group {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.outcomes.total()
    }

    /// The calls that were answered well.
    pub fn ok(&self) -> u64 {
        self.outcomes.ok()
    }
}

impl OutcomeCounts {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        *self.counts.entry((outcome.as_str(), outcome.detail())).or_default() += 1;
    }

    /// All calls.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The calls that ended ok.
    pub fn ok(&self) -> u64 {
        self.counts.get(&(Outcome::Ok.as_str(), None)).copied().unwrap_or_default()
    }

    /// Counts by the outcome's word, whatever the phase or the reason.
    pub fn by_word(&self) -> BTreeMap<&'static str, u64> {
        let mut words = BTreeMap::new();
        for ((word, _), count) in &self.counts {
            *words.entry(*word).or_default() += count;
        }
        words
    }

    /// What is not ok: `timeout (wait)` and how often, for instance.
    pub fn failures(&self) -> Vec<(String, u64)> {
        let mut failures = Vec::new();
        for ((word, detail), count) in &self.counts {
            match detail {
                Some(detail) => failures.push((format!("{word} ({detail})"), *count)),
                None if *word == Outcome::Ok.as_str() => {}
                None => failures.push(((*word).to_owned(), *count)),
            }
        }
        failures
    }
}

impl Comparison {
    /// How many calls have both a measured and a true time.
    pub fn matched(&self) -> u64 {
        self.truth.count()
    }
}

impl GroupTally {
    /// Adds a call, and its true inference time where that is known.
    pub(super) fn add(&mut self, row: &CallRow, truth: Option<Duration>) {
        self.outcomes.add(row.outcome);
        self.cost_microusd = self.cost_microusd.saturating_add(row.cost_microusd);
        if row.outcome != Outcome::Ok {
            return;
        }
        self.add_flags(row.flags);
        self.upload.extend(row.upload.map(nanoseconds));
        self.download.extend(row.download.map(nanoseconds));
        self.transmission.extend(row.transmission().map(nanoseconds));
        let Some(inference) = row.inference.map(nanoseconds) else {
            self.without_split += 1;
            return;
        };
        self.inference.push(inference);
        match row.method {
            Some(SplitMethod::Packets) => self.packets += 1,
            Some(SplitMethod::Socket) => self.socket += 1,
            Some(SplitMethod::Application) => self.application += 1,
            None => {}
        }
        if let Some(truth) = truth.map(nanoseconds) {
            self.truth.push(truth);
            self.signed_error.push(inference - truth);
        }
    }

    fn add_flags(&mut self, flags: SplitFlags) {
        for word in flags.words() {
            *self.flags.entry(word).or_default() += 1;
        }
    }

    /// Puts the times in order.
    pub(super) fn finish(self, key: Vec<String>, simulated: bool) -> Group {
        let absolute_error = self.signed_error.iter().map(|error| error.saturating_abs()).collect();
        Group {
            key,
            simulated,
            outcomes: self.outcomes,
            packets: self.packets,
            socket: self.socket,
            application: self.application,
            without_split: self.without_split,
            flags: self.flags,
            upload: Distribution::new(self.upload),
            inference: Distribution::new(self.inference),
            download: Distribution::new(self.download),
            transmission: Distribution::new(self.transmission),
            cost_microusd: self.cost_microusd,
            truth: Comparison {
                truth: Distribution::new(self.truth),
                signed_error: Distribution::new(self.signed_error),
                absolute_error: Distribution::new(absolute_error),
            },
        }
    }
}
