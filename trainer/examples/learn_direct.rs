//! Learns directly whom to ask, on four fifths of a data set with features, and judges on the rest:
//! `cargo run --release -p armol-trainer --example learn_direct -- DIR A,B,C [ridge|network|LAMBDA [COMPONENTS [FIFTH]]]`.
//!
//! Answers are merged as calibrated on the four fifths. Prints for several prices of money the mean
//! value and cost, the mixing line at that cost (straight between the best fixed sets of each size),
//! what states and models took to make, in seconds, and a choice, in microseconds.

#![expect(clippy::indexing_slicing, reason = "places within lists that are made here")]

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write},
    num::NonZero,
    path::Path,
    sync::Arc,
};

use armol_analysis::{
    label_groups::LabelGroups,
    merge::{CalibratedMerge, CalibrationOptions, KnownImage, Merger, Vote},
    metrics::image_value::ValueRule,
};
use armol_trainer::{
    dataset::{Dataset, folder::FolderReader, selection::Selection},
    direct::{DirectModel, DirectOptions, NetworkOptions, Regression},
    objective::Objective,
    policy::Observation,
    problem::{Problem, Values},
    rewards::{Rewards, ScoredImage, Valuation},
    state::{
        StateRecipe, States,
        recipe::{Images, RecipeOptions, Source, StoredFeatures},
    },
    subset::Subset,
};

/// What a thousandth of a US dollar adds to a value.
const BETAS: [f64; 8] = [-0.3, -0.1, -0.05, -0.03, -0.02, -0.015, -0.01, -0.003];

/// Choices are timed over so many rounds of all images.
const ROUNDS: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: learn_direct DIR PROVIDERS [ridge|network|LAMBDA [COMPONENTS [FIFTH]]]";
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or(usage)?;
    let providers = arguments.next().ok_or(usage)?;
    let regression = regression(&arguments.next().unwrap_or_else(|| "ridge".to_owned()))?;
    let components = arguments.next().map_or(Ok(64), |count| count.parse())?;
    let fifth = arguments.next().map_or(Ok(0), |fifth| fifth.parse::<usize>())?;
    let folder = Path::new(&folder);
    let providers = providers.split(',').map(str::to_owned).collect();
    let selection = Selection { providers, dropped_words: Vec::new() };
    let dataset = Dataset::read_selected(folder, LabelGroups::coco(), &selection)?;
    let manifest = FolderReader::open(folder)?.manifest().clone();
    let features = StoredFeatures { folder, arrays: &manifest.features };
    let (judging, learning): (Vec<usize>, Vec<usize>) =
        (0..dataset.images.len()).partition(|place| place % 5 == fifth);
    let fold = |places| Images { dataset: &dataset, places, features: Some(features) };
    let parts = [scored(&dataset, &learning), scored(&dataset, &judging)];
    let count = dataset.providers.len();
    let merger = merger(&parts[0], count)?;
    let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
    let judge = |part| Rewards::new(part, count, valuation, NonZero::<usize>::MIN, &|_| ());
    let tables = [judge(&parts[0])?, judge(&parts[1])?];
    let best = best_of_each_size(&tables[1], count);
    for (size, value) in (1..).zip(&best) {
        writeln!(io::stdout(), "best fixed set of {size}: {value:.4}")?;
    }
    for source in [Source::Features, Source::Answer, Source::Both] {
        let options =
            RecipeOptions { source, components: Some(components), ..RecipeOptions::default() };
        let started = seconds()?;
        let (recipe, states) = StateRecipe::fit(fold(&learning), &options)?;
        let judged = recipe.states(fold(&judging))?;
        let (took, kept) = (seconds()? - started, recipe.explained());
        let numbers = recipe.dimension();
        writeln!(io::stdout(), "{source:?}: {numbers} numbers, {kept:.3} kept, {took:.2} s")?;
        let problem = problem(&parts[0], &states, &tables[0]);
        let started = seconds()?;
        let first = recipe.asked_first();
        let options = DirectOptions { regression: regression.clone(), first };
        let model = DirectModel::fit(&problem, &options, 1)?;
        let (took, lambda) = (seconds()? - started, model.lambda());
        writeln!(io::stdout(), "  learned in {took:.2} s, lambda {lambda:?}")?;
        for beta in BETAS {
            report(&model, beta, (parts[1].as_slice(), &judged, &tables[1]), &best)?;
        }
    }
    Ok(())
}

fn problem<'a>(
    images: &'a [ScoredImage<'a>],
    states: &'a States,
    table: &'a Rewards,
) -> Problem<'a> {
    Problem {
        images,
        states,
        providers: table.providers(),
        values: Values::Table(table),
        latencies: None,
        objective: Objective { beta: 0.0, latency_weight: 0.0, published: false },
    }
}

fn regression(kind: &str) -> Result<Regression, Box<dyn Error>> {
    Ok(match kind {
        "ridge" => Regression::Ridge { lambda: None },
        "network" => Regression::Network(NetworkOptions::default()),
        lambda => Regression::Ridge { lambda: Some(lambda.parse()?) },
    })
}

/// Prints what a model brings at a price of money.
fn report(
    model: &DirectModel,
    beta: f64,
    (images, states, table): (&[ScoredImage<'_>], &States, &Rewards),
    best: &[f64],
) -> Result<(), Box<dyn Error>> {
    let chooser = model.at(beta)?;
    let first = chooser.first();
    let (mut value, mut cost) = (0.0, 0.0);
    let started = seconds()?;
    for round in 0..ROUNDS {
        for (place, image) in images.iter().enumerate() {
            let (state, candidates) = (states.row(place), image.candidates());
            let asked = first;
            let chosen = chooser.choose(&Observation { state, candidates, asked, answered: asked });
            if round == 0 {
                let chosen = chosen.and(first);
                value += f64::from(table.value(place, chosen).ok_or("no such set")?);
                cost += f64::from(u32::try_from(image.cost_microusd(chosen))?) / 1e3;
            }
        }
    }
    let count = f64::from(u32::try_from(images.len())?);
    let micros = (seconds()? - started) * 1e6 / f64::from(ROUNDS) / count;
    let (value, cost) = (value / count, cost / count);
    let line = mixed(best, cost);
    writeln!(
        io::stdout(),
        "    beta {beta:6}: cost {cost:.3} v {value:.4}, line {line:.4} ({:+.4}), {micros:.0} us",
        value - line
    )?;
    Ok(())
}

/// The mean value of the best fixed set of each size.
fn best_of_each_size(table: &Rewards, providers: usize) -> Vec<f64> {
    let mut best = vec![-1.0_f64; providers];
    for (subset, mean) in Subset::each(providers).zip(table.means()) {
        if let Some(entry) =
            (subset.count() as usize).checked_sub(1).and_then(|size| best.get_mut(size))
        {
            *entry = entry.max(mean);
        }
    }
    best
}

/// The value on the straight line between the best sets of two sizes.
fn mixed(best: &[f64], cost: f64) -> f64 {
    let mut line = f64::NEG_INFINITY;
    for (one, low) in (1..).map(f64::from).zip(best) {
        for (other, high) in (1..).map(f64::from).zip(best) {
            if one <= cost && cost <= other {
                let share = if other > one { (cost - one) / (other - one) } else { 0.0 };
                line = line.max(low + share * (high - low));
            }
        }
    }
    line
}

fn scored<'a>(dataset: &'a Dataset, places: &[usize]) -> Vec<ScoredImage<'a>> {
    let image = |place: &usize| ScoredImage::new(&dataset.images[*place], &dataset.providers);
    places.iter().map(image).collect()
}

fn merger(images: &[ScoredImage<'_>], providers: usize) -> Result<Merger, Box<dyn Error>> {
    let answered = |image: &ScoredImage<'_>| {
        (0..providers).map(|place| image.answered().contains(place)).collect()
    };
    let answered: Vec<Vec<bool>> = images.iter().map(answered).collect();
    let known = images.iter().zip(&answered).map(|(image, answered)| KnownImage {
        candidates: image.candidates(),
        answered,
        truth: image.truth(),
    });
    let known: Vec<KnownImage<'_>> = known.collect();
    let model = CalibratedMerge::fit(&known, CalibrationOptions::default())?;
    Ok(Merger::calibrated(Vote::Affirmative, Arc::new(model)))
}

/// How long the machine has been up.
fn seconds() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/uptime")?;
    Ok(text.split_whitespace().next().ok_or("an empty uptime")?.parse()?)
}
