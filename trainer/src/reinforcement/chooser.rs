//! What a learner has learned, as a policy: a network whose point means a subset.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ActionRange,
    mapping::{corner, nearest_subset, nearest_subsets},
};
use crate::{
    network::{Network, Scratch},
    policy::Observation,
    subset::{MOST_SOUGHT, Subset},
};

/// Chooses by a network all providers that are asked about an image, at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct NetworkChooser {
    actor: Network,
    range: ActionRange,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking: Option<Ranking>,
}

/// How to choose among several near subsets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// How many of the nearest subsets are compared.
    pub nearest: usize,
    /// What says how much each is worth: its inputs are a state and a number for each provider, 1
    /// where it is asked.
    pub critic: Network,
}

/// Why networks make no chooser.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChooserError {
    /// The network has no output for a provider, or too many.
    #[error("a network of {0} outputs chooses among no providers; it must have 1 to {MOST_SOUGHT}")]
    Providers(usize),
    /// The critic takes other inputs than the network's inputs and outputs, or gives more than one.
    #[error("the critic is of another shape than the network that it ranks choices of")]
    Critic,
    /// No subset or too many are compared.
    #[error("{0} near subsets are compared; compare 1 to {MOST_RANKED}")]
    Nearest(usize),
    /// A parameter is infinite or no number.
    #[error("a parameter of the network is not finite; train it again, with a lower rate")]
    NotFinite,
}

/// The most near subsets that are compared.
const MOST_RANKED: usize = 4096;

/// A chooser as it is stored, before it is known to be one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    actor: Network,
    range: ActionRange,
    #[serde(default)]
    ranking: Option<Ranking>,
}

impl NetworkChooser {
    /// A chooser by a network that gives a number for each provider, from -1 to 1 of which `range`
    /// makes an action, and by a critic where several subsets are compared.
    ///
    /// # Errors
    /// Where the networks do not fit providers or one another, or hold what is not finite.
    pub fn new(
        actor: Network,
        range: ActionRange,
        ranking: Option<Ranking>,
    ) -> Result<Self, ChooserError> {
        let providers = actor.outputs();
        if !(1..=MOST_SOUGHT).contains(&providers) {
            return Err(ChooserError::Providers(providers));
        }
        if !actor.is_finite() {
            return Err(ChooserError::NotFinite);
        }
        if let Some(Ranking { nearest, critic }) = &ranking {
            if !(1..=MOST_RANKED).contains(nearest) {
                return Err(ChooserError::Nearest(*nearest));
            }
            if critic.outputs() != 1 || critic.inputs() != actor.inputs() + providers {
                return Err(ChooserError::Critic);
            }
            if !critic.is_finite() {
                return Err(ChooserError::NotFinite);
            }
        }
        Ok(Self { actor, range, ranking })
    }

    /// How many providers it chooses among.
    pub fn providers(&self) -> usize {
        self.actor.outputs()
    }

    /// How many numbers it takes a state to have.
    pub fn dimension(&self) -> usize {
        self.actor.inputs()
    }

    /// Whom to ask, all at once; nobody more once somebody was asked.
    ///
    /// # Panics
    /// Where the state has another number of numbers than [`dimension`](Self::dimension).
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        if observation.asked.count() > 0 {
            return Subset::default();
        }
        self.choose_for(observation.state, &mut Scratch::default())
    }

    /// As [`choose`](Self::choose), of a state alone, calculated where it was calculated before.
    ///
    /// # Panics
    /// As [`choose`](Self::choose).
    pub fn choose_for(&self, state: &[f32], scratch: &mut Scratch) -> Subset {
        let numbers = self.actor.predict(state, scratch);
        let action: Vec<f32> = numbers.iter().map(|number| self.range.of_signed(*number)).collect();
        match &self.ranking {
            None => nearest_subset(&action),
            Some(Ranking { nearest, critic }) => best(critic, state, &action, (*nearest, scratch)),
        }
    }
}

impl TryFrom<Stored> for NetworkChooser {
    type Error = ChooserError;

    fn try_from(stored: Stored) -> Result<Self, ChooserError> {
        Self::new(stored.actor, stored.range, stored.ranking)
    }
}

/// Of the nearest subsets the one that a critic believes to be worth most, the nearest of equals.
pub(super) fn best(
    critic: &Network,
    state: &[f32],
    action: &[f32],
    (nearest, scratch): (usize, &mut Scratch),
) -> Subset {
    let mut inputs = state.to_vec();
    let mut best = (f32::NEG_INFINITY, nearest_subset(action));
    for subset in nearest_subsets(action, nearest) {
        inputs.truncate(state.len());
        inputs.extend(corner(subset, action.len()));
        let worth = critic.predict(&inputs, scratch).first().copied().unwrap_or(f32::NEG_INFINITY);
        if worth > best.0 {
            best = (worth, subset);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use armol_analysis::merge::Candidates;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::network::Activation;

    fn network(sizes: &[usize]) -> Network {
        let mut generator = ChaCha8Rng::seed_from_u64(6);
        Network::new(sizes, Activation::Relu, Activation::Tanh, &mut generator).unwrap()
    }

    /// Chooses among so many providers by states of four numbers.
    fn chooser(providers: usize, nearest: usize) -> NetworkChooser {
        let critic = network(&[4 + providers, 8, 1]);
        let ranking = (nearest > 1).then_some(Ranking { nearest, critic });
        NetworkChooser::new(network(&[4, 8, providers]), ActionRange::Unit, ranking).unwrap()
    }

    #[test]
    fn somebody_is_asked_and_nobody_after_that() {
        for providers in [1, 3, 16, 20] {
            for nearest in [1, 5] {
                let chooser = chooser(providers, nearest);
                let candidates = Candidates::new([]);
                let state = [0.5, -1.0, 2.0, 0.0];
                let (asked, answered) = (Subset::default(), Subset::default());
                let first = Observation { state: &state, candidates: &candidates, asked, answered };
                let chosen = chooser.choose(&first);
                assert!(chosen.count() > 0 && chosen.within(Subset::all(providers)) == chosen);
                let then = Observation { asked: chosen, answered: chosen, ..first };
                assert_eq!(chooser.choose(&then), Subset::default());
            }
        }
    }

    #[test]
    fn of_all_subsets_the_one_that_the_critic_believes_in_is_chosen() {
        let (chooser, mut scratch) = (chooser(3, 7), Scratch::default());
        let Some(Ranking { critic, .. }) = &chooser.ranking else { panic!("it ranks") };
        let state = [0.5, -1.0, 2.0, 0.0];
        let worth = |subset: Subset| {
            let inputs: Vec<f32> = state.into_iter().chain(corner(subset, 3)).collect();
            critic.predict(&inputs, &mut Scratch::default())[0]
        };
        let best = Subset::each(3).max_by(|one, other| worth(*one).total_cmp(&worth(*other)));
        assert_eq!(Some(chooser.choose_for(&state, &mut scratch)), best);
    }

    #[test]
    fn a_stored_chooser_is_read_to_the_bit_and_a_damaged_one_refused() {
        for nearest in [1, 3] {
            let chooser = chooser(2, nearest);
            let text = serde_json::to_string(&chooser).unwrap();
            assert_eq!(serde_json::from_str::<NetworkChooser>(&text).unwrap(), chooser);
        }
        let mut broken = network(&[4, 2]);
        broken.parameters_mut()[3] = f32::INFINITY;
        let refused =
            |actor, ranking| NetworkChooser::new(actor, ActionRange::Unit, ranking).unwrap_err();
        assert_eq!(refused(broken, None), ChooserError::NotFinite);
        assert_eq!(refused(network(&[4, 21]), None), ChooserError::Providers(21));
        let ranking = |nearest, inputs| Some(Ranking { nearest, critic: network(&[inputs, 1]) });
        assert_eq!(refused(network(&[4, 2]), ranking(2, 7)), ChooserError::Critic);
        assert_eq!(refused(network(&[4, 2]), ranking(0, 6)), ChooserError::Nearest(0));
        let text = serde_json::to_string(&chooser(2, 3)).unwrap().replacen("[6,8,1]", "[7,8,1]", 1);
        assert!(serde_json::from_str::<NetworkChooser>(&text).is_err());
    }
}
