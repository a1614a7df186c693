//! The steps of an epoch in their order, and how much better each was than what was believed.

#![expect(clippy::indexing_slicing, reason = "every buffer has an entry for each step")]

use serde::{Deserialize, Serialize};

use super::super::{environment::Step, experience::place_of};
use crate::{baseline::number, features::single, network::weights};

/// Steps in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollout {
    pub(super) images: Vec<u32>,
    #[serde(with = "weights")]
    pub(super) actions: Vec<f32>,
    #[serde(with = "weights")]
    rewards: Vec<f32>,
    ends: Vec<End>,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    /// The step behind it.
    Continues,
    /// Nothing.
    Terminated,
    /// Steps from this image on that were not made.
    CutBefore(u32),
}

/// What to learn from the steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Discount {
    pub(super) gamma: f32,
    pub(super) lambda: f32,
}

impl Rollout {
    pub(super) fn push(&mut self, image: usize, action: &[f32], step: Step) {
        self.images.push(place_of(image));
        self.actions.extend_from_slice(action);
        self.rewards.push(single(step.reward));
        self.ends.push(match step {
            Step { terminated: true, .. } => End::Terminated,
            Step { truncated: true, observation, .. } => End::CutBefore(place_of(observation)),
            _ => End::Continues,
        });
    }

    pub(super) const fn len(&self) -> usize {
        self.images.len()
    }

    /// Ends the last step before this image, unless it has ended.
    pub(super) fn cut(&mut self, observation: usize) {
        if let Some(last @ End::Continues) = self.ends.last_mut() {
            *last = End::CutBefore(place_of(observation));
        }
    }

    /// The images before which steps were cut off.
    pub(super) fn cuts(&self) -> impl Iterator<Item = u32> {
        self.ends.iter().filter_map(|end| match end {
            End::CutBefore(image) => Some(*image),
            End::Continues | End::Terminated => None,
        })
    }

    /// Whether it holds fewer steps than an epoch, of so many images and providers.
    pub(super) fn fits(&self, images: usize, providers: usize, epoch: usize) -> bool {
        let count = self.images.len();
        let known = |image: u32| (image as usize) < images;
        count < epoch
            && [self.rewards.len(), self.ends.len()] == [count; 2]
            && self.actions.len() == count.saturating_mul(providers)
            && self.images.iter().copied().chain(self.cuts()).all(known)
    }

    /// Each step's advantage (Schulman et al. 2016, equation 16), scaled to mean 0 and deviation 1,
    /// and its return: given what is believed of each step's image, and of those before which steps
    /// were cut off.
    pub(super) fn judge(&self, values: &[f32], cut: &[f32], by: Discount) -> [Vec<f32>; 2] {
        let (mut advantages, mut returns) = (vec![0.0; self.len()], vec![0.0; self.len()]);
        let (mut advantage, mut sum) = (0.0, 0.0);
        let mut cut = cut.iter().rev();
        for place in (0..self.len()).rev() {
            let next = match self.ends[place] {
                End::Continues => values.get(place + 1).copied().unwrap_or(0.0),
                End::Terminated => 0.0,
                End::CutBefore(_) => cut.next().copied().unwrap_or(0.0),
            };
            if self.ends[place] != End::Continues {
                (advantage, sum) = (0.0, next);
            }
            let surprise = self.rewards[place] + by.gamma * next - values[place];
            advantage = surprise + by.gamma * by.lambda * advantage;
            sum = self.rewards[place] + by.gamma * sum;
            (advantages[place], returns[place]) = (advantage, sum);
        }
        standardise(&mut advantages);
        [advantages, returns]
    }
}

/// Makes the mean 0 and the deviation 1; of numbers that are all the same, 0 each.
fn standardise(numbers: &mut [f32]) {
    let count = number(numbers.len() as u64);
    let mean = numbers.iter().map(|one| f64::from(*one)).sum::<f64>() / count;
    let squares = numbers.iter().map(|one| (f64::from(*one) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    for one in numbers {
        let off = f64::from(*one) - mean;
        *one = single(if deviation > 0.0 { off / deviation } else { off });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(ends: &[End]) -> Rollout {
        let mut rollout = Rollout { ends: ends.to_vec(), ..Rollout::default() };
        for place in 0..ends.len() {
            rollout.images.push(place_of(place));
            rollout.actions.push(0.5);
            rollout.rewards.push(1.0);
        }
        rollout
    }

    const BY: Discount = Discount { gamma: 0.5, lambda: 0.5 };

    #[test]
    fn advantages_and_returns_are_those_worked_out_by_hand() {
        let ends = [End::Continues, End::CutBefore(7), End::Terminated, End::Continues];
        let mut rollout = rollout(&ends);
        rollout.cut(9);
        assert_eq!(rollout.cuts().collect::<Vec<u32>>(), [7, 9]);
        let [advantages, returns] = rollout.judge(&[0.0, 2.0, 0.5, 1.0], &[4.0, 2.0], BY);
        // Returns: 1 + 0.5 * 3, 1 + 0.5 * 4, 1, 1 + 0.5 * 2.
        assert_eq!(returns, [2.5, 3.0, 1.0, 2.0]);
        // Surprises 2, 1, 0.5, 1; advantages 2.25, 1, 0.5, 1 with mean 1.1875.
        let raw = [2.25, 1.0, 0.5, 1.0].map(|one: f64| one - 1.1875);
        let deviation = (raw.iter().map(|one| one * one).sum::<f64>() / 4.0).sqrt();
        for (advantage, expected) in advantages.iter().zip(raw) {
            assert!((f64::from(*advantage) - expected / deviation).abs() < 1e-6, "{advantages:?}");
        }
    }

    #[test]
    fn steps_of_the_same_worth_have_no_advantage() {
        let [advantages, _] = rollout(&[End::Terminated; 3]).judge(&[0.0; 3], &[], BY);
        assert_eq!(advantages, [0.0; 3]);
    }
}
