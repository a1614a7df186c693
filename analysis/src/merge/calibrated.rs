//! Merge scores that mean something: the probability that the object is there.
//!
//! Who saw an object says something, how sure each was, and who was asked and saw nothing. A
//! [`CalibratedMerge`] weighs that evidence by logistic regression, fitted on images whose truth is
//! known: for each provider, one weight for having seen the object, one for each unit of log-odds
//! of its calibrated score, and one for its silence. It holds for any choice of providers, for it
//! is fitted on many.

mod evidence;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::candidates::{Candidate, Candidates};
use crate::{
    calibration::{Calibration, CalibrationError, CurveKind, logistic, outcomes},
    label_groups::{GroupId, GroupedBox},
    metrics::TrueBox,
};

/// An image to learn from.
#[derive(Clone, Copy, Debug)]
pub struct KnownImage<'a> {
    /// The answers of all providers, each at the provider's place.
    pub candidates: &'a Candidates,
    /// Who answered, by place: who did not is not silent about what is there.
    pub answered: &'a [bool],
    /// What is truly in it.
    pub truth: &'a [TrueBox],
}

/// What a model is fitted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationOptions {
    /// How a provider's probability rises with its score.
    pub curve: CurveKind,
    /// How much groups are taken to be alike, as in [`Calibration::with_groups`]; `None` where they
    /// are not told apart.
    pub group_shrinkage: Option<f64>,
}

impl Default for CalibrationOptions {
    /// Of what was tried on answers of real detectors, what gave the highest values.
    fn default() -> Self {
        Self { curve: CurveKind::Isotonic, group_shrinkage: Some(16.0) }
    }
}

/// How evidence adds up to the probability that an object is there; providers go by their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct CalibratedMerge {
    bias: f64,
    providers: Vec<Evidence>,
}

/// What one provider's answer says, in log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Evidence {
    calibration: Calibration,
    /// That it saw the object at all.
    seen: f64,
    /// Each unit of log-odds of its probability; never below 0.
    certainty: f64,
    /// That it was asked and saw nothing.
    silent: f64,
}

/// A stored model, whatever its numbers are.
#[derive(Debug, Deserialize)]
struct Parts {
    bias: f64,
    providers: Vec<Evidence>,
}

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CalibratedMergeError {
    /// One provider's scores say nothing.
    #[error("cannot calibrate the scores of provider {place}, counted from 0")]
    Provider {
        /// The provider's place, from 0.
        place: usize,
        /// Why not.
        #[source]
        source: CalibrationError,
    },
    /// An image has more or fewer answers than others.
    #[error(
        "image {image} has {answers} answers and {answered} marks of who answered, not {expected}; \
         give each provider its place in every image"
    )]
    Providers {
        /// The image's place, from 0.
        image: usize,
        /// How many answers it has.
        answers: usize,
        /// How many marks of who answered.
        answered: usize,
        /// How many the first image has.
        expected: usize,
    },
    /// There is no image, or no provider.
    #[error("there is no answered image to fit on; name a data set that has some")]
    NothingKnown,
    /// A stored model has numbers that no fit gives.
    #[error(
        "the weights of a stored model must be finite, and those of certainty not below 0; fit it \
         again"
    )]
    Weights,
}

impl CalibratedMerge {
    /// Fits calibrations and weights on images whose truth is known; the same images give the same
    /// model.
    ///
    /// # Errors
    /// Where images disagree on how many providers there are, or a provider has no box at all.
    pub fn fit(
        images: &[KnownImage<'_>],
        options: CalibrationOptions,
    ) -> Result<Self, CalibratedMergeError> {
        let providers = provider_count(images)?;
        let calibrations = (0..providers).map(|place| calibrate(images, place, options));
        let calibrations = calibrations.collect::<Result<Vec<_>, _>>()?;
        let unweighted =
            |calibration| Evidence { calibration, seen: 0.0, certainty: 0.0, silent: 0.0 };
        let mut model =
            Self { bias: 0.0, providers: calibrations.into_iter().map(unweighted).collect() };
        evidence::fit(&mut model, images);
        Ok(model)
    }

    /// How many providers it knows.
    pub const fn providers(&self) -> usize {
        self.providers.len()
    }

    /// How likely one provider's box is right, for all that is known without the others; a score of
    /// a provider that the model does not know is taken as it is.
    pub fn probability(&self, place: usize, group: GroupId, score: f64) -> f64 {
        match self.providers.get(place) {
            Some(evidence) => evidence.calibration.probability(group, score),
            None => score,
        }
    }

    /// What it says that these providers were asked, as long as all are silent.
    pub(super) fn silence(&self, asked: impl Iterator<Item = usize>) -> f64 {
        let silent =
            |place: usize| self.providers.get(place).map_or(0.0, |evidence| evidence.silent);
        self.bias + asked.map(silent).sum::<f64>()
    }

    /// The probability of the object that a pool shows, whose scores are probabilities by falling
    /// score; `silence` is that of all who were asked.
    pub(super) fn object_probability(&self, pool: &[Candidate], silence: f64) -> f64 {
        let mut log_odds = silence;
        for (place, member) in pool.iter().enumerate() {
            // A provider that shows an object twice is as sure as its surest box.
            let known = pool.iter().take(place).any(|other| other.answer == member.answer);
            let Some(evidence) = self.providers.get(member.answer).filter(|_| !known) else {
                continue;
            };
            let certainty = evidence.certainty * logistic::log_odds(member.grouped.score);
            log_odds += evidence.seen - evidence.silent + certainty;
        }
        logistic::probability(log_odds)
    }
}

/// The number of providers that all images agree on.
fn provider_count(images: &[KnownImage<'_>]) -> Result<usize, CalibratedMergeError> {
    let expected = images.first().map_or(0, |first| first.candidates.answers());
    if expected == 0 {
        return Err(CalibratedMergeError::NothingKnown);
    }
    for (image, known) in images.iter().enumerate() {
        let (answers, answered) = (known.candidates.answers(), known.answered.len());
        if answers != expected || answered != expected {
            return Err(CalibratedMergeError::Providers { image, answers, answered, expected });
        }
    }
    Ok(expected)
}

/// Fits one provider's calibration on its own boxes.
fn calibrate(
    images: &[KnownImage<'_>],
    place: usize,
    options: CalibrationOptions,
) -> Result<Calibration, CalibratedMergeError> {
    let mut seen = Vec::new();
    for image in images {
        let own = image.candidates.boxes().iter().filter(|candidate| candidate.answer == place);
        let boxes: Vec<GroupedBox> = own.map(|candidate| candidate.grouped).collect();
        seen.extend(outcomes(&boxes, image.truth));
    }
    let fitted = Calibration::fit(options.curve, &seen);
    let fitted = match options.group_shrinkage {
        Some(shrinkage) => fitted.and_then(|alike| alike.with_groups(&seen, shrinkage)),
        None => fitted,
    };
    fitted.map_err(|source| CalibratedMergeError::Provider { place, source })
}

impl TryFrom<Parts> for CalibratedMerge {
    type Error = CalibratedMergeError;

    fn try_from(Parts { bias, providers }: Parts) -> Result<Self, CalibratedMergeError> {
        let usable = |evidence: &Evidence| {
            evidence.seen.is_finite()
                && evidence.silent.is_finite()
                && evidence.certainty.is_finite()
                && evidence.certainty >= 0.0
        };
        if bias.is_finite() && providers.iter().all(usable) {
            Ok(Self { bias, providers })
        } else {
            Err(CalibratedMergeError::Weights)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        detection::BoundingBox,
        merge::{Merger, Vote},
    };

    fn at(left: f64) -> BoundingBox {
        BoundingBox::from_corners([left, 0.0, left + 10.0, 10.0]).unwrap()
    }

    fn seen(score: f64, left: f64) -> GroupedBox {
        GroupedBox { group: GroupId::new(1), score, bbox: at(left) }
    }

    fn candidates(answers: &[Vec<GroupedBox>]) -> Candidates {
        Candidates::new(answers.iter().map(Vec::as_slice))
    }

    /// Two providers that are right where both see something, and mostly wrong where one does.
    fn fitted() -> CalibratedMerge {
        let object = TrueBox { group: GroupId::new(1), bbox: at(0.0), crowd: false, area: None };
        let both = candidates(&[vec![seen(0.7, 0.0)], vec![seen(0.7, 1.0)]]);
        let first = candidates(&[vec![seen(0.7, 50.0)], vec![]]);
        let second = candidates(&[vec![], vec![seen(0.7, 50.0)]]);
        let mut images = Vec::new();
        for _ in 0..20 {
            for candidates in [&both, &first, &second] {
                let truth = std::slice::from_ref(&object);
                images.push(KnownImage { candidates, answered: &[true, true], truth });
            }
        }
        CalibratedMerge::fit(&images, CalibrationOptions::default()).unwrap()
    }

    #[test]
    fn agreement_raises_the_probability_and_silence_lowers_it() {
        let merger = Merger::calibrated(Vote::Affirmative, Arc::new(fitted()));
        let score = |answers: &[Vec<GroupedBox>], asked: &[usize]| {
            merger.merge(&candidates(answers), |answer| asked.contains(&answer))[0].score
        };
        let agreed = score(&[vec![seen(0.7, 0.0)], vec![seen(0.7, 0.0)]], &[0, 1]);
        let alone = score(&[vec![seen(0.7, 0.0)], vec![]], &[0]);
        let contradicted = score(&[vec![seen(0.7, 0.0)], vec![]], &[0, 1]);
        assert!(agreed > 0.75, "{agreed}");
        assert!(contradicted < 0.25, "{contradicted}");
        assert!(contradicted < alone && alone < agreed, "{alone}");
    }

    #[test]
    fn what_cannot_be_fitted_says_which_provider_or_image_is_why() {
        let options = CalibrationOptions::default();
        assert_eq!(CalibratedMerge::fit(&[], options), Err(CalibratedMergeError::NothingKnown));
        let silent = candidates(&[vec![seen(0.5, 0.0)], vec![]]);
        let known = KnownImage { candidates: &silent, answered: &[true, true], truth: &[] };
        let refusal = CalibratedMerge::fit(&[known], options).unwrap_err();
        assert!(matches!(refusal, CalibratedMergeError::Provider { place: 1, .. }), "{refusal}");
        let short = KnownImage { answered: &[true], ..known };
        let refusal = CalibratedMerge::fit(&[known, short], options).unwrap_err();
        assert!(matches!(refusal, CalibratedMergeError::Providers { image: 1, .. }), "{refusal}");
    }

    #[test]
    fn a_stored_model_that_no_fit_gives_is_refused() {
        let stored = serde_json::to_string(&fitted()).unwrap();
        assert!(serde_json::from_str::<CalibratedMerge>(&stored).is_ok());
        for (from, to) in [("\"certainty\":", "\"certainty\":-1"), ("\"bias\":", "\"prejudice\":")]
        {
            assert!(serde_json::from_str::<CalibratedMerge>(&stored.replace(from, to)).is_err());
        }
    }

    #[test]
    fn many_providers_are_fitted_on_a_few_subsets_each() {
        let object = TrueBox { group: GroupId::new(1), bbox: at(0.0), crowd: false, area: None };
        let answers: Vec<Vec<GroupedBox>> = (0..70).map(|_| vec![seen(0.5, 0.0)]).collect();
        let candidates = candidates(&answers);
        let known = KnownImage { candidates: &candidates, answered: &[true; 70], truth: &[object] };
        let model = CalibratedMerge::fit(&[known; 3], CalibrationOptions::default()).unwrap();
        assert_eq!(model.providers(), 70);
    }

    proptest! {
        #[test]
        fn an_object_is_never_less_likely_for_a_provider_that_is_surer(
            (low, high, other) in (0.0..=1.0_f64, 0.0..=1.0_f64, 0.0..=1.0_f64)
        ) {
            let merger = Merger::calibrated(Vote::Affirmative, Arc::new(fitted()));
            let score = |first: f64| {
                let answers = [vec![seen(first, 0.0)], vec![seen(other, 0.0)]];
                merger.merge(&candidates(&answers), |_| true)[0].score
            };
            prop_assert!(score(low.min(high)) <= score(low.max(high)) + 1e-12);
        }
    }
}
