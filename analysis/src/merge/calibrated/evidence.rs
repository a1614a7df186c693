//! How the weights of evidence are fitted: on the pools of many subsets of each image's answers.
//!
//! A pool is an example; its box is judged against the truth beside the other pools of its subset.
//! All subsets count where they are few, else all answers together and a few subsets that are drawn
//! by a fixed rule.

use super::{CalibratedMerge, KnownImage};
use crate::{
    calibration::{
        judge,
        logistic::{self, Examples},
    },
    label_groups::GroupedBox,
    merge::{
        candidates::{Candidate, by_score},
        mean_fusion::{self, Pixels},
        method::Method,
        pools::Pools,
    },
};

/// How many subsets of an image's answers are looked at.
const SUBSETS: u64 = 7;

/// The weights of one provider among the features: seen, certainty, silent.
const PER_PROVIDER: usize = 3;

/// The penalty on weights: that of one image's worth of evidence.
const RIDGE: f64 = 1.0;

/// Fits the weights of a model whose calibrations are fitted.
pub(super) fn fit(model: &mut CalibratedMerge, images: &[KnownImage<'_>]) {
    let providers = model.providers();
    let mut examples = Examples::new(1 + PER_PROVIDER * providers);
    let mut pools = Pools::default();
    for (place, image) in (0..).zip(images) {
        for subset in subsets(providers, place) {
            add_pools(model, image, &subset, &mut pools, &mut examples);
        }
    }
    let weights = weights_of_rising_certainty(&mut examples, providers);
    let weight = |place: usize| weights.get(place).copied().unwrap_or(0.0);
    model.bias = weight(0);
    for (place, evidence) in model.providers.iter_mut().enumerate() {
        evidence.seen = weight(seen_feature(place));
        evidence.certainty = weight(seen_feature(place) + 1);
        evidence.silent = weight(seen_feature(place) + 2);
    }
}

/// Where a provider's features begin.
const fn seen_feature(provider: usize) -> usize {
    1 + PER_PROVIDER * provider
}

/// Weights that make an object likelier the surer a provider is: a certainty that would do the
/// opposite is left out.
fn weights_of_rising_certainty(examples: &mut Examples, providers: usize) -> Vec<f64> {
    loop {
        let weights = examples.fit(RIDGE);
        let certainties = (0..providers).map(|provider| seen_feature(provider) + 1);
        let falls = |feature: &usize| weights.get(*feature).is_some_and(|weight| *weight < 0.0);
        let falling: Vec<usize> = certainties.filter(falls).collect();
        if falling.is_empty() {
            return weights;
        }
        for feature in falling {
            examples.erase(feature);
        }
    }
}

/// Adds an example for each pool of a subset's boxes.
fn add_pools(
    model: &CalibratedMerge,
    image: &KnownImage<'_>,
    subset: &[bool],
    pools: &mut Pools,
    examples: &mut Examples,
) {
    let asked: Vec<bool> =
        subset.iter().zip(image.answered).map(|(chosen, answered)| *chosen && *answered).collect();
    let is_asked = |place: usize| asked.get(place).copied().unwrap_or(false);
    let mut boxes: Vec<Candidate> =
        image.candidates.boxes().iter().filter(|one| is_asked(one.answer)).copied().collect();
    for candidate in &mut boxes {
        let GroupedBox { group, score, .. } = candidate.grouped;
        candidate.grouped.score = model.probability(candidate.answer, group, score);
    }
    boxes.sort_unstable_by(by_score);
    let (mut objects, mut features) = (Vec::new(), Vec::new());
    for group in boxes.chunk_by(|one, other| one.grouped.group == other.grouped.group) {
        pools.split(group, Method::Calibrated.default_iou_threshold(), |opener, pool| {
            let mut object = mean_fusion::fuse(opener.grouped, pool, Pixels::Exact, |_| 1.0);
            // Objects that several saw are matched with the truth first.
            object.score = pool.iter().map(|member| member.grouped.score).sum();
            objects.push(object);
            features.push(features_of(pool, &asked));
        });
    }
    for (place, right) in judge(&objects, image.truth) {
        if let (Some(right), Some(features)) = (right, features.get(place)) {
            examples.push(features.iter().copied(), f64::from(u8::from(right)));
        }
    }
}

/// What a pool shows, for each provider whether it saw the object, how surely, or is silent.
fn features_of(pool: &[Candidate], asked: &[bool]) -> Vec<f64> {
    let mut features = vec![1.0];
    for (place, asked) in asked.iter().enumerate() {
        let surest = pool.iter().find(|member| member.answer == place);
        features.extend(match surest {
            Some(member) => [1.0, logistic::log_odds(member.grouped.score), 0.0],
            None => [0.0, 0.0, f64::from(u8::from(*asked))],
        });
    }
    features
}

/// The subsets of an image's answers that are looked at, each as who is in it.
fn subsets(providers: usize, image: u64) -> Vec<Vec<bool>> {
    let all = u32::try_from(providers).ok().and_then(|count| 1_u64.checked_shl(count));
    let few = all.is_some_and(|count| count - 1 <= SUBSETS);
    let mut subsets = vec![vec![true; providers]];
    for number in 1..SUBSETS {
        let bits = if few { number } else { mixed(image * SUBSETS + number) };
        // Bits repeat beyond 64 providers, which only makes subsets alike.
        let subset: Vec<bool> = (0..providers).map(|place| bits >> (place % 64) & 1 == 1).collect();
        let whole = subset.iter().all(|chosen| *chosen);
        if !whole && subset.contains(&true) {
            subsets.push(subset);
        }
    }
    subsets
}

/// Bits that look drawn at random, the same for the same number (`SplitMix64`).
const fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
