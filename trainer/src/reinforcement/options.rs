//! Options that learners have in common, and how they are checked.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::LearningError;

/// What the numbers of an action lie between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionRange {
    /// From -1 to 1, as published, of which three quarters mean that a provider is not asked.
    Signed,
    /// From 0 to 1.
    Unit,
}

/// What of an action is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayedAction {
    /// The point itself, as in the published code.
    Continuous,
    /// The corner that was asked, as on the published slides.
    Discrete,
}

impl ActionRange {
    /// A number between -1 and 1 in this range.
    pub(super) fn of_signed(self, number: f32) -> f32 {
        match self {
            Self::Signed => number,
            Self::Unit => 0.5 + 0.5 * number,
        }
    }

    /// The slope of [`of_signed`](Self::of_signed).
    pub(super) const fn slope(self) -> f32 {
        match self {
            Self::Signed => 1.0,
            Self::Unit => 0.5,
        }
    }
}

/// Refuses an option that is not finite or lies outside of bounds.
pub(super) fn check(
    option: &'static str,
    value: f64,
    bounds: [f64; 2],
    must: &'static str,
) -> Result<(), LearningError> {
    let [low, high] = bounds;
    let within = (low..=high).contains(&value);
    if within { Ok(()) } else { Err(LearningError::Option { option, value, must }) }
}

/// Refuses an option that is 0 where it counts something.
pub(super) fn check_count(option: &'static str, count: usize) -> Result<(), LearningError> {
    if count > 0 {
        Ok(())
    } else {
        Err(LearningError::Option { option, value: 0.0, must: "at least 1" })
    }
}

/// A learning rate can be this.
pub(super) fn check_rate(option: &'static str, rate: f64) -> Result<(), LearningError> {
    check(option, rate, [f64::MIN_POSITIVE, 1.0], "above 0, and 1 at most")
}

/// A share or discount can be this.
pub(super) fn check_share(option: &'static str, share: f32) -> Result<(), LearningError> {
    check(option, share.into(), [0.0, 1.0], "from 0 to 1")
}

/// Something that nothing is gained by making huge can be this.
pub(super) fn check_weight(option: &'static str, weight: f32) -> Result<(), LearningError> {
    check(option, weight.into(), [0.0, 1e6], "from 0 to 1,000,000")
}

/// Standard normal numbers.
pub(super) fn draw_noise(generator: &mut ChaCha8Rng, count: usize, noise: &mut Vec<f32>) {
    noise.clear();
    noise.extend((0..count).map(|_| generator.sample::<f32, _>(StandardNormal)));
}
