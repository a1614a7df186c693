//! Times updates of soft actor-critic at the published size on one thread, on generated states:
//! `cargo run --release -p armol-trainer --example time_sac -- [DIMENSION] [FILLED] [TENS]`, FILLED
//! being the share of a state's numbers that are not 0.
//!
//! Prints the least and the middle of the milliseconds of CPU that an update takes, in tens of them and
//! with the steps that go with them, and the most memory held, in KiB; `scripts/bench train` puts it
//! beside `PyTorch`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
};

use armol_trainer::{
    reinforcement::{Environment, OffPolicyOptions, Sac, SacOptions},
    state::States,
    subset::Subset,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many images there are: as many as the published training sees.
const IMAGES: usize = 4952;

/// Updates before those that count find memory that is not there yet.
const FIRST: u64 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let dimension: usize = arguments.next().map_or(Ok(1001), |count| count.parse())?;
    let filled: f64 = arguments.next().map_or(Ok(1.0), |share| share.parse())?;
    let tens: u64 = arguments.next().map_or(Ok(6), |count| count.parse())?;
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut number = || if generator.random_bool(filled) { generator.random() } else { 0.0 };
    let states = States::new(dimension, (0..IMAGES * dimension).map(|_| number()).collect());
    let reward = |image: usize, subset: Subset| {
        let wrong = u32::try_from(image).unwrap_or(0) % 3 + 1;
        0.5 - f64::from(subset.count().abs_diff(wrong)) / 4.0
    };
    let environment = Environment::new(&states, vec![1.0; 3], reward)?.published();
    let published = SacOptions::published();
    let off_policy = OffPolicyOptions {
        random_steps: 2_000,
        update_after: 2_000,
        update_every: 1,
        ..published.off_policy
    };
    let mut learner = Sac::new(SacOptions { off_policy, ..published }, environment, 1)?;
    learner.advance(2_000 + FIRST)?;
    let mut milliseconds = Vec::new();
    for _ in 0..tens {
        let started = nanoseconds()?;
        learner.advance(10)?;
        milliseconds.push(f64::from(u32::try_from(nanoseconds()? - started)?) / 1e7);
    }
    milliseconds.sort_by(f64::total_cmp);
    let least = milliseconds.first().ok_or("no update")?;
    let middle = milliseconds.get(milliseconds.len() / 2).ok_or("no update")?;
    writeln!(io::stdout(), "{least:.2} {middle:.2} {}", most_memory_kib()?)?;
    Ok(())
}

/// How long this thread, which is the only one, has run.
fn nanoseconds() -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

fn most_memory_kib() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.to_owned())
}
