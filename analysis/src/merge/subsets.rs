//! What every choice of providers is worth on one image.
//!
//! All answers are stored, so that nothing need be asked to know what asking would have brought:
//! merging each subset of the answers and judging the result gives the table that baselines and
//! policies read.

use thiserror::Error;

use super::{Candidates, Merger, Scratch};
use crate::label_groups::GroupedBox;

/// The most answers whose subsets are enumerated: a million subsets an image.
pub const MOST_ANSWERS: usize = 20;

/// There are more subsets than can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} providers have too many subsets to try; name at most {MOST_ANSWERS} of them")]
pub struct TooManyAnswers(pub usize);

/// The value of every subset of the answers but the empty one.
///
/// The subset that bit `n` of `bits` names answer `n` of is at place `bits - 1`.
///
/// # Errors
/// Where there are more than [`MOST_ANSWERS`] answers.
///
/// # Examples
/// ```
/// use armol_analysis::merge::{Candidates, Merger, Method, Vote, subset_values};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let two_empty_answers = Candidates::new([&[][..], &[]]);
/// let merger = Merger::new(Vote::Affirmative, Method::Wbf)?;
/// let values = subset_values(&merger, &two_empty_answers, |merged| {
///     if merged.is_empty() { -1.0 } else { 1.0 }
/// })?;
/// assert_eq!(values, [-1.0; 3]);
/// # Ok(())
/// # }
/// ```
pub fn subset_values(
    merger: &Merger,
    candidates: &Candidates,
    mut value: impl FnMut(&[GroupedBox]) -> f64,
) -> Result<Vec<f32>, TooManyAnswers> {
    let answers = candidates.answers();
    if answers > MOST_ANSWERS {
        return Err(TooManyAnswers(answers));
    }
    let mut scratch = Scratch::default();
    let mut answer = Vec::new();
    let subsets = 1..1_u32 << answers;
    let values = subsets.map(|bits| {
        let includes = |answer: usize| bits >> answer & 1 == 1;
        merger.merge_into(candidates, includes, &mut scratch, &mut answer);
        rounded(value(&answer))
    });
    Ok(values.collect())
}

/// A value as a table holds it: half the memory is worth more than digits that no reward has.
#[expect(clippy::cast_possible_truncation, reason = "rounding to 24 bits is what this is for")]
pub const fn rounded(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detection::BoundingBox,
        label_groups::GroupId,
        merge::{Method, Vote},
    };

    #[test]
    fn a_value_stands_at_the_place_of_its_subset() {
        let bbox = BoundingBox::from_corners([0.0, 0.0, 10.0, 10.0]).unwrap();
        let seen = |score| [GroupedBox { group: GroupId::new(0), score, bbox }];
        let answers = [seen(0.5), seen(0.25), seen(0.125)];
        let candidates = Candidates::new(answers.iter().map(<[GroupedBox; 1]>::as_slice));
        let merger = Merger::new(Vote::Affirmative, Method::None).unwrap();
        let total = |merged: &[GroupedBox]| merged.iter().map(|seen| seen.score).sum::<f64>();
        let values = subset_values(&merger, &candidates, total).unwrap();
        assert_eq!(values, [0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875]);
    }

    #[test]
    fn too_many_answers_are_refused() {
        let candidates = Candidates::new([&[][..]; 21]);
        let merger = Merger::new(Vote::Affirmative, Method::Wbf).unwrap();
        let refusal = subset_values(&merger, &candidates, |_| 0.0).unwrap_err();
        assert_eq!(refusal, TooManyAnswers(21));
        assert!(refusal.to_string().contains("at most 20"));
    }
}
