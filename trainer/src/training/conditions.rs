//! What is to be reckoned with beside values and prices: how long providers take, by stored calls.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Options, Source, TrainingError};
use crate::{
    dataset::folder::for_each_call,
    latency::{LatencyReplay, ReplayOptions, Replayed},
    policy::Limit,
    problem::Latencies,
    subset::Subset,
};

/// Which stream of the seed's generator replayed calls are drawn from.
const REPLAY_STREAM: u64 = 11;

/// How long waiting may take, and what it is taken from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitingOptions {
    /// Which stored calls are replayed.
    pub replay: ReplayOptions,
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
    replayed: Replayed,
    means_s: Vec<f64>,
    simulated: bool,
}

impl Conditions {
    /// Replays the stored calls, where waiting matters.
    pub(super) fn new(source: Source<'_>, options: &Options) -> Result<Self, TrainingError> {
        if !options.counts_waiting() {
            return Ok(Self { waiting: None });
        }
        let mut calls = Vec::new();
        for_each_call(source.folder, |call| calls.push(call)).map_err(TrainingError::Calls)?;
        let replay = LatencyReplay::new(calls, &source.dataset.providers, &options.waiting.replay)?;
        let ids: Vec<u64> = source.dataset.images.iter().map(|image| image.id).collect();
        let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
        generator.set_stream(REPLAY_STREAM);
        let replayed = replay.draw(&ids, &mut generator);
        let (means_s, simulated) = (replay.means_s(), replay.simulated());
        let conditions = Self { waiting: Some(Waiting { replayed, means_s, simulated }) };
        conditions.check(options)?;
        Ok(conditions)
    }

    /// What was replayed, in one line; `None` where waiting does not matter.
    pub(super) fn described(&self) -> Option<String> {
        let Waiting { replayed, means_s, simulated } = self.waiting.as_ref()?;
        let (measured, all) = (replayed.measured, replayed.answered.len() * means_s.len());
        let label = if *simulated { "SIMULATED: " } else { "" };
        Some(format!(
            "{label}replayed {all} stored calls, {measured} of them about the image itself"
        ))
    }

    /// How long each provider takes on the images at these places; `None` where it does not matter.
    pub(super) fn latencies(&self, places: &[usize]) -> Option<Latencies> {
        let Waiting { replayed, means_s, .. } = self.waiting.as_ref()?;
        let seconds = places.iter().flat_map(|&place| replayed.latencies.row(place)).copied();
        Some(Latencies::new(means_s.len(), seconds.collect()))
    }

    /// Who answers about an image, as far as replayed calls go.
    pub(super) fn answered(&self, place: usize) -> Option<Subset> {
        self.waiting.as_ref()?.replayed.answered.get(place).copied()
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use armol_analysis::{
        label_groups::LabelGroups,
        merge::{Merger, Method, Vote},
        outcome::Outcome,
        time::Timestamp,
    };

    use super::*;
    use crate::{
        dataset::{
            Dataset,
            collected::collect,
            folder::{self, Origin},
            records::CallRecord,
        },
        policy::{Chooser, Learner, Policy},
        testing::cat_and_dog,
        training::{Merging, Watch, train},
    };

    fn call(provider: &str, seconds: u64, outcome: Outcome) -> CallRecord {
        CallRecord {
            provider: provider.to_owned(),
            region: "sg".to_owned(),
            started_at: Timestamp::from_unix_ns(0),
            image: None,
            bytes: None,
            outcome,
            transmission: Some(Duration::ZERO),
            inference: Some(Duration::from_secs(seconds)),
            cost_microusd: 1000,
            simulated: true,
        }
    }

    /// What is asked about every image, and what was told, where these calls are stored.
    fn learned(calls: Vec<CallRecord>, change: impl Fn(&mut Options)) -> (Subset, Vec<String>) {
        let (answers, truth) = cat_and_dog();
        let mut records = collect("week", truth, &answers).unwrap().records;
        records.calls = calls;
        let place = tempfile::tempdir().unwrap();
        let (folder, table) = (&*place.path().join("week"), LabelGroups::coco());
        let origin = Origin { table, sources: Vec::new(), features: None };
        let manifest = &folder::write(&records, origin, folder).unwrap();
        let dataset = &Dataset::read(folder, table).unwrap();
        let source = Source { folder, dataset, manifest, table, dropped_words: &[] };
        let merger = Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap();
        let mut options = Options {
            beta: -0.001,
            validation_share: 0.0,
            ..Options::new(Learner::Fixed, Merging::Given(merger))
        };
        change(&mut options);
        let watch = Watch { out: None, resume: false, stop: &AtomicBool::new(false) };
        let mut lines = Vec::new();
        let policy: Policy =
            train(source, &options, watch, &mut |line| lines.push(line.to_owned())).unwrap();
        let Chooser::Fixed(set) = policy.strategy.chooser else { panic!("a fixed set") };
        (set, lines)
    }

    fn quick_and_slow() -> Vec<CallRecord> {
        vec![call("aws", 0, Outcome::Ok), call("azure", 3, Outcome::Ok)]
    }

    #[test]
    fn waiting_counts_by_its_weight_and_is_said_to_be_simulated() {
        let (patient, lines) = learned(quick_and_slow(), |_| ());
        assert_eq!(patient, Subset::all(2));
        assert!(!lines.iter().any(|line| line.contains("replayed")), "{lines:?}");
        let (hurried, lines) = learned(quick_and_slow(), |options| options.latency_weight = 1.0);
        assert_eq!(hurried, Subset::single(0));
        assert!(lines[0].starts_with("SIMULATED: replayed 4 stored calls, 0"), "{lines:?}");
    }

    #[test]
    fn answers_after_the_deadline_and_of_calls_that_failed_are_worth_nothing() {
        let deadline = |options: &mut Options| {
            options.waiting.replay.deadline = Some(Duration::from_secs(1));
        };
        assert_eq!(learned(quick_and_slow(), deadline).0, Subset::single(0));
        let failed = vec![call("aws", 0, Outcome::ServerError), call("azure", 0, Outcome::Ok)];
        let waiting = |options: &mut Options| options.latency_weight = 1.0;
        assert_eq!(learned(failed, waiting).0, Subset::single(1));
    }
}
