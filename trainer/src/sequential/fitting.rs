//! Backward induction: stage by stage, the largest sets of those asked first.
//!
//! There is a plan for each part of the images, of models that were fitted without it, and one of
//! models fitted on all; the plans grow by a stage at a time.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Form, SequentialChooser, SequentialError, SequentialModel,
    opening::{Opening, opening},
    parallel::in_parallel,
    plan::{Ask, Plan, Stage, When},
    situations::Situations,
};
use crate::{
    evidence::Memory,
    subset::Subset,
    trees::{Columns, Trees, TreesError},
};

/// Which stream of the seed's generator shares images out.
const FOLDS_STREAM: u64 = 2;

/// How many situations a thread values at a time.
pub(super) const ROWS_AT_ONCE: usize = 256;

/// The same fitted on all images, and without each part of them.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub(super) whole: Trees,
    pub(super) without: Vec<Trees>,
}

/// What one action adds, situation by situation.
struct Gains {
    /// The situations in which it can be done.
    rows: Vec<u32>,
    /// What it adds; anything where it cannot be done.
    targets: Vec<f64>,
}

/// Plans for one price of money.
pub(super) struct Plans {
    pub(super) whole: Plan,
    pub(super) without: Vec<Plan>,
}

/// Which part each image is in: parts are of the same size, and drawn.
pub(super) fn folds(images: usize, folds: usize, seed: u64) -> Vec<usize> {
    let mut parts: Vec<usize> = (0..folds.max(1)).cycle().take(images).collect();
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(FOLDS_STREAM);
    parts.shuffle(&mut generator);
    parts
}

/// What each action adds where nothing is decided after it.
pub(super) fn of_any_price(
    model: &SequentialModel<'_>,
) -> Result<Vec<Vec<Option<Fitted>>>, SequentialError> {
    let mut learned = Vec::with_capacity(model.situations.len());
    for (stage, situations) in model.situations.iter().enumerate() {
        let mut actions = Vec::with_capacity(situations.actions.len());
        for (place, ask) in situations.actions.iter().enumerate() {
            let fitted = if model.is_last(situations.when, *ask) {
                let gains = model.gains(situations, *ask, None)?;
                model.fitted(situations, &gains, stage * 1024 + place)?
            } else {
                None
            };
            actions.push(fitted);
        }
        learned.push(actions);
    }
    Ok(learned)
}

/// The policy for a price of money.
pub(super) fn chooser(
    model: &SequentialModel<'_>,
    beta: f64,
) -> Result<SequentialChooser, SequentialError> {
    let plan = model.plan(beta);
    let mut plans = Plans { without: vec![plan.clone(); model.options.folds], whole: plan };
    for (stage, situations) in model.situations.iter().enumerate() {
        let mut fitted = Vec::with_capacity(situations.actions.len());
        for (place, ask) in situations.actions.iter().enumerate() {
            let known = model.learned.get(stage).and_then(|actions| actions.get(place));
            let learned = match known {
                Some(Some(known)) => Some(known.clone()),
                _ if model.is_last(situations.when, *ask) => None,
                _ => {
                    let gains = model.gains(situations, *ask, Some(&plans))?;
                    model.fitted(situations, &gains, stage * 1024 + place)?
                }
            };
            fitted.extend(learned.map(|learned| (*ask, learned)));
        }
        plans.push(situations.when, &fitted);
    }
    let opening = opening(model, &plans)?;
    if model.options.form == Form::Cascade
        && let Opening::Always(first) = opening
    {
        plans.whole.stages.retain(|stage| stage.when == When::Asked(first));
    }
    Ok(SequentialChooser::new(plans.whole, opening))
}

impl SequentialModel<'_> {
    /// Whether nothing is decided after an action: all are asked, or the form has no more decisions,
    /// or what would follow is the same stage again.
    fn is_last(&self, when: When, ask: Ask) -> bool {
        let fills = match (when, ask) {
            (_, Ask::Rest) => true,
            (When::Asked(asked), Ask::These(further)) => {
                asked.and(further) == Subset::all(self.problem.providers)
            }
            _ => false,
        };
        fills || self.options.form == Form::Cascade || matches!(when, When::Least(_))
    }

    /// What an action adds in every situation, what is decided after it by `plans` included.
    fn gains(
        &self,
        situations: &Situations,
        ask: Ask,
        plans: Option<&Plans>,
    ) -> Result<Gains, SequentialError> {
        let pieces: Vec<&[(usize, Subset)]> = situations.rows.chunks(ROWS_AT_ONCE).collect();
        let parts = in_parallel(&pieces, self.options.threads, |rows| {
            let mut memory = Memory::default();
            let mut gains = Vec::with_capacity(rows.len());
            for &(image, asked) in *rows {
                let further = ask.beyond(asked, self.problem.providers);
                let whole = ask == Ask::Rest || ask == Ask::These(further);
                if further.is_empty() || !whole {
                    gains.push(None);
                    continue;
                }
                let before = self.value(image, asked)?;
                let after = self.outcome(image, asked.and(further), plans, &mut memory)?;
                gains.push(Some(after - before));
            }
            Ok::<_, SequentialError>(gains)
        })?;
        let gains: Vec<Option<f64>> = parts.into_iter().flatten().collect();
        let possible = (0..).zip(&gains).filter(|(_, gain)| gain.is_some());
        Ok(Gains {
            rows: possible.map(|(row, _)| row).collect(),
            targets: gains.iter().map(|gain| gain.unwrap_or(0.0)).collect(),
        })
    }

    /// What truly comes of having asked some, and of what is decided then without having seen the
    /// image, what later calls cost included.
    pub(super) fn outcome(
        &self,
        image: usize,
        asked: Subset,
        plans: Option<&Plans>,
        memory: &mut Memory,
    ) -> Result<f64, SequentialError> {
        let fold = self.folds.get(image).copied().unwrap_or(0);
        let plan = plans.and_then(|plans| plans.without.get(fold));
        let (mut asked, mut charges) = (asked, 0.0);
        if let Some(plan) = plan {
            while let Some(observation) = self.observation(image, asked) {
                let further = plan.next(&observation, memory);
                if further.is_empty() {
                    break;
                }
                charges += plan.charge(further);
                asked = asked.and(further);
            }
        }
        Ok(self.value(image, asked)? + charges)
    }

    /// What the answer of some is worth.
    fn value(&self, image: usize, asked: Subset) -> Result<f64, SequentialError> {
        let value = self.problem.value(image, asked);
        if value.is_finite() { Ok(value) } else { Err(SequentialError::Value { image }) }
    }

    /// Trees for what an action adds; `None` where it can never be done.
    fn fitted(
        &self,
        situations: &Situations,
        gains: &Gains,
        place: usize,
    ) -> Result<Option<Fitted>, SequentialError> {
        if gains.rows.is_empty() {
            return Ok(None);
        }
        let image_of = |row: u32| situations.rows.get(row as usize).map_or(0, |(image, _)| *image);
        let examples = (gains.rows.as_slice(), gains.targets.as_slice());
        self.fitted_by(&situations.columns, examples, image_of, place).map(Some)
    }

    /// Trees for targets of rows, fitted on all of them and without the images of each part.
    pub(super) fn fitted_by(
        &self,
        columns: &Columns,
        (rows, targets): (&[u32], &[f64]),
        image_of: impl Fn(u32) -> usize + Sync,
        place: usize,
    ) -> Result<Fitted, SequentialError> {
        let fold_of = |row: u32| self.folds.get(image_of(row)).copied().unwrap_or(0);
        let parts: Vec<Option<usize>> =
            std::iter::once(None).chain((0..self.options.folds).map(Some)).collect();
        let mut fitted = in_parallel(&parts, self.options.threads, |part| {
            let others = rows.iter().copied().filter(|row| Some(fold_of(*row)) != *part);
            let mut others: Vec<u32> = others.collect();
            if others.is_empty() {
                others = rows.to_vec();
            }
            let number = (place * 64) + part.map_or(0, |part| part + 1);
            let seed = self.seed.wrapping_add(u64::try_from(number).unwrap_or(0) << 20);
            Trees::fit_on(columns, &others, targets, &self.options.trees, seed)
        })?
        .into_iter();
        let whole = fitted.next().ok_or(TreesError::Empty)?;
        Ok(Fitted { whole, without: fitted.collect() })
    }
}

impl Plans {
    /// Takes a stage.
    fn push(&mut self, when: When, actions: &[(Ask, Fitted)]) {
        let whole = actions.iter().map(|(ask, fitted)| (*ask, fitted.whole.clone()));
        self.whole.stages.push(Stage { when, actions: whole.collect() });
        for (part, plan) in self.without.iter_mut().enumerate() {
            let own = actions.iter().filter_map(|(ask, fitted)| {
                fitted.without.get(part).map(|trees| (*ask, trees.clone()))
            });
            plan.stages.push(Stage { when, actions: own.collect() });
        }
    }
}
