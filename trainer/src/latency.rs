//! Stored calls, replayed: how long providers take, and how often they fail, drawn from what agents
//! measured.
//!
//! An image that a provider was called about takes as long as one of those calls. For any other, a
//! run of calls that followed one another in one hour of the day is drawn (the block bootstrap of
//! Künsch 1989, which keeps what neighbours in time have in common), all providers' of the same
//! hour, and of that run the call about a file of the nearest size. A call that brought no answer
//! brings none when it is replayed.

mod stored;

use std::{collections::BTreeMap, time::Duration};

use chrono::Timelike;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::{
    dataset::{Provider, records::CallRecord},
    problem::Latencies,
    subset::Subset,
};
use stored::{ProviderCalls, StoredCall};

/// How many images in a row share an hour, and how many calls in a row are drawn from.
pub const BLOCK: usize = 16;

/// The hours of a day.
const HOURS: usize = 24;

/// Which calls are replayed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayOptions {
    /// Calls that were sent from there; `None` for all.
    pub region: Option<String>,
    /// Calls of this hour of the day, in UTC; `None` for all hours alike.
    pub hour: Option<u8>,
    /// A call that takes longer brings no answer, and is waited for as long as this.
    pub deadline: Option<Duration>,
}

/// Stored calls, ready to be drawn from; providers go by their place in the data set.
#[derive(Clone, Debug)]
pub struct LatencyReplay {
    providers: Vec<ProviderCalls>,
    bytes: BTreeMap<u64, u64>,
    hours: Vec<usize>,
    simulated: bool,
}

/// What was drawn for each image and provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// How long each call takes.
    pub latencies: Latencies,
    /// Who answers, image by image.
    pub answered: Vec<Subset>,
    /// How many of the calls were stored ones about the image itself.
    pub measured: usize,
}

/// Why there is nothing to replay.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// A provider was never called.
    #[error(
        "the data set holds no timed call of {provider}{where_and_when}; make it with dataset \
         from-collector of a span in which agents called it, or ask for another region or hour"
    )]
    NoCalls {
        /// The provider.
        provider: String,
        /// The region and hour that were asked for.
        where_and_when: String,
    },
}

impl LatencyReplay {
    /// Takes the calls of a data set's providers that were sent, in any order.
    ///
    /// # Errors
    /// Where no call of a provider was timed, in that region and hour.
    pub fn new(
        calls: impl IntoIterator<Item = CallRecord>,
        providers: &[Provider],
        options: &ReplayOptions,
    ) -> Result<Self, ReplayError> {
        let mut bytes = BTreeMap::new();
        let mut by_provider = vec![Vec::new(); providers.len()];
        let mut simulated = false;
        for call in calls {
            if let (Some(image), Some(size)) = (call.image, call.bytes) {
                bytes.insert(image, size);
            }
            let place = providers.iter().position(|provider| provider.name == call.provider);
            let Some(stored) = place.and_then(|place| by_provider.get_mut(place)) else { continue };
            if call.outcome.may_have_been_sent() && is_asked_for(&call, options) {
                simulated |= call.simulated;
                stored.push(call);
            }
        }
        let mut replay = Self { providers: Vec::new(), bytes, hours: Vec::new(), simulated };
        for (provider, calls) in providers.iter().zip(by_provider) {
            let stored = ProviderCalls::new(calls, options.deadline);
            replay.providers.push(stored.ok_or_else(|| ReplayError::NoCalls {
                provider: provider.name.clone(),
                where_and_when: where_and_when(options),
            })?);
        }
        let called = |hour: &usize| replay.providers.iter().any(|calls| calls.has_hour(*hour));
        replay.hours = (0..HOURS).filter(called).collect();
        Ok(replay)
    }

    /// Whether a simulator took part.
    pub const fn simulated(&self) -> bool {
        self.simulated
    }

    /// How long each provider takes at the mean, in seconds, failures included.
    pub fn means_s(&self) -> Vec<f64> {
        self.providers.iter().map(ProviderCalls::mean_s).collect()
    }

    /// Draws a call of every provider for each image by its id; the same generator gives the same
    /// calls.
    pub fn draw(&self, images: &[u64], generator: &mut ChaCha8Rng) -> Replayed {
        let count = self.providers.len();
        let mut seconds = Vec::with_capacity(images.len() * count);
        let mut answered = Vec::with_capacity(images.len());
        let mut measured = 0;
        for block in images.chunks(BLOCK) {
            let hour = self.hours.get(generator.random_range(0..self.hours.len().max(1)));
            let hour = hour.copied().unwrap_or_default();
            let runs = self.providers.iter().map(|calls| calls.run(hour, BLOCK, generator));
            let runs: Vec<Vec<StoredCall>> = runs.collect();
            for (position, image) in block.iter().enumerate() {
                let mut who = Subset::default();
                for (place, (calls, run)) in self.providers.iter().zip(&runs).enumerate() {
                    let own = calls.about(*image, generator);
                    measured += usize::from(own.is_some());
                    let size = self.bytes.get(image).copied();
                    let call = own.or_else(|| nearest(run, position, size)).unwrap_or_default();
                    seconds.push(call.seconds);
                    who = if call.answered { who.with(place) } else { who };
                }
                answered.push(who);
            }
        }
        Replayed { latencies: Latencies::new(count, seconds), answered, measured }
    }
}

/// Of a run, the call about a file of the nearest size, beginning at a position; the one there where
/// the size is not known.
fn nearest(run: &[StoredCall], position: usize, size: Option<u64>) -> Option<StoredCall> {
    let start = position.checked_rem(run.len())?;
    let (before, behind) = run.split_at_checked(start)?;
    let mut turned = behind.iter().chain(before).copied();
    let Some(size) = size else { return turned.next() };
    turned.min_by_key(|call| call.bytes.map_or(u64::MAX, |bytes| bytes.abs_diff(size)))
}

fn is_asked_for(call: &CallRecord, options: &ReplayOptions) -> bool {
    let there = options.region.as_ref().is_none_or(|region| *region == call.region);
    there && options.hour.is_none_or(|hour| usize::from(hour) == hour_of_day(call))
}

/// The hour of the day in UTC.
fn hour_of_day(call: &CallRecord) -> usize {
    usize::try_from(call.started_at.to_utc().hour()).unwrap_or_default()
}

fn where_and_when(options: &ReplayOptions) -> String {
    let region = options.region.as_ref().map(|region| format!(" from {region}"));
    let hour = options.hour.map(|hour| format!(" in the hour {hour:02} UTC"));
    region.unwrap_or_default() + &hour.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        outcome::{Outcome, Phase},
        time::Timestamp,
    };
    use rand::SeedableRng;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn provider(name: &str) -> Provider {
        Provider { name: name.to_owned(), simulated: true, price_microusd: 1000 }
    }

    /// A call that took so many milliseconds.
    fn call(name: &str, hour: u32, milliseconds: u64) -> CallRecord {
        CallRecord {
            provider: name.to_owned(),
            region: "sg".to_owned(),
            started_at: Timestamp::from_unix_ns(0)
                .plus(HOUR * hour + Duration::from_millis(milliseconds)),
            image: None,
            bytes: None,
            outcome: Outcome::Ok,
            transmission: Some(Duration::from_millis(milliseconds / 2)),
            inference: Some(Duration::from_millis(milliseconds - milliseconds / 2)),
            cost_microusd: 1000,
            simulated: true,
        }
    }

    fn replay(calls: Vec<CallRecord>, options: &ReplayOptions) -> LatencyReplay {
        LatencyReplay::new(calls, &[provider("aws"), provider("azure")], options).unwrap()
    }

    fn generator() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(3)
    }

    /// Calls of two providers over a day, those of azure slower at night.
    fn day() -> Vec<CallRecord> {
        let mut calls = Vec::new();
        for hour in 0..24 {
            for minute in 0..40 {
                calls.push(call("aws", hour, 200 + minute));
                calls.push(call("azure", hour, if hour < 6 { 900 } else { 300 } + minute));
            }
        }
        calls
    }

    fn seconds(replayed: &Replayed, provider: usize) -> Vec<f32> {
        let images = 0..replayed.answered.len();
        images.map(|image| replayed.latencies.row(image)[provider]).collect()
    }

    /// The share of numbers not above another.
    fn share_to(values: &[f32], most: f32) -> f64 {
        let within = values.iter().filter(|value| **value <= most).count();
        crate::baseline::number(within as u64) / crate::baseline::number(values.len() as u64)
    }

    #[test]
    fn what_is_drawn_has_the_stored_distribution() {
        let calls = day();
        let stored: Vec<f32> = calls
            .iter()
            .filter(|call| call.provider == "azure")
            .map(|call| call.total().unwrap().as_secs_f32())
            .collect();
        let images: Vec<u64> = (0..40_000).collect();
        let replayed = replay(calls, &ReplayOptions::default()).draw(&images, &mut generator());
        let drawn = seconds(&replayed, 1);
        for most in [0.305, 0.32, 0.335, 0.5, 0.91, 0.93] {
            let (stored, drawn) = (share_to(&stored, most), share_to(&drawn, most));
            assert!((stored - drawn).abs() < 0.03, "to {most} s: {stored}, drawn {drawn}");
        }
        assert_eq!(replayed.measured, 0);
    }

    #[test]
    fn neighbours_share_an_hour() {
        let images: Vec<u64> = (0..1_600).collect();
        let drawn = replay(day(), &ReplayOptions::default()).draw(&images, &mut generator());
        for block in seconds(&drawn, 1).chunks(BLOCK) {
            assert!(block.iter().all(|value| (*value < 0.5) == (block[0] < 0.5)), "{block:?}");
        }
    }

    #[test]
    fn an_image_takes_as_long_as_a_call_about_it() {
        let mut calls = day();
        calls.push(CallRecord { image: Some(7), ..call("aws", 3, 5_000) });
        let drawn = replay(calls, &ReplayOptions::default()).draw(&[6, 7, 7, 8], &mut generator());
        let aws = seconds(&drawn, 0);
        assert_eq!((aws[1], aws[2], drawn.measured), (5.0, 5.0, 2));
        assert!(aws[0] < 1.0 && aws[3] < 1.0, "{aws:?}");
    }

    #[test]
    fn a_file_of_some_size_takes_as_long_as_one_of_the_nearest() {
        let sized = |milliseconds, bytes, image| CallRecord {
            bytes: Some(bytes),
            image,
            ..call("aws", 0, milliseconds)
        };
        let mut calls: Vec<_> = (0..8).map(|_| sized(100, 10_000, None)).collect();
        calls.extend((0..8).map(|_| sized(800, 900_000, None)));
        calls.push(CallRecord { image: Some(1), bytes: Some(850_000), ..call("azure", 0, 300) });
        let drawn = replay(calls, &ReplayOptions::default()).draw(&[1], &mut generator());
        assert_eq!(seconds(&drawn, 0), [0.8]);
    }

    #[test]
    fn failures_fail_again_and_take_as_long_as_they_did_or_as_long_as_anything() {
        let failed = |outcome, milliseconds| CallRecord { outcome, ..call("aws", 0, milliseconds) };
        let untimed = CallRecord {
            transmission: None,
            inference: None,
            image: Some(2),
            ..failed(Outcome::Timeout(Phase::Wait), 0)
        };
        let calls = vec![
            call("azure", 0, 100),
            call("aws", 0, 400),
            CallRecord { image: Some(1), ..failed(Outcome::ServerError, 50) },
            untimed,
            CallRecord { image: Some(3), ..call("aws", 0, 400) },
        ];
        let mut generator = generator();
        let drawn =
            replay(calls.clone(), &ReplayOptions::default()).draw(&[1, 2, 3], &mut generator);
        assert_eq!(seconds(&drawn, 0), [0.05, 0.4, 0.4]);
        assert_eq!(drawn.answered, [Subset::single(1), Subset::single(1), Subset::all(2)]);
        let options = ReplayOptions {
            deadline: Some(Duration::from_millis(300)),
            ..ReplayOptions::default()
        };
        let hurried = replay(calls, &options).draw(&[2, 3], &mut generator);
        assert_eq!(seconds(&hurried, 0), [0.3, 0.3]);
        assert_eq!(hurried.answered, [Subset::single(1); 2]);
    }

    #[test]
    fn the_same_seed_draws_the_same_calls() {
        let images: Vec<u64> = (0..500).collect();
        let replay = replay(day(), &ReplayOptions::default());
        let one = replay.draw(&images, &mut generator());
        assert_eq!(one, replay.draw(&images, &mut generator()));
        assert_ne!(one, replay.draw(&images, &mut ChaCha8Rng::seed_from_u64(4)));
    }

    #[test]
    fn a_region_or_hour_without_calls_is_refused_by_name() {
        let options = ReplayOptions {
            region: Some("us".to_owned()),
            hour: Some(4),
            ..ReplayOptions::default()
        };
        let providers = [provider("aws")];
        let refusal = LatencyReplay::new(day(), &providers, &options).unwrap_err().to_string();
        assert!(refusal.contains("call of aws from us in the hour 04 UTC;"), "{refusal}");
        let night = ReplayOptions { hour: Some(4), ..ReplayOptions::default() };
        let drawn = replay(day(), &night).draw(&[1, 2, 3], &mut generator());
        assert!(seconds(&drawn, 1).iter().all(|value| *value > 0.8));
    }
}
