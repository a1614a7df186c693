//! Which providers are asked about an image.
//!
//! Providers go by their place in a [`Dataset`](crate::dataset::Dataset). Of few of them all subsets
//! are tried.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::dataset::Provider;

/// The most providers whose subsets are enumerated: 4,095 subsets an image.
pub const MOST_PROVIDERS: usize = 12;

/// The most providers that can be chosen from at all, where sets of them are sought rather than tried.
pub const MOST_SOUGHT: usize = 20;

/// A set of providers, each by its place from 0 to [`MOST_SOUGHT`] - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subset(u32);

impl Subset {
    /// The set of this provider only.
    pub const fn single(provider: usize) -> Self {
        Self(bit(provider))
    }

    /// The first so many providers, which is all of them.
    pub const fn all(providers: usize) -> Self {
        Self(bit(providers).wrapping_sub(1))
    }

    /// Every subset of so many providers but the empty one.
    pub fn each(providers: usize) -> impl Iterator<Item = Self> {
        (1..=Self::all(providers).0).map(Self)
    }

    /// One of the providers, each as likely as the others.
    ///
    /// # Panics
    /// Where there is no provider to draw.
    pub fn random_single(providers: usize, generator: &mut impl Rng) -> Self {
        // Drawn as u32, so that the draw is the same on every machine.
        Self(1 << generator.random_range(0..Self::all(providers).count()))
    }

    /// One of the subsets but the empty one, each as likely as the others.
    ///
    /// # Panics
    /// Where there is no provider to draw.
    pub fn random(providers: usize, generator: &mut impl Rng) -> Self {
        Self(generator.random_range(1..=Self::all(providers).0))
    }

    /// This set and a provider.
    #[must_use]
    pub const fn with(self, provider: usize) -> Self {
        Self(self.0 | bit(provider))
    }

    /// This set but for a provider.
    #[must_use]
    pub const fn without(self, provider: usize) -> Self {
        Self(self.0 & !bit(provider))
    }

    /// Whether nobody is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the provider is in the set.
    pub const fn contains(self, provider: usize) -> bool {
        self.0 & bit(provider) != 0
    }

    /// The providers that are in both sets.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The providers that are in this set and not in the other.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The providers that are in this set, in the other, or in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set's place in [`each`](Self::each), counted from 0; the empty set has none.
    pub const fn place(self) -> Option<usize> {
        match self.0.checked_sub(1) {
            Some(place) => Some(place as usize),
            None => None,
        }
    }

    /// The names of the providers in the set, in their order.
    pub fn names(self, providers: &[Provider]) -> Vec<&str> {
        let chosen = providers.iter().enumerate().filter(|(place, _)| self.contains(*place));
        chosen.map(|(_, provider)| provider.name.as_str()).collect()
    }

    /// How many providers are in the set.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// The bit of a provider; no bit where the place is far beyond [`MOST_SOUGHT`].
const fn bit(provider: usize) -> u32 {
    if provider < 32 { 1 << provider } else { 0 }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_subset_but_the_empty_one_is_enumerated_once() {
        let subsets: Vec<Subset> = Subset::each(3).collect();
        assert_eq!(subsets.len(), 7);
        assert!(subsets.iter().all(|subset| subset.count() > 0));
        assert_eq!(subsets.last(), Some(&Subset::all(3)));
        assert_eq!(Subset::each(MOST_PROVIDERS).count(), 4095);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let subset = Subset::default().with(0).with(11);
        assert!(subset.contains(0) && subset.contains(11) && !subset.contains(5));
        assert_eq!(subset.count(), 2);
        assert_eq!(Subset::default().with(2), Subset::single(2));
        assert_eq!(Subset::default().with(40), Subset::default());
        assert_eq!(subset.without(0), Subset::single(11));
        assert_eq!(subset.beyond(Subset::single(11)), Subset::single(0));
        assert_eq!(Subset::single(0).and(Subset::single(11)), subset);
        assert!(subset.beyond(subset).is_empty() && !subset.is_empty());
    }

    #[test]
    fn a_set_stands_at_its_place_and_the_empty_one_nowhere() {
        for (place, subset) in Subset::each(4).enumerate() {
            assert_eq!(subset.place(), Some(place));
        }
        assert_eq!(Subset::single(1).within(Subset::single(2)).place(), None);
    }

    #[test]
    fn random_draws_reach_every_set_about_equally_often() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        for subset in Subset::each(3) {
            let mut draws = (0..7000).map(|_| Subset::random(3, &mut generator));
            let hits = draws.by_ref().filter(|draw| *draw == subset).count();
            assert!((850..1150).contains(&hits), "{subset:?} was drawn {hits} times of 7000");
        }
        for provider in 0..3 {
            let single = Subset::single(provider);
            let draws = (0..3000).map(|_| Subset::random_single(3, &mut generator));
            let hits = draws.filter(|draw| *draw == single).count();
            assert!((850..1150).contains(&hits), "{provider} was drawn {hits} times of 3000");
        }
    }

    #[test]
    fn one_provider_leaves_no_choice() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(Subset::random(1, &mut generator), Subset::single(0));
        assert_eq!(Subset::random_single(1, &mut generator), Subset::single(0));
    }
}
