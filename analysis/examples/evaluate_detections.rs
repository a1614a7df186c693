//! Evaluates COCO result lists, or merges them by weighted boxes fusion, and tells what that took:
//! `cargo run --release --example evaluate_detections -- evaluate|merge GROUND-TRUTH DETECTIONS...`.
//!
//! Prints the processor seconds of reading and of the work; the mean AP and AP50 of the lists, or
//! how many boxes the merged list has and their mean score; and the most memory held, in KiB.
//! `scripts/bench evaluate` puts other programs beside it.

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
    merge::{Candidates, Merger, Method, Scratch, Vote},
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

/// What took how long, and two figures of what came of it.
struct Work {
    seconds: f64,
    figures: [f64; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: evaluate_detections evaluate|merge GROUND-TRUTH DETECTIONS...";
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [work, truth, lists @ ..] = arguments.as_slice() else { return Err(usage.into()) };
    let truth: GroundTruth = read(truth)?;
    let Work { seconds, figures: [one, other] } = match work.as_str() {
        "evaluate" if !lists.is_empty() => evaluated(&truth, lists)?,
        "merge" if !lists.is_empty() => merged(&truth, lists)?,
        _ => return Err(usage.into()),
    };
    let reading = processor_seconds()? - seconds;
    let memory = most_memory_kib()?;
    writeln!(io::stdout(), "{reading:.4} {seconds:.4} {one:.12} {other:.12} {memory}")?;
    Ok(())
}

/// The mean AP and AP50 of the lists.
fn evaluated(truth: &GroundTruth, lists: &[String]) -> Result<Work, Box<dyn Error>> {
    let places = places(truth);
    let mut objects: Vec<Vec<TrueBox>> = vec![Vec::new(); truth.images.len()];
    for annotation in &truth.annotations {
        let place = places.get(&annotation.image_id).ok_or("an image that is not there")?;
        objects.get_mut(*place).ok_or("no image")?.push(TrueBox {
            group: GroupId::new(annotation.category_id),
            bbox: bbox(annotation.bbox)?,
            crowd: annotation.iscrowd == 1,
            area: Some(annotation.area),
        });
    }
    let count = number(lists.len())?;
    let mut work = Work { seconds: 0.0, figures: [0.0; 2] };
    for list in lists {
        let detected = detected(list, &places)?;
        let before = processor_seconds()?;
        let pairs = detected.iter().map(Vec::as_slice).zip(objects.iter().map(Vec::as_slice));
        let found = evaluate(pairs).all;
        work.seconds += processor_seconds()? - before;
        let [ap, ap50] = &mut work.figures;
        *ap += found.ap.ok_or("no object")? / count;
        *ap50 += found.ap50.ok_or("no object")? / count;
    }
    Ok(work)
}

/// How many boxes the merged list has, and their mean score.
fn merged(truth: &GroundTruth, lists: &[String]) -> Result<Work, Box<dyn Error>> {
    let places = places(truth);
    let lists = lists.iter().map(|list| detected(list, &places));
    let lists: Vec<Vec<Vec<GroupedBox>>> = lists.collect::<Result<_, _>>()?;
    let merger = Merger::new(Vote::Affirmative, Method::Wbf)?;
    let (mut scratch, mut boxes) = (Scratch::default(), Vec::new());
    let (mut count, mut scores) = (0, 0.0);
    let before = processor_seconds()?;
    for place in 0..truth.images.len() {
        let answers = lists.iter().map(|list| list.get(place).map_or(&[][..], Vec::as_slice));
        merger.merge_into(&Candidates::new(answers), |_| true, &mut scratch, &mut boxes);
        count += boxes.len();
        scores += boxes.iter().map(|one| one.score).sum::<f64>();
    }
    let seconds = processor_seconds()? - before;
    let count = number(count)?;
    Ok(Work { seconds, figures: [count, scores / count] })
}

/// The places of images by their ids.
fn places(truth: &GroundTruth) -> HashMap<u64, usize> {
    truth.images.iter().enumerate().map(|(place, image)| (image.id, place)).collect()
}

/// The detections of a list, image by image.
fn detected(
    list: &str,
    places: &HashMap<u64, usize>,
) -> Result<Vec<Vec<GroupedBox>>, Box<dyn Error>> {
    let mut detected: Vec<Vec<GroupedBox>> = vec![Vec::new(); places.len()];
    for Detection { image_id, category_id, bbox: sides, score } in read::<Vec<Detection>>(list)? {
        let place = places.get(&image_id).ok_or("an image that is not there")?;
        let image = detected.get_mut(*place).ok_or("no image")?;
        image.push(GroupedBox { group: GroupId::new(category_id), score, bbox: bbox(sides)? });
    }
    Ok(detected)
}

fn number(count: usize) -> Result<f64, Box<dyn Error>> {
    Ok(f64::from(u32::try_from(count)?))
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
