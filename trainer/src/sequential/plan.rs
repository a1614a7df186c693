//! What is done after the first call: by whom was asked so far, what each further call promises.

use serde::{Deserialize, Serialize};

use crate::{
    evidence::{Evidence, Memory},
    policy::Observation,
    subset::Subset,
    tariff::Tariff,
    trees::Trees,
};

/// Whom an action asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// These.
    These(Subset),
    /// All that were not asked yet.
    Rest,
}

/// In which situations a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum When {
    /// Exactly these were asked.
    Asked(Subset),
    /// So many were asked.
    Count(u32),
    /// So many were asked, or more.
    Least(u32),
}

/// What may be done in some situations, and what each is expected to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) when: When,
    pub(super) actions: Vec<(Ask, Trees)>,
}

/// What is done after the first call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) evidence: Evidence,
    /// How many numbers of a state are looked at, from the first.
    pub(super) state_numbers: usize,
    pub(super) tariff: Tariff,
    /// What a thousandth of a US dollar adds to a value.
    pub(super) beta: f64,
    pub(super) stages: Vec<Stage>,
}

impl Ask {
    /// Whom it asks that was not asked yet.
    pub(super) const fn beyond(self, asked: Subset, providers: usize) -> Subset {
        match self {
            Self::These(subset) => subset.beyond(asked),
            Self::Rest => Subset::all(providers).beyond(asked),
        }
    }
}

impl When {
    /// Whether a stage is for those who were asked.
    pub(super) fn holds(self, asked: Subset) -> bool {
        match self {
            Self::Asked(subset) => subset == asked,
            Self::Count(count) => asked.count() == count,
            Self::Least(count) => asked.count() >= count,
        }
    }
}

impl Plan {
    /// What asking a subset at once adds to a value, which is not above 0.
    pub(super) fn charge(&self, subset: Subset) -> f64 {
        self.tariff.charge(subset, self.beta)
    }

    /// How many numbers are known in every situation.
    pub(super) const fn dimension(&self) -> usize {
        self.evidence.dimension() + self.state_numbers
    }

    /// Adds what is known in a situation to `numbers`.
    pub(super) fn add_known(
        &self,
        observation: &Observation<'_>,
        memory: &mut Memory,
        numbers: &mut Vec<f32>,
    ) {
        self.evidence.add(observation, memory, numbers);
        let state = observation.state.iter().copied().chain(std::iter::repeat(0.0));
        numbers.extend(state.take(self.state_numbers));
    }

    /// What asking each further subset promises beyond what it costs.
    pub(super) fn worths(
        &self,
        observation: &Observation<'_>,
        memory: &mut Memory,
    ) -> Vec<(Subset, f64)> {
        let asked = observation.asked;
        let Some(stage) = self.stages.iter().find(|stage| stage.when.holds(asked)) else {
            return Vec::new();
        };
        let mut known = Vec::with_capacity(self.dimension());
        self.add_known(observation, memory, &mut known);
        let providers = self.evidence.providers();
        let mut worths = Vec::with_capacity(stage.actions.len());
        for (ask, gain) in &stage.actions {
            let further = ask.beyond(asked, providers);
            // Who was asked already would be paid for nothing: such an action is for other sets.
            let whole = matches!(ask, Ask::These(these) if *these != further);
            if !further.is_empty() && !whole {
                worths.push((further, gain.predict(&known) + self.charge(further)));
            }
        }
        worths
    }

    /// Whom to ask next: what promises most beyond its cost, nobody where nothing does.
    pub(super) fn next(&self, observation: &Observation<'_>, memory: &mut Memory) -> Subset {
        let mut best = (Subset::default(), 0.0);
        for (further, worth) in self.worths(observation, memory) {
            if worth > best.1 {
                best = (further, worth);
            }
        }
        best.0
    }
}
