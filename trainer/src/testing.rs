//! Answers and ground truth that tests are built from.

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::LabelGroups,
    metrics::TrueBox,
    time::Timestamp,
};
use armol_collector::store::StoredAnswer;

use crate::ground_truth::{GroundTruth, TrueImage};

/// A place on the left of an image.
pub(crate) const LEFT: [f64; 4] = [0.0, 0.0, 100.0, 100.0];

/// A place on the right of an image.
pub(crate) const RIGHT: [f64; 4] = [200.0, 0.0, 300.0, 100.0];

/// A detection of a word at left, top, right, bottom.
pub(crate) fn detection(label: &str, score: f64, corners: [f64; 4]) -> Detection {
    Detection::new(label, score, Some(BoundingBox::from_corners(corners).unwrap())).unwrap()
}

/// An answer about an image of 640 x 480 pixels that cost a thousandth of a dollar.
pub(crate) fn answer(image: &str, provider: &str, detections: &[Detection]) -> StoredAnswer {
    StoredAnswer {
        image: image.to_owned(),
        width: 640,
        height: 480,
        provider: provider.to_owned(),
        region: "us".to_owned(),
        started_at: Timestamp::from_unix_ns(0),
        cost_microusd: 1000,
        simulated: false,
        transmission: None,
        inference: None,
        detections: detections.to_vec(),
    }
}

/// An object of a word of COCO.
pub(crate) fn object(word: &str, corners: [f64; 4]) -> TrueBox {
    TrueBox {
        group: LabelGroups::coco().group(word).unwrap(),
        bbox: BoundingBox::from_corners(corners).unwrap(),
        crowd: false,
        area: None,
    }
}

/// An image of 640 x 480 pixels with objects in it.
pub(crate) fn image(file_name: &str, objects: &[TrueBox]) -> TrueImage {
    TrueImage {
        file_name: file_name.to_owned(),
        width: 640,
        height: 480,
        objects: objects.to_vec(),
    }
}

/// Images without an object.
pub(crate) fn truth(file_names: &[&str]) -> GroundTruth {
    GroundTruth { images: file_names.iter().map(|name| image(name, &[])).collect() }
}

/// Two images, a cat on the left of one, a dog on the right of the other; aws finds the cat, azure
/// the dog, both nothing else; azure's price is half of aws's.
pub(crate) fn cat_and_dog() -> (Vec<StoredAnswer>, GroundTruth) {
    let cheap = |answer| StoredAnswer { cost_microusd: 500, ..answer };
    let answers = vec![
        answer("cat.jpg", "aws", &[detection("Cat", 0.9, LEFT)]),
        answer("dog.jpg", "aws", &[]),
        cheap(answer("cat.jpg", "azure", &[])),
        cheap(answer("dog.jpg", "azure", &[detection("dog", 0.8, RIGHT)])),
    ];
    let images =
        vec![image("cat.jpg", &[object("cat", LEFT)]), image("dog.jpg", &[object("dog", RIGHT)])];
    (answers, GroundTruth { images })
}
