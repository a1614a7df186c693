//! What was said of images, in the providers' own words: what a data set's folder holds.

use std::time::Duration;

use armol_analysis::{detection::Detection, outcome::Outcome, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::ground_truth::{Category, TrueImage};

/// Images with ground truth and answers, and the calls that brought them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// What the data set is called.
    pub name: String,
    /// What can be in an image, each name once.
    pub categories: Vec<Category>,
    /// Who answered, each name once.
    pub providers: Vec<Provider>,
    /// The images, in the order of the ground truth.
    pub images: Vec<ImageRecord>,
    /// Every call of the span that a collector was asked about, in the order of planning.
    pub calls: Vec<CallRecord>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Whether any of its answers is a simulator's.
    pub simulated: bool,
    /// What a call is taken to cost where there is no answer to tell, in millionths of a US dollar.
    pub price_microusd: u64,
}

/// One image: what is in it, and what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRecord {
    /// What is truly in it.
    pub truth: TrueImage,
    /// The answers, each at the place of its provider.
    pub answers: Vec<Option<AnswerRecord>>,
}

/// What one provider said of one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerRecord {
    /// What it saw, in its own words and its own order.
    pub detections: Vec<Detection>,
    /// What the call cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// When the call began; `None` where nothing says.
    pub started_at: Option<Timestamp>,
    /// The region that it was sent from; `None` where nothing says.
    pub region: Option<String>,
    /// Whether a simulator answered.
    pub simulated: bool,
    /// The network's part of the latency.
    pub transmission: Option<Duration>,
    /// The server's part of the latency.
    pub inference: Option<Duration>,
}

/// One call, whether it brought an answer or not.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// Whom it asked.
    pub provider: String,
    /// The region that it was sent from.
    pub region: String,
    /// When it began; when it was planned to where it was never started.
    pub started_at: Timestamp,
    /// The image's id in the data set; `None` where the data set does not have it.
    pub image: Option<u64>,
    /// Size of the image's file; `None` where it was not read.
    pub bytes: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The network's part of the latency.
    pub transmission: Option<Duration>,
    /// The server's part of the latency.
    pub inference: Option<Duration>,
    /// What it is taken to have cost, in millionths of a US dollar.
    pub cost_microusd: u64,
    /// Whether a simulator answered.
    pub simulated: bool,
}

/// What a data set is not about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Images of the ground truth that no provider answered.
    pub images_without_answer: usize,
    /// Answers about images that the ground truth does not have.
    pub answers_without_truth: usize,
    /// Answers about an image of another width or height than the ground truth has.
    pub answers_of_other_size: usize,
    /// Answers about what an image of the same key held before, or in another bucket.
    pub answers_of_other_content: usize,
}

impl Records {
    /// Drops the images that no provider answered, and counts them.
    pub(super) fn keep_answered(&mut self) {
        let images = self.images.len();
        self.images.retain(|image| image.answers.iter().any(Option::is_some));
        self.left_out.images_without_answer = images - self.images.len();
    }
}

impl CallRecord {
    /// How long the call took, where both parts were measured.
    pub fn total(&self) -> Option<Duration> {
        self.transmission?.checked_add(self.inference?)
    }
}
