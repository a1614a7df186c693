//! What there is to learn from: images with some of the providers asked, and what may be done next.
//!
//! Of few providers every set is a stage of its own and every further subset an action. Of many,
//! the sets of one size are a stage, sets are drawn for each image, and the actions are to ask one
//! more, or all the rest.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    Form, SequentialError, SequentialModel,
    parallel::in_parallel,
    plan::{Ask, Plan, When},
};
use crate::{
    baseline::number,
    evidence::Memory,
    policy::{Observation, observation},
    problem::Problem,
    subset::Subset,
    trees::Columns,
};

/// The most providers of which every set is a stage of its own.
pub(super) const FEW: usize = 4;

/// Sets of so many providers and more are one stage, where there are many.
const LARGE: u32 = 5;

/// How many providers may be asked first, where there are many.
const OPENERS: usize = 4;

/// How many images tell which providers go together best.
const SAMPLE: usize = 500;

/// Which stream of the seed's generator sets are drawn from.
const SETS_STREAM: u64 = 1;

/// The situations of one stage.
#[derive(Clone, Debug)]
pub(super) struct Situations {
    pub(super) when: When,
    /// Images, by place, and who was asked.
    pub(super) rows: Vec<(usize, Subset)>,
    /// What is known in each.
    pub(super) columns: Columns,
    /// What may be done.
    pub(super) actions: Vec<Ask>,
}

/// A stage before its situations are looked at.
struct Draft {
    when: When,
    rows: Vec<(usize, Subset)>,
    actions: Vec<Ask>,
}

/// The situations of every stage, the largest sets first.
pub(super) fn all(model: &SequentialModel<'_>) -> Result<Vec<Situations>, SequentialError> {
    let drafts = if model.problem.providers <= FEW { of_few(model) } else { of_many(model) };
    let plan = model.plan(0.0);
    in_parallel(&drafts, model.options.threads, |draft| {
        let mut memory = Memory::default();
        let mut known = Vec::with_capacity(draft.rows.len() * plan.dimension());
        for &(image, asked) in &draft.rows {
            if let Some(observation) = model.observation(image, asked) {
                plan.add_known(&observation, &mut memory, &mut known);
            }
        }
        Ok(Situations {
            when: draft.when,
            rows: draft.rows.clone(),
            columns: Columns::new(&known, plan.dimension())?,
            actions: draft.actions.clone(),
        })
    })
}

/// Whom a policy may ask first: one provider, or, where waiting has a price, several at once.
pub(super) fn openings(model: &SequentialModel<'_>) -> Vec<Subset> {
    let providers = model.problem.providers;
    let cascade = model.options.form == Form::Cascade;
    if providers <= FEW && model.tariff.counts_waiting() && !cascade {
        return Subset::each(providers).collect();
    }
    let mut openings = first_calls(model);
    if !cascade && providers > 1 {
        openings.push(Subset::all(providers));
    }
    openings
}

/// The providers that may be asked first, each alone: of many those that are worth most alone.
fn first_calls(model: &SequentialModel<'_>) -> Vec<Subset> {
    let singles = (0..model.problem.providers).map(Subset::single);
    let mut singles: Vec<Subset> = singles.collect();
    if singles.len() > FEW {
        let worth = |one: &Subset| {
            mean_value(&model.problem, *one)
                + model.tariff.charge(*one, model.problem.objective.beta)
        };
        let mut valued: Vec<(f64, Subset)> = singles.iter().map(|one| (worth(one), *one)).collect();
        valued.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        singles = valued.into_iter().take(OPENERS).map(|(_, single)| single).collect();
    }
    singles
}

fn of_few(model: &SequentialModel<'_>) -> Vec<Draft> {
    let providers = model.problem.providers;
    let most = match model.options.form {
        Form::Sequential => Subset::all(providers).count(),
        Form::Cascade => 2.min(Subset::all(providers).count()),
    };
    let mut sets: Vec<Subset> = Subset::each(providers).filter(|set| set.count() < most).collect();
    sets.sort_by_key(|set| std::cmp::Reverse(set.count()));
    let draft = |asked: Subset| {
        let further = Subset::each(providers).filter(|set| set.beyond(asked) == *set);
        Draft {
            when: When::Asked(asked),
            rows: (0..model.problem.images.len()).map(|image| (image, asked)).collect(),
            actions: further.map(Ask::These).collect(),
        }
    };
    sets.into_iter().map(draft).collect()
}

fn of_many(model: &SequentialModel<'_>) -> Vec<Draft> {
    if model.options.form == Form::Cascade {
        return first_calls(model).into_iter().map(|first| cascade_draft(model, first)).collect();
    }
    let providers = model.problem.providers;
    let singles = (0..providers).map(|place| Ask::These(Subset::single(place)));
    let actions: Vec<Ask> = singles.chain([Ask::Rest]).collect();
    let mut drawn = Vec::new();
    let mut generator = ChaCha8Rng::seed_from_u64(model.seed);
    generator.set_stream(SETS_STREAM);
    let preference = preference(&model.problem);
    let images = model.problem.images.len();
    let times = (model.options.most_rows / images).clamp(1, MOST_DRAWS);
    for image in 0..images {
        for _ in 0..times {
            drawn.push((image, order(&preference, &mut generator)));
        }
    }
    drawn.truncate(model.options.most_rows.max(1));
    let largest = LARGE.min(Subset::all(providers).count() - 1);
    let draft = |size: u32| {
        let rows = drawn.iter().map(|(image, order)| {
            // Sets of the last stage are of every size that it is for.
            let more = if size == largest { image % (providers - size as usize) } else { 0 };
            let asked = order.iter().take(size as usize + more);
            (*image, asked.fold(Subset::default(), |set, place| set.with(*place)))
        });
        let when = if size == largest { When::Least(size) } else { When::Count(size) };
        Draft { when, rows: rows.collect(), actions: actions.clone() }
    };
    (1..=largest).rev().map(draft).collect()
}

/// How many sets of each size are drawn for an image at most.
const MOST_DRAWS: usize = 4;

/// One decision after a first call: any other provider, or those that go best with it, ever more of
/// them.
fn cascade_draft(model: &SequentialModel<'_>, first: Subset) -> Draft {
    let providers = model.problem.providers;
    let others = (0..providers).map(Subset::single).filter(|one| *one != first);
    let mut actions: Vec<Ask> = others.map(Ask::These).collect();
    let mut asked = first;
    while asked != Subset::all(providers) {
        let more = (0..providers).map(Subset::single).filter(|one| one.beyond(asked) == *one);
        let valued = more.map(|one| (mean_value(&model.problem, asked.and(one)), one));
        let best = valued.max_by(|(one, _), (other, _)| one.total_cmp(other));
        let Some((_, one)) = best else { break };
        asked = asked.and(one);
        let further = Ask::These(asked.beyond(first));
        if !actions.contains(&further) {
            actions.push(further);
        }
    }
    let rows = (0..model.problem.images.len()).map(|image| (image, first));
    Draft { when: When::Asked(first), rows: rows.collect(), actions }
}

/// The mean value of a subset over some of the images, evenly spread.
fn mean_value(problem: &Problem<'_>, subset: Subset) -> f64 {
    let images = problem.images.len();
    let step = images.div_ceil(SAMPLE).max(1);
    let places = (0..images).step_by(step);
    let count = number(u64::try_from(places.len()).unwrap_or(u64::MAX)).max(1.0);
    places.map(|image| problem.value(image, subset)).sum::<f64>() / count
}

/// How much earlier than others each provider is drawn: from 0 for the least valuable to 1.
fn preference(problem: &Problem<'_>) -> Vec<f64> {
    let singles = (0..problem.providers).map(Subset::single);
    let values: Vec<f64> = singles.map(|one| mean_value(problem, one)).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = (most - least).max(f64::MIN_POSITIVE);
    values.iter().map(|value| (value - least) / spread).collect()
}

/// Providers in an order that is drawn, those that are preferred earlier more often than not.
fn order(preference: &[f64], generator: &mut impl Rng) -> Vec<usize> {
    let drawn = preference.iter().map(|preference| preference + generator.random::<f64>());
    let mut keyed: Vec<(f64, usize)> = drawn.zip(0..).collect();
    keyed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    keyed.into_iter().map(|(_, place)| place).collect()
}

impl<'a> SequentialModel<'a> {
    /// What is known of an image, by its place, with some of the providers asked.
    pub(super) fn observation(&self, image: usize, asked: Subset) -> Option<Observation<'a>> {
        let scored = self.problem.images.get(image)?;
        Some(observation(self.problem.states.row(image), scored, asked))
    }

    /// A plan without a stage yet.
    pub(super) fn plan(&self, beta: f64) -> Plan {
        Plan {
            evidence: self.evidence.clone(),
            state_numbers: self.options.state_numbers,
            tariff: self.tariff.clone(),
            beta,
            stages: Vec::new(),
        }
    }
}
