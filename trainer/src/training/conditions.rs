//! What is to be reckoned with beside values and prices: how long providers take, by stored calls.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Options, Source, TrainingError};
use crate::{
    dataset::folder::for_each_call,
    latency::{LatencyReplay, ReplayOptions},
    policy::Limit,
    problem::Latencies,
    subset::Subset,
};

/// Which stream of the seed's generator replayed calls are drawn from.
const REPLAY_STREAM: u64 = 11;

/// How long waiting may take, and what it is taken from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitingOptions {
    /// Of which stored calls; of all without it.
    pub region: Option<String>,
    /// What the calls about an image may take together at the mean.
    pub most: Option<Duration>,
}

/// What is to be reckoned with, of all images of a data set.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    waiting: Option<Waiting>,
}

/// How long providers take.
#[derive(Clone, Debug)]
struct Waiting {
    latencies: Latencies,
    means_s: Vec<f64>,
}

impl Conditions {
    /// Replays the stored calls, where waiting matters.
    pub(super) fn new(source: Source<'_>, options: &Options) -> Result<Self, TrainingError> {
        if options.latency_weight <= 0.0 && options.waiting.most.is_none() {
            return Ok(Self { waiting: None });
        }
        let mut calls = Vec::new();
        for_each_call(source.folder, |call| calls.push(call)).map_err(TrainingError::Calls)?;
        let which =
            ReplayOptions { region: options.waiting.region.clone(), ..ReplayOptions::default() };
        let replay = LatencyReplay::new(calls, &source.dataset.providers, &which)?;
        let ids: Vec<u64> = source.dataset.images.iter().map(|image| image.id).collect();
        let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
        generator.set_stream(REPLAY_STREAM);
        let latencies = replay.draw(&ids, &mut generator).latencies;
        let waiting = Some(Waiting { latencies, means_s: replay.means_s() });
        let conditions = Self { waiting };
        conditions.check(options)?;
        Ok(conditions)
    }

    /// How long each provider takes on the images at these places; `None` where it does not matter.
    pub(super) fn latencies(&self, places: &[usize]) -> Option<Latencies> {
        let Waiting { latencies, means_s } = self.waiting.as_ref()?;
        let seconds = places.iter().flat_map(|&place| latencies.row(place)).copied();
        Some(Latencies::new(means_s.len(), seconds.collect()))
    }

    /// What calls may take at the mean; `None` where they may take any time.
    pub(super) fn limit(&self, options: &Options) -> Option<Limit> {
        let most_s = options.waiting.most?.as_secs_f64();
        let means_s = self.waiting.as_ref()?.means_s.clone();
        Some(Limit { most_s, means_s })
    }

    fn check(&self, options: &Options) -> Result<(), TrainingError> {
        let Some(limit) = self.limit(options) else { return Ok(()) };
        let all = Subset::all(limit.means_s.len());
        if limit.within(all, Subset::default()).is_empty() {
            let least = limit.means_s.iter().copied().fold(f64::INFINITY, f64::min);
            return Err(TrainingError::Waiting { most_s: limit.most_s, least_s: least });
        }
        Ok(())
    }
}
