//! Makes pixels of a scene.
//!
//! A grainy background keeps the JPEG files as large as photographs are; objects are filled shapes
//! with dark outlines. Only integers, and exact arithmetic on the shapes: the same scene gives the
//! same pixels on every machine.

use image::{Rgb, RgbImage};

use super::{
    drawing::{self, Part},
    scene::{Object, Scene},
};

/// How wide an object's outline is, in pixels.
const OUTLINE: f64 = 2.0;

/// The outline's colour.
const INK: [i32; 3] = [20, 20, 24];

/// Paints a scene.
pub(super) fn paint(scene: &Scene) -> RgbImage {
    let mut canvas = RgbImage::from_fn(scene.width, scene.height, |x, y| background(scene, x, y));
    for (object, index) in scene.objects.iter().zip(1..) {
        for part in drawing::parts(object.class) {
            paint_part(&mut canvas, scene.texture_seed.wrapping_add(index), object, part);
        }
    }
    canvas
}

/// A soft gradient, clouds of three sizes, and grain.
fn background(scene: &Scene, x: u32, y: u32) -> Rgb<u8> {
    let seed = scene.texture_seed;
    let [first, second] = [seed, hash(seed, 1, 1)].map(u32::to_le_bytes);
    let along = to_signed(x * 128 / scene.width + y * 128 / scene.height);
    let clouds =
        cloud(seed, x, y, 96) / 3 + cloud(seed ^ 1, x, y, 24) / 5 + cloud(seed ^ 2, x, y, 6) / 8;
    let speck = speck(seed, x, y, scene.grain);
    let mut colour = [0; 3];
    for (channel, (from, to)) in colour.iter_mut().zip(first.into_iter().zip(second)) {
        // Pale on purpose: objects stand out.
        let from = 110 + i32::from(from) / 3;
        let to = 110 + i32::from(to) / 3;
        *channel = from + (to - from) * along / 256 + clouds + speck;
    }
    to_pixel(colour)
}

fn paint_part(canvas: &mut RgbImage, seed: u32, object: &Object, part: &Part) {
    let place = object.place;
    let [left, top, right, bottom] = part.area;
    let from_x = place.left + place.width * left / 100;
    let to_x = place.left + (place.width * right).div_ceil(100);
    let from_y = place.top + place.height * top / 100;
    let to_y = place.top + (place.height * bottom).div_ceil(100);
    let (half_width, half_height) =
        (f64::from(to_x - from_x) / 2.0, f64::from(to_y - from_y) / 2.0);
    let holds = |x: f64, y: f64| part.shape.holds(x / half_width - 1.0, y / half_height - 1.0);
    for y in from_y..to_y {
        for x in from_x..to_x {
            // A pixel is where its middle is.
            let (across, down) = (f64::from(x - from_x) + 0.5, f64::from(y - from_y) + 0.5);
            if !holds(across, down) {
                continue;
            }
            let within = holds(across - OUTLINE, down)
                && holds(across + OUTLINE, down)
                && holds(across, down - OUTLINE)
                && holds(across, down + OUTLINE);
            let speck = speck(seed, x, y, 16);
            let mut colour = INK;
            if within {
                for (channel, (own, tint)) in
                    colour.iter_mut().zip(part.colour.into_iter().zip(object.tint))
                {
                    *channel = i32::from(own) + i32::from(tint) + speck;
                }
            }
            if let Some(pixel) = canvas.get_pixel_mut_checked(x, y) {
                *pixel = to_pixel(colour);
            }
        }
    }
}

/// A smooth random height, -127 to 128, that changes over `cell` pixels.
fn cloud(seed: u32, x: u32, y: u32, cell: u32) -> i32 {
    let (column, row) = (x / cell, y / cell);
    let corner = |right, down| to_signed(hash(seed, column + right, row + down) & 0xff) - 127;
    let (across, down, cell) = (to_signed(x % cell), to_signed(y % cell), to_signed(cell));
    let upper = corner(0, 0) * (cell - across) + corner(1, 0) * across;
    let lower = corner(0, 1) * (cell - across) + corner(1, 1) * across;
    (upper * (cell - down) + lower * down) / (cell * cell)
}

/// A random step of brightness for one pixel, up to half the grain either way.
fn speck(seed: u32, x: u32, y: u32, grain: u8) -> i32 {
    let range = u32::from(grain) + 1;
    to_signed(hash(seed, x, y) % range) - to_signed(range / 2)
}

/// Scatters a seed and a place over all 32-bit numbers (the finaliser of `MurmurHash3`).
const fn hash(seed: u32, x: u32, y: u32) -> u32 {
    let mut word = seed ^ x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77);
    word = (word ^ (word >> 16)).wrapping_mul(0x85eb_ca6b);
    word = (word ^ (word >> 13)).wrapping_mul(0xc2b2_ae35);
    word ^ (word >> 16)
}

fn to_pixel(colour: [i32; 3]) -> Rgb<u8> {
    Rgb(colour.map(|channel| u8::try_from(channel.clamp(0, 255)).unwrap_or(u8::MAX)))
}

/// For numbers that are far below the limit: places in an image and steps of brightness.
fn to_signed(small: u32) -> i32 {
    i32::try_from(small).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn objects_change_pixels_inside_their_places_only() {
        let scene = Scene::draw(&mut ChaCha8Rng::seed_from_u64(3));
        let empty = Scene { objects: Vec::new(), ..scene };
        let (with, without) = (paint(&scene), paint(&empty));
        let inside = |x: u32, y: u32| {
            scene.objects.iter().any(|Object { place, .. }| {
                (place.left..place.left + place.width).contains(&x)
                    && (place.top..place.top + place.height).contains(&y)
            })
        };
        let changed = with
            .enumerate_pixels()
            .filter(|(x, y, pixel)| without.get_pixel(*x, *y) != *pixel)
            .map(|(x, y, _)| (x, y))
            .collect::<Vec<_>>();
        assert!(!changed.is_empty());
        assert!(changed.into_iter().all(|(x, y)| inside(x, y)));
    }
}
