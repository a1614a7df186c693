//! Ground truth joined with the newest stored answer of each provider about each image.
//!
//! Everything that is left out on the way is counted, so that a score can be read for what it is:
//! images without an answer, answers without ground truth, answers about an image of another size,
//! and words that no label group has.

use std::collections::{BTreeMap, HashMap};

use armol_analysis::{
    detection::Detection,
    label_groups::{GroupedBox, LabelGroups},
    merge::Candidates,
    metrics::TrueBox,
};
use armol_collector::store::StoredAnswer;
use thiserror::Error;

use crate::{
    ground_truth::{GroundTruth, TrueImage},
    subset::{MOST_PROVIDERS, Subset},
};

/// Images with ground truth and answers.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Who answered, ordered by name; from 1 to [`MOST_PROVIDERS`].
    pub providers: Vec<Provider>,
    /// The images that at least one provider answered, in the order of the ground truth.
    pub images: Vec<ScoredImage>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// A provider and how much of the data set it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// How many of the images it answered.
    pub answered: usize,
    /// Whether any of its answers is a simulator's.
    pub simulated: bool,
    /// What a call is taken to cost where there is no answer to tell, in millionths of a US dollar:
    /// the mean of its answers' costs.
    pub mean_price_microusd: u64,
}

/// One image: what is in it, and what was said of it.
#[derive(Clone, Debug)]
pub struct ScoredImage {
    /// What is truly in it.
    pub truth: Vec<TrueBox>,
    /// The answers, each at the place of its provider.
    pub candidates: Candidates,
    /// Who answered.
    pub answered: Subset,
    /// What asking each provider costs, in millionths of a US dollar.
    pub prices_microusd: Vec<u64>,
}

/// What no score is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Images of the ground truth that no provider answered.
    pub images_without_answer: usize,
    /// Answers about images that the ground truth does not have.
    pub answers_without_truth: usize,
    /// Answers about an image of another width or height than the ground truth has.
    pub answers_of_other_size: usize,
    /// Words of detections that no label group has, and how often, the most frequent first.
    pub dropped_words: Vec<(String, usize)>,
}

/// Why answers and ground truth make no data set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DatasetError {
    /// There is nothing to score.
    #[error(
        "there is no stored answer to score; let an agent measure first, or name another region"
    )]
    NoAnswers,
    /// No answer is about an image of the ground truth.
    #[error(
        "none of {answers} stored answers is about one of the {images} images of the ground truth \
         ({other_size} differ in size only); its file_name must be the key in event.json"
    )]
    NoOverlap {
        /// How many answers there are.
        answers: usize,
        /// How many images the ground truth has.
        images: usize,
        /// How many answers are about an image of the same name, but another size.
        other_size: usize,
    },
    /// There are more subsets than can be tried.
    #[error(
        "{0} providers answered, but at most {MOST_PROVIDERS} can be compared, for every subset of \
         them is tried; name a region that fewer were called from"
    )]
    TooManyProviders(usize),
}

/// The answers about one image by provider.
type Answers = BTreeMap<String, StoredAnswer>;

impl Dataset {
    /// Joins stored answers with ground truth, by the image's key and file name.
    ///
    /// Of several answers of one provider about one image the newest counts. An image that a
    /// provider did not answer is kept: asking it costs its mean price, and brings nothing.
    ///
    /// # Errors
    /// Where no answer is about an image of the ground truth, or there are too many providers.
    pub fn new(
        answers: Vec<StoredAnswer>,
        truth: GroundTruth,
        groups: &LabelGroups,
    ) -> Result<Self, DatasetError> {
        if answers.is_empty() {
            return Err(DatasetError::NoAnswers);
        }
        let (count, images) = (answers.len(), truth.images.len());
        let mut left_out = LeftOut::default();
        let joined = join(answers, truth, &mut left_out);
        if joined.is_empty() {
            let other_size = left_out.answers_of_other_size;
            return Err(DatasetError::NoOverlap { answers: count, images, other_size });
        }
        let providers = providers(&joined);
        if providers.len() > MOST_PROVIDERS {
            return Err(DatasetError::TooManyProviders(providers.len()));
        }
        let mut dropped = HashMap::new();
        let images = joined
            .into_iter()
            .map(|(image, answers)| scored_image(image, &answers, &providers, groups, &mut dropped))
            .collect();
        left_out.dropped_words = most_frequent(dropped);
        Ok(Self { providers, images, left_out })
    }

    /// Whether any answer is a simulator's.
    pub fn simulated(&self) -> bool {
        self.providers.iter().any(|provider| provider.simulated)
    }
}

/// Each image that was answered, with its answers; counts the rest.
fn join(
    answers: Vec<StoredAnswer>,
    truth: GroundTruth,
    left_out: &mut LeftOut,
) -> Vec<(TrueImage, Answers)> {
    let mut joined: Vec<(TrueImage, Answers)> =
        truth.images.into_iter().map(|image| (image, Answers::new())).collect();
    let places: HashMap<String, usize> =
        (0..).zip(&joined).map(|(place, (image, _))| (image.file_name.clone(), place)).collect();
    for answer in answers {
        let place = places.get(&answer.image);
        let Some((image, answers)) = place.and_then(|&place| joined.get_mut(place)) else {
            left_out.answers_without_truth += 1;
            continue;
        };
        if (answer.width, answer.height) != (image.width, image.height) {
            left_out.answers_of_other_size += 1;
            continue;
        }
        let newest = answers.get(&answer.provider).map(|known| known.started_at);
        if newest.is_none_or(|newest| newest < answer.started_at) {
            answers.insert(answer.provider.clone(), answer);
        }
    }
    let images = joined.len();
    joined.retain(|(_, answers)| !answers.is_empty());
    left_out.images_without_answer = images - joined.len();
    joined
}

/// All who answered, ordered by name.
fn providers(joined: &[(TrueImage, Answers)]) -> Vec<Provider> {
    let mut providers: BTreeMap<&str, (Provider, u64)> = BTreeMap::new();
    for answer in joined.iter().flat_map(|(_, answers)| answers.values()) {
        let (provider, total) = providers.entry(&answer.provider).or_insert_with(|| {
            let name = answer.provider.clone();
            (Provider { name, answered: 0, simulated: false, mean_price_microusd: 0 }, 0)
        });
        provider.answered += 1;
        provider.simulated |= answer.simulated;
        *total = total.saturating_add(answer.cost_microusd);
    }
    providers
        .into_values()
        .map(|(provider, total)| {
            let answered = u64::try_from(provider.answered).unwrap_or(u64::MAX);
            // Rounded to the nearest, half up; everyone here answered at least once.
            let mean = total.saturating_add(answered / 2) / answered;
            Provider { mean_price_microusd: mean, ..provider }
        })
        .collect()
}

/// One image with its answers by group; counts words without a group in `dropped`.
fn scored_image(
    image: TrueImage,
    answers: &Answers,
    providers: &[Provider],
    groups: &LabelGroups,
    dropped: &mut HashMap<String, usize>,
) -> ScoredImage {
    let mut answered = Subset::default();
    let mut prices_microusd = Vec::with_capacity(providers.len());
    let mut grouped: Vec<Vec<GroupedBox>> = Vec::with_capacity(providers.len());
    for (place, provider) in providers.iter().enumerate() {
        let answer = answers.get(&provider.name);
        if answer.is_some() {
            answered = answered.with(place);
        }
        let price = answer.map_or(provider.mean_price_microusd, |answer| answer.cost_microusd);
        prices_microusd.push(price);
        let detections = answer.map_or(&[][..], |answer| &answer.detections);
        grouped.push(placed_and_known(detections, groups, dropped));
    }
    let candidates = Candidates::new(grouped.iter().map(Vec::as_slice));
    ScoredImage { truth: image.objects, candidates, answered, prices_microusd }
}

/// The detections that can be merged. Those without a place never can, so their words do not count
/// as dropped.
fn placed_and_known(
    detections: &[Detection],
    groups: &LabelGroups,
    dropped: &mut HashMap<String, usize>,
) -> Vec<GroupedBox> {
    let mut kept = Vec::new();
    for detection in detections.iter().filter(|detection| detection.bbox.is_some()) {
        match groups.grouped(detection) {
            Some(grouped) => kept.push(grouped),
            None => *dropped.entry(detection.label.clone()).or_default() += 1,
        }
    }
    kept
}

/// Words by how often they came, then in the order of the alphabet.
fn most_frequent(words: HashMap<String, usize>) -> Vec<(String, usize)> {
    let mut words: Vec<(String, usize)> = words.into_iter().collect();
    words.sort_by(|(one, count), (other, others)| others.cmp(count).then_with(|| one.cmp(other)));
    words
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use armol_analysis::merge::Vote;

    use super::*;
    use crate::testing::{answer, detection, truth};

    fn dataset(answers: Vec<StoredAnswer>, truth: GroundTruth) -> Result<Dataset, DatasetError> {
        Dataset::new(answers, truth, LabelGroups::coco())
    }

    #[test]
    fn an_image_that_a_provider_did_not_answer_costs_its_mean_price() {
        let answers = vec![
            StoredAnswer { cost_microusd: 1000, ..answer("a.jpg", "aws", &[]) },
            StoredAnswer { cost_microusd: 2001, ..answer("b.jpg", "aws", &[]) },
            StoredAnswer { cost_microusd: 700, ..answer("c.jpg", "azure", &[]) },
        ];
        let dataset = dataset(answers, truth(&["a.jpg", "b.jpg", "c.jpg"])).unwrap();
        let prices: Vec<&[u64]> =
            dataset.images.iter().map(|image| image.prices_microusd.as_slice()).collect();
        assert_eq!(prices, [[1000, 700], [2001, 700], [1501, 700]]);
        let [aws, azure] = dataset.providers.as_slice() else { panic!("two providers") };
        assert_eq!((aws.answered, azure.answered), (2, 1));
        assert_eq!(dataset.images[2].answered, Subset::single(1));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let answers = vec![
            answer("a.jpg", "aws", &[]),
            answer("else.jpg", "aws", &[]),
            StoredAnswer { width: 320, ..answer("b.jpg", "aws", &[]) },
        ];
        let dataset = dataset(answers, truth(&["a.jpg", "b.jpg", "c.jpg"])).unwrap();
        assert_eq!(dataset.images.len(), 1);
        assert_eq!(dataset.left_out.images_without_answer, 2);
        assert_eq!(dataset.left_out.answers_without_truth, 1);
        assert_eq!(dataset.left_out.answers_of_other_size, 1);
    }

    #[test]
    fn words_without_a_group_are_counted_and_tags_are_not() {
        let boxed = [0.0, 0.0, 10.0, 10.0];
        let mut seen = vec![
            detection("Wheel", 0.5, boxed),
            detection("Land vehicle", 0.5, boxed),
            detection("Wheel", 0.4, boxed),
            detection("Car", 0.9, boxed),
        ];
        seen.push(Detection { bbox: None, ..detection("outdoor", 0.9, boxed) });
        let dataset = dataset(vec![answer("a.jpg", "aws", &seen)], truth(&["a.jpg"])).unwrap();
        let expected = [("Wheel".to_owned(), 2), ("Land vehicle".to_owned(), 1)];
        assert_eq!(dataset.left_out.dropped_words, expected);
        assert_eq!(dataset.images[0].candidates.merge(Vote::Affirmative, |_| true).len(), 1);
    }

    #[test]
    fn the_newest_of_two_answers_counts() {
        let old = StoredAnswer { cost_microusd: 1, ..answer("a.jpg", "aws", &[]) };
        let new = StoredAnswer {
            cost_microusd: 2,
            started_at: old.started_at.plus(Duration::from_secs(1)),
            ..old.clone()
        };
        for answers in [vec![old.clone(), new.clone()], vec![new, old]] {
            let dataset = dataset(answers, truth(&["a.jpg"])).unwrap();
            assert_eq!(dataset.images[0].prices_microusd, [2]);
            assert_eq!(dataset.providers[0].answered, 1);
        }
    }

    #[test]
    fn nothing_to_score_is_refused() {
        let no_answers = dataset(vec![], truth(&["a.jpg"]));
        assert_eq!(no_answers.unwrap_err(), DatasetError::NoAnswers);
        let answers = vec![
            answer("b.jpg", "aws", &[]),
            StoredAnswer { height: 1, ..answer("a.jpg", "aws", &[]) },
        ];
        let no_overlap = dataset(answers, truth(&["a.jpg"])).unwrap_err();
        let expected = DatasetError::NoOverlap { answers: 2, images: 1, other_size: 1 };
        assert_eq!(no_overlap, expected);
    }

    #[test]
    fn more_than_12_providers_are_refused_with_the_limit() {
        let answers = |count| (0..count).map(|n| answer("a.jpg", &format!("p{n}"), &[])).collect();
        assert!(dataset(answers(12), truth(&["a.jpg"])).is_ok());
        let error = dataset(answers(13), truth(&["a.jpg"])).unwrap_err();
        assert!(error.to_string().starts_with("13 providers answered, but at most 12"), "{error}");
    }
}
