//! A generated data set: photographs of a cat or a dog, and three providers.
//!
//! `feline` finds cats, `canine` dogs, `both` all of them at twice the price; each is sure of what it
//! finds, and `feline` takes some dogs for cats without being sure.

use std::{
    fs::{self, File},
    path::Path,
};

use armol_trainer::features::feature_file::{self, ImageFeatures};
use serde_json::{Value, json};

/// How many photographs there are.
pub(crate) const COUNT: u64 = 200;

/// Where the animal is.
const PLACE: [u32; 4] = [8, 8, 40, 40];

const CAT: u64 = 17;
const DOG: u64 = 18;

/// What is in a photograph.
pub(crate) const fn is_cat(image: u64) -> bool {
    image.is_multiple_of(2)
}

/// Writes `features.npz`: whether it looks like a cat, and whether like a dog.
pub(crate) fn write_features(folder: &Path) {
    let row = |image: u64| ImageFeatures {
        name: format!("{image}.jpg"),
        id: i64::try_from(image).ok(),
        values: if is_cat(image) { vec![1.0, 0.0] } else { vec![0.0, 1.0] },
    };
    let rows: Vec<ImageFeatures> = (0..COUNT).map(row).collect();
    feature_file::write(&rows, File::create(folder.join("features.npz")).unwrap()).unwrap();
}

/// Writes `gt.json` and a file of answers for each provider, such as `feline.json`.
pub(crate) fn write(folder: &Path) {
    let category = |image| if is_cat(image) { CAT } else { DOG };
    let images: Vec<Value> = (0..COUNT)
        .map(|id| json!({"id": id, "file_name": format!("{id}.jpg"), "width": 64, "height": 64}))
        .collect();
    let objects: Vec<Value> = (0..COUNT)
        .map(|id| {
            json!({"id": id + 1, "image_id": id, "category_id": category(id), "bbox": PLACE, "iscrowd": 0})
        })
        .collect();
    let truth = json!({
        "images": images,
        "annotations": objects,
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}],
    });
    fs::write(folder.join("gt.json"), truth.to_string()).unwrap();
    let seen = |image: u64, category: u64, score: f64| json!({"image_id": image, "category_id": category, "bbox": PLACE, "score": score});
    let feline = (0..COUNT).filter_map(|image| match (is_cat(image), image % 5) {
        (true, _) => Some(seen(image, CAT, 0.9)),
        (false, 0) => Some(seen(image, CAT, 0.2)),
        (false, _) => None,
    });
    let canine = (0..COUNT).filter(|image| !is_cat(*image)).map(|image| seen(image, DOG, 0.9));
    let both = (0..COUNT).map(|image| seen(image, category(image), 0.8));
    for (name, answers) in [
        ("feline", feline.collect::<Vec<_>>()),
        ("canine", canine.collect()),
        ("both", both.collect()),
    ] {
        let text = Value::from(answers).to_string();
        fs::write(folder.join(format!("{name}.json")), text).unwrap();
    }
}
