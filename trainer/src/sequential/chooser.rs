//! A learned policy that asks one after another.

use serde::{Deserialize, Serialize};

use super::{
    SequentialError,
    opening::Opening,
    plan::{Ask, Plan, Stage, When},
};
use crate::{
    evidence::Memory,
    policy::Observation,
    subset::{MOST_SOUGHT, Subset},
};

/// A policy: whom to ask first, and what to do by the answers so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct SequentialChooser {
    opening: Opening,
    plan: Plan,
}

/// A stored policy, whatever is in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    opening: Opening,
    plan: Plan,
}

impl SequentialChooser {
    pub(super) const fn new(plan: Plan, opening: Opening) -> Self {
        Self { opening, plan }
    }

    /// How many providers it chooses from.
    pub const fn providers(&self) -> usize {
        self.plan.evidence.providers()
    }

    /// Whom to ask next, all at once; nobody where the answers so far will do. Who was asked is
    /// never asked again, and where nobody was asked yet somebody is.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        if !observation.asked.is_empty() {
            return self.plan.next(observation, &mut Memory::default());
        }
        match &self.opening {
            Opening::Always(first) => *first,
            Opening::ByState(_) => {
                let mut best = (Subset::single(0), f64::NEG_INFINITY);
                for (first, worth) in self.worths(observation) {
                    if worth > best.1 {
                        best = (first, worth);
                    }
                }
                best.0
            }
        }
    }

    /// What asking each subset next is expected to bring, what it costs and what is decided after it
    /// included: beside asking nobody, which brings 0, or before anyone was asked beside the best
    /// first call for all images.
    pub fn worths(&self, observation: &Observation<'_>) -> Vec<(Subset, f64)> {
        if !observation.asked.is_empty() {
            return self.plan.worths(observation, &mut Memory::default());
        }
        match &self.opening {
            Opening::Always(first) => vec![(*first, 0.0)],
            Opening::ByState(openings) => {
                let mut state = vec![0.0; self.plan.state_numbers];
                for (number, known) in state.iter_mut().zip(observation.state) {
                    *number = *known;
                }
                let worth = |first: &Subset| self.plan.charge(*first);
                let openings = openings.iter();
                openings
                    .map(|(first, trees)| (*first, trees.predict(&state) + worth(first)))
                    .collect()
            }
        }
    }
}

impl TryFrom<Parts> for SequentialChooser {
    type Error = SequentialError;

    fn try_from(Parts { opening, plan }: Parts) -> Result<Self, SequentialError> {
        let providers = plan.evidence.providers();
        if providers == 0 || providers > MOST_SOUGHT {
            return Err(SequentialError::Stored("no providers, or too many"));
        }
        if plan.tariff.providers() != providers {
            return Err(SequentialError::Stored("prices or latencies of other providers"));
        }
        if !plan.beta.is_finite() || plan.beta > 0.0 {
            return Err(SequentialError::Beta(plan.beta));
        }
        let all = Subset::all(providers);
        let known = |subset: Subset| !subset.is_empty() && subset.beyond(all).is_empty();
        let firsts: Vec<Subset> = match &opening {
            Opening::Always(first) => vec![*first],
            Opening::ByState(openings) => openings.iter().map(|(first, _)| *first).collect(),
        };
        if firsts.is_empty() || !firsts.into_iter().all(known) {
            return Err(SequentialError::Stored("a first call of nobody it knows"));
        }
        if let Opening::ByState(openings) = &opening
            && openings.iter().any(|(_, trees)| trees.dimension() != plan.state_numbers)
        {
            return Err(SequentialError::Stored("trees for states of another length"));
        }
        for Stage { when, actions } in &plan.stages {
            let of_known = !matches!(when, When::Asked(asked) if !known(*asked));
            for (ask, trees) in actions {
                let asks_known = !matches!(ask, Ask::These(further) if !known(*further));
                if trees.dimension() != plan.dimension() {
                    return Err(SequentialError::Stored("trees for evidence of another length"));
                }
                if !asks_known || !of_known {
                    return Err(SequentialError::Stored("a call of nobody it knows"));
                }
            }
        }
        Ok(Self { opening, plan })
    }
}
