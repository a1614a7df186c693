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
}

impl Strategy {
    /// A chooser that needs nobody's answer to begin.
    pub const fn of(chooser: Chooser) -> Self {
        Self { first: None, chooser }
    }

    /// Whom to ask next; nobody where the answers so far are enough. Who was asked is not asked again.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        let Some(first) = self.first.map(Subset::single) else {
            return self.chooser.choose(observation).beyond(observation.asked);
        };
        if observation.asked.is_empty() {
            return first;
        }
        self.chooser.choose(&self.seen(observation)).beyond(observation.asked)
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
        let strategy = Strategy { first: Some(2), chooser: Chooser::Fixed(pair) };
        assert_eq!(chosen(&strategy, Subset::default()), Subset::single(2));
        assert_eq!(chosen(&strategy, Subset::single(2)), Subset::single(0));
        assert_eq!(chosen(&strategy, pair), Subset::default());
    }
}
