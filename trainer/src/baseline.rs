//! What simple ways to choose providers bring: the marks that a learned way is measured by.
//!
//! A method chooses, for each image, whom to ask; the answers are merged and scored against ground
//! truth. The methods are each provider alone, one at random, any subset at random, all, the best
//! set of each size that is the same for every image (`fixed`), and upper bounds: oracles that
//! pick a subset for each image with the ground truth in hand (`bounds`). An oracle's is the bound
//! of the mean value; mAP and AP50 rank over all images and could be higher still.

mod bounds;
mod fixed;
mod greedy;

use std::num::NonZero;

use armol_analysis::{
    label_groups::GroupedBox,
    metrics::{
        coco::{AveragePrecision, average_precision},
        f1::Counts,
    },
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::{
    dataset::Dataset,
    rewards::{Measure, Rewards, ScoredImage, TableCache, TooManyProviders, Valuation},
    subset::{MOST_SOUGHT, Subset},
};
use bounds::Offer;

pub use fixed::SHORTLIST;

/// One method and what it brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the method is called; a provider's name where it alone is asked.
    pub method: String,
    /// What kind of method it is.
    pub kind: Kind,
    /// How good its merged boxes are; `None` where the ground truth has no object, or labels are
    /// scored.
    pub precision: Option<AveragePrecision>,
    /// How good its merged labels are; `None` where boxes are scored.
    pub labels: Option<LabelFigures>,
    /// What it costs, in thousandths of a US dollar an image.
    pub mean_cost: f64,
    /// The mean over the images of their values.
    pub mean_value: f64,
    /// How many images each provider was asked about.
    pub calls: Vec<usize>,
}

/// How good sets of labels are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelFigures {
    /// The mean over the images of the Jaccard index, which is the value of an image.
    pub jaccard: f64,
    /// F1 over all labels of all images; `None` where nothing is named, nor there.
    pub f1: Option<f64>,
}

impl Row {
    /// The figure that methods are compared by, from 0 to 1: AP50, or the Jaccard index.
    pub fn headline(&self) -> Option<f64> {
        let ap50 = self.precision.map(|precision| precision.ap50);
        self.labels.map(|labels| labels.jaccard).or(ap50)
    }
}

/// How a method chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One provider.
    Single,
    /// At random.
    Random,
    /// Everyone.
    All,
    /// The same set for every image.
    Fixed(Subset),
    /// The best set of its size that is the same for every image.
    BestFixed(Subset),
    /// The best set under the budget that is the same for every image.
    BestWithinBudget(Subset),
    /// With the ground truth in hand.
    UpperBound {
        /// What no such choice exceeds in mean value, where the row may fall short of it.
        bound: Option<f64>,
    },
}

impl Kind {
    /// The set of a method that asks the same providers about every image, and chose them.
    pub const fn chosen_set(self) -> Option<Subset> {
        match self {
            Self::Fixed(subset) | Self::BestFixed(subset) | Self::BestWithinBudget(subset) => {
                Some(subset)
            }
            _ => None,
        }
    }

    /// What no choice of the kind exceeds in mean value, where the row may fall short of it.
    pub const fn bound(self) -> Option<f64> {
        match self {
            Self::UpperBound { bound } => bound,
            _ => None,
        }
    }
}

/// What is asked of the baselines.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// What is scored.
    pub measure: Measure,
    /// How answers are merged and what the result is worth.
    pub valuation: Valuation<'a>,
    /// What random methods draw from.
    pub seed: u64,
    /// Every set of up to so many providers has a row.
    pub subsets: u32,
    /// What a thousandth of a US dollar adds to a value, not above 0; the upper bound by value and
    /// cost has a row where there is one.
    pub beta: Option<f64>,
    /// What an image may cost at the mean, in thousandths of a US dollar.
    pub budget: Option<f64>,
    /// On how many threads subsets are judged.
    pub threads: NonZero<usize>,
    /// Where the table of rewards is kept; `None` where it is made each time.
    pub cache: Option<&'a TableCache>,
}

/// Why there are no baselines.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BaselineError {
    /// There are too many subsets.
    #[error(
        "{0} providers have too many subsets to seek the best; choose at most {MOST_SOUGHT} of them \
         (--providers)"
    )]
    Providers(usize),
    /// There is nothing to score.
    #[error("the data set has no image, or no provider; import one with answers")]
    Empty,
    /// There are no boxes to score.
    #[error(
        "the data set {0} says what is in its images without saying where; score it by labels \
         (--score-by labels), or import a ground truth with boxes"
    )]
    LabelsOnly(String),
    /// Nobody is cheap enough.
    #[error(
        "no way to ask someone about every image costs {budget} thousandths of a US dollar an image at the \\
         mean; the cheapest costs {least}: raise the budget"
    )]
    Budget {
        /// The budget.
        budget: f64,
        /// The mean cost of asking the cheapest about each image.
        least: f64,
    },
}

/// Which stream of the seed's generator a random method draws from, so that no method's draws
/// depend on another's.
const RANDOM_SINGLE_STREAM: u64 = 1;
const RANDOM_SUBSET_STREAM: u64 = 2;

/// Scores every baseline; the same seed gives the same rows. `done` is told of images whose subsets
/// have been judged.
///
/// # Errors
/// Where the data set has nothing to score, too many providers, or none within the budget.
pub fn baselines(
    dataset: &Dataset,
    options: &Options<'_>,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Row>, BaselineError> {
    let count = dataset.providers.len();
    if dataset.images.is_empty() || count == 0 {
        return Err(BaselineError::Empty);
    }
    if count > MOST_SOUGHT {
        return Err(BaselineError::Providers(count));
    }
    if options.measure == Measure::Boxes
        && dataset.images.iter().all(|image| image.truth.is_empty())
        && dataset.images.iter().any(|image| !image.labels.is_empty())
    {
        return Err(BaselineError::LabelsOnly(dataset.name.clone()));
    }
    let images = options.measure.images(dataset);
    let Options { measure, valuation, .. } = *options;
    let scoring = Scoring { images: &images, providers: count, measure, valuation };
    let tried = scoring.tried(options.cache, options.threads, done);
    let mut rows = simple_rows(dataset, &scoring, options.seed);
    rows.extend(fixed::rows(dataset, &scoring, &tried, options));
    rows.extend(bounds::rows(&scoring, &tried, options)?);
    Ok(rows)
}

/// The sets that the best are chosen of.
#[derive(Clone, Debug)]
struct Tried {
    /// For every image alike, with their mean values.
    fixed: Vec<(Subset, f64)>,
    /// For each image.
    offers: Vec<Vec<Offer>>,
    /// Where not every set was tried, what no choice exceeds in mean value.
    reach: Option<f64>,
}

/// Each provider alone, random choices, and all.
fn simple_rows(dataset: &Dataset, scoring: &Scoring<'_>, seed: u64) -> Vec<Row> {
    let count = scoring.providers;
    let mut rows = Vec::with_capacity(count + 3);
    for (place, provider) in dataset.providers.iter().enumerate() {
        rows.push(scoring.fixed_row(&provider.name, Kind::Single, Subset::single(place)));
    }
    let mut generator = stream(seed, RANDOM_SINGLE_STREAM);
    let singles = scoring.images.iter().map(|_| Subset::random_single(count, &mut generator));
    rows.push(scoring.row("Random-1", Kind::Random, singles));
    let mut generator = stream(seed, RANDOM_SUBSET_STREAM);
    let subsets = scoring.images.iter().map(|_| Subset::random(count, &mut generator));
    rows.push(scoring.row("Random-N", Kind::Random, subsets));
    rows.push(scoring.fixed_row("Ensemble-N", Kind::All, Subset::all(count)));
    rows
}

/// What every method is scored on.
#[derive(Clone, Copy, Debug)]
struct Scoring<'a> {
    images: &'a [ScoredImage<'a>],
    providers: usize,
    measure: Measure,
    valuation: Valuation<'a>,
}

impl Scoring<'_> {
    /// Tries every set, or seeks good ones where there are too many.
    fn tried(
        &self,
        cache: Option<&TableCache>,
        threads: NonZero<usize>,
        done: &(dyn Fn(usize) + Sync),
    ) -> Tried {
        let judged = || Rewards::new(self.images, self.providers, self.valuation, threads, done);
        match cache.map_or_else(judged, |cache| Rewards::cached(cache, judged)) {
            Ok(rewards) => Tried {
                fixed: Subset::each(self.providers).zip(rewards.means()).collect(),
                offers: bounds::offers(self, &rewards),
                reach: None,
            },
            Err(TooManyProviders(_)) => Tried {
                fixed: greedy::fixed_sets(self, threads),
                offers: greedy::offers(self, threads, done),
                reach: Some(greedy::reach(self)),
            },
        }
    }

    /// What asking a subset is worth on one image.
    fn value(&self, image: &ScoredImage<'_>, subset: Subset) -> f64 {
        self.valuation.value(&image.merged(subset, self.valuation.merger), image)
    }

    /// Scores one method by the subset that it chooses for each image.
    fn row(&self, method: &str, kind: Kind, choices: impl Iterator<Item = Subset>) -> Row {
        let mut calls = vec![0; self.providers];
        let mut cost_microusd: u64 = 0;
        let mut value = 0.0;
        let mut answers: Vec<Vec<GroupedBox>> = Vec::with_capacity(self.images.len());
        for (image, subset) in self.images.iter().zip(choices) {
            let merged = image.merged(subset, self.valuation.merger);
            value += self.valuation.value(&merged, image);
            cost_microusd = cost_microusd.saturating_add(image.cost_microusd(subset));
            for (place, calls) in calls.iter_mut().enumerate() {
                *calls += usize::from(subset.contains(place));
            }
            answers.push(merged);
        }
        let mean_value = value / self.image_count();
        let (precision, labels) = match self.measure {
            Measure::Boxes => (self.precision(&answers), None),
            Measure::Labels => {
                (None, Some(LabelFigures { jaccard: mean_value, f1: self.f1(&answers) }))
            }
        };
        let mean_cost = self.mean_cost(cost_microusd);
        Row { method: method.to_owned(), kind, precision, labels, mean_cost, mean_value, calls }
    }

    fn precision(&self, answers: &[Vec<GroupedBox>]) -> Option<AveragePrecision> {
        let truth = self.images.iter().map(ScoredImage::truth);
        average_precision(answers.iter().map(Vec::as_slice).zip(truth))
    }

    fn f1(&self, answers: &[Vec<GroupedBox>]) -> Option<f64> {
        let counts =
            self.images.iter().zip(answers).map(|(image, merged)| image.label_counts(merged));
        counts.sum::<Counts>().f1()
    }

    /// Scores asking the same providers about every image.
    fn fixed_row(&self, method: &str, kind: Kind, subset: Subset) -> Row {
        self.row(method, kind, self.images.iter().map(|_| subset))
    }

    /// What a sum over the images is for each, in thousandths of a US dollar.
    fn mean_cost(&self, cost_microusd: u64) -> f64 {
        number(cost_microusd) / 1e3 / self.image_count()
    }

    /// What all images may cost together, to the nearest millionth of a US dollar.
    fn budget_microusd(&self, budget: f64) -> f64 {
        (budget * 1e3 * self.image_count()).round()
    }

    fn image_count(&self) -> f64 {
        number(u64::try_from(self.images.len()).unwrap_or(u64::MAX))
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
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use armol_analysis::{
        merge::{Merger, Method, Vote},
        metrics::image_value::ValueRule,
    };
    use armol_collector::store::StoredAnswer;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        dataset::{Answer, Provider},
        ground_truth::GroundTruth,
        testing::{
            LEFT, RIGHT, answer, cat_and_dog, dataset, detection, image, labels_of, object,
            truth_of,
        },
    };

    fn merger(vote: Vote) -> Merger {
        Merger::new(vote, Method::MeanWbf).unwrap()
    }

    fn scored(dataset: &Dataset, vote: Vote, seed: u64) -> Vec<Row> {
        with_options(dataset, vote, |options| options.seed = seed).unwrap()
    }

    fn with_options(
        dataset: &Dataset,
        vote: Vote,
        change: impl Fn(&mut Options<'_>),
    ) -> Result<Vec<Row>, BaselineError> {
        let merger = merger(vote);
        let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
        let mut options = Options {
            measure: Measure::of(dataset),
            valuation,
            seed: 7,
            subsets: 0,
            beta: None,
            budget: None,
            threads: NonZero::<usize>::MIN,
            cache: None,
        };
        change(&mut options);
        baselines(dataset, &options, &|_| ())
    }

    fn rows(answers: &[StoredAnswer], truth: GroundTruth, vote: Vote) -> Vec<Row> {
        scored(&dataset(answers, truth), vote, 7)
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
        assert_near(row(&rows, "aws").mean_cost, 1.0);
        assert_near(row(&rows, "Ensemble-N").mean_cost, 1.5);
        assert_near(row(&rows, "Upper Bound").mean_cost, 0.75);
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
        assert_near(ensemble.mean_cost, 1.5);
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
            let alike = Row { method: "aws".to_owned(), kind: Kind::Single, ..row.clone() };
            assert_eq!(alike, rows[0]);
        }
    }

    #[test]
    fn without_any_object_there_is_no_average_precision() {
        let images = vec![image("cat.jpg", &[])];
        let answers = [answer("cat.jpg", "aws", &[])];
        let rows = rows(&answers, truth_of(images), Vote::Affirmative);
        assert!(rows.iter().all(|row| row.precision.is_none()));
    }

    /// Values are chosen by at 24 bits.
    const ROUNDING: f64 = 1e-6;

    #[test]
    fn fixed_sets_have_rows_and_the_best_of_a_size_is_one_of_them() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let rows = with_options(&dataset, Vote::Affirmative, |options| {
            options.subsets = 2;
            options.budget = Some(1.0);
        });
        let rows = rows.unwrap();
        assert_eq!(row(&rows, "aws+azure").calls, [2, 2]);
        // Both find one group of two; azure is cheaper.
        assert_eq!(row(&rows, "Best of 1").kind, Kind::BestFixed(Subset::single(1)));
        assert_eq!(row(&rows, "Best at budget").kind, Kind::BestWithinBudget(Subset::single(1)));
        let bound = row(&rows, "Upper Bound at budget");
        assert_near(bound.mean_value, 1.0);
        assert_near(bound.mean_cost, 0.75);
        assert_eq!(bound.kind, Kind::UpperBound { bound: Some(1.0) });
    }

    #[test]
    fn a_value_that_costs_more_than_it_brings_is_not_bought() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        // The cat is worth 2 more than nothing, and costs half a thousandth more to find.
        for (beta, calls) in [(-3.9, [1, 1]), (-4.1, [0, 2])] {
            let rows =
                with_options(&dataset, Vote::Affirmative, |options| options.beta = Some(beta));
            let rows = rows.unwrap();
            assert_eq!(row(&rows, "Upper Bound v+bc").calls, calls, "{beta}");
        }
    }

    /// The cat and the dog, seen by the last two of so many providers.
    fn crowded(count: usize) -> Dataset {
        let (answers, truth) = cat_and_dog();
        let mut dataset = dataset(&answers, truth);
        let silent = count - dataset.providers.len();
        let provider = |place| Provider {
            name: format!("silent-{place:02}"),
            simulated: false,
            price_microusd: 100,
        };
        dataset.providers.splice(0..0, (0..silent).map(provider));
        dataset.answered.splice(0..0, (0..silent).map(|_| 2));
        for image in &mut dataset.images {
            let nothing = Answer { cost_microusd: 100, ..Answer::default() };
            image.answers.splice(0..0, (0..silent).map(|_| Some(nothing.clone())));
        }
        dataset
    }

    #[test]
    fn of_many_providers_the_few_that_see_something_are_found() {
        let dataset = crowded(16);
        let rows = with_options(&dataset, Vote::Affirmative, |options| {
            options.budget = Some(0.8);
            options.threads = NonZero::new(2).unwrap();
        });
        let rows = rows.unwrap();
        let both = Subset::single(14).with(15);
        assert_eq!(row(&rows, "Best of 2").kind, Kind::BestFixed(both));
        assert_near(row(&rows, "Best of 2").mean_value, 1.0);
        for method in ["Upper Bound", "Upper Bound at budget"] {
            let bound = row(&rows, method);
            assert_eq!((bound.calls[14], bound.calls[15]), (1, 1), "{method}");
            assert_eq!(bound.kind, Kind::UpperBound { bound: Some(1.0) });
        }
        let refusal = with_options(&crowded(21), Vote::Affirmative, |_| ());
        assert_eq!(refusal, Err(BaselineError::Providers(21)));
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let (answers, truth) = cat_and_dog();
        let full = dataset(&answers, truth);
        let poor = |options: &mut Options<'_>| options.budget = Some(0.4);
        let refusal = with_options(&full, Vote::Affirmative, poor).unwrap_err().to_string();
        assert!(refusal.contains("the cheapest costs 0.5"), "{refusal}");
        let same = |_: &mut Options<'_>| ();
        let empty = Dataset { images: Vec::new(), ..full.clone() };
        assert_eq!(with_options(&empty, Vote::Affirmative, same), Err(BaselineError::Empty));
        let labels = labels_of(&full);
        let by_boxes = |options: &mut Options<'_>| options.measure = Measure::Boxes;
        let refusal = with_options(&labels, Vote::Affirmative, by_boxes).unwrap_err();
        assert_eq!(refusal, BaselineError::LabelsOnly("test".to_owned()));
    }

    #[test]
    fn figures_of_labels_are_those_worked_out_by_hand() {
        let (answers, truth) = cat_and_dog();
        let rows = scored(&labels_of(&dataset(&answers, truth)), Vote::Affirmative, 7);
        // Each alone names one of two labels, and nothing of the other image.
        let expected = [("azure", 0.5, 2.0 / 3.0), ("Ensemble-N", 1.0, 1.0)];
        for (method, jaccard, f1) in expected {
            let row = row(&rows, method);
            assert_eq!(row.labels, Some(LabelFigures { jaccard, f1: Some(f1) }), "{method}");
            assert_eq!((row.precision, row.headline()), (None, Some(jaccard)), "{method}");
            assert_near(row.mean_value, jaccard);
        }
        assert_eq!(row(&rows, "Upper Bound").calls, [1, 1]);
        assert_eq!(row(&rows, "Best of 1").kind, Kind::BestFixed(Subset::single(1)));
    }

    #[test]
    fn a_label_has_the_mean_score_of_those_who_name_it() {
        let seen = |score| [detection("Cat", score, LEFT), detection("cat", 0.1, RIGHT)];
        let answers = [answer("cat.jpg", "a", &seen(0.75)), answer("cat.jpg", "b", &seen(0.25))];
        let truth = truth_of(vec![image("cat.jpg", &[object("cat", LEFT)])]);
        let labels = labels_of(&dataset(&answers, truth));
        let images = Measure::Labels.images(&labels);
        let merged = |threshold| {
            let merger = merger(Vote::Unanimous).with_merged_threshold(threshold).unwrap();
            let kept = images[0].merged(Subset::all(2), &merger);
            kept.iter().map(|label| label.score).collect::<Vec<_>>()
        };
        assert_eq!((merged(0.5), merged(0.51)), (vec![0.5], vec![]));
    }

    #[test]
    fn boxes_are_scored_by_what_they_are_of_where_labels_are_asked_for() {
        let (mut answers, truth) = cat_and_dog();
        answers.push(answer("dog.jpg", "google", &[detection("dog", 0.5, LEFT)]));
        let boxes = dataset(&answers, truth);
        let rows = with_options(&boxes, Vote::Affirmative, |options| {
            options.measure = Measure::Labels;
        });
        // google, which sees the dog in the wrong place, was not asked about the cat.
        assert_near(row(&rows.unwrap(), "google").mean_value, 0.5);
    }

    fn any_dataset() -> impl Strategy<Value = Dataset> {
        dataset_of(4)
    }

    fn dataset_of(providers: usize) -> impl Strategy<Value = Dataset> {
        let corners = (0..4_u8, 0..3_u8).prop_map(|(left, shift)| {
            let left = f64::from(left) * 100.0 + f64::from(shift) * 10.0;
            [left, 0.0, left + 80.0, 80.0]
        });
        let word = prop_oneof!["cat", "dog"];
        let object =
            (word.clone(), corners.clone()).prop_map(|(word, corners)| object(&word, corners));
        let seen = (word, 1..=100_u8, corners)
            .prop_map(|(word, score, corners)| detection(&word, f64::from(score) / 100.0, corners));
        let answers = proptest::collection::vec(proptest::collection::vec(seen, 0..5), providers);
        let objects = proptest::collection::vec(object, 0..4);
        let images = proptest::collection::vec((objects, answers), 1..8);
        (images, any::<bool>()).prop_map(|(images, by_labels)| {
            let names: Vec<String> = (0..images.len()).map(|n| format!("{n}.jpg")).collect();
            let truth = names.iter().zip(&images).map(|(name, (objects, _))| image(name, objects));
            let truth = truth_of(truth.collect());
            let answers = names.iter().zip(&images).flat_map(|(name, (_, answers))| {
                ["a", "b", "c", "d", "e", "f", "g", "h"]
                    .iter()
                    .zip(answers)
                    .map(move |(provider, seen)| answer(name, provider, seen))
            });
            let boxes = dataset(&answers.collect::<Vec<_>>(), truth);
            if by_labels { labels_of(&boxes) } else { boxes }
        })
    }

    proptest! {
        #[test]
        fn no_method_has_a_higher_value_than_the_upper_bound(dataset in any_dataset()) {
            for vote in Vote::ALL {
                let rows = scored(&dataset, vote, 3);
                let bound = row(&rows, "Upper Bound").mean_value;
                for row in &rows {
                    prop_assert!(row.mean_value <= bound + ROUNDING, "{} {vote}", row.method);
                }
            }
        }

        #[test]
        fn no_fixed_set_has_a_higher_figure_than_the_best_of_its_size(dataset in any_dataset()) {
            let rows = with_options(&dataset, Vote::Affirmative, |options| options.subsets = 4);
            let rows = rows.unwrap();
            for (kind, one) in rows.iter().map(|row| (row.kind, row)) {
                let Kind::Fixed(subset) = kind else { continue };
                if let size @ 1..=3 = subset.count() {
                    let best = row(&rows, &format!("Best of {size}"));
                    prop_assert!(one.headline() <= best.headline(), "{}", one.method);
                }
            }
        }

        #[test]
        fn the_same_seed_gives_the_same_rows(dataset in any_dataset(), seed in any::<u64>()) {
            let once = scored(&dataset, Vote::Affirmative, seed);
            prop_assert_eq!(once, scored(&dataset, Vote::Affirmative, seed));
        }
    }

    proptest! {
        // 255 subsets are judged in each case.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_sought_is_no_better_than_the_best_nor_that_than_the_reach(
            dataset in (1_usize..=8).prop_flat_map(dataset_of)
        ) {
            let providers = dataset.providers.len();
            for vote in Vote::ALL {
                let merger = merger(vote);
                let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
                let measure = Measure::of(&dataset);
                let images = measure.images(&dataset);
                let scoring = Scoring { images: &images, providers, measure, valuation };
                let threads = NonZero::<usize>::MIN;
                let all = scoring.tried(None, threads, &|_| ());
                let sought = greedy::offers(&scoring, threads, &|_| ());
                let value = |offers: &Vec<Offer>| offers.last().unwrap().value;
                for (all, sought) in all.offers.iter().zip(&sought) {
                    prop_assert!(value(sought) <= value(all) + ROUNDING);
                }
                let best = all.offers.iter().map(value).sum::<f64>() / scoring.image_count();
                prop_assert!(best <= greedy::reach(&scoring) + ROUNDING);
                let fixed = greedy::fixed_sets(&scoring, threads);
                for (subset, mean) in fixed {
                    let (_, expected) = all.fixed[subset.place().unwrap()];
                    prop_assert!((mean - expected).abs() < ROUNDING);
                }
            }
        }
    }
}
