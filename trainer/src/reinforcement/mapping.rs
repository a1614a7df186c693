//! From a point that a network gives to the subset of providers that it means: the nearest corner of
//! the unit cube but the origin.

use std::{cmp::Ordering, collections::BinaryHeap};

use crate::subset::Subset;

/// The subset whose corner is nearest: who is above a half, or else the highest alone.
pub fn nearest_subset(action: &[f32]) -> Subset {
    let above = action.iter().enumerate().filter(|(_, number)| **number > 0.5);
    let chosen = above.fold(Subset::default(), |subset, (place, _)| subset.with(place));
    if chosen.count() > 0 { chosen } else { Subset::single(highest(action)) }
}

/// The nearest subsets, the nearest first, as many as there are up to `most`.
pub fn nearest_subsets(action: &[f32], most: usize) -> Vec<Subset> {
    if most <= 1 {
        return vec![nearest_subset(action)];
    }
    // What it costs in squared distance to turn each number to its farther side.
    let mut turns: Vec<Turn> = action
        .iter()
        .enumerate()
        .map(|(provider, number)| Turn { provider, cost: (1.0 - 2.0 * f64::from(*number)).abs() })
        .collect();
    turns.sort_by(|one, other| one.cost.total_cmp(&other.cost));
    let above = action.iter().enumerate().filter(|(_, number)| **number > 0.5);
    let rounded = above.fold(Subset::default(), |subset, (place, _)| subset.with(place));
    let mut found = Vec::new();
    let mut waiting = BinaryHeap::from([Corner { cost: 0.0, subset: rounded, last: None }]);
    while let Some(corner) = waiting.pop() {
        if corner.subset.count() > 0 {
            found.push(corner.subset);
        }
        if found.len() == most {
            break;
        }
        waiting.extend(corner.followers(&turns));
    }
    found
}

/// Turning one number to its other side.
#[derive(Clone, Copy, Debug)]
struct Turn {
    provider: usize,
    cost: f64,
}

/// A corner that some turns, in the order of their costs, lead to.
#[derive(Clone, Copy, Debug)]
struct Corner {
    cost: f64,
    subset: Subset,
    /// The dearest turn.
    last: Option<usize>,
}

impl Corner {
    /// Those that follow: with the next dearer turn added, and in place of the dearest. Every set of
    /// turns follows from exactly one that costs no more.
    fn followers(self, turns: &[Turn]) -> impl Iterator<Item = Self> {
        let next = self.last.map_or(0, |last| last + 1);
        let added = turns.get(next).map(|turn| Self {
            cost: self.cost + turn.cost,
            subset: turned(self.subset, turn.provider),
            last: Some(next),
        });
        let replaced =
            added.zip(self.last.and_then(|last| turns.get(last))).map(|(corner, turn)| {
                let subset = turned(corner.subset, turn.provider);
                Self { cost: corner.cost - turn.cost, subset, ..corner }
            });
        added.into_iter().chain(replaced)
    }
}

impl Ord for Corner {
    /// The cheapest is the greatest, as a heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .cost
            .total_cmp(&self.cost)
            .then_with(|| other.subset.place().cmp(&self.subset.place()))
    }
}

impl PartialOrd for Corner {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Corner {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Corner {}

/// The corner of a subset.
pub(super) fn corner(subset: Subset, providers: usize) -> impl Iterator<Item = f32> {
    (0..providers).map(move |place| if subset.contains(place) { 1.0 } else { 0.0 })
}

fn turned(subset: Subset, provider: usize) -> Subset {
    if subset.contains(provider) { subset.without(provider) } else { subset.with(provider) }
}

/// The place of the highest number, the first of equals.
fn highest(numbers: &[f32]) -> usize {
    let mut best = 0;
    let mut most = f32::NEG_INFINITY;
    for (place, number) in numbers.iter().enumerate() {
        if *number > most {
            (best, most) = (place, *number);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distance(action: &[f32], subset: Subset) -> f64 {
        let pairs = action.iter().zip(corner(subset, action.len()));
        pairs.map(|(one, other)| (f64::from(*one) - f64::from(other)).powi(2)).sum()
    }

    proptest! {
        #[test]
        fn the_nearest_are_those_of_trying_all(
            action in proptest::collection::vec(-1.2..1.2_f32, 1..8),
            most in 1..20_usize,
        ) {
            let mut distances: Vec<f64> =
                Subset::each(action.len()).map(|subset| distance(&action, subset)).collect();
            distances.sort_by(f64::total_cmp);
            let nearest = nearest_subsets(&action, most);
            prop_assert_eq!(nearest.len(), most.min(distances.len()));
            for (subset, expected) in nearest.iter().zip(&distances) {
                prop_assert!((distance(&action, *subset) - expected).abs() < 1e-6, "{:?}", subset);
            }
            let mut places: Vec<_> = nearest.iter().map(|subset| subset.place()).collect();
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), nearest.len());
            let one = nearest_subset(&action);
            prop_assert!((distance(&action, one) - distances[0]).abs() < 1e-6);
        }
    }

    #[test]
    fn who_is_above_a_half_is_asked_and_somebody_is() {
        assert_eq!(nearest_subset(&[0.6, -0.3, 0.51]), Subset::single(0).with(2));
        assert_eq!(nearest_subset(&[0.5, -0.3, 0.5]), Subset::single(0));
        assert_eq!(nearest_subset(&[-1.0]), Subset::single(0));
    }

    #[test]
    fn of_twenty_providers_the_nearest_are_found_without_trying_all() {
        let action: Vec<f32> = (0..20_u8).map(|n| f32::from(n) / 40.0 + 0.3).collect();
        let nearest = nearest_subsets(&action, 50);
        let distances: Vec<f64> = nearest.iter().map(|subset| distance(&action, *subset)).collect();
        assert_eq!(nearest.len(), 50);
        assert_eq!(nearest[0], nearest_subset(&action));
        assert!(distances.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6));
    }
}
