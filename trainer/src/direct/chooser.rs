//! The choice: the best of what is predicted, less what asking costs.

use serde::{Deserialize, Serialize};

use super::{DirectError, estimator::Estimator, form::Form, search};
use crate::{
    features::single,
    policy::Observation,
    subset::{MOST_PROVIDERS, MOST_SOUGHT, Subset},
    tariff::Tariff,
};

/// Asks the subset that promises most, at once, and then nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct DirectChooser {
    form: Form,
    estimator: Estimator,
    tariff: Tariff,
    /// Who is asked about every image before the choice; nobody where it needs no answer.
    first: Subset,
    beta: f64,
    /// What asking each subset takes from a value, infinite where it cannot be asked; empty where
    /// subsets are sought rather than tried.
    #[serde(skip)]
    burdens: Vec<f32>,
}

/// What makes a chooser, whatever the numbers are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parts {
    pub(super) form: Form,
    pub(super) estimator: Estimator,
    pub(super) tariff: Tariff,
    pub(super) first: Subset,
    pub(super) beta: f64,
}

impl DirectChooser {
    /// How many providers it chooses of.
    pub const fn providers(&self) -> usize {
        self.tariff.providers()
    }

    /// Who is asked about every image before the choice; nobody where it needs no answer.
    pub const fn first(&self) -> Subset {
        self.first
    }

    /// Whom to ask next: the best subset where nobody was asked, or only who must be first, and
    /// nobody afterwards.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        let asked = observation.asked;
        if asked.is_empty() || asked == self.first {
            self.best(observation.state).beyond(asked)
        } else {
            Subset::default()
        }
    }

    /// What asking each subset at once is predicted to be worth beside others on the same image, what
    /// it costs included; nothing where somebody was asked whom it chose, or where there are too
    /// many subsets.
    pub fn worths(&self, observation: &Observation<'_>) -> Vec<(Subset, f64)> {
        let asked = observation.asked;
        if !asked.is_empty() && asked != self.first {
            return Vec::new();
        }
        let predicted = self.estimator.predict(observation.state);
        let offers = Subset::each(self.providers()).zip(predicted.iter().zip(&self.burdens));
        let open = offers.filter(|(_, (_, burden))| burden.is_finite());
        open.map(|(subset, (worth, burden))| (subset.beyond(asked), f64::from(worth - burden)))
            .collect()
    }

    /// The subset that promises most at a state, with whoever is asked first.
    fn best(&self, state: &[f32]) -> Subset {
        let predicted = self.estimator.predict(state);
        match &self.form {
            Form::Each => {
                let mut best = (Subset::all(self.providers()), f32::NEG_INFINITY);
                let offers = predicted.iter().zip(&self.burdens);
                for (subset, (worth, burden)) in Subset::each(self.providers()).zip(offers) {
                    if worth - burden > best.1 {
                        best = (subset, worth - burden);
                    }
                }
                best.0
            }
            Form::Pairs(pairs) => {
                let terms = pairs.terms(&predicted);
                let charge = |set| self.tariff.charge(set, self.beta);
                search::best(&terms, self.providers(), self.first, charge)
            }
        }
    }
}

impl TryFrom<Parts> for DirectChooser {
    type Error = DirectError;

    fn try_from(parts: Parts) -> Result<Self, DirectError> {
        let Parts { form, estimator, tariff, first, beta } = parts;
        if !beta.is_finite() || beta > 0.0 {
            return Err(DirectError::Beta(beta));
        }
        let providers = tariff.providers();
        if providers == 0 || providers > MOST_SOUGHT {
            return Err(DirectError::Providers(providers));
        }
        if !first.beyond(Subset::all(providers)).is_empty() {
            return Err(DirectError::Stored("a first call of nobody it knows"));
        }
        let fits = match &form {
            Form::Each => providers <= MOST_PROVIDERS,
            Form::Pairs(pairs) => pairs.providers() == providers,
        };
        if !fits || form.outputs(providers) != estimator.outputs() {
            return Err(DirectError::Stored(
                "predictions for other providers than it has prices of",
            ));
        }
        let burden = |subset: Subset| {
            let is_whole = first.beyond(subset).is_empty();
            if is_whole { single(-tariff.charge(subset, beta)) } else { f32::INFINITY }
        };
        let burdens = match form {
            Form::Each => Subset::each(providers).map(burden).collect(),
            Form::Pairs(_) => Vec::new(),
        };
        Ok(Self { form, estimator, tariff, first, beta, burdens })
    }
}
