//! A way to merge as it is read from a file, checked as one that is made.

use std::sync::Arc;

use serde::Deserialize;

use super::{Merger, MergerError};
use crate::merge::{CalibratedMerge, Method};

/// The settings of a stored way, whatever they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    vote: String,
    method: String,
    iou_threshold: f64,
    score_threshold: f64,
    merged_threshold: f64,
    weights: Vec<f64>,
    model: Option<CalibratedMerge>,
}

impl TryFrom<Stored> for Merger {
    type Error = MergerError;

    fn try_from(stored: Stored) -> Result<Self, MergerError> {
        let vote = stored.vote.parse()?;
        let merger = match (stored.method.parse()?, stored.model) {
            (Method::Calibrated, Some(model)) => Self::calibrated(vote, Arc::new(model)),
            (method, None) => Self::new(vote, method)?,
            (method, Some(_)) => return Err(MergerError::NeedlessModel(method)),
        };
        merger
            .with_iou_threshold(stored.iou_threshold)?
            .with_score_threshold(stored.score_threshold)?
            .with_merged_threshold(stored.merged_threshold)?
            .with_weights(stored.weights)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::merge::Vote;

    fn stored() -> Value {
        let merger = Merger::new(Vote::Consensus, Method::Nms).unwrap();
        let merger = merger.with_iou_threshold(0.7).unwrap().with_weights(vec![1.0, 0.3]).unwrap();
        serde_json::to_value(merger).unwrap()
    }

    #[test]
    fn what_was_written_reads_back() {
        let merger: Merger = serde_json::from_value(stored()).unwrap();
        assert_eq!(serde_json::to_value(&merger).unwrap(), stored());
        assert_eq!((merger.vote(), merger.method()), (Vote::Consensus, Method::Nms));
    }

    #[test]
    fn a_model_reads_back_with_its_method_alone() {
        let mut calibrated = stored();
        calibrated["method"] = json!("calibrated");
        calibrated["model"] = json!({"bias": 0.5, "providers": []});
        let merger: Merger = serde_json::from_value(calibrated.clone()).unwrap();
        assert_eq!(serde_json::to_value(&merger).unwrap()["model"]["bias"], json!(0.5));
        calibrated["method"] = json!("nms");
        let refusal = serde_json::from_value::<Merger>(calibrated).unwrap_err().to_string();
        assert!(refusal.contains("has no use for a model"), "{refusal}");
    }

    #[test]
    fn what_no_merger_can_do_is_refused() {
        for (field, value, message) in [
            ("method", json!("best"), "unknown way to merge"),
            ("method", json!("calibrated"), "needs a model"),
            ("vote", json!("most"), "unknown vote"),
            ("iou_threshold", json!(1.5), "must be a number from 0 to 1"),
            ("weights", json!([1.0, 0.0]), "must be a finite number above 0"),
            ("other", json!(1), "unknown field"),
        ] {
            let mut changed = stored();
            changed[field] = value;
            let refusal = serde_json::from_value::<Merger>(changed).unwrap_err().to_string();
            assert!(refusal.contains(message), "{field}: {refusal}");
        }
    }
}
