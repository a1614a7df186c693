//! What sets of many providers are worth, as terms of providers and of pairs.
//!
//! A set S is worth the sum of what each of its providers brings, the mean of another number over its
//! providers, and the mean of a third over its pairs. The sum alone would promise too much of large
//! sets, and means alone too little; on stored answers of ten detectors the three together say 80 to
//! 100 in 100 of how sets of one size differ. An image's terms are found on some sets, of every size,
//! that are the same for all images.

use std::{num::NonZero, thread};

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::DirectError;
use crate::{
    features::single,
    linear::{Basis, count},
    network::weights,
    problem::Problem,
    subset::Subset,
};

/// How many sets of each size from three on are judged.
const SETS_OF_A_SIZE: usize = 16;

/// Images are judged on so many threads at most.
const MOST_THREADS: usize = 2;

/// How terms follow from what is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub(super) struct Pairs {
    providers: usize,
    /// A row for each term, with a number for each that is predicted.
    #[serde(with = "weights")]
    decoding: Vec<f32>,
}

/// Stored terms, whatever their numbers are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    providers: usize,
    #[serde(with = "weights")]
    decoding: Vec<f32>,
}

/// The sets that are judged, and the way from their worth to what is to be predicted.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    sets: Vec<Subset>,
    basis: Basis,
}

/// What the terms of one image come to.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// What each provider brings.
    sums: Vec<f64>,
    /// What counts at the mean over providers.
    means: Vec<f64>,
    /// What counts at the mean over pairs: a row for each provider.
    pairs: Vec<f64>,
}

impl Pairs {
    /// The terms of so many providers, and the sets that they are found on.
    pub(super) fn new(providers: usize, seed: u64) -> Result<(Self, Sample), DirectError> {
        let sets = sets(providers, &mut ChaCha8Rng::seed_from_u64(seed));
        let values: Vec<f64> = sets.iter().flat_map(|set| term_values(*set, providers)).collect();
        // Sizes weigh alike, for prices decide which of them matter.
        let weight = |set: &Subset| {
            1.0 / count(sets.iter().filter(|other| other.count() == set.count()).count())
        };
        let weights: Vec<f64> = sets.iter().map(weight).collect();
        let basis = Basis::new(&values, &weights)?;
        // The first term, and with it the first direction, is the same for all sets.
        let rows = basis.decoding().chunks(basis.terms()).skip(1);
        let decoding = rows.flat_map(|row| row.iter().skip(1)).copied().map(single).collect();
        Ok((Self { providers, decoding }, Sample { sets, basis }))
    }

    /// How many providers there are.
    pub(super) const fn providers(&self) -> usize {
        self.providers
    }

    /// How many numbers are predicted, which is how many terms there are.
    pub(super) const fn outputs(&self) -> usize {
        outputs(self.providers)
    }

    /// What terms come to, by what was predicted.
    pub(super) fn terms(&self, predicted: &[f32]) -> Terms {
        let term = |row: &[f32]| {
            f64::from(row.iter().zip(predicted).map(|(one, other)| one * other).sum::<f32>())
        };
        let mut terms = self.decoding.chunks(self.outputs().max(1)).map(term);
        let sums = terms.by_ref().take(self.providers).collect();
        let means = terms.by_ref().take(self.providers).collect();
        let mut pairs = vec![0.0; self.providers * self.providers];
        for ((one, other), term) in couples(self.providers).zip(terms) {
            for place in [one * self.providers + other, other * self.providers + one] {
                if let Some(entry) = pairs.get_mut(place) {
                    *entry = term;
                }
            }
        }
        Terms { sums, means, pairs }
    }
}

impl Sample {
    /// What is to be predicted of each image, row by row.
    pub(super) fn targets(&self, problem: &Problem<'_>) -> Vec<f32> {
        let columns = outputs(problem.providers);
        let images: Vec<usize> = (0..problem.images.len()).collect();
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let share = images.len().div_ceil(threads).max(1);
        let mut targets = vec![0.0; images.len() * columns];
        thread::scope(|scope| {
            let rows = targets.chunks_mut((share * columns).max(1));
            for (images, rows) in images.chunks(share).zip(rows) {
                scope.spawn(move || {
                    for (&image, row) in images.iter().zip(rows.chunks_mut(columns)) {
                        let worth = self.sets.iter().map(|set| problem.value(image, *set));
                        let encoded = self.basis.encoded(&worth.collect::<Vec<f64>>());
                        for (target, value) in row.iter_mut().zip(encoded.iter().skip(1)) {
                            *target = single(*value);
                        }
                    }
                });
            }
        });
        targets
    }
}

impl Terms {
    /// What a set of some providers promises, but for a number that all sets share.
    pub(super) fn worth(&self, members: &[usize]) -> f64 {
        let size = count(members.len()).max(1.0);
        let pairs = (size * (size - 1.0) / 2.0).max(1.0);
        let mut worth = 0.0;
        for (place, &member) in members.iter().enumerate() {
            let own = |terms: &[f64]| terms.get(member).copied().unwrap_or(0.0);
            worth += own(&self.sums) + own(&self.means) / size;
            let row = self.pairs.get(member * self.sums.len()..).unwrap_or_default();
            let others = members.iter().take(place).filter_map(|&other| row.get(other));
            worth += others.sum::<f64>() / pairs;
        }
        worth
    }
}

impl TryFrom<Parts> for Pairs {
    type Error = DirectError;

    fn try_from(Parts { providers, decoding }: Parts) -> Result<Self, DirectError> {
        let expected = outputs(providers.min(crate::subset::MOST_SOUGHT)).pow(2);
        if decoding.len() == expected {
            Ok(Self { providers, decoding })
        } else {
            Err(DirectError::Stored("other terms than its providers have"))
        }
    }
}

/// How many terms there are, but for the one that all sets share.
const fn outputs(providers: usize) -> usize {
    2 * providers + providers * providers.saturating_sub(1) / 2
}

/// All pairs of providers.
fn couples(providers: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..providers).flat_map(move |other| (0..other).map(move |one| (one, other)))
}

/// The values of all terms on a set, that which all sets share first.
fn term_values(set: Subset, providers: usize) -> Vec<f64> {
    let size = f64::from(set.count());
    let share = |is_there: bool, of: f64| if is_there { 1.0 / of } else { 0.0 };
    let mut values = vec![1.0];
    for of in [1.0, size] {
        values.extend((0..providers).map(|place| share(set.contains(place), of)));
    }
    let pairs = size * (size - 1.0) / 2.0;
    let together = |(one, other)| set.contains(one) && set.contains(other);
    values.extend(couples(providers).map(|couple| share(together(couple), pairs)));
    values
}

/// Every provider, every pair, all of them, and some sets of each size between.
fn sets(providers: usize, generator: &mut ChaCha8Rng) -> Vec<Subset> {
    let mut sets: Vec<Subset> = (0..providers).map(Subset::single).collect();
    sets.extend(couples(providers).map(|(one, other)| Subset::single(one).with(other)));
    for size in 3..providers {
        for _ in 0..SETS_OF_A_SIZE {
            let members = index::sample(generator, providers, size);
            sets.push(members.iter().fold(Subset::default(), Subset::with));
        }
    }
    sets.push(Subset::all(providers));
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_that_terms_make_is_found_again() {
        let (pairs, sample) = Pairs::new(13, 5).unwrap();
        let place = |one: usize| f64::from(u8::try_from(one).unwrap());
        let truth = |set: Subset| {
            let members: Vec<usize> = (0..13).filter(|one| set.contains(*one)).collect();
            let size = count(members.len());
            let sums: f64 = members.iter().map(|one| 0.01 * place(*one)).sum();
            let means: f64 = members.iter().map(|one| (place(*one) - 6.0).powi(2) / size).sum();
            sums + 0.02 * means
                + if set.contains(3) && set.contains(7) { 0.5 / (size * (size - 1.0)) } else { 0.0 }
        };
        let worth: Vec<f64> = sample.sets.iter().map(|set| truth(*set)).collect();
        let encoded = sample.basis.encoded(&worth);
        let predicted: Vec<f32> = encoded.iter().skip(1).copied().map(single).collect();
        let terms = pairs.terms(&predicted);
        let off = |members: &[usize]| {
            let set = members.iter().copied().fold(Subset::default(), Subset::with);
            terms.worth(members) - truth(set)
        };
        let shared = off(&[0]);
        for members in [&[12][..], &[3, 7], &[1, 3, 7, 9], &[0, 1, 2, 4, 5, 6, 8]] {
            assert!((off(members) - shared).abs() < 1e-3, "{members:?} {} {shared}", off(members));
        }
    }

    #[test]
    fn sets_of_every_size_are_judged_and_the_same_seed_judges_the_same() {
        let sets = |seed| sets(13, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(sets(1), sets(1));
        assert_ne!(sets(1), sets(2));
        for size in 1..=13 {
            assert!(sets(1).iter().any(|set| set.count() == size), "{size}");
        }
    }
}
