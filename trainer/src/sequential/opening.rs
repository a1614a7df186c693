//! Whom to ask first, before there is an answer to go by.

use serde::{Deserialize, Serialize};

use super::{
    Form, SequentialError, SequentialModel,
    fitting::{Plans, ROWS_AT_ONCE},
    parallel::in_parallel,
    plan::Plan,
    situations,
};
use crate::{
    baseline::number,
    evidence::Memory,
    subset::Subset,
    trees::{Columns, Trees},
};

/// Whom to ask first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Opening {
    /// The same for every image.
    Always(Subset),
    /// What promises most by the image's state, what it costs not yet counted.
    ByState(Vec<(Subset, Trees)>),
}

/// What came of a first call, image by image, what it cost included.
struct Outcome {
    first: Subset,
    worths: Vec<f64>,
}

/// Where trees of openings are numbered from, beyond those of all stages.
const PLACE: usize = 1 << 30;

/// Whom to ask first: the same for every image, or by its state where that brings more on images
/// that the choice was not fitted on.
pub(super) fn opening(
    model: &SequentialModel<'_>,
    plans: &Plans,
) -> Result<Opening, SequentialError> {
    let outcomes = outcomes(model, plans)?;
    let means = outcomes.iter().map(|outcome| mean(&outcome.worths));
    let best = means.enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
    let Some((best, mean_of_best)) = best else { return Ok(Opening::Always(Subset::all(1))) };
    let first = outcomes.get(best).map_or(Subset::all(1), |outcome| outcome.first);
    let looks = model.options.state_numbers > 0 && model.options.form == Form::Sequential;
    if looks && outcomes.len() > 1 {
        let (by_state, mean_by_state) = by_state(model, &outcomes, best, &plans.whole)?;
        if mean_by_state > mean_of_best {
            return Ok(Opening::ByState(by_state));
        }
    }
    Ok(Opening::Always(first))
}

/// What comes of each first call with what is decided then.
fn outcomes(model: &SequentialModel<'_>, plans: &Plans) -> Result<Vec<Outcome>, SequentialError> {
    let images: Vec<usize> = (0..model.problem.images.len()).collect();
    let pieces: Vec<&[usize]> = images.chunks(ROWS_AT_ONCE).collect();
    let mut outcomes = Vec::new();
    for first in situations::openings(model) {
        let parts = in_parallel(&pieces, model.options.threads, |images| {
            let mut memory = Memory::default();
            let outcome = |image: &usize| model.outcome(*image, first, Some(plans), &mut memory);
            images.iter().map(outcome).collect::<Result<Vec<f64>, _>>()
        })?;
        let charge = plans.whole.charge(first);
        let worths = parts.concat().iter().map(|outcome| outcome + charge).collect();
        outcomes.push(Outcome { first, worths });
    }
    Ok(outcomes)
}

/// Trees for what each first call brings beyond the best for all, and what choosing by them brings
/// at the mean on images that they were not fitted on.
fn by_state(
    model: &SequentialModel<'_>,
    outcomes: &[Outcome],
    best: usize,
    plan: &Plan,
) -> Result<(Vec<(Subset, Trees)>, f64), SequentialError> {
    let width = model.options.state_numbers;
    let images = model.problem.images.len();
    let mut states = Vec::with_capacity(images * width);
    for image in 0..images {
        states.extend(model.problem.states.row(image).iter().take(width));
    }
    let columns = Columns::new(&states, width)?;
    let rows: Vec<u32> = (0..).take(images).collect();
    let common = outcomes.get(best).map_or(&[][..], |outcome| outcome.worths.as_slice());
    let mut trees = Vec::with_capacity(outcomes.len());
    // Of each image what its choice promises, and brings.
    let mut chosen = vec![(f64::NEG_INFINITY, 0.0); images];
    for (place, outcome) in outcomes.iter().enumerate() {
        // Trees promise what a call brings before what it costs, as the chooser takes them.
        let charge = plan.charge(outcome.first);
        let pairs = outcome.worths.iter().zip(common);
        let targets: Vec<f64> = pairs.map(|(worth, common)| worth - common - charge).collect();
        let fitted =
            model.fitted_by(&columns, (&rows, &targets), |row| row as usize, PLACE + place)?;
        for (image, (state, chosen)) in states.chunks(width).zip(&mut chosen).enumerate() {
            let fold = model.folds.get(image).copied().unwrap_or(0);
            let promise = fitted.without.get(fold).map_or(0.0, |trees| trees.predict(state));
            if promise + charge > chosen.0 {
                let brings = outcome.worths.get(image).copied().unwrap_or(0.0);
                *chosen = (promise + charge, brings);
            }
        }
        trees.push((outcome.first, fitted.whole));
    }
    let brought: Vec<f64> = chosen.iter().map(|(_, brings)| *brings).collect();
    Ok((trees, mean(&brought)))
}

fn mean(numbers: &[f64]) -> f64 {
    let count = number(u64::try_from(numbers.len()).unwrap_or(u64::MAX));
    numbers.iter().sum::<f64>() / count
}
