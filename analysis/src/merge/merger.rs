//! How answers are merged: what is asked for, checked, and the steps that follow from it.

use std::{mem, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use thiserror::Error;

use super::{
    CalibratedMerge, Method, Vote,
    candidates::{Candidate, Candidates, as_listed, by_provider, by_score},
    mean_fusion::{self, LEAST_WEIGHT, Pixels},
    pools::{self, Pools},
    suppression::{self, Decay},
    weighted_box_fusion::{self, Cluster},
};
use crate::label_groups::GroupedBox;

/// A way to merge several providers' answers about one image.
///
/// Two ways are written alike only if they merge alike: every setting is in what is written, with all
/// the numbers of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Merger {
    vote: Vote,
    method: Method,
    iou_threshold: f64,
    score_threshold: f64,
    merged_threshold: f64,
    weights: Vec<f64>,
    model: Option<Arc<CalibratedMerge>>,
}

/// Why a [`Merger`] cannot be as it is asked for.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MergerError {
    /// An overlap is a share of a union.
    #[error("IoU threshold {0} must be a number from 0 to 1")]
    IouThreshold(f64),
    /// A score is a share of certainty.
    #[error("score threshold {0} must be a number from 0 to 1")]
    ScoreThreshold(f64),
    /// A weight scales scores and must leave some of them.
    #[error("weight {weight} of provider {place} must be a finite number above 0")]
    Weight {
        /// The provider's place among the answers, from 0.
        place: usize,
        /// What was asked for.
        weight: f64,
    },
    /// The method's scores are those of a model, and there is none.
    #[error("the method calibrated needs a model; fit one on images whose truth is known")]
    NoModel,
}

/// Memory for merging, kept from one image or subset to the next.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    chosen: Vec<Candidate>,
    elected: Vec<Candidate>,
    pools: Pools,
    clusters: Vec<Cluster>,
}

/// What merging must know of those who were asked, whether they saw something or not.
#[derive(Clone, Copy, Debug)]
struct Asked {
    count: usize,
    number: f64,
    total_weight: f64,
    silence: f64,
}

impl Merger {
    /// A way to merge with the thresholds that its method is published with, all providers alike.
    ///
    /// # Errors
    /// Where the method needs a model: see [`calibrated`](Self::calibrated).
    pub fn new(vote: Vote, method: Method) -> Result<Self, MergerError> {
        match method {
            Method::Calibrated => Err(MergerError::NoModel),
            _ => Ok(Self::with_model(vote, method, None)),
        }
    }

    /// A way to merge whose scores are the probabilities of a fitted model.
    pub fn calibrated(vote: Vote, model: Arc<CalibratedMerge>) -> Self {
        Self::with_model(vote, Method::Calibrated, Some(model))
    }

    const fn with_model(vote: Vote, method: Method, model: Option<Arc<CalibratedMerge>>) -> Self {
        Self {
            vote,
            method,
            iou_threshold: method.default_iou_threshold(),
            score_threshold: method.default_score_threshold(),
            merged_threshold: 0.0,
            weights: Vec::new(),
            model,
        }
    }

    /// The same way with another overlap above which boxes are one object.
    ///
    /// # Errors
    /// Where the threshold is not a number from 0 to 1.
    pub fn with_iou_threshold(self, iou_threshold: f64) -> Result<Self, MergerError> {
        if (0.0..=1.0).contains(&iou_threshold) {
            Ok(Self { iou_threshold, ..self })
        } else {
            Err(MergerError::IouThreshold(iou_threshold))
        }
    }

    /// The same way with another least score: boxes below it are left out before they are merged,
    /// and so are those that soft suppression lowers to it.
    ///
    /// # Errors
    /// Where the threshold is not a number from 0 to 1.
    pub fn with_score_threshold(self, score_threshold: f64) -> Result<Self, MergerError> {
        if (0.0..=1.0).contains(&score_threshold) {
            Ok(Self { score_threshold, ..self })
        } else {
            Err(MergerError::ScoreThreshold(score_threshold))
        }
    }

    /// The same way with a least score of what is made of the boxes; without it, all of it is kept.
    ///
    /// # Errors
    /// Where the threshold is not a number from 0 to 1.
    pub fn with_merged_threshold(self, merged_threshold: f64) -> Result<Self, MergerError> {
        if (0.0..=1.0).contains(&merged_threshold) {
            Ok(Self { merged_threshold, ..self })
        } else {
            Err(MergerError::ScoreThreshold(merged_threshold))
        }
    }

    /// The same way with a weight for each provider by its place; those beyond the list weigh 1,
    /// and an empty list weighs nobody.
    ///
    /// `wbf` and the suppressions multiply scores by the weight and divide them by the sum over
    /// those who were asked, as ensemble-boxes does; means count a provider as often as it weighs.
    ///
    /// # Errors
    /// Where a weight is not a finite number above 0.
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self, MergerError> {
        for (place, &weight) in weights.iter().enumerate() {
            if !weight.is_finite() || weight <= 0.0 {
                return Err(MergerError::Weight { place, weight });
            }
        }
        Ok(Self { weights, ..self })
    }

    /// Who must agree.
    pub const fn vote(&self) -> Vote {
        self.vote
    }

    /// What is made of boxes that may be one object.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Merges the answers that `includes` names, ordered by group.
    ///
    /// An answer that is included and has no box was asked and saw nothing: it has a voice in the
    /// vote, and in the score of `wbf`.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::{
    ///     detection::{BoundingBox, DetectionError},
    ///     label_groups::{GroupId, GroupedBox},
    ///     merge::{Candidates, Merger, Method, Vote},
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cat = |score, right| {
    ///     let bbox = BoundingBox::from_corners([0.0, 0.0, right, 10.0])?;
    ///     Ok::<_, DetectionError>(GroupedBox { group: GroupId::new(15), score, bbox })
    /// };
    /// let (one, other) = ([cat(0.8, 10.0)?], [cat(0.4, 13.0)?]);
    /// let merger = Merger::new(Vote::Unanimous, Method::MeanWbf)?;
    /// let merged = merger.merge(&Candidates::new([&one[..], &other]), |_| true);
    /// assert_eq!(merged.len(), 1);
    /// assert!((merged[0].score - 0.6).abs() < 1e-9);
    /// assert!((merged[0].bbox.corners()[2] - 11.0).abs() < 1e-9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(
        &self,
        candidates: &Candidates,
        includes: impl Fn(usize) -> bool,
    ) -> Vec<GroupedBox> {
        let mut merged = Vec::new();
        self.merge_into(candidates, includes, &mut Scratch::default(), &mut merged);
        merged
    }

    /// As [`merge`](Self::merge), into memory that is there already; what was in it is cleared.
    pub fn merge_into(
        &self,
        candidates: &Candidates,
        includes: impl Fn(usize) -> bool,
        scratch: &mut Scratch,
        merged: &mut Vec<GroupedBox>,
    ) {
        merged.clear();
        let asked = self.asked(candidates.answers(), &includes);
        self.choose(candidates, includes, asked, &mut scratch.chosen);
        self.elect(asked, scratch);
        let Scratch { chosen, elected, pools, clusters } = scratch;
        match self.method {
            Method::None => merged.extend(chosen.iter().map(|candidate| candidate.grouped)),
            Method::SeedSoftNms => {
                chosen.sort_unstable_by(as_listed);
                suppression::soften_across_groups(chosen, self.iou_threshold, merged);
            }
            Method::Nms
            | Method::MeanWbf
            | Method::SeedNms
            | Method::SeedWbf
            | Method::Calibrated => {
                for group in groups(chosen) {
                    pools.split(group, self.iou_threshold, |_, pool| {
                        self.merge_pool(pool, asked, elected, merged);
                    });
                }
            }
            Method::SoftNms | Method::SoftNmsGaussian => {
                let linear = Decay::Linear(self.iou_threshold);
                let soft = self.method == Method::SoftNms;
                let decay = if soft { linear } else { Decay::Gaussian };
                for group in groups(chosen) {
                    elected.clear();
                    elected.extend(group);
                    suppression::soften(elected, decay, self.score_threshold, merged);
                }
            }
            Method::Wbf => {
                let shares = (asked.number, asked.total_weight);
                for group in groups(chosen) {
                    weighted_box_fusion::fuse(group, self.iou_threshold, shares, clusters, merged);
                }
            }
        }
        merged.retain(|kept| kept.score >= self.merged_threshold);
    }

    /// Counts who is asked.
    fn asked(&self, answers: usize, includes: &impl Fn(usize) -> bool) -> Asked {
        let places = (0..answers).filter(|&answer| includes(answer));
        let silence = self.model.as_ref().map_or(0.0, |model| model.silence(places.clone()));
        let mut asked = Asked { count: 0, number: 0.0, total_weight: 0.0, silence };
        for answer in places {
            asked.count += 1;
            asked.number += 1.0;
            asked.total_weight += self.weight(answer);
        }
        asked
    }

    /// Gathers the boxes of those who are asked, in the order and with the scores of the method.
    fn choose(
        &self,
        candidates: &Candidates,
        includes: impl Fn(usize) -> bool,
        asked: Asked,
        chosen: &mut Vec<Candidate>,
    ) {
        chosen.clear();
        for candidate in candidates.boxes().iter().filter(|one| includes(one.answer)) {
            let GroupedBox { score, bbox, .. } = candidate.grouped;
            let empty = self.drops_empty_boxes() && bbox.area() <= 0.0;
            if score >= self.score_threshold && !empty {
                let mut kept = *candidate;
                kept.grouped.score = self.method_score(candidate, asked);
                chosen.push(kept);
            }
        }
        let scores_change = !self.weights.is_empty() || self.model.is_some();
        if self.method.depends_on_order() || scores_change {
            self.sort(chosen);
        }
    }

    /// ensemble-boxes leaves out what has no area.
    const fn drops_empty_boxes(&self) -> bool {
        matches!(self.method, Method::Nms | Method::SoftNms | Method::SoftNmsGaussian | Method::Wbf)
    }

    /// The score that a box enters merging with.
    fn method_score(&self, candidate: &Candidate, asked: Asked) -> f64 {
        let Candidate { answer, grouped: GroupedBox { group, score, .. }, .. } = *candidate;
        if let Some(model) = &self.model {
            return model.probability(answer, group, score);
        }
        match self.method {
            Method::SeedNms | Method::SeedSoftNms | Method::SeedWbf => score.max(LEAST_WEIGHT),
            Method::Wbf => score * self.weight(answer),
            Method::Nms | Method::SoftNms | Method::SoftNmsGaussian if !self.weights.is_empty() => {
                score * self.weight(answer) / asked.total_weight
            }
            _ => score,
        }
    }

    /// Orders boxes as the method takes them.
    fn sort(&self, boxes: &mut [Candidate]) {
        let order = if self.method.depends_on_order() { by_provider } else { by_score };
        boxes.sort_unstable_by(order);
    }

    /// Leaves out the boxes of pools that the vote does not accept.
    fn elect(&self, asked: Asked, scratch: &mut Scratch) {
        if self.vote == Vote::Affirmative {
            return;
        }
        let Scratch { chosen, elected, pools, .. } = scratch;
        elected.clear();
        for group in groups(chosen) {
            pools.split(group, self.iou_threshold, |_, pool| {
                if self.vote.accepts(pools::agreeing(pool), asked.count) {
                    elected.extend(pool);
                }
            });
        }
        mem::swap(chosen, elected);
        // Pools without those that were left out are the same pools.
        self.sort(chosen);
    }

    /// Makes of one pool what the method makes of it.
    fn merge_pool(
        &self,
        pool: &[Candidate],
        asked: Asked,
        memory: &mut Vec<Candidate>,
        merged: &mut Vec<GroupedBox>,
    ) {
        let Some(&Candidate { grouped: opener, .. }) = pool.first() else { return };
        let weight_of = |answer| self.weight(answer);
        match self.method {
            Method::MeanWbf => {
                merged.push(mean_fusion::fuse(opener, pool, Pixels::Exact, weight_of));
            }
            Method::SeedWbf => {
                merged.push(mean_fusion::fuse(opener, pool, Pixels::Whole, weight_of));
            }
            Method::SeedNms => {
                suppression::suppress_in_pool(pool, self.iou_threshold, memory, merged);
            }
            Method::Calibrated => {
                let mut object = mean_fusion::fuse(opener, pool, Pixels::Exact, weight_of);
                if let Some(model) = &self.model {
                    object.score = model.object_probability(pool, asked.silence);
                }
                merged.push(object);
            }
            // Pools open with the best box, so that this is the suppression of the rest.
            _ => merged.push(opener),
        }
    }

    /// How much a provider's scores weigh.
    fn weight(&self, answer: usize) -> f64 {
        self.weights.get(answer).copied().unwrap_or(1.0)
    }
}

impl Serialize for Merger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { vote, method, iou_threshold, score_threshold, merged_threshold, weights, model } =
            self;
        let mut fields = serializer.serialize_struct("Merger", 7)?;
        fields.serialize_field("vote", vote.as_str())?;
        fields.serialize_field("method", method.as_str())?;
        fields.serialize_field("iou_threshold", iou_threshold)?;
        fields.serialize_field("score_threshold", score_threshold)?;
        fields.serialize_field("merged_threshold", merged_threshold)?;
        fields.serialize_field("weights", weights)?;
        fields.serialize_field("model", &model.as_deref())?;
        fields.end()
    }
}

/// The boxes of each group, which stand together.
fn groups(boxes: &[Candidate]) -> impl Iterator<Item = &[Candidate]> {
    boxes.chunk_by(|one, other| one.grouped.group == other.grouped.group)
}
