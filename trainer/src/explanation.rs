//! Why a policy asks whom it asks about one image, step by step.

mod rendering;

use armol_analysis::{
    label_groups::GroupedBox,
    metrics::image_value::{ValueRule, image_value},
};
use serde::Serialize;

use crate::{
    baseline::number,
    dataset::{Dataset, Image},
    policy::{Policy, observation},
    rewards::ScoredImage,
    subset::Subset,
};

pub use rendering::{json, text};

/// What was done about one image, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation<'a> {
    /// The image's name.
    pub image: &'a str,
    /// Its number.
    pub image_id: u64,
    /// How many numbers its state has.
    pub state_numbers: usize,
    /// What was done, one step after another.
    pub steps: Vec<Step<'a>>,
    /// What asking whom next was taken to be worth when enough was known, the most first; empty
    /// where nobody says.
    pub worths_at_end: Vec<Worth<'a>>,
    /// Why nobody was asked any more.
    pub stopped: &'static str,
    /// The merged answer.
    pub merged: Vec<Seen<'a>>,
    /// What it cost, in thousandths of a US dollar.
    pub cost: f64,
    /// What the answer is worth; `None` without an object in the ground truth.
    pub value: Option<f64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step<'a> {
    /// What asking whom was taken to be worth, the most first; empty where nobody says.
    pub worths: Vec<Worth<'a>>,
    /// Who was asked.
    pub asked: Vec<&'a str>,
    /// What that cost, in thousandths of a US dollar.
    pub cost: f64,
    /// What each of them said.
    pub answers: Vec<StepAnswer<'a>>,
}

/// What asking some providers next is taken to be worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worth<'a> {
    /// The providers.
    pub ask: Vec<&'a str>,
    /// What asking them is worth, what it costs included.
    pub worth: f64,
}

/// What one provider said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepAnswer<'a> {
    /// The provider.
    pub provider: &'a str,
    /// What it saw; `None` where it gave no answer.
    pub seen: Option<Vec<Seen<'a>>>,
}

/// An object that was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen<'a> {
    /// What it is.
    pub category: &'a str,
    /// How surely.
    pub score: f64,
    /// Left, top, right and bottom in pixels.
    pub corners: [f64; 4],
}

/// Asks about an image of a data set as the policy says, and tells what was done.
pub fn explain<'a>(
    policy: &Policy,
    dataset: &'a Dataset,
    image: &'a Image,
    state: &[f32],
) -> Explanation<'a> {
    let scored = ScoredImage::new(image, &dataset.providers);
    let cost = |set| number(scored.cost_microusd(set)) / 1e3;
    let mut asked = Subset::default();
    let mut steps = Vec::new();
    loop {
        let seen = observation(state, &scored, asked);
        let worths = worths(policy.strategy.worths(&seen), dataset);
        let next = policy.choose(&seen);
        if next.is_empty() {
            let merged = scored.merged(asked, &policy.merger);
            let objects = image.truth.iter().any(|object| !object.crowd);
            return Explanation {
                image: &image.name,
                image_id: image.id,
                state_numbers: state.len(),
                steps,
                stopped: stopped(policy, asked, &worths),
                worths_at_end: worths,
                cost: cost(asked),
                value: objects.then(|| image_value(&merged, &image.truth, ValueRule::Seed)),
                merged: seen_of(&merged, dataset),
            };
        }
        steps.push(Step {
            worths,
            asked: next.names(&dataset.providers),
            cost: cost(next),
            answers: answers(image, next, dataset),
        });
        asked = asked.and(next);
    }
}

/// Why nobody is asked any more.
fn stopped(policy: &Policy, asked: Subset, worths: &[Worth<'_>]) -> &'static str {
    if asked == Subset::all(policy.providers.len()) {
        "everyone was asked"
    } else if policy.strategy.chooser.asks_once() {
        "it chooses once, and looks at no answer"
    } else if worths.is_empty() {
        "it asks nobody else after these"
    } else {
        "nothing else is worth what it costs"
    }
}

fn worths(worths: Vec<(Subset, f64)>, dataset: &Dataset) -> Vec<Worth<'_>> {
    let worth = |(set, worth): (Subset, f64)| Worth { ask: set.names(&dataset.providers), worth };
    worths.into_iter().map(worth).collect()
}

fn answers<'a>(image: &'a Image, asked: Subset, dataset: &'a Dataset) -> Vec<StepAnswer<'a>> {
    let all = dataset.providers.iter().zip(&image.answers).enumerate();
    all.filter(|(place, _)| asked.contains(*place))
        .map(|(_, (provider, answer))| StepAnswer {
            provider: &provider.name,
            seen: answer.as_ref().map(|answer| seen_of(&answer.boxes, dataset)),
        })
        .collect()
}

/// Objects by falling score.
fn seen_of<'a>(boxes: &[GroupedBox], dataset: &'a Dataset) -> Vec<Seen<'a>> {
    let seen = |seen: &GroupedBox| Seen {
        category: dataset
            .categories
            .get(usize::from(seen.group.number()))
            .map_or("", String::as_str),
        score: seen.score,
        corners: seen.bbox.corners(),
    };
    let mut objects: Vec<Seen<'a>> = boxes.iter().map(seen).collect();
    objects.sort_by(|one, other| other.score.total_cmp(&one.score));
    objects
}
