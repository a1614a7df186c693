//! What `PyTorch` says of the same batch: `trainer/tests/peers/sac.py` tells losses, gradients and the
//! parameters after a step, of arrays that this module names as it names them.
//!
//! It runs where `ARMOL_PEER_TORCH` names a Python that has it:
//! `ARMOL_PEER_TORCH=$(scripts/peers numpy torch) cargo test -p armol-trainer peer`. What it said of small networks is kept in
//! `tests/data` (made by `tests/peers/reference.py`), and always compared.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{
    critics::Critics,
    inputs::{StateBatch, StateRows},
};
use crate::{
    features::{
        npy::{self, Values},
        single,
    },
    network::{Activation, Adam, Network},
    state::States,
};

/// Arrays by their names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Arrays(BTreeMap<String, Numbers>);

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// A kept case: arrays, and what the peer said of them.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) given: Arrays,
    pub(super) expected: Arrays,
}

/// What the layers of a network are called; a layer of two names is two layers side by side.
pub(super) type Layers<'a> = &'a [&'a [&'a str]];

/// Both critics, then their slow copies.
pub(super) const CRITICS: [Layers<'_>; 4] = [
    &[&["q1.0"], &["q1.1"], &["q1.2"]],
    &[&["q2.0"], &["q2.1"], &["q2.2"]],
    &[&["q1_target.0"], &["q1_target.1"], &["q1_target.2"]],
    &[&["q2_target.0"], &["q2_target.1"], &["q2_target.2"]],
];

impl Reference {
    pub(super) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        serde_json::from_reader(File::open(path).unwrap()).unwrap()
    }
}

impl Arrays {
    pub(super) fn put(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        self.0.insert(name.to_owned(), Numbers { shape: shape.to_vec(), values });
    }

    pub(super) fn shape(&self, name: &str) -> &[usize] {
        &self.0[name].shape
    }

    pub(super) fn get(&self, name: &str) -> Vec<f32> {
        self.0[name].values.iter().map(|value| single(*value)).collect()
    }

    pub(super) fn number(&self, name: &str) -> f64 {
        self.0[name].values[0]
    }

    /// Puts what belongs to a network's parameters.
    pub(super) fn put_network(&mut self, layers: Layers<'_>, network: &Network) {
        let mut rest = network.parameters();
        for (names, sizes) in layers.iter().zip(network.sizes().windows(2)) {
            let (inputs, all) = (sizes[0], sizes[1]);
            let (layer, behind) = rest.split_at((inputs + 1) * all);
            rest = behind;
            let outputs = all / names.len();
            for (place, name) in names.iter().enumerate() {
                let first = place * outputs;
                let column = |output| (0..inputs).map(move |input| layer[input * all + output]);
                let weights: Vec<f32> = (first..first + outputs).flat_map(column).collect();
                self.put(&format!("{name}.weight"), &[outputs, inputs], &weights);
                let biases = &layer[inputs * all + first..][..outputs];
                self.put(&format!("{name}.bias"), &[outputs], biases);
            }
        }
    }

    /// What belongs to a network's parameters, in their order.
    pub(super) fn vector(&self, prefix: &str, layers: Layers<'_>) -> Vec<f32> {
        let mut vector = Vec::new();
        for names in layers {
            let of = |ending: &str| -> Vec<Vec<f32>> {
                names.iter().map(|name| self.get(&format!("{prefix}{name}.{ending}"))).collect()
            };
            let weights = of("weight");
            let inputs = self.shape(&format!("{prefix}{}.weight", names[0]))[1];
            for input in 0..inputs {
                let column =
                    weights.iter().flat_map(|rows| rows.iter().skip(input).step_by(inputs));
                vector.extend(column);
            }
            vector.extend(of("bias").concat());
        }
        vector
    }

    /// The sizes of the network of these layers.
    pub(super) fn sizes(&self, layers: Layers<'_>) -> Vec<usize> {
        let shape = |name: &str| self.shape(&format!("{name}.weight"));
        let outputs = layers.iter().map(|names| names.iter().map(|name| shape(name)[0]).sum());
        std::iter::once(shape(layers[0][0])[1]).chain(outputs).collect()
    }

    fn write(&self, path: &Path) {
        let mut archive = ZipWriter::new(File::create(path).unwrap());
        for (name, Numbers { shape, values }) in &self.0 {
            archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            // A count is a whole number.
            let whole = name == "iterations";
            archive
                .write_all(&npy::header(if whole { "<i8" } else { "<f8" }, shape).unwrap())
                .unwrap();
            for value in values {
                let bytes = if whole { count(*value).to_le_bytes() } else { value.to_le_bytes() };
                archive.write_all(&bytes).unwrap();
            }
        }
        archive.finish().unwrap();
    }

    fn read(path: &Path) -> Self {
        let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
        let mut arrays = BTreeMap::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let name = entry.name().unwrap().trim_end_matches(".npy").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let array = npy::parse(&bytes).unwrap();
            let values = match array.values {
                Values::Doubles(values) => values,
                Values::Floats(values) => values.into_iter().map(f64::from).collect(),
                Values::Integers(values) => values.into_iter().map(whole).collect(),
                other => panic!("{name} holds {other:?}"),
            };
            arrays.insert(name, Numbers { shape: array.shape, values });
        }
        Self(arrays)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a count")]
fn count(value: f64) -> i64 {
    value as i64
}

#[expect(clippy::cast_precision_loss, reason = "a count")]
fn whole(value: i64) -> f64 {
    value as f64
}

/// What the peer says of arrays; `None`, with a word about it, where it cannot be had.
pub(super) fn said_by_torch(mode: &str, arrays: &Arrays) -> Option<Arrays> {
    let Some(python) = env::var_os("ARMOL_PEER_TORCH").map(PathBuf::from) else {
        println!("skipped: ARMOL_PEER_TORCH names no Python that has PyTorch");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let (given, told) = (folder.path().join("given.npz"), folder.path().join("told.npz"));
    arrays.write(&given);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sac.py");
    let output = Command::new(python).arg(script).arg(mode).arg(given).arg(&told).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(Arrays::read(&told))
}

/// Transitions among few images; how many numbers a state has, how many providers and transitions
/// there are.
pub(super) fn transitions(generator: &mut ChaCha8Rng) -> (Arrays, [usize; 3]) {
    let shape @ [dimension, providers, rows] = [20, 3, 64];
    let mut random =
        |count: usize| -> Vec<f32> { (0..count).map(|_| generator.random()).collect() };
    let images: Vec<Vec<f32>> = (0..30).map(|_| random(dimension)).collect();
    let mut arrays = Arrays::default();
    arrays.put("actions", &[rows, providers], &random(rows * providers));
    arrays.put("rewards", &[rows], &random(rows));
    for name in ["states", "next_states"] {
        let states = (0..rows).flat_map(|_| images[generator.random_range(0..30)].clone());
        arrays.put(name, &[rows, dimension], &states.collect::<Vec<f32>>());
    }
    (arrays, shape)
}

/// The network that is given as these layers.
pub(super) fn network_of(
    given: &Arrays,
    layers: Layers<'_>,
    hidden: Activation,
    output: Activation,
) -> Network {
    let mut generator = ChaCha8Rng::seed_from_u64(0);
    let mut network = Network::new(&given.sizes(layers), hidden, output, &mut generator).unwrap();
    network.parameters_mut().copy_from_slice(&given.vector("", layers));
    network
}

/// The critics that are given.
pub(super) fn critics_of(given: &Arrays, rate: f64) -> Critics {
    let [one, two, one_target, two_target] =
        CRITICS.map(|layers| network_of(given, layers, Activation::Relu, Activation::Identity));
    let optimiser = Adam::new(one.parameters().len(), rate);
    let optimisers = [optimiser.clone(), optimiser];
    Critics { optimisers, networks: [one, two], targets: [one_target, two_target] }
}

/// The images that rows of states are of: the same row is the same image.
pub(super) fn images_of(arrays: &Arrays, names: &[&str]) -> (States, Vec<Vec<u32>>) {
    let dimension = arrays.shape(names[0])[1];
    let mut rows: Vec<Vec<f32>> = Vec::new();
    let mut images = Vec::new();
    for name in names {
        let states = arrays.get(name);
        let place = |row: &[f32]| {
            let known = rows.iter().position(|other| other == row);
            let place = known.unwrap_or_else(|| {
                rows.push(row.to_vec());
                rows.len() - 1
            });
            u32::try_from(place).unwrap()
        };
        images.push(states.chunks(dimension).map(place).collect());
    }
    (States::new(dimension, rows.concat()), images)
}

/// A batch of images.
pub(super) fn gathered(rows: &StateRows<'_>, acted: &[u32], next: &[u32]) -> StateBatch {
    let mut batch = StateBatch::default();
    batch.gather(rows, acted, next);
    batch
}

pub(super) fn assert_near(what: &str, number: f64, expected: f64) {
    let off = (number - expected).abs() / expected.abs().max(1e-3);
    assert!(off < 1e-4, "{what} is {number}, expected {expected}");
}

/// Fails where a number is off by more than a ten thousandth of the greatest.
pub(super) fn assert_all_near(what: &str, numbers: &[f32], expected: &[f32]) {
    assert_eq!(numbers.len(), expected.len(), "{what}");
    let most = expected.iter().fold(0.0_f32, |most, one| most.max(one.abs()));
    for (place, (one, other)) in numbers.iter().zip(expected).enumerate() {
        assert!((one - other).abs() <= 1e-4 * most, "{what} {place}: {one}, expected {other}");
    }
}

/// Fails where a parameter is not where a step of Adam brought it. The first step is nearly the rate,
/// by the sign of the gradient, so that rounding moves parameters whose gradient is nearly 0: one in
/// five hundred may be off, and by no more than two rates.
pub(super) fn assert_stepped(what: &str, numbers: &[f32], expected: &[f32], rate: f64) {
    assert_eq!(numbers.len(), expected.len(), "{what}");
    let rate = single(rate);
    let off = || numbers.iter().zip(expected).map(|(one, other)| (one - other).abs());
    let most = off().fold(0.0, f32::max);
    assert!(most <= 2.01 * rate, "{what} is off by {most}");
    let many = off().filter(|off| *off > 0.01 * rate).count();
    assert!(many * 500 <= numbers.len(), "{many} of {} of {what} are off", numbers.len());
}
