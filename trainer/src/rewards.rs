//! The table of rewards: what every choice of providers is worth on every image.
//!
//! All answers are stored, so that every choice can be judged once, before anything is learned or
//! compared. Baselines read the table, and so can whoever learns to choose. Images are shared out
//! over threads; the table is the same whatever their number, so that it can be kept (`cache`).

mod cache;
mod measure;
mod scored_image;

use std::{
    num::NonZero,
    panic,
    sync::{Mutex, PoisonError},
    thread,
};

use armol_analysis::merge::{TooManyAnswers, rounded, subset_values};
use thiserror::Error;

pub use cache::{CACHE_FOLDER, TableCache, TableSource};
pub use measure::{Measure, UnknownMeasure};
pub use scored_image::{ScoredImage, Valuation, Worth};

use crate::subset::{MOST_PROVIDERS, Subset};

/// What every subset of the providers but the empty one is worth, image by image.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewards {
    providers: usize,
    values: Vec<f32>,
}

/// The table would have more columns than can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{0} providers have too many subsets to try each on every image; choose at most \
     {MOST_PROVIDERS} of them (--providers)"
)]
pub struct TooManyProviders(pub usize);

/// How many images a thread takes at a time.
const IMAGES_AT_ONCE: usize = 32;

impl Rewards {
    /// Judges every subset of so many providers on every image; `done` is told of images as they are
    /// finished.
    ///
    /// # Errors
    /// Where there are more than [`MOST_PROVIDERS`] providers.
    pub fn new<W: Worth>(
        images: &[ScoredImage<'_>],
        providers: usize,
        valuation: Valuation<'_, W>,
        threads: NonZero<usize>,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, TooManyProviders> {
        if providers > MOST_PROVIDERS {
            return Err(TooManyProviders(providers));
        }
        let subsets = Subset::each(providers).count();
        let mut values = vec![0.0; images.len() * subsets];
        let rows = values.chunks_mut((IMAGES_AT_ONCE * subsets).max(1));
        let work = Mutex::new(images.chunks(IMAGES_AT_ONCE).zip(rows));
        let next = || work.lock().unwrap_or_else(PoisonError::into_inner).next();
        let judge = || {
            while let Some((images, rows)) = next() {
                for (image, row) in images.iter().zip(rows.chunks_mut(subsets)) {
                    row.copy_from_slice(&values_of(image, valuation)?);
                }
                done(images.len());
            }
            Ok::<_, TooManyAnswers>(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(judge)).collect();
            for worker in workers {
                let judged = worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
                judged.map_err(|TooManyAnswers(providers)| TooManyProviders(providers))?;
            }
            Ok(())
        })?;
        Ok(Self { providers, values })
    }

    /// How many providers there are to choose from.
    pub const fn providers(&self) -> usize {
        self.providers
    }

    /// How many images it is about.
    pub fn images(&self) -> usize {
        self.rows().len()
    }

    /// What each subset is worth on one image, in the order of [`Subset::each`].
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks(Subset::each(self.providers).count().max(1))
    }

    /// What a subset is worth on one image, both by place; `None` where there is no such image, or the
    /// subset is empty or of other providers.
    pub fn value(&self, image: usize, subset: Subset) -> Option<f32> {
        let subsets = Subset::each(self.providers).count();
        let place = subset.place().filter(|place| *place < subsets)?;
        self.values.get(image.checked_mul(subsets)?.checked_add(place)?).copied()
    }

    /// The mean over the images of what each subset is worth, in the order of [`Subset::each`].
    pub fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; Subset::each(self.providers).count()];
        for row in self.rows() {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        let images = crate::baseline::number(u64::try_from(self.images()).unwrap_or(u64::MAX));
        sums.iter().map(|sum| sum / images).collect()
    }
}

/// What every subset is worth on one image. Who did not answer has no vote, so that a set with it is
/// worth what the set without it is, and a set of nobody else what an empty answer is.
fn values_of<W: Worth>(
    image: &ScoredImage<'_>,
    valuation: Valuation<'_, W>,
) -> Result<Vec<f32>, TooManyAnswers> {
    let value = |merged: &[_]| valuation.value(merged, image);
    let mut values = subset_values(valuation.merger, image.candidates(), value)?;
    let providers = image.candidates().answers();
    if image.answered() == Subset::all(providers) {
        return Ok(values);
    }
    let of_nobody = rounded(value(&[]));
    for subset in Subset::each(providers) {
        let answering = subset.within(image.answered());
        let value = answering.place().map_or(Some(of_nobody), |place| values.get(place).copied());
        if let (Some(place), Some(value)) = (subset.place(), value)
            && let Some(entry) = values.get_mut(place)
        {
            *entry = value;
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        merge::{Merger, Method, Vote},
        metrics::{balanced::BalancedReward, image_value::ValueRule},
    };

    use super::*;
    use crate::{
        dataset::Dataset,
        testing::{cat_and_dog, dataset, labels_of},
    };

    fn rewards(dataset: &Dataset, vote: Vote, threads: usize) -> Rewards {
        let merger = Merger::new(vote, Method::Wbf).unwrap();
        let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
        let images = Measure::of(dataset).images(dataset);
        let threads = NonZero::new(threads).unwrap();
        Rewards::new(&images, dataset.providers.len(), valuation, threads, &|_| ()).unwrap()
    }

    #[test]
    fn each_row_has_the_value_of_every_subset() {
        let (answers, truth) = cat_and_dog();
        let rewards = rewards(&dataset(&answers, truth), Vote::Affirmative, 2);
        let rows: Vec<&[f32]> = rewards.rows().collect();
        assert_eq!(rows, [[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]]);
        assert_eq!(rewards.means(), [0.0, 0.0, 1.0]);
        assert_eq!(rewards.value(1, Subset::single(0)), Some(-1.0));
        assert_eq!(rewards.value(2, Subset::single(0)), None);
        assert_eq!(rewards.value(0, Subset::single(2)), None);
    }

    #[test]
    fn who_did_not_answer_has_no_vote() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| answer.image != "cat.jpg" || answer.provider == "aws");
        let rewards = rewards(&dataset(&answers, truth), Vote::Unanimous, 1);
        let rows: Vec<&[f32]> = rewards.rows().collect();
        assert_eq!(rows, [[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]]);
    }

    #[test]
    fn labels_that_nobody_was_there_to_name_are_missed() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| answer.image != "cat.jpg" || answer.provider == "aws");
        let labels = labels_of(&dataset(&answers, truth));
        let rewards = rewards(&labels, Vote::Affirmative, 1);
        let rows: Vec<&[f32]> = rewards.rows().collect();
        assert_eq!(rows, [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]);
    }

    #[test]
    fn a_table_of_another_rule_has_its_values_with_nothing_for_nobody() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| answer.image != "cat.jpg" || answer.provider == "aws");
        let dataset = dataset(&answers, truth);
        let truths = dataset.images.iter().map(|image| image.truth.as_slice());
        let reward = BalancedReward::new(truths, 1.0).unwrap();
        let merger = Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap();
        let valuation = Valuation { merger: &merger, rule: &reward };
        let images = dataset.images.iter();
        let images: Vec<_> =
            images.map(|image| ScoredImage::new(image, &dataset.providers)).collect();
        let rewards = Rewards::new(&images, 2, valuation, NonZero::<usize>::MIN, &|_| ()).unwrap();
        let rows: Vec<&[f32]> = rewards.rows().collect();
        assert_eq!(rows, [[0.95, 0.0, 0.95], [0.0, 0.9, 0.9]]);
    }

    #[test]
    fn more_threads_than_images_give_the_same_table() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let one = rewards(&dataset, Vote::Affirmative, 1);
        assert_eq!(one, rewards(&dataset, Vote::Affirmative, 9));
        assert_eq!((one.images(), one.providers()), (2, 2));
    }

    #[test]
    fn thirteen_providers_are_refused() {
        let merger = Merger::new(Vote::Affirmative, Method::Wbf).unwrap();
        let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
        let refusal = Rewards::new(&[], 13, valuation, NonZero::<usize>::MIN, &|_| ());
        assert_eq!(refusal.unwrap_err(), TooManyProviders(13));
    }
}
