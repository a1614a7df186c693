//! Judges every set of providers on generated answers, always the same, and tells what that took:
//! `cargo run --release -p armol-trainer --example judge_subsets -- [IMAGES] [PROVIDERS]`.
//!
//! Prints the seconds of making the answers and of judging on all processors, the mean value of all
//! providers together and of the best set for each image, and the most memory held, in KiB;
//! `scripts/bench evaluate` puts it beside its bars.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    num::NonZero,
    thread,
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    merge::{Merger, Method, Vote},
    metrics::{TrueBox, image_value::ValueRule},
};
use armol_trainer::{
    dataset::{Answer, Image, Provider},
    rewards::{Rewards, ScoredImage, Valuation},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many objects an image has at most; COCO's have seven at the mean.
const MOST_OBJECTS: usize = 14;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let images: u64 = arguments.next().map_or(Ok(25_000), |count| count.parse())?;
    let count: usize = arguments.next().map_or(Ok(3), |count| count.parse())?;
    let started = seconds()?;
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let provider = |place| Provider {
        name: format!("provider-{place}"),
        simulated: true,
        price_microusd: 1000,
    };
    let providers: Vec<Provider> = (0..count).map(provider).collect();
    let images: Vec<Image> = (0..images).map(|id| image(id, count, &mut generator)).collect();
    let scored: Vec<ScoredImage<'_>> =
        images.iter().map(|image| ScoredImage::new(image, &providers)).collect();
    let made = seconds()?;
    let merger = Merger::new(Vote::Affirmative, Method::Wbf)?;
    let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
    let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let rewards = Rewards::new(&scored, count, valuation, threads, &|_| ())?;
    let judged = seconds()?;
    let all = rewards.means().last().copied().ok_or("no provider")?;
    let best = rewards.rows().map(|row| f64::from(row.iter().copied().fold(-1.0, f32::max)));
    let best = best.sum::<f64>() / f64::from(u32::try_from(rewards.images())?);
    let (making, judging, memory) = (made - started, judged - made, most_memory_kib()?);
    writeln!(io::stdout(), "{making:.2} {judging:.2} {all:.12} {best:.12} {memory}")?;
    Ok(())
}

fn image(id: u64, providers: usize, generator: &mut impl Rng) -> Image {
    let mut truth = Vec::new();
    for _ in 0..generator.random_range(0..=MOST_OBJECTS) {
        let group = GroupId::new(generator.random_range(0..20));
        let mut side = |most| f64::from(generator.random_range(0..most));
        let corners = [side(480), side(360), side(160), side(120)];
        truth.extend(placed(corners).map(|bbox| TrueBox { group, bbox, crowd: false, area: None }));
    }
    let answers = (0..providers).map(|_| Some(answer(&truth, generator)));
    Image {
        name: format!("{id:012}.jpg"),
        id,
        size: None,
        answers: answers.collect(),
        truth,
        labels: Vec::new(),
    }
}

/// Two of three objects, a few pixels off, and some that are not there.
fn answer(truth: &[TrueBox], generator: &mut impl Rng) -> Answer {
    let mut boxes = Vec::new();
    for object in truth {
        let score = f64::from(generator.random_range(5..100_u32)) / 100.0;
        let [left, top, right, bottom] = object.bbox.corners();
        let mut shifted = |side: f64| side + f64::from(generator.random_range(0..12_u32));
        let (left, top) = (shifted(left), shifted(top));
        let seen = placed([left, top, shifted(right) - left, shifted(bottom) - top]);
        let group = match generator.random_range(0..9_u32) {
            0..3 => continue,
            3 => GroupId::new(generator.random_range(0..20)),
            _ => object.group,
        };
        boxes.extend(seen.map(|bbox| GroupedBox { group, score, bbox }));
    }
    Answer { boxes, cost_microusd: 1000, ..Answer::default() }
}

/// A box by its corner and its sides; none where a side is below 0.
fn placed([left, top, width, height]: [f64; 4]) -> Option<BoundingBox> {
    BoundingBox::from_corners([left, top, left + width, top + height]).ok()
}

/// How long the machine has been up.
fn seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/uptime")?;
    Ok(text.split_whitespace().next().ok_or("an empty uptime")?.parse()?)
}

fn most_memory_kib() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.to_owned())
}
