//! Figures of answers against ground truth are what other programs say they are.
//!
//! What needs a package index is skipped without it, with a word about it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "support/peers.rs"]
mod peers;
#[path = "coco/random.rs"]
mod random;

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    metrics::{
        TrueBox,
        coco::{Figures, evaluate},
        image_value::{ValueRule, image_value},
        voc,
    },
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};

/// How far a figure may be from a peer's.
const TOLERANCE: f64 = 1e-9;

/// Made by `tests/coco/make.py`, which says how.
const SCORED: &str = include_str!("coco/scored.json");

#[derive(Deserialize)]
struct Scored {
    pycocotools: String,
    figures: [f64; 12],
    images: Vec<Image>,
}

/// Objects are group, crowd, area, left, top, width, height; detections group, score, and the same.
#[derive(Debug, Deserialize)]
struct Image {
    truth: Vec<(u16, u8, f64, f64, f64, f64, f64)>,
    detected: Vec<(u16, f64, f64, f64, f64, f64)>,
}

impl Image {
    fn truth(&self) -> Vec<TrueBox> {
        let object = |&(group, crowd, area, left, top, width, height)| TrueBox {
            group: GroupId::new(group),
            bbox: bbox([left, top, width, height]),
            crowd: crowd == 1,
            area: Some(area),
        };
        self.truth.iter().map(object).collect()
    }

    fn detected(&self) -> Vec<GroupedBox> {
        let detection = |&(group, score, left, top, width, height)| GroupedBox {
            group: GroupId::new(group),
            score,
            bbox: bbox([left, top, width, height]),
        };
        self.detected.iter().map(detection).collect()
    }
}

fn bbox([left, top, width, height]: [f64; 4]) -> BoundingBox {
    BoundingBox::from_corners([left, top, left + width, top + height]).unwrap()
}

type Pair = (Vec<GroupedBox>, Vec<TrueBox>);

fn pairs(images: &[Image]) -> Vec<Pair> {
    images.iter().map(|image| (image.detected(), image.truth())).collect()
}

fn slices(pairs: &[Pair]) -> impl Iterator<Item = (&[GroupedBox], &[TrueBox])> {
    pairs.iter().map(|(detected, truth)| (detected.as_slice(), truth.as_slice()))
}

fn assert_near(figure: Option<f64>, expected: Option<f64>, what: &str) {
    let near = match (figure, expected) {
        (Some(figure), Some(expected)) => (figure - expected).abs() <= TOLERANCE,
        (figure, expected) => figure == expected,
    };
    assert!(near, "{what}: {figure:?}, expected {expected:?}");
}

fn assert_figures(figures: &Figures, expected: [Option<f64>; 12], what: &str) {
    let names = Figures::NAMES.into_iter();
    for ((name, figure), expected) in names.zip(figures.in_order()).zip(expected) {
        assert_near(figure, expected, &format!("{what}, {name}"));
    }
}

#[test]
fn agrees_with_pycocotools() {
    let scored: Scored = serde_json::from_str(SCORED).unwrap();
    assert_eq!(scored.pycocotools, "2.0.11");
    let pairs = pairs(&scored.images);
    let evaluation = evaluate(slices(&pairs));
    assert_figures(&evaluation.all, scored.figures.map(Some), "stored");
}

#[test]
fn agrees_with_peers_on_random_data() {
    let mut generator = ChaCha8Rng::seed_from_u64(20_170_901);
    let cases: Vec<Vec<Image>> = (0..60).map(|case| random::images(case, &mut generator)).collect();
    let Some(answers) = peers::evaluated_by_peers(cases.iter().map(|images| as_coco(images)))
    else {
        return;
    };
    assert_eq!(answers.len(), cases.len());
    for (place, (images, answer)) in cases.iter().zip(answers).enumerate() {
        assert_agreement(&pairs(images), &answer, &format!("case {place}"));
    }
    println!("{} random data sets agree with pycocotools and faster-coco-eval", cases.len());
}

/// The images as the two files that peers read; ids follow the places of images.
fn as_coco(images: &[Image]) -> Value {
    let mut annotations = Vec::new();
    let mut detections = Vec::new();
    for (id, image) in (1..).zip(images) {
        for &(group, crowd, area, left, top, width, height) in &image.truth {
            annotations.push(json!({
                "id": annotations.len() + 1, "image_id": id, "category_id": group,
                "iscrowd": crowd, "area": area, "bbox": [left, top, width, height],
            }));
        }
        for &(group, score, left, top, width, height) in &image.detected {
            detections.push(json!({
                "image_id": id, "category_id": group, "score": score,
                "bbox": [left, top, width, height],
            }));
        }
    }
    let ids = 1..=images.len();
    let categories: Vec<Value> = (0..random::GROUPS)
        .map(|group| json!({ "id": group, "name": group.to_string() }))
        .collect();
    let truth = json!({
        "info": {}, "images": ids.map(|id| json!({ "id": id })).collect::<Vec<_>>(),
        "annotations": annotations, "categories": categories,
    });
    json!({ "truth": truth, "detections": detections })
}

fn assert_agreement(images: &[Pair], answer: &Value, what: &str) {
    let evaluation = evaluate(slices(images));
    for peer in ["pycocotools", "faster-coco-eval"] {
        let expected = serde_json::from_value(answer[peer].clone()).unwrap();
        assert_figures(&evaluation.all, expected, &format!("{what}, {peer}"));
    }
    for (group, evaluated) in &evaluation.groups {
        let category = group.number().to_string();
        let expected = serde_json::from_value(answer["categories"][&category].clone()).unwrap();
        assert_figures(&evaluated.figures, expected, &format!("{what}, category {category}"));
    }
    let rules = [
        ("all points", voc::Rule::ALL_POINTS),
        ("eleven points", voc::Rule::ELEVEN_POINTS),
        ("seed", voc::Rule::SEED),
    ];
    for (name, rule) in rules {
        let mean = voc::evaluate(slices(images), rule).mean;
        assert_near(mean, answer[name].as_f64(), &format!("{what}, {name}"));
    }
    for rule in ValueRule::ALL {
        let expected = answer["values"][rule.as_str()].as_array().unwrap();
        assert_eq!(expected.len(), images.len());
        for (place, ((detected, truth), expected)) in slices(images).zip(expected).enumerate() {
            let value = image_value(detected, truth, rule);
            assert_near(Some(value), expected.as_f64(), &format!("{what}, {rule}, image {place}"));
        }
    }
}
