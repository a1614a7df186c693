//! Makes a data set of generated answers, always the same, to measure what reading one costs:
//! `cargo run --release -p armol-trainer --example make_dataset -- DIR [IMAGES] [PROVIDERS]`, then
//! `/usr/bin/time -v armol-trainer dataset show DIR`.

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::Path,
};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::{GroupId, LabelGroups},
};
use armol_trainer::{
    dataset::{
        folder::{self, Origin},
        records::{AnswerRecord, ImageRecord, Provider, Records},
    },
    ground_truth::{Size, TrueImage, TrueObject, numbered_categories},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many objects an image has, and an answer names, at most.
const MOST_OBJECTS: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let out = arguments.next().ok_or("usage: make_dataset DIR [IMAGES] [PROVIDERS]")?;
    let images: u64 = arguments.next().map_or(Ok(120_000), |count| count.parse())?;
    let providers: usize = arguments.next().map_or(Ok(10), |count| count.parse())?;
    let groups = LabelGroups::coco();
    let names = (0..).map_while(|number| groups.name(GroupId::new(number)).map(str::to_owned));
    let names: Vec<String> = names.collect();
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let provider = |place| Provider {
        name: format!("provider-{place}"),
        simulated: true,
        price_microusd: 1000,
    };
    let records = Records {
        name: "generated".to_owned(),
        categories: numbered_categories(names.iter().cloned()),
        providers: (0..providers).map(provider).collect(),
        images: (0..images).map(|id| image(id, providers, &names, &mut generator)).collect(),
        ..Records::default()
    };
    let origin = Origin { sources: Vec::new(), table: groups, features: None };
    let counts = folder::write(&records, origin, Path::new(&out))?.counts;
    Ok(writeln!(io::stdout(), "{counts:?}")?)
}

fn image(id: u64, providers: usize, names: &[String], generator: &mut impl Rng) -> ImageRecord {
    let mut truth = TrueImage::named(format!("{id:012}.jpg"), id);
    truth.size = Size::new(640, 480);
    for _ in 0..generator.random_range(0..=MOST_OBJECTS) {
        let group = GroupId::new(generator.random_range(0..80));
        truth.objects.extend(corners(generator).map(|bbox| TrueObject::new(group, bbox)));
    }
    let answers = (0..providers).map(|_| Some(answer(names, generator))).collect();
    ImageRecord { truth, answers }
}

fn answer(names: &[String], generator: &mut impl Rng) -> AnswerRecord {
    let mut detections = Vec::new();
    for _ in 0..generator.random_range(0..=MOST_OBJECTS) {
        let word = names.get(generator.random_range(0..names.len())).cloned().unwrap_or_default();
        let score = f64::from(generator.random_range(2500..10_000_u32)) / 10_000.0;
        detections.extend(Detection::new(word, score, corners(generator)));
    }
    AnswerRecord { detections, cost_microusd: 1000, simulated: true, ..AnswerRecord::default() }
}

/// A box to a tenth of a pixel, as detectors' answers are stored.
fn corners(generator: &mut impl Rng) -> Option<BoundingBox> {
    let mut side = |most: u32| f64::from(generator.random_range(0..most)) / 10.0;
    let (left, top, width, height) = (side(4800), side(3600), side(1600), side(1200));
    BoundingBox::from_corners([left, top, left + width, top + height]).ok()
}
