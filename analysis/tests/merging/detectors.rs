//! Answers of public detectors about the photographs of `shared/data/voc-detectors`.

use std::{collections::HashMap, fs::File, path::Path};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    metrics::TrueBox,
};
use flate2::read::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};

use crate::shared::shared_data;

/// One photograph.
pub(crate) struct Photograph {
    /// Its width and height in pixels.
    pub(crate) size: [f64; 2],
    /// What is in it, in the order of the file.
    pub(crate) truth: Vec<TrueBox>,
    /// What each detector says, in the order of its file.
    pub(crate) answers: Vec<Vec<GroupedBox>>,
}

#[derive(Deserialize)]
struct GroundTruth {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u16,
    bbox: [f64; 4],
}

#[derive(Deserialize)]
struct Category {
    id: u16,
    name: String,
}

#[derive(Deserialize)]
struct Seen {
    image_id: u64,
    category: String,
    bbox: [f64; 4],
    score: f64,
}

/// COCO's words for what Pascal calls otherwise.
const WORDS: [(&str, &str); 6] = [
    ("airplane", "aeroplane"),
    ("couch", "sofa"),
    ("dining table", "diningtable"),
    ("motorcycle", "motorbike"),
    ("potted plant", "pottedplant"),
    ("tv", "tvmonitor"),
];

/// Reads a part ("train" or "test") and what the named detectors say of it, without the words that
/// `drops` names or that are none of Pascal's; `None`, with a word about it, without the data.
pub(crate) fn photographs(
    part: &str,
    detectors: &[&str],
    drops: impl Fn(&str) -> bool,
) -> Option<Vec<Photograph>> {
    let Some(folder) = shared_data("voc-detectors") else {
        println!("skipped: shared/data/voc-detectors is not beside the repository");
        return None;
    };
    let folder = folder.join(part);
    let truth: GroundTruth = read(&folder.join("ground-truth.json.gz"));
    let groups: HashMap<&str, GroupId> = truth
        .categories
        .iter()
        .map(|known| (known.name.as_str(), GroupId::new(known.id)))
        .collect();
    let places: HashMap<u64, usize> =
        truth.images.iter().enumerate().map(|(place, image)| (image.id, place)).collect();
    let empty = |image: &Image| Photograph {
        size: [image.width, image.height],
        truth: Vec::new(),
        answers: vec![Vec::new(); detectors.len()],
    };
    let mut photographs: Vec<Photograph> = truth.images.iter().map(empty).collect();
    for Annotation { image_id, category_id, bbox } in truth.annotations {
        let object = TrueBox {
            group: GroupId::new(category_id),
            bbox: bounding_box(bbox),
            crowd: false,
            area: None,
        };
        photographs[places[&image_id]].truth.push(object);
    }
    for (provider, detector) in detectors.iter().enumerate() {
        let answers: Vec<Seen> = read(&folder.join(format!("{detector}.json.gz")));
        for seen in answers.into_iter().filter(|seen| !drops(&seen.category)) {
            let pascal = WORDS.iter().find(|(coco, _)| *coco == seen.category);
            let word = pascal.map_or(seen.category.as_str(), |(_, pascal)| pascal);
            let Some(&group) = groups.get(word) else { continue };
            let grouped = GroupedBox { group, score: seen.score, bbox: bounding_box(seen.bbox) };
            photographs[places[&seen.image_id]].answers[provider].push(grouped);
        }
    }
    Some(photographs)
}

fn bounding_box([left, top, width, height]: [f64; 4]) -> BoundingBox {
    BoundingBox::from_corners([left, top, left + width, top + height]).expect("a box")
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let file = File::open(path).expect("a file of the data set");
    serde_json::from_reader(GzDecoder::new(file)).expect("JSON of the data set")
}
