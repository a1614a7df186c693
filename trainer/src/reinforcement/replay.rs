//! What was seen and done, to learn from again: images by their places, not their states.

#![expect(clippy::indexing_slicing, reason = "every buffer has an entry for each transition")]

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::network::weights;

/// Transitions, the oldest of which give way to others once it is full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    providers: usize,
    capacity: usize,
    /// Where the next transition goes once it is full.
    oldest: usize,
    images: Vec<u32>,
    next_images: Vec<u32>,
    terminated: Vec<bool>,
    #[serde(with = "weights")]
    actions: Vec<f32>,
    #[serde(with = "weights")]
    rewards: Vec<f32>,
}

/// One step of the environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transition<'a> {
    pub(super) image: u32,
    pub(super) action: &'a [f32],
    pub(super) reward: f32,
    pub(super) next_image: u32,
    pub(super) terminated: bool,
}

/// Transitions drawn from all.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) images: Vec<u32>,
    pub(super) next_images: Vec<u32>,
    pub(super) actions: Vec<f32>,
    pub(super) rewards: Vec<f32>,
    /// 0 where nothing comes after, else 1.
    pub(super) continues: Vec<f32>,
}

impl Replay {
    pub(super) const fn new(providers: usize, capacity: usize) -> Self {
        Self {
            providers,
            capacity,
            oldest: 0,
            images: Vec::new(),
            next_images: Vec::new(),
            terminated: Vec::new(),
            actions: Vec::new(),
            rewards: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, transition: Transition<'_>) {
        if self.images.len() < self.capacity {
            self.images.push(transition.image);
            self.next_images.push(transition.next_image);
            self.terminated.push(transition.terminated);
            self.actions.extend_from_slice(transition.action);
            self.rewards.push(transition.reward);
            return;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % self.capacity;
        self.images[place] = transition.image;
        self.next_images[place] = transition.next_image;
        self.terminated[place] = transition.terminated;
        self.rewards[place] = transition.reward;
        self.action_mut(place).copy_from_slice(transition.action);
    }

    /// Draws transitions, each as likely as any other, some of them more than once.
    pub(super) fn sample(&self, count: usize, generator: &mut ChaCha8Rng, batch: &mut Batch) {
        batch.clear();
        // Drawn as u32, so that the draw is the same on every machine.
        let held = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
        for _ in 0..count {
            let place = generator.random_range(0..held) as usize;
            batch.images.push(self.images[place]);
            batch.next_images.push(self.next_images[place]);
            let start = place * self.providers;
            batch.actions.extend_from_slice(&self.actions[start..start + self.providers]);
            batch.rewards.push(self.rewards[place]);
            batch.continues.push(if self.terminated[place] { 0.0 } else { 1.0 });
        }
    }

    /// Whether it holds transitions of so many images and providers.
    pub(super) fn fits(&self, images: usize, providers: usize) -> bool {
        let count = self.images.len();
        let lengths = [self.next_images.len(), self.terminated.len(), self.rewards.len()];
        self.providers == providers
            && lengths == [count; 3]
            && self.actions.len() == count.saturating_mul(providers)
            && count <= self.capacity
            && self.oldest < self.capacity
            && self.images.iter().chain(&self.next_images).all(|image| (*image as usize) < images)
    }

    fn action_mut(&mut self, place: usize) -> &mut [f32] {
        let start = place * self.providers;
        &mut self.actions[start..start + self.providers]
    }
}

impl Batch {
    fn clear(&mut self) {
        self.images.clear();
        self.next_images.clear();
        self.actions.clear();
        self.rewards.clear();
        self.continues.clear();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn filled(capacity: usize, count: u8) -> Replay {
        let mut replay = Replay::new(2, capacity);
        for n in 0..count {
            let number = f32::from(n);
            replay.push(Transition {
                image: n.into(),
                action: &[number, -number],
                reward: number * 10.0,
                next_image: u32::from(n) + 1,
                terminated: n % 2 == 0,
            });
        }
        replay
    }

    #[test]
    fn a_full_one_forgets_the_oldest() {
        let replay = filled(4, 6);
        assert_eq!(replay.images, [4, 5, 2, 3]);
        assert_eq!(replay.oldest, 2);
        assert!(replay.fits(7, 2) && !replay.fits(6, 2) && !replay.fits(7, 3));
    }

    #[test]
    fn drawn_transitions_are_whole_ones() {
        let replay = filled(50, 20);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let mut batch = Batch::default();
        replay.sample(200, &mut generator, &mut batch);
        for (place, image) in batch.images.iter().enumerate() {
            let number = f32::from(u8::try_from(*image).unwrap());
            assert_eq!(batch.next_images[place], image + 1);
            assert_eq!(batch.actions[2 * place..2 * place + 2], [number, -number]);
            let rest = [batch.rewards[place], batch.continues[place]];
            let continues = f32::from(u8::try_from(image % 2).unwrap());
            assert_eq!(rest.map(f32::to_bits), [number * 10.0, continues].map(f32::to_bits));
        }
        assert!((0..20).all(|image| batch.images.contains(&image)));
    }
}
