//! What simple ways to choose providers bring: the marks that a learned way is measured by.
//!
//! A method chooses, for each image, whom to ask; the answers are merged and scored against ground
//! truth. The methods are each provider alone, one at random, any subset at random, all, and the
//! upper bound: an oracle that picks the subset of the highest value with the ground truth in hand.
//! It is the bound of the mean value; mAP and AP50 rank over all images and could be higher still.

use armol_analysis::{
    label_groups::GroupedBox,
    merge::{Candidates, Merger},
    metrics::{
        TrueBox,
        coco::{AveragePrecision, average_precision},
        image_value::{ValueRule, image_value},
    },
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{
    dataset::{Dataset, Image},
    subset::Subset,
};

/// One method and what it brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the method is called; a provider's name where it alone is asked.
    pub method: String,
    /// How good its merged answers are; `None` where the ground truth has no object.
    pub precision: Option<AveragePrecision>,
    /// What it costs, in US dollars an image.
    pub mean_cost_usd: f64,
    /// The mean over the images of [`image_value`].
    pub mean_value: f64,
    /// How many images each provider was asked about.
    pub calls: Vec<usize>,
}

/// Which stream of the seed's generator a random method draws from, so that no method's draws
/// depend on another's.
const RANDOM_SINGLE_STREAM: u64 = 1;
const RANDOM_SUBSET_STREAM: u64 = 2;

/// Scores every baseline; the same seed gives the same rows.
pub fn baselines(dataset: &Dataset, merger: &Merger, seed: u64) -> Vec<Row> {
    let count = dataset.providers.len();
    let images = dataset.images.iter().map(|image| ScoredImage::new(image, dataset)).collect();
    let scoring = Scoring { images, providers: count, merger };
    let mut rows = Vec::with_capacity(count + 4);
    for (place, provider) in dataset.providers.iter().enumerate() {
        rows.push(scoring.row(&provider.name, |_| Subset::single(place)));
    }
    let mut generator = stream(seed, RANDOM_SINGLE_STREAM);
    rows.push(scoring.row("Random-1", |_| Subset::random_single(count, &mut generator)));
    let mut generator = stream(seed, RANDOM_SUBSET_STREAM);
    rows.push(scoring.row("Random-N", |_| Subset::random(count, &mut generator)));
    rows.push(scoring.row("Ensemble-N", |_| Subset::all(count)));
    rows.push(scoring.row("Upper Bound", |image| best_subset(image, count, merger)));
    rows
}

/// What every method is scored on.
struct Scoring<'a> {
    images: Vec<ScoredImage<'a>>,
    providers: usize,
    merger: &'a Merger,
}

/// One image as methods are scored on it.
struct ScoredImage<'a> {
    truth: &'a [TrueBox],
    candidates: Candidates,
    answered: Subset,
    prices_microusd: Vec<u64>,
}

impl Scoring<'_> {
    /// Scores one method, which chooses a subset for each image.
    fn row(&self, method: &str, mut choose: impl FnMut(&ScoredImage<'_>) -> Subset) -> Row {
        let mut calls = vec![0; self.providers];
        let mut cost_microusd: u64 = 0;
        let mut value = 0.0;
        let mut answers: Vec<Vec<GroupedBox>> = Vec::with_capacity(self.images.len());
        for image in &self.images {
            let subset = choose(image);
            let merged = image.merged(subset, self.merger);
            value += image_value(&merged, image.truth, ValueRule::Seed);
            cost_microusd = cost_microusd.saturating_add(image.cost_microusd(subset));
            for (place, calls) in calls.iter_mut().enumerate() {
                *calls += usize::from(subset.contains(place));
            }
            answers.push(merged);
        }
        let truth = self.images.iter().map(|image| image.truth);
        let images = number(u64::try_from(self.images.len()).unwrap_or(u64::MAX));
        Row {
            method: method.to_owned(),
            precision: average_precision(answers.iter().map(Vec::as_slice).zip(truth)),
            mean_cost_usd: number(cost_microusd) / 1e6 / images,
            mean_value: value / images,
            calls,
        }
    }
}

/// The subset of the highest value; of equals the cheapest, then the smallest.
fn best_subset(image: &ScoredImage<'_>, providers: usize, merger: &Merger) -> Subset {
    let judged = |subset| {
        let value = image_value(&image.merged(subset, merger), image.truth, ValueRule::Seed);
        (value, image.cost_microusd(subset))
    };
    let mut best = Subset::single(0);
    let (mut best_value, mut best_cost) = judged(best);
    for subset in Subset::each(providers) {
        let (value, cost) = judged(subset);
        let by_value = value.total_cmp(&best_value);
        let by_cost = best_cost.cmp(&cost);
        let by_count = best.count().cmp(&subset.count());
        if by_value.then(by_cost).then(by_count).is_gt() {
            (best, best_value, best_cost) = (subset, value, cost);
        }
    }
    best
}

impl<'a> ScoredImage<'a> {
    fn new(image: &'a Image, dataset: &Dataset) -> Self {
        let boxes = image.answers.iter().map(|answer| match answer {
            Some(answer) => answer.boxes.as_slice(),
            None => &[],
        });
        let answered = image.answers.iter().enumerate().filter(|(_, answer)| answer.is_some());
        Self {
            truth: &image.truth,
            candidates: Candidates::new(boxes),
            answered: answered.fold(Subset::default(), |set, (place, _)| set.with(place)),
            prices_microusd: image.prices_microusd(&dataset.providers),
        }
    }

    /// The answer that asking a subset brings. Who did not answer has no vote.
    fn merged(&self, subset: Subset, merger: &Merger) -> Vec<GroupedBox> {
        let asked = |place| subset.contains(place) && self.answered.contains(place);
        merger.merge(&self.candidates, asked)
    }

    /// What asking a subset costs.
    fn cost_microusd(&self, subset: Subset) -> u64 {
        let asked = (0..).zip(&self.prices_microusd).filter(|(place, _)| subset.contains(*place));
        asked.fold(0, |sum: u64, (_, price)| sum.saturating_add(*price))
    }
}

/// One of the independent streams of random draws of a seed.
fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// A count or a price as a number to average.
#[expect(clippy::cast_precision_loss, reason = "counts and prices are far below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use armol_analysis::merge::{Method, Vote};
    use armol_collector::store::StoredAnswer;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ground_truth::GroundTruth,
        testing::{LEFT, answer, cat_and_dog, dataset, detection, image, object, truth_of},
    };

    fn merger(vote: Vote) -> Merger {
        Merger::new(vote, Method::MeanWbf).unwrap()
    }

    fn rows(answers: &[StoredAnswer], truth: GroundTruth, vote: Vote) -> Vec<Row> {
        baselines(&dataset(answers, truth), &merger(vote), 7)
    }

    fn row<'a>(rows: &'a [Row], method: &str) -> &'a Row {
        rows.iter().find(|row| row.method == method).expect(method)
    }

    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value}, expected {expected}");
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let (answers, truth) = cat_and_dog();
        let rows = rows(&answers, truth, Vote::Affirmative);
        let figures: Vec<_> = ["aws", "azure", "Ensemble-N", "Upper Bound"]
            .map(|method| row(&rows, method))
            .map(|row| (row.precision.unwrap().ap50, row.mean_value, &row.calls[..]))
            .to_vec();
        // Each alone finds one of two groups, and has nothing (-1) to say of the other image.
        let expected: [(f64, f64, &[usize]); 4] =
            [(0.5, 0.0, &[2, 0]), (0.5, 0.0, &[0, 2]), (1.0, 1.0, &[2, 2]), (1.0, 1.0, &[1, 1])];
        assert_eq!(figures, expected);
        assert_near(row(&rows, "aws").mean_cost_usd, 0.001);
        assert_near(row(&rows, "Ensemble-N").mean_cost_usd, 0.0015);
        assert_near(row(&rows, "Upper Bound").mean_cost_usd, 0.00075);
    }

    #[test]
    fn a_stricter_vote_drops_what_one_provider_alone_sees() {
        let (answers, truth) = cat_and_dog();
        let rows = rows(&answers, truth, Vote::Consensus);
        assert_near(row(&rows, "Ensemble-N").mean_value, -1.0);
        assert_near(row(&rows, "Upper Bound").mean_value, 1.0);
    }

    #[test]
    fn who_did_not_answer_costs_and_has_no_vote() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| (answer.image != "cat.jpg") || answer.provider == "aws");
        let rows = rows(&answers, truth, Vote::Unanimous);
        // Of cat.jpg, aws is the only one with a vote; of dog.jpg, aws saw nothing.
        let ensemble = row(&rows, "Ensemble-N");
        assert_near(ensemble.mean_value, 0.0);
        assert_near(ensemble.mean_cost_usd, 0.0015);
        assert_eq!(ensemble.calls, [2, 2]);
    }

    #[test]
    fn the_upper_bound_takes_the_cheaper_of_equals_then_the_fewer() {
        let seen = [detection("Cat", 0.9, LEFT)];
        let priced = |provider, cost_microusd| StoredAnswer {
            cost_microusd,
            ..answer("cat.jpg", provider, &seen)
        };
        let truth = || truth_of(vec![image("cat.jpg", &[object("cat", LEFT)])]);
        let cheaper = rows(&[priced("a", 3), priced("b", 2)], truth(), Vote::Affirmative);
        assert_eq!(row(&cheaper, "Upper Bound").calls, [0, 1]);
        let free = rows(&[priced("a", 0), priced("b", 0)], truth(), Vote::Affirmative);
        assert_eq!(row(&free, "Upper Bound").calls, [1, 0]);
    }

    #[test]
    fn one_provider_makes_every_row_the_same() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| answer.provider == "aws");
        let rows = rows(&answers, truth, Vote::Affirmative);
        let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        assert_eq!(methods, ["aws", "Random-1", "Random-N", "Ensemble-N", "Upper Bound"]);
        for row in &rows {
            assert_eq!(&Row { method: "aws".to_owned(), ..row.clone() }, &rows[0]);
        }
    }

    #[test]
    fn without_any_object_there_is_no_average_precision() {
        let images = vec![image("cat.jpg", &[])];
        let answers = [answer("cat.jpg", "aws", &[])];
        let rows = rows(&answers, truth_of(images), Vote::Affirmative);
        assert!(rows.iter().all(|row| row.precision.is_none()));
    }

    fn any_dataset() -> impl Strategy<Value = Dataset> {
        let corners = (0..4_u8, 0..3_u8).prop_map(|(left, shift)| {
            let left = f64::from(left) * 100.0 + f64::from(shift) * 10.0;
            [left, 0.0, left + 80.0, 80.0]
        });
        let word = prop_oneof!["cat", "dog"];
        let object =
            (word.clone(), corners.clone()).prop_map(|(word, corners)| object(&word, corners));
        let seen = (word, 1..=100_u8, corners)
            .prop_map(|(word, score, corners)| detection(&word, f64::from(score) / 100.0, corners));
        let answers = proptest::collection::vec(proptest::collection::vec(seen, 0..5), 4);
        let objects = proptest::collection::vec(object, 0..4);
        proptest::collection::vec((objects, answers), 1..8).prop_map(|images| {
            let names: Vec<String> = (0..images.len()).map(|n| format!("{n}.jpg")).collect();
            let truth = names.iter().zip(&images).map(|(name, (objects, _))| image(name, objects));
            let truth = truth_of(truth.collect());
            let answers = names.iter().zip(&images).flat_map(|(name, (_, answers))| {
                ["a", "b", "c", "d"]
                    .iter()
                    .zip(answers)
                    .map(move |(provider, seen)| answer(name, provider, seen))
            });
            dataset(&answers.collect::<Vec<_>>(), truth)
        })
    }

    proptest! {
        #[test]
        fn no_method_has_a_higher_value_than_the_upper_bound(dataset in any_dataset()) {
            for vote in Vote::ALL {
                let rows = baselines(&dataset, &merger(vote), 3);
                let bound = row(&rows, "Upper Bound").mean_value;
                for row in &rows {
                    prop_assert!(row.mean_value <= bound, "{} {vote}", row.method);
                }
            }
        }

        #[test]
        fn the_same_seed_gives_the_same_rows(dataset in any_dataset(), seed in any::<u64>()) {
            let merger = merger(Vote::Affirmative);
            let once = baselines(&dataset, &merger, seed);
            prop_assert_eq!(once, baselines(&dataset, &merger, seed));
        }
    }
}
