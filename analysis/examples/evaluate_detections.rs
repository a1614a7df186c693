//! Evaluates COCO result lists, and tells what that took:
//! `cargo run --release --example evaluate_detections -- GROUND-TRUTH DETECTIONS...`.
//!
//! Prints the processor seconds of reading and of evaluating, the mean AP and AP50 of the lists,
//! and the most memory held, in KiB; `scripts/bench evaluate` puts other programs beside it.

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::{self, Write},
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    metrics::{TrueBox, coco::evaluate},
};
use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
struct GroundTruth {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u16,
    bbox: [f64; 4],
    area: f64,
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Detection {
    image_id: u64,
    category_id: u16,
    bbox: [f64; 4],
    score: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((truth_path, lists)) = arguments.split_first().filter(|(_, lists)| !lists.is_empty())
    else {
        return Err("usage: evaluate_detections GROUND-TRUTH DETECTIONS...".into());
    };
    let truth: GroundTruth = read(truth_path)?;
    let places: HashMap<u64, usize> =
        truth.images.iter().enumerate().map(|(place, image)| (image.id, place)).collect();
    let place = |image: u64| places.get(&image).copied().ok_or("an image that is not there");
    let mut objects: Vec<Vec<TrueBox>> = vec![Vec::new(); truth.images.len()];
    for annotation in &truth.annotations {
        let image = objects.get_mut(place(annotation.image_id)?).ok_or("no image")?;
        image.push(TrueBox {
            group: GroupId::new(annotation.category_id),
            bbox: bbox(annotation.bbox)?,
            crowd: annotation.iscrowd == 1,
            area: Some(annotation.area),
        });
    }
    let (mut ap, mut ap50, mut evaluating) = (0.0, 0.0, 0.0);
    for list in lists {
        let mut detected: Vec<Vec<GroupedBox>> = vec![Vec::new(); truth.images.len()];
        for detection in read::<Vec<Detection>>(list)? {
            let image = detected.get_mut(place(detection.image_id)?).ok_or("no image")?;
            let group = GroupId::new(detection.category_id);
            image.push(GroupedBox { group, score: detection.score, bbox: bbox(detection.bbox)? });
        }
        let before = processor_seconds()?;
        let pairs = detected.iter().map(Vec::as_slice).zip(objects.iter().map(Vec::as_slice));
        let figures = evaluate(pairs).all;
        evaluating += processor_seconds()? - before;
        ap += figures.ap.ok_or("no object")?;
        ap50 += figures.ap50.ok_or("no object")?;
    }
    let reading = processor_seconds()? - evaluating;
    let count = f64::from(u32::try_from(lists.len())?);
    let (ap, ap50) = (ap / count, ap50 / count);
    let memory = most_memory_kib()?;
    writeln!(io::stdout(), "{reading:.4} {evaluating:.4} {ap:.12} {ap50:.12} {memory}")?;
    Ok(())
}

fn bbox([left, top, width, height]: [f64; 4]) -> Result<BoundingBox, Box<dyn Error>> {
    Ok(BoundingBox::from_corners([left, top, left + width, top + height])?)
}

fn read<T: DeserializeOwned>(path: &str) -> Result<T, Box<dyn Error>> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// How long this thread, which is the only one, has been on a processor.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().ok_or("an empty schedstat")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn most_memory_kib() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.to_owned())
}
