//! Writes a ground truth and several providers' detections in the style of COCO's val2017, always
//! the same for the same numbers:
//! `cargo run --release --example make_detections -- FOLDER IMAGES PROVIDERS`.
//!
//! Images have 7.4 objects in the mean, of 80 categories of which a few are frequent; a provider
//! finds three of four, about where they are, and sees some that are not there.

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const CATEGORIES: u32 = 80;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 480.0;
const OBJECTS: f64 = 7.4;
const FALSE_DETECTIONS: f64 = 3.0;

/// Something at left, top, width, height.
#[derive(Clone, Copy)]
struct Object {
    image: usize,
    category: u32,
    sides: [f64; 4],
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, images, providers] = arguments.as_slice() else {
        return Err("usage: make_detections FOLDER IMAGES PROVIDERS".into());
    };
    let (folder, images) = (Path::new(folder), images.parse()?);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut objects = Vec::new();
    for image in 1..=images {
        for _ in 0..count(OBJECTS, &mut random) {
            objects.push(object(image, &mut random));
        }
    }
    write(&folder.join("ground-truth.json"), &ground_truth(images, &objects, &mut random))?;
    for provider in 0..providers.parse()? {
        let detections = detections(images, &objects, &mut random);
        write(&folder.join(format!("provider-{provider}.json")), &detections)?;
    }
    Ok(())
}

/// A count from 0 that has this mean, most often few.
fn count(mean: f64, random: &mut impl Rng) -> usize {
    std::iter::repeat_with(|| random.random_bool(mean / (mean + 1.0)))
        .take_while(|one| *one)
        .count()
}

fn object(image: usize, random: &mut impl Rng) -> Object {
    // Half of all objects are of the first 5 categories.
    let share: f64 = random.random();
    let category = (0..CATEGORIES).find(|&n| share < 1.0 - 0.87_f64.powi(n.cast_signed() + 1));
    // The sides' logarithms are spread evenly, from 8 pixels to the whole image.
    let mut side = |most: f64| 8.0 * (random.random::<f64>() * (most / 8.0).ln()).exp();
    let (width, height) = (side(WIDTH), side(HEIGHT));
    let left = random.random_range(0.0..=WIDTH - width);
    let top = random.random_range(0.0..=HEIGHT - height);
    let category = category.unwrap_or_else(|| random.random_range(0..CATEGORIES)) + 1;
    Object { image, category, sides: [left, top, width, height].map(hundredths) }
}

fn ground_truth(images: usize, objects: &[Object], random: &mut impl Rng) -> Value {
    let ids = (1..=images).map(|id| json!({ "id": id, "file_name": format!("{id:012}.jpg") }));
    let categories = (1..=CATEGORIES).map(|id| json!({ "id": id, "name": id.to_string() }));
    let annotations = (1..).zip(objects).map(|(id, object): (u32, _)| {
        let [_, _, width, height] = object.sides;
        json!({
            "id": id, "image_id": object.image, "category_id": object.category,
            "bbox": object.sides, "area": hundredths(width * height * 0.6),
            "iscrowd": u8::from(random.random_bool(0.01)),
        })
    });
    json!({
        "info": {}, "images": ids.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    })
}

fn detections(images: usize, objects: &[Object], random: &mut impl Rng) -> Value {
    let mut detections = Vec::new();
    for object in objects {
        if random.random_bool(0.75) {
            let [left, top, width, height] = object.sides;
            let mut by = |length: f64| length * random.random_range(-0.1..0.1);
            let sides =
                [left + by(width), top + by(height), width + by(width), height + by(height)];
            let score = random.random_range(0.2..1.0);
            detections.push(detection(Object { sides, ..*object }, score));
        }
    }
    for image in 1..=images {
        for _ in 0..count(FALSE_DETECTIONS, random) {
            let (seen, score) = (object(image, random), random.random_range(0.05..0.7));
            detections.push(detection(seen, score));
        }
    }
    detections.into()
}

fn detection(seen: Object, score: f64) -> Value {
    json!({
        "image_id": seen.image, "category_id": seen.category,
        "bbox": seen.sides.map(hundredths), "score": (score * 1000.0).round() / 1000.0,
    })
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn write(path: &Path, value: &Value) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, value)?;
    Ok(file.flush()?)
}
