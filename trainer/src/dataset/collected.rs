//! What a collector stored, side by side with ground truth.
//!
//! A key says where an image was, not what it held: another bucket may have the same key, and a file
//! may change. So the ground truth's name leads to the newest content of its size, and answers are
//! about contents: those about another content of the key are left out, and those about the same
//! content under another key count.

use std::collections::{BTreeMap, HashMap};

use armol_analysis::summary::CallRow;
use armol_collector::store::{CalledImage, StoredAnswer};

use super::{
    joining::DatasetError,
    records::{AnswerRecord, CallRecord, ImageRecord, LeftOut, Provider, Records},
};
use crate::ground_truth::{GroundTruth, Size, TrueImage};

/// SHA-256 of what an image holds.
type Content = [u8; 32];

/// The newest answer of each provider about each content.
type Newest<'a> = HashMap<Content, BTreeMap<&'a str, &'a StoredAnswer>>;

/// A data set of stored answers, and which of its images held what.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The data set, without calls yet.
    pub records: Records,
    /// The id of the image of each content.
    images: HashMap<Content, u64>,
}

/// Joins stored answers with ground truth: the image's key is its name there.
///
/// Of several answers of one provider about one content the newest counts. An image that a provider
/// did not answer is kept where another did.
///
/// # Errors
/// Where there is no answer, or none is about an image of the ground truth.
pub fn collect(
    name: &str,
    truth: GroundTruth,
    answers: &[StoredAnswer],
) -> Result<Collected, DatasetError> {
    if answers.is_empty() {
        return Err(DatasetError::NoAnswers);
    }
    let count = truth.images.len();
    let mut left_out = LeftOut::default();
    let contents = contents_by_key(&truth.images, answers, &mut left_out);
    let newest = newest(answers);
    let providers = providers(contents.values().filter_map(|content| newest.get(content)));
    let mut records = Records {
        name: name.to_owned(),
        categories: truth.categories,
        left_out,
        ..Records::default()
    };
    let mut images = HashMap::new();
    for mut image in truth.images {
        let content = contents.get(&image.name);
        let answers = content.and_then(|content| newest.get(content));
        if let Some(content) = content {
            images.entry(*content).or_insert(image.id);
        }
        let about = answers.and_then(|answers| answers.values().next());
        image.size = image.size.or_else(|| about.and_then(|answer| size(answer)));
        let of = |provider: &Provider| {
            answers.and_then(|answers| answers.get(provider.name.as_str())).copied().map(record)
        };
        let answers = providers.iter().map(of).collect();
        records.images.push(ImageRecord { truth: image, answers });
    }
    records.providers = providers;
    records.keep_answered();
    if records.images.is_empty() {
        let other_size = records.left_out.answers_of_other_size;
        return Err(DatasetError::NoOverlap { answers: answers.len(), images: count, other_size });
    }
    Ok(Collected { records, images })
}

impl Collected {
    /// Adds a call, whether it brought an answer or not.
    pub fn add_call(&mut self, call: CallRow, image: Option<CalledImage>) {
        self.records.calls.push(CallRecord {
            started_at: call.time(),
            transmission: call.transmission(),
            provider: call.provider,
            region: call.region,
            image: image.and_then(|image| self.images.get(&image.sha256).copied()),
            bytes: image.map(|image| image.bytes),
            outcome: call.outcome,
            inference: call.inference,
            cost_microusd: call.cost_microusd,
            simulated: call.simulated,
        });
    }
}

/// The content that each image of the ground truth stands for; counts answers about others.
fn contents_by_key(
    images: &[TrueImage],
    answers: &[StoredAnswer],
    left_out: &mut LeftOut,
) -> HashMap<String, Content> {
    let sizes: HashMap<&str, Option<Size>> =
        images.iter().map(|image| (image.name.as_str(), image.size)).collect();
    let mut newest: HashMap<&str, &StoredAnswer> = HashMap::new();
    let mut fitting = Vec::new();
    for answer in answers {
        match sizes.get(answer.image.as_str()) {
            None => left_out.answers_without_truth += 1,
            Some(expected) if expected.is_some() && *expected != size(answer) => {
                left_out.answers_of_other_size += 1;
            }
            Some(_) => {
                fitting.push(answer);
                let known = newest.entry(&answer.image).or_insert(answer);
                if known.started_at < answer.started_at {
                    *known = answer;
                }
            }
        }
    }
    for answer in fitting {
        let other =
            newest.get(answer.image.as_str()).is_some_and(|one| one.sha256 != answer.sha256);
        left_out.answers_of_other_content += usize::from(other);
    }
    newest.into_iter().map(|(key, answer)| (key.to_owned(), answer.sha256)).collect()
}

fn newest(answers: &[StoredAnswer]) -> Newest<'_> {
    let mut newest = Newest::new();
    for answer in answers {
        let by_provider = newest.entry(answer.sha256).or_default();
        let known = by_provider.entry(&answer.provider).or_insert(answer);
        if known.started_at < answer.started_at {
            *known = answer;
        }
    }
    newest
}

/// All who answered, ordered by name; the price of each is the mean of its answers' costs.
fn providers<'a>(
    images: impl Iterator<Item = &'a BTreeMap<&'a str, &'a StoredAnswer>>,
) -> Vec<Provider> {
    let mut providers: BTreeMap<&str, (bool, u64, u64)> = BTreeMap::new();
    for answer in images.flat_map(BTreeMap::values) {
        let (simulated, count, total) = providers.entry(&answer.provider).or_default();
        *simulated |= answer.simulated;
        *count += 1;
        *total = total.saturating_add(answer.cost_microusd);
    }
    providers
        .into_iter()
        .map(|(name, (simulated, count, total))| {
            // Rounded to the nearest, half up; everyone here answered at least once.
            let price_microusd = total.saturating_add(count / 2) / count;
            Provider { name: name.to_owned(), simulated, price_microusd }
        })
        .collect()
}

fn record(answer: &StoredAnswer) -> AnswerRecord {
    AnswerRecord {
        detections: answer.detections.clone(),
        cost_microusd: answer.cost_microusd,
        started_at: Some(answer.started_at),
        region: Some(answer.region.clone()),
        simulated: answer.simulated,
        transmission: answer.transmission,
        inference: answer.inference,
    }
}

fn size(answer: &StoredAnswer) -> Option<Size> {
    Size::new(answer.width, answer.height)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{answer, truth};

    fn records(answers: &[StoredAnswer], truth: GroundTruth) -> Result<Records, DatasetError> {
        collect("week", truth, answers).map(|collected| collected.records)
    }

    fn costs(records: &Records) -> Vec<Vec<Option<u64>>> {
        let cost = |answer: &Option<AnswerRecord>| Some(answer.as_ref()?.cost_microusd);
        records.images.iter().map(|image| image.answers.iter().map(cost).collect()).collect()
    }

    #[test]
    fn a_providers_price_is_the_mean_of_its_answers_costs() {
        let answers = [
            StoredAnswer { cost_microusd: 1000, ..answer("a.jpg", "aws", &[]) },
            StoredAnswer { cost_microusd: 2001, ..answer("b.jpg", "aws", &[]) },
            StoredAnswer { cost_microusd: 700, ..answer("c.jpg", "azure", &[]) },
        ];
        let records = records(&answers, truth(&["a.jpg", "b.jpg", "c.jpg"])).unwrap();
        let prices: Vec<u64> =
            records.providers.iter().map(|provider| provider.price_microusd).collect();
        assert_eq!(prices, [1501, 700]);
        let expected = [[Some(1000), None], [Some(2001), None], [None, Some(700)]];
        assert_eq!(costs(&records), expected);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let answers = [
            answer("a.jpg", "aws", &[]),
            answer("else.jpg", "aws", &[]),
            StoredAnswer { width: 320, ..answer("b.jpg", "aws", &[]) },
        ];
        let records = records(&answers, truth(&["a.jpg", "b.jpg", "c.jpg"])).unwrap();
        assert_eq!(records.images.len(), 1);
        let expected = LeftOut {
            images_without_answer: 2,
            answers_without_truth: 1,
            answers_of_other_size: 1,
            answers_of_other_content: 0,
        };
        assert_eq!(records.left_out, expected);
    }

    #[test]
    fn the_newest_of_two_answers_counts() {
        let old = StoredAnswer { cost_microusd: 1, ..answer("a.jpg", "aws", &[]) };
        let new = StoredAnswer {
            cost_microusd: 2,
            started_at: old.started_at.plus(Duration::from_secs(1)),
            ..old.clone()
        };
        for answers in [[old.clone(), new.clone()], [new, old]] {
            assert_eq!(costs(&records(&answers, truth(&["a.jpg"])).unwrap()), [[Some(2)]]);
        }
    }

    #[test]
    fn a_changed_image_has_the_answers_about_its_newest_content_only() {
        let old = StoredAnswer { cost_microusd: 1, ..answer("a.jpg", "aws", &[]) };
        let changed = StoredAnswer {
            sha256: [9; 32],
            started_at: old.started_at.plus(Duration::from_secs(1)),
            cost_microusd: 2,
            ..answer("a.jpg", "azure", &[])
        };
        let records = records(&[old, changed], truth(&["a.jpg"])).unwrap();
        assert_eq!(costs(&records), [[Some(2)]]);
        assert_eq!(records.providers[0].name, "azure");
        assert_eq!(records.left_out.answers_of_other_content, 1);
    }

    #[test]
    fn answers_about_one_content_count_under_each_of_its_keys() {
        let one = answer("a.jpg", "aws", &[]);
        let copy = StoredAnswer { sha256: one.sha256, ..answer("copy.jpg", "azure", &[]) };
        let records = records(&[one, copy], truth(&["a.jpg", "copy.jpg"])).unwrap();
        assert_eq!(costs(&records), [[Some(1000), Some(1000)], [Some(1000), Some(1000)]]);
    }

    #[test]
    fn nothing_to_score_is_refused() {
        assert_eq!(records(&[], truth(&["a.jpg"])).unwrap_err(), DatasetError::NoAnswers);
        let answers = [
            answer("b.jpg", "aws", &[]),
            StoredAnswer { height: 1, ..answer("a.jpg", "aws", &[]) },
        ];
        let no_overlap = records(&answers, truth(&["a.jpg"])).unwrap_err();
        let expected = DatasetError::NoOverlap { answers: 2, images: 1, other_size: 1 };
        assert_eq!(no_overlap, expected);
    }
}
