//! The choice: the best of what is predicted, less what asking costs.

use serde::{Deserialize, Serialize};

use super::{DirectError, estimator::Estimator, form::Form, search, tariff::Tariff};
use crate::{
    features::single,
    policy::Observation,
    subset::{MOST_PROVIDERS, MOST_SOUGHT, Subset},
};

/// Asks the subset that promises most, at once, and then nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct DirectChooser {
    form: Form,
    estimator: Estimator,
    tariff: Tariff,
    beta: f64,
    /// What asking each subset takes from a value, infinite where it cannot be asked; empty where
    /// subsets are sought rather than tried.
    #[serde(skip)]
    burdens: Vec<f32>,
}

/// A stored chooser, whatever its numbers are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    form: Form,
    estimator: Estimator,
    tariff: Tariff,
    beta: f64,
}

impl DirectChooser {
    pub(super) fn new(
        form: Form,
        estimator: Estimator,
        tariff: Tariff,
        beta: f64,
    ) -> Result<Self, DirectError> {
        if !beta.is_finite() || beta > 0.0 {
            return Err(DirectError::Beta(beta));
        }
        let first = tariff.first();
        let burden = |subset: Subset| {
            let is_whole = first.beyond(subset).is_empty();
            if is_whole { single(tariff.burden(subset, beta)) } else { f32::INFINITY }
        };
        let burdens = match form {
            Form::Each => Subset::each(tariff.providers()).map(burden).collect(),
            Form::Pairs(_) => Vec::new(),
        };
        Ok(Self { form, estimator, tariff, beta, burdens })
    }

    /// How many providers it chooses of.
    pub const fn providers(&self) -> usize {
        self.tariff.providers()
    }

    /// Who is asked about every image before the choice; nobody where it needs no answer.
    pub fn first(&self) -> Subset {
        self.tariff.first()
    }

    /// Whom to ask next: the best subset where nobody was asked, or only who must be first, and
    /// nobody afterwards.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        let asked = observation.asked;
        if asked.is_empty() || asked == self.tariff.first() {
            self.best(observation.state).beyond(asked)
        } else {
            Subset::default()
        }
    }

    /// What asking each subset at once is predicted to be worth beside others on the same image, what
    /// it costs included; nothing where somebody was asked whom it chose, or where there are too
    /// many subsets.
    pub fn worths(&self, observation: &Observation<'_>) -> Vec<(Subset, f64)> {
        let (asked, first) = (observation.asked, self.tariff.first());
        if !asked.is_empty() && asked != first {
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
            Form::Pairs(pairs) => search::best(&pairs.terms(&predicted), &self.tariff, self.beta),
        }
    }
}

impl TryFrom<Stored> for DirectChooser {
    type Error = DirectError;

    fn try_from(Stored { form, estimator, tariff, beta }: Stored) -> Result<Self, DirectError> {
        let tariff = tariff.checked()?;
        let providers = tariff.providers();
        if providers == 0 || providers > MOST_SOUGHT {
            return Err(DirectError::Providers(providers));
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
        Self::new(form, estimator, tariff, beta)
    }
}
