//! What a policy sees when it chooses.

use armol_analysis::merge::Candidates;

use crate::subset::Subset;

/// What is known of an image when a policy chooses.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// What was known before anyone was asked.
    pub state: &'a [f32],
    /// Answers, each at the place of its provider. Those of providers that were not asked yet may be
    /// there, where a stored call is replayed, and are not to be looked at.
    pub candidates: &'a Candidates,
    /// Who was asked so far.
    pub asked: Subset,
    /// Who of them answered.
    pub answered: Subset,
}
