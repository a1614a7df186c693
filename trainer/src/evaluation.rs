//! What a policy brings on a data set: asking about every image as it says, against stored answers.
//!
//! Costs are in thousandths of a US dollar, as prices are while learning and in the paper's table: 1
//! is a call at 0.001 US dollars. Without a ground truth of boxes there are choices and costs alone.

pub mod choice_list;
pub mod detections;
mod intervals;
pub mod rendering;

use std::{collections::BTreeMap, time::Duration};

use armol_analysis::{label_groups::GroupedBox, merge::Scratch, metrics::coco::Matches};
use serde::{Deserialize, Serialize};

use crate::{
    baseline::number,
    dataset::{Image, Part},
    policy::{Strategy, rollout},
    rewards::{ScoredImage, Valuation},
    state::States,
    subset::Subset,
};

pub use intervals::{Intervals, intervals};

/// What was asked about one image, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Who was asked at once, one step after another.
    pub steps: Vec<Subset>,
    /// Everyone who was asked.
    pub asked: Subset,
    /// The merged answer.
    pub merged: Vec<GroupedBox>,
    /// What it cost, in thousandths of a US dollar.
    pub cost: f64,
    /// What the answer is worth; `None` without a ground truth of boxes.
    pub value: Option<f64>,
    /// How long the calls took, in seconds; `None` where one of them was not measured.
    pub latency_s: Option<f64>,
}

/// What the choices come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// How many images.
    pub images: usize,
    /// COCO's mean average precision; `None` where there is no object.
    pub ap: Option<f64>,
    /// COCO's AP50; `None` where there is no object.
    pub ap50: Option<f64>,
    /// What an image costs at the mean, in thousandths of a US dollar.
    pub mean_cost: f64,
    /// The mean over images of an image's own AP50; `None` without a ground truth of boxes.
    pub mean_v: Option<f64>,
    /// How long an image takes at the mean of those of which it is known, in seconds.
    pub mean_latency_s: Option<f64>,
    /// How many images each provider was asked about.
    pub calls: BTreeMap<String, usize>,
}

/// Asks about every image as the strategy says; `states` has a row for each of them.
pub fn choices(
    part: &Part<'_>,
    states: &States,
    strategy: &Strategy,
    valuation: Valuation<'_>,
) -> Vec<Choice> {
    let has_truth = part.has_boxes();
    let mut scratch = Scratch::default();
    let mut choice = |(place, image): (usize, &Image)| {
        let scored = ScoredImage::new(image, part.providers);
        let asking = rollout(strategy, states.row(place), &scored);
        let answering = asking.asked.within(scored.answered());
        let mut merged = Vec::new();
        let includes = |place| answering.contains(place);
        valuation.merger.merge_into(scored.candidates(), includes, &mut scratch, &mut merged);
        let value = has_truth.then(|| valuation.value(&merged, &scored));
        Choice {
            cost: number(scored.cost_microusd(asking.asked)) / 1e3,
            latency_s: latency(image, &asking.steps).map(|latency| latency.as_secs_f64()),
            steps: asking.steps,
            asked: asking.asked,
            merged,
            value,
        }
    };
    part.images.iter().copied().enumerate().map(&mut choice).collect()
}

/// How long steps one after another took: each as long as its longest call. `None` where a call was
/// not measured.
fn latency(image: &Image, steps: &[Subset]) -> Option<Duration> {
    let mut total = Duration::ZERO;
    for step in steps {
        let mut longest = Duration::ZERO;
        for (place, answer) in image.answers.iter().enumerate() {
            if step.contains(place) {
                let answer = answer.as_ref()?;
                longest = longest.max(answer.transmission?.checked_add(answer.inference?)?);
            }
        }
        total = total.checked_add(longest)?;
    }
    Some(total)
}

/// What choices come to.
pub fn figures(part: &Part<'_>, choices: &[Choice]) -> Figures {
    let precision = matches(part, choices).average_precision();
    let calls = |(place, name): (usize, String)| {
        let asked = choices.iter().filter(|choice| choice.asked.contains(place));
        (name, asked.count())
    };
    let names = part.providers.iter().map(|provider| provider.name.clone());
    Figures {
        images: choices.len(),
        ap: precision.map(|precision| precision.ap),
        ap50: precision.map(|precision| precision.ap50),
        mean_cost: mean(choices.iter().map(|choice| choice.cost)).unwrap_or(0.0),
        mean_v: mean(choices.iter().filter_map(|choice| choice.value)),
        mean_latency_s: mean(choices.iter().filter_map(|choice| choice.latency_s)),
        calls: names.enumerate().map(calls).collect(),
    }
}

/// What the merged answers found.
fn matches(part: &Part<'_>, choices: &[Choice]) -> Matches {
    let images = choices.iter().zip(&part.images);
    Matches::new(images.map(|(choice, image)| (choice.merged.as_slice(), image.truth.as_slice())))
}

/// The mean of some numbers; `None` of none.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut sum) = (0_u64, 0.0);
    for value in values {
        count += 1;
        sum += value;
    }
    (count > 0).then(|| sum / number(count))
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        merge::{Merger, Method, Vote},
        metrics::image_value::ValueRule,
    };

    use super::*;
    use crate::{
        dataset::Dataset,
        policy::Chooser,
        testing::{cat_and_dog, dataset},
    };

    fn evaluated(dataset: &Dataset, strategy: &Strategy) -> (Vec<Choice>, Figures) {
        let merger = Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap();
        let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
        let part = Part::whole(dataset);
        let choices = choices(&part, &States::new(0, Vec::new()), strategy, valuation);
        let figures = figures(&part, &choices);
        (choices, figures)
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let strategy = Strategy { first: Some(1), ..Strategy::of(Chooser::Fixed(Subset::all(2))) };
        let (choices, figures) = evaluated(&dataset, &strategy);
        assert_eq!(choices[0].steps, [Subset::single(1), Subset::single(0)]);
        let calls = BTreeMap::from([("aws".to_owned(), 2), ("azure".to_owned(), 2)]);
        let expected = Figures {
            images: 2,
            ap: Some(1.0),
            ap50: Some(1.0),
            mean_cost: 1.5,
            mean_v: Some(1.0),
            mean_latency_s: None,
            calls,
        };
        assert_eq!(figures, expected);
    }

    #[test]
    fn without_boxes_in_the_truth_there_are_choices_and_costs_alone() {
        let (answers, truth) = cat_and_dog();
        let mut dataset = dataset(&answers, truth);
        for image in &mut dataset.images {
            image.truth.clear();
        }
        let one = Strategy::of(Chooser::Fixed(Subset::single(1)));
        let (choices, figures) = evaluated(&dataset, &one);
        assert_eq!((figures.ap50, figures.mean_v, figures.mean_cost), (None, None, 0.5));
        assert!(choices.iter().all(|choice| choice.value.is_none()));
    }

    #[test]
    fn calls_at_once_take_as_long_as_the_longest_and_steps_add_up() {
        let (answers, truth) = cat_and_dog();
        let mut dataset = dataset(&answers, truth);
        for image in &mut dataset.images {
            for (answer, inference_ms) in image.answers.iter_mut().flatten().zip([300, 200]) {
                answer.transmission = Some(Duration::from_millis(50));
                answer.inference = Some(Duration::from_millis(inference_ms));
            }
        }
        let image = &dataset.images[0];
        let at_once = latency(image, &[Subset::all(2)]);
        assert_eq!(at_once, Some(Duration::from_millis(350)));
        let in_turn = latency(image, &[Subset::single(1), Subset::single(0)]);
        assert_eq!(in_turn, Some(Duration::from_millis(600)));
    }
}
