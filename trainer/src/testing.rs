//! Answers and ground truth that tests are built from.

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::{GroupId, LabelGroups},
    time::Timestamp,
};
use armol_collector::store::StoredAnswer;
use sha2::{Digest, Sha256};

use crate::{
    dataset::{Dataset, collected::collect},
    ground_truth::{GroundTruth, Size, TrueImage, TrueObject, numbered_categories},
};

/// A place on the left of an image.
pub(crate) const LEFT: [f64; 4] = [0.0, 0.0, 100.0, 100.0];

/// A place on the right of an image.
pub(crate) const RIGHT: [f64; 4] = [200.0, 0.0, 300.0, 100.0];

/// A box at left, top, right, bottom.
pub(crate) fn bbox(corners: [f64; 4]) -> BoundingBox {
    BoundingBox::from_corners(corners).unwrap()
}

/// A detection of a word at left, top, right, bottom.
pub(crate) fn detection(label: &str, score: f64, corners: [f64; 4]) -> Detection {
    Detection::new(label, score, Some(bbox(corners))).unwrap()
}

/// An answer about an image of 640 x 480 pixels that cost a thousandth of a dollar; what the image
/// holds goes by its key.
pub(crate) fn answer(image: &str, provider: &str, detections: &[Detection]) -> StoredAnswer {
    StoredAnswer {
        image: image.to_owned(),
        sha256: Sha256::digest(image).into(),
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

/// The names of COCO's categories in order.
fn coco_names() -> impl Iterator<Item = String> {
    let groups = LabelGroups::coco();
    (0..).map_while(|number| groups.name(GroupId::new(number)).map(str::to_owned))
}

/// An object of a word of COCO.
pub(crate) fn object(word: &str, corners: [f64; 4]) -> TrueObject {
    let group = LabelGroups::coco().group(word).unwrap();
    TrueObject::new(group, bbox(corners))
}

/// An image of 640 x 480 pixels with objects in it; its id goes by its name.
pub(crate) fn image(name: &str, objects: &[TrueObject]) -> TrueImage {
    let digest = <[u8; 32]>::from(Sha256::digest(name));
    let id = u64::from(u32::from_be_bytes(*digest.first_chunk().unwrap()));
    TrueImage {
        size: Size::new(640, 480),
        objects: objects.to_vec(),
        ..TrueImage::named(name.to_owned(), id)
    }
}

/// A ground truth of COCO's categories.
pub(crate) fn truth_of(images: Vec<TrueImage>) -> GroundTruth {
    GroundTruth { categories: numbered_categories(coco_names()), images }
}

/// Images without an object.
pub(crate) fn truth(names: &[&str]) -> GroundTruth {
    truth_of(names.iter().map(|name| image(name, &[])).collect())
}

/// Stored answers and ground truth as a data set.
pub(crate) fn dataset(answers: &[StoredAnswer], truth: GroundTruth) -> Dataset {
    let collected = collect("test", truth, answers).unwrap();
    Dataset::from_records(collected.records, LabelGroups::coco()).unwrap()
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
    (answers, truth_of(images))
}

/// A data set with labels in place of boxes, in the ground truth and in the answers.
pub(crate) fn labels_of(dataset: &Dataset) -> Dataset {
    let mut labels = dataset.clone();
    for image in &mut labels.images {
        image.labels = image.truth.drain(..).map(|object| object.group).collect();
        for answer in image.answers.iter_mut().flatten() {
            answer.labels = answer.boxes.drain(..).map(|seen| (seen.group, seen.score)).collect();
        }
    }
    labels
}
