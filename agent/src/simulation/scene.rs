//! What a simulated image shows, decided before any of it is painted.
//!
//! A scene is drawn from a seeded generator in whole pixels, so that the same seed gives the same
//! scene on every machine. The painter makes pixels of it, the ground truth boxes.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::class::Class;

/// The sizes of images, width by height, most of them COCO's own.
const SIZES: [(u32, u32); 6] =
    [(640, 480), (480, 640), (640, 427), (427, 640), (500, 375), (375, 500)];

/// The most objects in an image.
const MOST_OBJECTS: usize = 8;

/// How often a place is tried for an object before it is left out.
const TRIES: usize = 20;

/// An image as objects on a background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// The objects, the farthest first; at least one.
    pub(super) objects: Vec<Object>,
    /// What the background's texture is drawn from.
    pub(super) texture_seed: u32,
    /// How coarse the background's grain is, in steps of brightness.
    pub(super) grain: u8,
}

/// One object of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// What it is.
    pub(super) class: Class,
    /// Where it is.
    pub(super) place: Place,
    /// How its colours differ from those of its kind.
    pub(super) tint: [i8; 3],
}

/// A rectangle in whole pixels, inside its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Scene {
    /// Decides on a scene.
    pub(super) fn draw(generator: &mut ChaCha8Rng) -> Self {
        let (width, height) = SIZES.choose(generator).copied().unwrap_or((640, 480));
        let wanted = generator.random_range(1..=MOST_OBJECTS);
        let mut objects: Vec<Object> = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            let class = Class::ALL.choose(generator).copied().unwrap_or(Class::Person);
            let tint = [(); 3].map(|()| generator.random_range(-40..=40));
            for _ in 0..TRIES {
                let place = Place::draw(class, (width, height), generator);
                if objects.iter().all(|other| !place.hides_much_of(other.place)) {
                    objects.push(Object { class, place, tint });
                    break;
                }
            }
        }
        Self {
            width,
            height,
            objects,
            texture_seed: generator.random(),
            grain: generator.random_range(14..=40),
        }
    }
}

impl Place {
    fn draw(class: Class, (width, height): (u32, u32), generator: &mut ChaCha8Rng) -> Self {
        let side = width.min(height) * generator.random_range(14..=42) / 100;
        let (wide, high) = proportions(class);
        // The longer side is the one that was drawn, so that the place fits into every image.
        let longer = wide.max(high);
        let place_width = (side * wide / longer).max(1);
        let place_height = (side * high / longer).max(1);
        Self {
            left: generator.random_range(0..=width - place_width),
            top: generator.random_range(0..=height - place_height),
            width: place_width,
            height: place_height,
        }
    }

    const fn area(self) -> u32 {
        self.width * self.height
    }

    /// Whether painting this over the other would cover more than a fifth of either.
    fn hides_much_of(self, other: Self) -> bool {
        let width = (self.left + self.width)
            .min(other.left + other.width)
            .saturating_sub(self.left.max(other.left));
        let height = (self.top + self.height)
            .min(other.top + other.height)
            .saturating_sub(self.top.max(other.top));
        width * height * 5 > self.area().min(other.area())
    }
}

/// How wide and how high a kind of object is, in parts of the longer side.
const fn proportions(class: Class) -> (u32, u32) {
    match class {
        Class::Person => (9, 20),
        Class::Bottle => (7, 20),
        Class::CellPhone => (10, 20),
        Class::PottedPlant | Class::Chair => (14, 20),
        Class::Cup | Class::Cat | Class::Umbrella | Class::Boat => (18, 20),
        Class::Bird | Class::Dog => (20, 16),
        Class::Bicycle | Class::Motorcycle => (20, 13),
        Class::Bus | Class::Truck => (20, 12),
        Class::Car | Class::Couch | Class::DiningTable => (20, 10),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn objects_are_one_to_eight_inside_the_image_and_hardly_hidden() {
        for seed in 0..200 {
            let scene = Scene::draw(&mut ChaCha8Rng::seed_from_u64(seed));
            assert!((1..=MOST_OBJECTS).contains(&scene.objects.len()));
            for (index, Object { place, .. }) in scene.objects.iter().enumerate() {
                assert!(place.left + place.width <= scene.width);
                assert!(place.top + place.height <= scene.height);
                let before = &scene.objects[..index];
                assert!(before.iter().all(|other| !place.hides_much_of(other.place)));
            }
        }
    }
}
