//! A chooser, and what must be asked before it may choose.

use serde::{Deserialize, Serialize};

use super::{Chooser, Observation};
use crate::subset::Subset;

/// Whom to ask, from the first call to the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// Who is asked about every image before anything is chosen, because the state is made of what it
    /// answers.
    pub first: Option<usize>,
    /// Who chooses the others.
    pub chooser: Chooser,
    /// How long the calls about an image may take; `None` where they may take any time.
    pub limit: Option<Limit>,
}

/// How long calls may take, by what each provider takes at the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The most that the calls about an image may take together, in seconds.
    pub most_s: f64,
    /// What each provider takes, in seconds.
    pub means_s: Vec<f64>,
}

impl Strategy {
    /// A chooser that needs nobody's answer to begin.
    pub const fn of(chooser: Chooser) -> Self {
        Self { first: None, chooser, limit: None }
    }

    /// Whom to ask next; nobody where the answers so far are enough. Who was asked is not asked again.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        let asked = observation.asked;
        let next = match self.first.map(Subset::single) {
            Some(first) if asked.is_empty() => return first,
            _ => self.chooser.choose(&self.seen(observation)).beyond(asked),
        };
        let Some(limit) = &self.limit else { return next };
        match limit.within(next, asked) {
            // Somebody has to be asked.
            none if none.is_empty() && asked.is_empty() => limit.fastest(),
            within => within,
        }
    }

    /// What asking each subset next is taken to be worth, what it costs included, the most first;
    /// empty where nobody says.
    pub fn worths(&self, observation: &Observation<'_>) -> Vec<(Subset, f64)> {
        if self.first.is_some() && observation.asked.is_empty() {
            return Vec::new();
        }
        let mut worths = self.chooser.worths(&self.seen(observation));
        for (subset, _) in &mut worths {
            *subset = subset.beyond(observation.asked);
        }
        worths.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        worths
    }

    /// What the chooser is to know: whoever chooses once, by the state, has not chosen yet when only
    /// the first was asked.
    fn seen<'a>(&self, observation: &Observation<'a>) -> Observation<'a> {
        let first = self.first.map(Subset::single);
        let begins = Some(observation.asked) == first && self.chooser.asks_once();
        let asked = if begins { Subset::default() } else { observation.asked };
        Observation { asked, ..*observation }
    }
}

impl Limit {
    /// Those of a subset that may still be asked after others were, which are taken to have been
    /// asked one after another.
    pub fn within(&self, subset: Subset, asked: Subset) -> Subset {
        let mean = |place: usize| self.means_s.get(place).copied().unwrap_or(0.0);
        let places = || 0..self.means_s.len();
        let spent: f64 = places().filter(|place| asked.contains(*place)).map(mean).sum();
        let fits = |place: &usize| subset.contains(*place) && spent + mean(*place) <= self.most_s;
        places().filter(fits).fold(Subset::default(), Subset::with)
    }

    /// Whoever takes the least time.
    fn fastest(&self) -> Subset {
        let fastest =
            self.means_s.iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
        fastest.map_or_else(Subset::default, |(place, _)| Subset::single(place))
    }
}

#[cfg(test)]
mod tests {
    use armol_analysis::merge::Candidates;

    use super::*;

    fn chosen(strategy: &Strategy, asked: Subset) -> Subset {
        let candidates = Candidates::new([&[][..]; 3]);
        let observation =
            Observation { state: &[], candidates: &candidates, asked, answered: asked };
        strategy.choose(&observation)
    }

    #[test]
    fn a_fixed_set_is_asked_at_once_and_then_enough() {
        let pair = Subset::single(0).with(2);
        let strategy = Strategy::of(Chooser::Fixed(pair));
        assert_eq!(chosen(&strategy, Subset::default()), pair);
        assert_eq!(chosen(&strategy, pair), Subset::default());
    }

    #[test]
    fn who_makes_the_state_is_asked_first_and_never_again() {
        let pair = Subset::single(0).with(2);
        let strategy = Strategy { first: Some(2), ..Strategy::of(Chooser::Fixed(pair)) };
        assert_eq!(chosen(&strategy, Subset::default()), Subset::single(2));
        assert_eq!(chosen(&strategy, Subset::single(2)), Subset::single(0));
        assert_eq!(chosen(&strategy, pair), Subset::default());
    }

    #[test]
    fn who_would_take_too_long_is_not_asked() {
        let limit = |most_s| Some(Limit { most_s, means_s: vec![0.3, 0.2, 0.6] });
        let all = Strategy::of(Chooser::Fixed(Subset::all(3)));
        let hasty = Strategy { limit: limit(0.5), ..all.clone() };
        assert_eq!(chosen(&hasty, Subset::default()), Subset::single(0).with(1));
        let hastier = Strategy { limit: limit(0.1), ..all };
        assert_eq!(chosen(&hastier, Subset::default()), Subset::single(1));
        let second = Strategy { first: Some(1), ..hasty };
        assert_eq!(chosen(&second, Subset::single(1)), Subset::single(0));
    }
}
