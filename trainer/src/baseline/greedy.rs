//! Sets of providers where there are too many to try all.
//!
//! Fixed sets grow by the provider that raises the mean value most; then each member is left out in
//! turn, in case a smaller set is the better for it. For each image, a set grows or shrinks by one as
//! long as its value rises. What that misses is bounded: no answer finds an object of a group that
//! nobody names.

use std::{num::NonZero, panic, thread};

use super::{Scoring, bounds::Offer};
use crate::{rewards::ScoredImage, subset::Subset};

/// Fixed sets with their mean values, each once, in the order of trying.
pub(super) fn fixed_sets(scoring: &Scoring<'_>, threads: NonZero<usize>) -> Vec<(Subset, f64)> {
    let mut tried: Vec<(Subset, f64)> = Vec::new();
    let mut best = Subset::default();
    for _ in 0..scoring.providers {
        let larger: Vec<Subset> = others(best, scoring.providers).collect();
        best = try_each(scoring, &larger, threads, &mut tried).unwrap_or(best);
        let smaller: Vec<Subset> = smaller(best, scoring.providers).collect();
        try_each(scoring, &smaller, threads, &mut tried);
    }
    tried
}

/// Judges the sets that were not judged yet; the one of the highest value of all that are named.
fn try_each(
    scoring: &Scoring<'_>,
    subsets: &[Subset],
    threads: NonZero<usize>,
    tried: &mut Vec<(Subset, f64)>,
) -> Option<Subset> {
    let mut best: Option<(Subset, f64)> = None;
    for &subset in subsets {
        let known = tried.iter().find(|(known, _)| *known == subset).map(|(_, value)| *value);
        let value = known.unwrap_or_else(|| {
            let values = for_each_image(scoring, threads, |image| scoring.value(image, subset));
            let mean = values.iter().sum::<f64>() / scoring.image_count();
            tried.push((subset, mean));
            mean
        });
        if best.is_none_or(|(_, best)| value > best) {
            best = Some((subset, value));
        }
    }
    best.map(|(subset, _)| subset)
}

/// What was tried on each image, as offers by rising cost.
pub(super) fn offers(
    scoring: &Scoring<'_>,
    threads: NonZero<usize>,
    done: &(dyn Fn(usize) + Sync),
) -> Vec<Vec<Offer>> {
    for_each_image(scoring, threads, |image| {
        let offers = offers_of(scoring, image);
        done(1);
        offers
    })
}

fn offers_of(scoring: &Scoring<'_>, image: &ScoredImage<'_>) -> Vec<Offer> {
    let offer = |subset| Offer {
        subset,
        cost_microusd: image.cost_microusd(subset),
        value: scoring.value(image, subset),
    };
    let mut tried: Vec<Offer> = Vec::new();
    let mut best: Option<Offer> = None;
    loop {
        let from = best.map_or_else(Subset::default, |best| best.subset);
        let next = others(from, scoring.providers).chain(smaller(from, scoring.providers));
        let known = tried.len();
        tried.extend(next.map(offer));
        let better = tried.iter().skip(known).copied().fold(best, |best, offer| match best {
            Some(best) if offer.value <= best.value => Some(best),
            _ => Some(offer),
        });
        if better == best {
            return Offer::frontier(tried);
        }
        best = better;
    }
}

/// The mean over the images of what no answer is worth more than.
pub(super) fn reach(scoring: &Scoring<'_>) -> f64 {
    let all = Subset::all(scoring.providers);
    let of_image = |image: &ScoredImage<'_>| match image.named() {
        [] => scoring.value(image, all),
        _ => image.reach(),
    };
    scoring.images.iter().map(of_image).sum::<f64>() / scoring.image_count()
}

/// The sets with one provider more.
fn others(subset: Subset, providers: usize) -> impl Iterator<Item = Subset> {
    let others = (0..providers).filter(move |place| !subset.contains(*place));
    others.map(move |place| subset.with(place))
}

/// The sets with one provider less, but the empty one.
fn smaller(subset: Subset, providers: usize) -> impl Iterator<Item = Subset> {
    let members = (0..providers).filter(move |place| subset.contains(*place));
    let smaller = members.map(move |place| subset.without(place));
    smaller.filter(|subset| subset.count() > 0)
}

/// What comes of each image, in their order.
fn for_each_image<Made: Send>(
    scoring: &Scoring<'_>,
    threads: NonZero<usize>,
    judge: impl Fn(&ScoredImage<'_>) -> Made + Sync,
) -> Vec<Made> {
    let part = scoring.images.len().div_ceil(threads.get()).max(1);
    let judge = &judge;
    thread::scope(|scope| {
        let parts = scoring.images.chunks(part);
        let workers: Vec<_> = parts
            .map(|images| scope.spawn(move || images.iter().map(judge).collect::<Vec<Made>>()))
            .collect();
        let mut made = Vec::with_capacity(scoring.images.len());
        for worker in workers {
            made.extend(worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        made
    })
}
