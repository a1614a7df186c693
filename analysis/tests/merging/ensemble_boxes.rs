//! Merging gives what ensemble-boxes gives.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use armol_analysis::{
    detection::BoundingBox,
    label_groups::{GroupId, GroupedBox},
    merge::{Candidates, Merger, Method, Vote},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::detectors::{Photograph, photographs};

/// How far a number may be from the peer's, whose boxes are of 32 bits.
const TOLERANCE: f64 = 1e-6;

/// The methods that the peer has.
const METHODS: [Method; 4] = [Method::Wbf, Method::Nms, Method::SoftNms, Method::SoftNmsGaussian];

/// Answers about an image of width and height 1, and the weights of their providers.
struct Case {
    answers: Vec<Vec<GroupedBox>>,
    weights: Option<Vec<f64>>,
    iou_threshold: f64,
}

#[test]
fn real_answers_merge_as_in_ensemble_boxes() {
    let detectors = [
        "yolox-nano-416",
        "yolov5n-fp16",
        "nanodet-m-416",
        "fastestdet",
        "mbv2-yolov3-nano",
        "yolov8n-int8",
    ];
    let Some(photographs) = photographs("test", &detectors, |_| false) else { return };
    let cases: Vec<Case> = photographs
        .iter()
        .map(|one| Case { answers: scaled(one), weights: None, iou_threshold: 0.55 })
        .collect();
    assert_agreement(&cases);
}

#[test]
fn random_answers_merge_as_in_ensemble_boxes() {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let cases: Vec<Case> = (0..600).map(|_| random_case(&mut generator)).collect();
    assert_agreement(&cases);
}

/// A photograph's boxes as shares of its size, within it; no two scores are equal, for the peer
/// takes equals in an order of its own.
fn scaled(photograph: &Photograph) -> Vec<Vec<GroupedBox>> {
    let [width, height] = photograph.size;
    let mut answers = photograph.answers.clone();
    for (place, grouped) in (0..).zip(answers.iter_mut().flatten()) {
        let [left, top, right, bottom] = grouped.bbox.corners();
        let corners = [left / width, top / height, right / width, bottom / height];
        let within = corners.map(|corner| corner.clamp(0.0, 1.0));
        grouped.bbox = BoundingBox::from_corners(within).unwrap();
        grouped.score -= 1e-7 * f64::from(place);
    }
    answers
}

/// A few objects, each seen by some providers about where it is.
fn random_case(generator: &mut ChaCha8Rng) -> Case {
    let providers = generator.random_range(1..=6_usize);
    let objects: Vec<(u16, [f64; 4])> = (0..generator.random_range(1..8))
        .map(|_| {
            let [left, top] = [0.0; 2].map(|_: f64| generator.random_range(0.0..0.7));
            let [width, height] = [0.0; 2].map(|_: f64| generator.random_range(0.05..0.3));
            (generator.random_range(0..3), [left, top, left + width, top + height])
        })
        .collect();
    let answers = (0..providers).map(|_| seen(&objects, generator)).collect();
    let weighted = generator.random_bool(0.5);
    let weights = (0..providers).map(|_| generator.random_range(0.2..3.0)).collect();
    let iou_threshold = generator.random_range(0.3..0.8);
    Case { answers, weights: weighted.then_some(weights), iou_threshold }
}

fn seen(objects: &[(u16, [f64; 4])], generator: &mut ChaCha8Rng) -> Vec<GroupedBox> {
    let mut answer = Vec::new();
    for (group, corners) in objects {
        for _ in 0..generator.random_range(0..3) {
            let shift = generator.random_range(0.01..0.06);
            let moved = corners.map(|corner| corner + generator.random_range(-shift..shift));
            let [left, top, right, bottom] = moved.map(|corner: f64| corner.clamp(0.0, 1.0));
            let corners = [left.min(right), top.min(bottom), left.max(right), top.max(bottom)];
            let bbox = BoundingBox::from_corners(corners).unwrap();
            let score = generator.random_range(0.0001..1.0);
            answer.push(GroupedBox { group: GroupId::new(*group), score, bbox });
        }
    }
    answer
}

/// Asserts that every case merges as the peer merges it; skips without the peer.
fn assert_agreement(cases: &[Case]) {
    let Some(python) = peer() else { return };
    let results = peers_results(python, cases);
    assert_eq!(results.len(), cases.len());
    let mut boxes = 0;
    for (place, (case, result)) in cases.iter().zip(&results).enumerate() {
        for method in METHODS {
            let ours = merged(case, method);
            let theirs: Vec<[f64; 6]> =
                serde_json::from_value(result[method.as_str()].clone()).unwrap();
            assert_same(ours, theirs, &format!("case {place}, {method}"));
            boxes += result[method.as_str()].as_array().map_or(0, Vec::len);
        }
    }
    println!("{} cases, {boxes} merged boxes agree with ensemble-boxes", cases.len());
    assert!(boxes > cases.len());
}

/// Group, score and corners of what a method makes of a case.
fn merged(case: &Case, method: Method) -> Vec<[f64; 6]> {
    let merger = Merger::new(Vote::Affirmative, method).unwrap();
    let mut merger = merger.with_iou_threshold(case.iou_threshold).unwrap();
    if let Some(weights) = &case.weights {
        merger = merger.with_weights(weights.clone()).unwrap();
    }
    let candidates = Candidates::new(case.answers.iter().map(Vec::as_slice));
    merger.merge(&candidates, |_| true).iter().map(row).collect()
}

fn row(grouped: &GroupedBox) -> [f64; 6] {
    let [left, top, right, bottom] = grouped.bbox.corners();
    [f64::from(grouped.group.number()), grouped.score, left, top, right, bottom]
}

/// Asserts that each of ours is one of theirs, and that none of theirs is left.
fn assert_same(ours: Vec<[f64; 6]>, mut theirs: Vec<[f64; 6]>, what: &str) {
    for one in ours {
        let near = |other: &[f64; 6]| {
            // The peer lets a sum of weighted scores exceed 1, which no score here does.
            let other = [other[0], other[1].min(1.0), other[2], other[3], other[4], other[5]];
            one.iter().zip(other).all(|(one, other)| (one - other).abs() <= TOLERANCE)
        };
        let place = theirs.iter().position(near);
        assert!(place.is_some(), "{what}: {one:?} is not in {theirs:?}");
        place.map(|place| theirs.swap_remove(place));
    }
    assert_eq!(theirs, [[0.0; 6]; 0], "{what}");
}

/// A Python that has the peer, made once for all tests; `None`, with a word about it, where it
/// cannot be had.
fn peer() -> Option<&'static Path> {
    static PEER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let peer = PEER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/peers");
        let made = Command::new(script).arg("ensemble-boxes").output().expect("sh");
        if made.status.success() {
            return Some(PathBuf::from(String::from_utf8(made.stdout).unwrap().trim()));
        }
        println!("skipped: no ensemble-boxes: {}", String::from_utf8_lossy(&made.stderr));
        None
    });
    peer.as_deref()
}

fn peers_results(python: &Path, cases: &[Case]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/merging/merge_as_peer.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python that starts");
    let lines: Vec<String> = cases.iter().map(|case| request(case).to_string()).collect();
    let mut stdin = child.stdin.take().unwrap();
    // The peer answers each line before it reads the next; its pipe would fill if nobody read.
    let writer = thread::spawn(move || stdin.write_all(lines.join("\n").as_bytes()));
    let output = child.wait_with_output().expect("a Python that ends");
    assert!(output.status.success(), "the peer failed");
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn request(case: &Case) -> Value {
    let rows = |answer: &Vec<GroupedBox>| answer.iter().map(row).collect::<Vec<_>>();
    let answers: Vec<_> = case.answers.iter().map(rows).collect();
    json!({ "weights": case.weights, "iou_threshold": case.iou_threshold, "answers": answers })
}
