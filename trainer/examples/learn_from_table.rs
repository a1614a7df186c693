//! Trains the published soft actor-critic on the table that the example `export_table` writes, and says
//! what it chooses for the images of another:
//! `cargo run --release -p armol-trainer --example learn_from_table -- TRAIN.npz TEST.npz CHOICES.csv
//! [SEED] [STEPS] [EVERY]`.
//!
//! Prints, every so many steps, the steps and the mean value and cost of what is chosen for the images
//! that it learns from, then the same for the others. CHOICES.csv has a row for each of those: its id, and
//! the place of its subset in the order of `Subset::each`.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    path::Path,
};

use armol_trainer::{
    dataset::features::{FeatureArchive, Features},
    network::Scratch,
    objective::{Expense, Objective},
    reinforcement::{Environment, NetworkChooser, Sac, SacOptions},
    state::States,
    subset::Subset,
};

/// The reward of the published code.
const PUBLISHED: Objective = Objective { beta: 0.0, latency_weight: 0.0, published: true };

/// A table of what every subset is worth on every image.
struct Table {
    states: States,
    values: Vec<Vec<f32>>,
    ids: Vec<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [train, test, choices, rest @ ..] = arguments.as_slice() else {
        return Err("usage: learn_from_table TRAIN TEST CHOICES [SEED] [STEPS] [EVERY]".into());
    };
    let number = |place: usize, otherwise: u64| {
        rest.get(place).map_or(Ok(otherwise), |number| number.parse())
    };
    let (seed, steps, every) = (number(0, 1)?, number(1, 20_000)?, number(2, 2_500)?);
    let (train, test) = (Table::read(train.as_ref())?, Table::read(test.as_ref())?);
    let environment = train.environment()?.published();
    let mut learner = Sac::new(SacOptions::published(), environment, seed)?;
    for step in 1..=steps.div_ceil(every) {
        learner.advance(every.min(steps - (step - 1) * every))?;
        let [value, cost] = train.figures(&train.choices(&learner.chooser()?));
        writeln!(io::stdout(), "{} train {value:.5} {cost:.5}", (step * every).min(steps))?;
    }
    let chosen = test.choices(&learner.chooser()?);
    let [value, cost] = test.figures(&chosen);
    writeln!(io::stdout(), "{steps} test {value:.5} {cost:.5}")?;
    let rows = test.ids.iter().zip(&chosen);
    let rows = rows.map(|(id, subset)| format!("{id},{}\n", subset.place().unwrap_or(0)));
    Ok(fs::write(choices, rows.collect::<String>())?)
}

impl Table {
    fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut archive = FeatureArchive::open(path)?;
        let (states, values) = (archive.features("states", 1.0)?, archive.features("values", 1.0)?);
        let rows = |features: &Features| {
            let rows = archive.ids().iter().map(|id| features.of(*id));
            rows.collect::<Option<Vec<Vec<f32>>>>().ok_or("an image without a row")
        };
        Ok(Self {
            states: States::new(states.dimension, rows(&states)?.concat()),
            values: rows(&values)?,
            ids: archive.ids().to_vec(),
        })
    }

    fn environment(&self) -> Result<Environment<'_>, Box<dyn Error>> {
        let subsets = self.values.first().map_or(0, Vec::len);
        let providers = usize::try_from((subsets + 1).ilog2())?;
        let reward = |image: usize, subset: Subset| {
            let expense = Expense { calls: subset.count(), ..Expense::default() };
            PUBLISHED.reward(self.value(image, subset), expense)
        };
        Ok(Environment::new(&self.states, vec![1.0; providers], reward)?)
    }

    fn value(&self, image: usize, subset: Subset) -> f64 {
        let row = self.values.get(image).zip(subset.place());
        row.and_then(|(row, place)| row.get(place)).map_or(f64::NAN, |value| f64::from(*value))
    }

    fn choices(&self, chooser: &NetworkChooser) -> Vec<Subset> {
        let mut scratch = Scratch::default();
        let images = 0..self.states.images();
        images.map(|image| chooser.choose_for(self.states.row(image), &mut scratch)).collect()
    }

    /// The mean value of choices, and how many calls an image they are.
    fn figures(&self, choices: &[Subset]) -> [f64; 2] {
        let values: f64 =
            choices.iter().enumerate().map(|(image, subset)| self.value(image, *subset)).sum();
        let calls: f64 = choices.iter().map(|subset| f64::from(subset.count())).sum();
        let images = choices.iter().map(|_| 1.0).sum::<f64>();
        [values / images, calls / images]
    }
}
