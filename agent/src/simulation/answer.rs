//! What a simulated provider sees in an image, made from what is truly there.
//!
//! It misses objects, puts boxes a little off, and sees some that are not there; scores are higher
//! where it is right, on average. All of it is drawn from a generator seeded by the seed, the
//! provider and the image, so a provider always says the same of the same image.

use armol_analysis::detection::{BoundingBox, Detection};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

use super::{class::Class, ground_truth::TrueObject, provider::SimulatedProvider};

/// What vendors hold back because they are not sure enough of it.
const LEAST_SCORE: f64 = 0.5;

/// The highest score.
const GREATEST_SCORE: f64 = 0.995;

/// The scores of objects that are there and that are not: mean and standard deviation.
const RIGHT: (f64, f64) = (0.84, 0.10);
const WRONG: (f64, f64) = (0.62, 0.08);

/// How many objects that are not there an image can have at most.
const MOST_PHANTOMS: u32 = 3;

/// The share of phantoms that are of a kind that the image does hold.
const PLAUSIBLE: f64 = 0.7;

/// How an image that is seen badly changes the shares of found and of phantom objects.
const POOR_RECALL: f64 = 0.45;
const POOR_PHANTOMS: f64 = 3.0;

/// The share of objects that are hard to see for every provider, and what that leaves of the share
/// that is found.
const HARD: f64 = 0.1;
const HARD_RECALL: f64 = 0.2;

/// How a provider looks at one image.
pub(super) struct Observation {
    provider: SimulatedProvider,
    width: f64,
    height: f64,
    is_poor: bool,
    generator: ChaCha8Rng,
    /// The same for every provider.
    difficulty: ChaCha8Rng,
}

impl Observation {
    /// A provider's look at an image of this content and size.
    pub(super) fn new(
        provider: SimulatedProvider,
        seed: u64,
        sha256: [u8; 32],
        (width, height): (u32, u32),
    ) -> Self {
        let mut generator = generator_of(seed, provider.name(), sha256);
        let is_poor = generator.random_bool(provider.errors().poor_image);
        let difficulty = generator_of(seed, "difficulty", sha256);
        let (width, height) = (width.into(), height.into());
        Self { provider, width, height, is_poor, generator, difficulty }
    }

    /// What it sees of these objects, the surest first.
    pub(super) fn see(mut self, objects: &[TrueObject]) -> Vec<Detection> {
        let mut seen = Vec::new();
        for object in objects {
            let recall = self.provider.recall(object.class);
            let recall = if self.is_poor { recall * POOR_RECALL } else { recall };
            let is_hard = self.difficulty.random_bool(HARD);
            let recall = if is_hard { recall * HARD_RECALL } else { recall };
            if self.generator.random_bool(recall) {
                let bbox = self.near(object.bbox);
                seen.extend(self.detection(object.class, bbox, RIGHT));
            }
        }
        for _ in 0..MOST_PHANTOMS {
            let chance = self.provider.errors().phantom;
            let chance = if self.is_poor { chance * POOR_PHANTOMS } else { chance };
            // An image that holds nothing known is seen as such.
            if self.generator.random_bool(chance)
                && let Some(mistaken) = objects.choose(&mut self.generator)
            {
                seen.extend(self.phantom(mistaken));
            }
        }
        seen.sort_by(|one, other| other.score.total_cmp(&one.score));
        seen
    }

    /// Another of a kind that is there, or a thing taken for another.
    fn phantom(&mut self, mistaken: &TrueObject) -> Option<Detection> {
        let (class, bbox) = if self.generator.random_bool(PLAUSIBLE) {
            (mistaken.class, self.anywhere())
        } else {
            let class = Class::ALL.choose(&mut self.generator).copied()?;
            (class, self.near(mistaken.bbox))
        };
        // Where a provider sees badly, it does not know that it does.
        self.detection(class, bbox, if self.is_poor { RIGHT } else { WRONG })
    }

    fn detection(
        &mut self,
        class: Class,
        bbox: Option<BoundingBox>,
        (mean, spread): (f64, f64),
    ) -> Option<Detection> {
        let word = self.provider.words(class).choose(&mut self.generator).copied()?;
        let score = (mean + spread * self.normal()).clamp(LEAST_SCORE, GREATEST_SCORE);
        Detection::new(word, score, Some(bbox?)).ok()
    }

    /// A box near this one, inside the image; `None` where nothing of it would be left.
    fn near(&mut self, bbox: BoundingBox) -> Option<BoundingBox> {
        let [left, top, right, bottom] = bbox.corners();
        let spread = self.provider.errors().position;
        let (across, down) = ((right - left) * spread, (bottom - top) * spread);
        let corners = [
            left + across * self.normal(),
            top + down * self.normal(),
            right + across * self.normal(),
            bottom + down * self.normal(),
        ];
        self.inside(corners)
    }

    fn anywhere(&mut self) -> Option<BoundingBox> {
        let width = self.width * self.generator.random_range(0.1..0.4);
        let height = self.height * self.generator.random_range(0.1..0.4);
        let left = self.generator.random_range(0.0..1.0) * (self.width - width);
        let top = self.generator.random_range(0.0..1.0) * (self.height - height);
        self.inside([left, top, left + width, top + height])
    }

    fn inside(&self, [left, top, right, bottom]: [f64; 4]) -> Option<BoundingBox> {
        let (left, right) = (left.clamp(0.0, self.width), right.clamp(0.0, self.width));
        let (top, bottom) = (top.clamp(0.0, self.height), bottom.clamp(0.0, self.height));
        let bbox = BoundingBox::from_corners([left, top, right, bottom]).ok()?;
        (right - left >= 1.0 && bottom - top >= 1.0).then_some(bbox)
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.generator)
    }
}

/// A generator for one image in one role.
fn generator_of(seed: u64, role: &str, sha256: [u8; 32]) -> ChaCha8Rng {
    let mut digest = Sha256::new();
    digest.update(seed.to_le_bytes());
    digest.update(role);
    digest.update(sha256);
    ChaCha8Rng::from_seed(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (640, 480);

    fn object(class: Class) -> TrueObject {
        TrueObject { class, bbox: BoundingBox::from_corners([100.0, 80.0, 260.0, 300.0]).unwrap() }
    }

    fn sees(provider: SimulatedProvider, image: u16, objects: &[TrueObject]) -> Vec<Detection> {
        let mut sha256 = [0; 32];
        sha256[..2].copy_from_slice(&image.to_le_bytes());
        Observation::new(provider, 7, sha256, SIZE).see(objects)
    }

    fn finds(provider: SimulatedProvider, image: u16, object: TrueObject) -> bool {
        let words = provider.words(object.class);
        sees(provider, image, &[object]).iter().any(|detection| {
            words.contains(&detection.label.as_str())
                && detection.bbox.is_some_and(|bbox| bbox.iou(object.bbox) > 0.5)
        })
    }

    #[test]
    fn the_same_image_is_seen_the_same_and_by_each_provider_differently() {
        let objects = Class::ALL.map(object);
        for provider in SimulatedProvider::ALL {
            assert_eq!(sees(provider, 1, &objects), sees(provider, 1, &objects));
        }
        let [aws, azure, google] =
            SimulatedProvider::ALL.map(|provider| sees(provider, 1, &objects));
        assert!(aws != azure && azure != google && aws != google);
    }

    #[test]
    fn all_providers_together_find_much_more_than_the_best_alone() {
        let mut alone = [0; 3];
        let (mut together, mut all) = (0, 0);
        for image in 0..100 {
            for object in Class::ALL.map(object) {
                let found = SimulatedProvider::ALL.map(|provider| finds(provider, image, object));
                for (count, found) in alone.iter_mut().zip(found) {
                    *count += u32::from(found);
                }
                together += u32::from(found.contains(&true));
                all += 1;
            }
        }
        for count in alone {
            assert!((all * 45 / 100..all * 65 / 100).contains(&count), "{alone:?} of {all}");
        }
        assert!(together > all * 80 / 100, "{together} of {all}");
    }

    #[test]
    fn boxes_stay_inside_the_image() {
        let corner = BoundingBox::from_corners([0.0, 0.0, 640.0, 480.0]).unwrap();
        let objects = Class::ALL.map(|class| TrueObject { class, bbox: corner });
        for image in 0..50 {
            for detection in sees(SimulatedProvider::Google, image, &objects) {
                let [left, top, right, bottom] = detection.bbox.unwrap().corners();
                assert!(left >= 0.0 && top >= 0.0 && right <= 640.0 && bottom <= 480.0);
            }
        }
    }

    #[test]
    fn nothing_is_seen_where_nothing_is_known() {
        assert!((0..50).all(|image| sees(SimulatedProvider::Aws, image, &[]).is_empty()));
    }
}
