//! Sets of providers where there are too many to try all.
//!
//! For each image, a set takes one provider more or one less as long as its value rises; where neither
//! helps, a member is exchanged for another. Fixed sets grow by the provider that raises the mean value
//! most; then the best set of each size is held against all that differ from it by one provider more,
//! one less or one exchanged, until no size has a better one. What that misses is bounded: no answer
//! finds an object of a group that nobody names.

use std::{num::NonZero, panic, thread};

use super::{Scoring, bounds::Offer};
use crate::{
    rewards::ScoredImage,
    subset::{MOST_SOUGHT, Subset},
};

/// Fixed sets with their mean values, each once, in the order of trying.
pub(super) fn fixed_sets(scoring: &Scoring<'_>, threads: NonZero<usize>) -> Vec<(Subset, f64)> {
    let mean = |subset| {
        let values = for_each_image(scoring, threads, |image| scoring.value(image, subset));
        values.iter().sum::<f64>() / scoring.image_count()
    };
    Search::new(scoring.providers, mean).best_of_each_size()
}

/// What was tried on each image, as offers by rising cost.
pub(super) fn offers(
    scoring: &Scoring<'_>,
    threads: NonZero<usize>,
    done: &(dyn Fn(usize) + Sync),
) -> Vec<Vec<Offer>> {
    for_each_image(scoring, threads, |image| {
        let value = |subset| scoring.value(image, subset);
        let tried = Search::new(scoring.providers, value).best_of_all();
        let offers = tried.into_iter().map(|(subset, value)| Offer {
            subset,
            cost_microusd: image.cost_microusd(subset),
            value,
        });
        let offers = Offer::frontier(offers.collect());
        done(1);
        offers
    })
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

/// A search for sets of a high value, which tries no set twice.
struct Search<Value> {
    providers: usize,
    value: Value,
    tried: Vec<(Subset, f64)>,
}

impl<Value: FnMut(Subset) -> f64> Search<Value> {
    const fn new(providers: usize, value: Value) -> Self {
        Self { providers, value, tried: Vec::new() }
    }

    /// Seeks one set of the highest value; all that was tried, in the order of trying.
    fn best_of_all(mut self) -> Vec<(Subset, f64)> {
        let mut best = (Subset::default(), f64::NEG_INFINITY);
        loop {
            let from = best.0;
            let resized = larger(from, self.providers).chain(smaller(from));
            let mut better = self.best(resized, best);
            // There are more exchanges than other steps, so they come where nothing else helps.
            if better == best {
                better = self.best(exchanged(from, self.providers), best);
            }
            if better == best {
                return self.tried;
            }
            best = better;
        }
    }

    /// Seeks the set of the highest value of each size; all that was tried, in the order of trying.
    fn best_of_each_size(mut self) -> Vec<(Subset, f64)> {
        let nothing = (Subset::default(), f64::NEG_INFINITY);
        let mut grown = Subset::default();
        for _ in 0..self.providers {
            (grown, _) = self.best(larger(grown, self.providers), nothing);
            self.best(smaller(grown), nothing);
        }
        let mut settled = Vec::new();
        while let Some(best) = self.unsettled(&settled) {
            self.best(exchanged(best, self.providers), nothing);
            self.best(larger(best, self.providers).chain(smaller(best)), nothing);
            settled.push(best);
        }
        self.tried
    }

    /// The best set of some size that was not held against its neighbours yet.
    fn unsettled(&self, settled: &[Subset]) -> Option<Subset> {
        let sizes = 1..=Subset::all(self.providers).count();
        let best = |size| {
            let of_size = self.tried.iter().rev().filter(|(subset, _)| subset.count() == size);
            of_size.max_by(|(_, one), (_, other)| one.total_cmp(other))
        };
        let mut best = sizes.filter_map(best).map(|(subset, _)| *subset);
        best.find(|subset| !settled.contains(subset))
    }

    /// The set of the highest value, of equals `best` or else the first.
    fn best(
        &mut self,
        subsets: impl Iterator<Item = Subset>,
        best: (Subset, f64),
    ) -> (Subset, f64) {
        let judged = subsets.map(|subset| (subset, self.judged(subset)));
        judged.fold(
            best,
            |best, (subset, value)| {
                if value > best.1 { (subset, value) } else { best }
            },
        )
    }

    fn judged(&mut self, subset: Subset) -> f64 {
        let known = self.tried.iter().find(|(known, _)| *known == subset);
        if let Some((_, value)) = known {
            return *value;
        }
        let value = (self.value)(subset);
        self.tried.push((subset, value));
        value
    }
}

/// The sets with one provider more.
fn larger(subset: Subset, providers: usize) -> impl Iterator<Item = Subset> {
    let others = (0..providers).filter(move |place| !subset.contains(*place));
    others.map(move |place| subset.with(place))
}

/// The sets with one provider less, but the empty one.
fn smaller(subset: Subset) -> impl Iterator<Item = Subset> {
    let members = (0..MOST_SOUGHT).filter(move |place| subset.contains(*place));
    let smaller = members.map(move |place| subset.without(place));
    smaller.filter(|subset| subset.count() > 0)
}

/// The sets with one provider in another's place; none of a single provider.
fn exchanged(subset: Subset, providers: usize) -> impl Iterator<Item = Subset> {
    smaller(subset)
        .flat_map(move |rest| larger(rest, providers).filter(move |other| *other != subset))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What each subset of some providers is worth, in the order of `Subset::each`.
    #[derive(Clone, Debug)]
    struct Table(usize, Vec<f64>);

    impl Table {
        fn value(&self, subset: Subset) -> f64 {
            self.1[subset.place().unwrap()]
        }

        fn search(&self) -> Search<impl FnMut(Subset) -> f64> {
            Search::new(self.0, |subset| self.value(subset))
        }

        fn steps(&self, from: Subset) -> impl Iterator<Item = Subset> {
            larger(from, self.0).chain(smaller(from)).chain(exchanged(from, self.0))
        }

        /// What a step up to the best neighbour of one provider more or less comes to, again and
        /// again.
        fn resized(&self) -> f64 {
            let mut best = (Subset::default(), f64::NEG_INFINITY);
            loop {
                let next = larger(best.0, self.0).chain(smaller(best.0));
                let next = next.map(|subset| (subset, self.value(subset)));
                let next = next.max_by(|(_, one), (_, other)| one.total_cmp(other));
                let Some(next) = next.filter(|next| next.1 > best.1) else { return best.1 };
                best = next;
            }
        }

        /// The sets that grow by the best provider, and those with one of theirs left out.
        fn grown(&self) -> Vec<Subset> {
            let (mut best, mut tried) = (Subset::default(), Vec::new());
            for _ in 0..self.0 {
                let next: Vec<Subset> = larger(best, self.0).collect();
                let values = next.iter().map(|subset| (*subset, self.value(*subset)));
                best = values.max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap().0;
                tried.extend(next);
                tried.extend(smaller(best));
            }
            tried
        }
    }

    fn any_table() -> impl Strategy<Value = Table> {
        (1_usize..=8).prop_flat_map(|providers| {
            let values = proptest::collection::vec(-1.0..1.0_f64, (1 << providers) - 1);
            values.prop_map(move |values| Table(providers, values))
        })
    }

    fn highest(tried: impl Iterator<Item = f64>) -> f64 {
        tried.fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn a_pair_is_found_that_no_single_step_leads_to() {
        // The best single is 0; of pairs, only 1 and 2 together are worth more.
        let mut values = vec![0.0; 7];
        values[Subset::single(0).place().unwrap()] = 0.25;
        values[Subset::single(0).with(1).place().unwrap()] = 0.5;
        values[Subset::single(1).with(2).place().unwrap()] = 1.0;
        let table = Table(3, values);
        assert!(table.resized() < 0.75);
        let best = highest(table.search().best_of_all().into_iter().map(|(_, value)| value));
        assert!(best > 0.75, "{best}");
    }

    proptest! {
        #[test]
        fn no_step_leads_from_what_is_found_to_more(table in any_table()) {
            let tried = table.search().best_of_all();
            let found = highest(tried.iter().map(|(_, value)| *value));
            let (best, _) = *tried.iter().find(|(_, value)| *value >= found).unwrap();
            prop_assert!(found >= highest(table.steps(best).map(|subset| table.value(subset))));
            prop_assert!(found >= table.resized());
            prop_assert!(found <= highest(table.1.iter().copied()));
        }

        #[test]
        fn of_each_size_no_step_leads_from_what_is_found_to_more(table in any_table()) {
            let tried = table.search().best_of_each_size();
            let grown = table.grown();
            for size in 1..=Subset::all(table.0).count() {
                let of_size = |subset: &Subset| subset.count() == size;
                let best_of = |subsets: &mut dyn Iterator<Item = Subset>| {
                    highest(subsets.filter(of_size).map(|subset| table.value(subset)))
                };
                let found = best_of(&mut tried.iter().map(|(subset, _)| *subset));
                let known = tried.iter().find(|(subset, value)| of_size(subset) && *value >= found);
                prop_assert!(found >= best_of(&mut table.steps(known.unwrap().0)));
                prop_assert!(found >= best_of(&mut grown.iter().copied()));
                prop_assert!(found <= best_of(&mut Subset::each(table.0)));
            }
        }

        #[test]
        fn no_set_is_tried_twice(table in any_table()) {
            for mut tried in [table.search().best_of_all(), table.search().best_of_each_size()] {
                let count = tried.len();
                tried.sort_by_key(|(subset, _)| subset.place());
                tried.dedup_by_key(|(subset, _)| subset.place());
                prop_assert_eq!(tried.len(), count);
            }
        }
    }
}
