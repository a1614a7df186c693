//! The boxes of all answers about one image, sorted once for any choice of providers.
//!
//! Which providers are asked is decided again and again, for every subset of them; the order in
//! which boxes are compared is not, so it is made here.

use std::cmp::Ordering;

use crate::label_groups::GroupedBox;

/// The boxes of all answers about one image, ready to be merged for any choice of providers.
#[derive(Clone, Debug)]
pub struct Candidates {
    answers: usize,
    boxes: Vec<Candidate>,
}

/// A box and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// The answer's place among the answers.
    pub(super) answer: usize,
    /// The box's place in its answer.
    pub(super) position: usize,
    pub(super) grouped: GroupedBox,
}

impl Candidates {
    /// Takes the answers of several providers about one image; an answer goes by its place here.
    pub fn new<'a>(answers: impl IntoIterator<Item = &'a [GroupedBox]>) -> Self {
        let mut count = 0;
        let mut boxes = Vec::new();
        for answer in answers {
            let placed = answer.iter().enumerate();
            boxes.extend(placed.map(|(position, &grouped)| Candidate {
                answer: count,
                position,
                grouped,
            }));
            count += 1;
        }
        boxes.sort_by(by_score);
        Self { answers: count, boxes }
    }

    /// How many answers there are, those without a box included.
    pub const fn answers(&self) -> usize {
        self.answers
    }

    /// What each answer shows, with the answer's place, by group, then by falling score.
    pub fn seen(&self) -> impl Iterator<Item = (usize, &GroupedBox)> {
        self.boxes.iter().map(|candidate| (candidate.answer, &candidate.grouped))
    }

    /// The boxes by group, then by falling score.
    pub(super) fn boxes(&self) -> &[Candidate] {
        &self.boxes
    }
}

/// Groups together, then by falling score; the corners decide where scores are equal, so that
/// boxes that share a place in the order are alike.
pub(super) fn by_score(one: &Candidate, other: &Candidate) -> Ordering {
    let (one, other) = (&one.grouped, &other.grouped);
    let by_group = one.group.cmp(&other.group);
    let by_score = || other.score.total_cmp(&one.score);
    let by_corners = || {
        let pairs = one.bbox.corners().into_iter().zip(other.bbox.corners());
        pairs.map(|(one, other)| one.total_cmp(&other)).find(|ordering| ordering.is_ne())
    };
    by_group.then_with(by_score).then_with(|| by_corners().unwrap_or(Ordering::Equal))
}

/// Groups together, then in the order of providers and of each provider's answer.
pub(super) fn by_provider(one: &Candidate, other: &Candidate) -> Ordering {
    let by_group = one.grouped.group.cmp(&other.grouped.group);
    by_group.then_with(|| as_listed(one, other))
}

/// In the order of providers and of each provider's answer, whatever the group.
pub(super) fn as_listed(one: &Candidate, other: &Candidate) -> Ordering {
    (one.answer, one.position).cmp(&(other.answer, other.position))
}
