//! The average precision of a set of images is what pycocotools says it is.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    metrics::{TrueBox, coco::average_precision},
};
use serde::Deserialize;

/// Made by `tests/pycocotools/make.py`, which says how.
const SCORED: &str = include_str!("pycocotools/scored.json");

#[derive(Deserialize)]
struct Scored {
    pycocotools: String,
    ap: f64,
    ap50: f64,
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    truth: Vec<(u16, u8, f64, f64, f64, f64)>,
    detected: Vec<(u16, f64, f64, f64, f64, f64)>,
}

impl Image {
    fn truth(&self) -> Vec<TrueBox> {
        let object = |&(group, crowd, left, top, width, height)| TrueBox {
            group: GroupId::new(group),
            bbox: bbox([left, top, width, height]),
            crowd: crowd == 1,
            area: None,
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

#[test]
fn agrees_with_pycocotools() {
    let scored: Scored = serde_json::from_str(SCORED).unwrap();
    assert_eq!(scored.pycocotools, "2.0.11");
    let images: Vec<_> =
        scored.images.iter().map(|image| (image.detected(), image.truth())).collect();
    let pairs = images.iter().map(|(detected, truth)| (detected.as_slice(), truth.as_slice()));
    let score = average_precision(pairs).expect("there is ground truth");
    assert!((score.ap - scored.ap).abs() < 1e-9, "{score:?}, expected ap {}", scored.ap);
    assert!((score.ap50 - scored.ap50).abs() < 1e-9, "{score:?}, expected ap50 {}", scored.ap50);
}
