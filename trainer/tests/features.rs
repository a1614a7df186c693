//! The program makes features of a folder of images by a model, and of a data set's answers without.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "../../analysis/tests/support/peers.rs"]
#[expect(dead_code, reason = "one of its comparisons is for detections")]
mod peers;

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::{Command, Output},
};

use armol_trainer::features::preprocessing::Preprocessing;
use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::tempdir;
use zip::ZipArchive;

/// A model whose four logits are the means of the three planes, and their sum less 1.
const MEAN_COLOUR: &str = "tests/data/mean_colour.onnx";

fn features(images: &Path, model: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .arg("features")
        .arg("--images")
        .arg(images)
        .arg("--model")
        .arg(model)
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .unwrap()
}

fn array(out: &Path, name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(out).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The 32-bit numbers at the end of an array, so many as there should be.
fn numbers(out: &Path, count: usize) -> Vec<f32> {
    let bytes = array(out, "features.npy");
    assert_eq!(bytes.len(), 128 + 4 * count);
    let data = bytes.get(128..).unwrap().chunks(4);
    data.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn assert_near(values: &[f32], expected: &[f32]) {
    let near = values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-5);
    assert!(values.len() == expected.len() && near, "{values:?}, expected {expected:?}");
}

#[test]
fn each_image_gets_what_the_model_says_of_it() {
    let folder = tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    RgbImage::from_pixel(50, 40, Rgb([255, 0, 0])).save(images.join("red.png")).unwrap();
    RgbImage::from_pixel(64, 90, Rgb([0, 0, 255])).save(images.join("blue.png")).unwrap();
    fs::write(images.join("notes.txt"), "no image").unwrap();
    let out = folder.path().join("features.npz");
    let run = features(&images, Path::new(MEAN_COLOUR), &out, &["--raw", "--json"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&summary["images"], &summary["dimension"]), (&2.into(), &4.into()));
    let planes = |[red, green, blue]: [f32; 3]| {
        let (red, green, blue) =
            ((red - 0.485) / 0.229, (green - 0.456) / 0.224, (blue - 0.406) / 0.225);
        [red, green, blue, red + green + blue - 1.0]
    };
    let (blue, red) = (planes([0.0, 0.0, 1.0]), planes([1.0, 0.0, 0.0]));
    assert_near(&numbers(&out, 8), &[blue, red].concat());

    let run = features(&images, Path::new(MEAN_COLOUR), &out, &[]);
    assert!(run.status.success());
    let softmax = |logits: [f32; 4]| {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        logits.map(|logit| logit.exp() / sum)
    };
    assert_near(&numbers(&out, 8), &[softmax(blue), softmax(red)].concat());
}

#[test]
fn an_image_that_cannot_be_read_is_named_and_left_out() {
    let folder = tempdir().unwrap();
    RgbImage::from_pixel(40, 40, Rgb([9, 9, 9])).save(folder.path().join("good.png")).unwrap();
    fs::write(folder.path().join("bad.jpg"), "no image").unwrap();
    let out = folder.path().join("features.npz");
    let run = features(folder.path(), Path::new(MEAN_COLOUR), &out, &[]);
    assert_eq!(run.status.code(), Some(1));
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(told.contains("bad.jpg") && told.contains("1 images could not be used"), "{told}");
    assert_eq!(numbers(&out, 4).len(), 4);

    fs::remove_file(folder.path().join("good.png")).unwrap();
    fs::remove_file(&out).unwrap();
    let run = features(folder.path(), Path::new(MEAN_COLOUR), &out, &[]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8(run.stderr).unwrap().contains("none of 1 images could be used"));
    assert!(!out.exists());
}

#[test]
fn what_is_no_model_and_no_folder_of_images_is_wrong_use() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("features.npz");
    let run = features(folder.path(), Path::new(MEAN_COLOUR), &out, &[]);
    assert_eq!(run.status.code(), Some(2));
    RgbImage::from_pixel(40, 40, Rgb([9, 9, 9])).save(folder.path().join("good.png")).unwrap();
    let model = folder.path().join("good.png");
    let run = features(folder.path(), &model, &out, &[]);
    assert_eq!(run.status.code(), Some(2));
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(told.contains("it must be a model in the ONNX format"), "{told}");
    assert!(!out.exists());
}

fn trainer(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn succeed(arguments: &[&str], folder: &Path) -> String {
    let output = trainer(arguments, folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Two images of one category, and two providers' answers, of which the second answers one image.
fn write_sources(folder: &Path) {
    let truth = json!({
        "images": [
            {"id": 4, "file_name": "set/red.jpg", "width": 50, "height": 40},
            {"id": 2, "file_name": "set/blue.jpg", "width": 64, "height": 90},
        ],
        "annotations": [],
        "categories": [{"id": 1, "name": "tvmonitor"}],
    });
    let dear = json!([{"image_id": 4, "category": "tv", "bbox": [0, 0, 25, 40], "score": 0.5}]);
    fs::write(folder.join("gt.json"), truth.to_string()).unwrap();
    fs::write(folder.join("dear.json"), dear.to_string()).unwrap();
    // A word without a place, and nothing about the other image.
    let cheap = json!({"id": "red", "true": [], "gt_boxes": [], "pred": {"cheap": [[0, 0.25]]}});
    fs::write(folder.join("cheap.jsonl"), cheap.to_string()).unwrap();
}

const IMPORT: [&str; 13] = [
    "dataset",
    "import",
    "--name",
    "set",
    "--ground-truth",
    "gt.json",
    "--answers",
    "dear=dear.json",
    "--answers",
    "cheap=cheap.jsonl",
    "--price",
    "cheap=0.0001",
    "--out",
];

#[test]
fn features_by_name_become_those_of_the_ground_truths_images() {
    let folder = tempdir().unwrap();
    write_sources(folder.path());
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    for (name, colour) in
        [("blue.png", [0, 0, 255]), ("none.png", [9; 3]), ("red.png", [255, 0, 0])]
    {
        RgbImage::from_pixel(50, 40, Rgb(colour)).save(images.join(name)).unwrap();
    }
    let out = folder.path().join("features.npz");
    assert!(features(&images, Path::new(MEAN_COLOUR), &out, &[]).status.success());
    for set in ["one", "two"] {
        succeed(&[&IMPORT[..], &[set, "--features", "features.npz"]].concat(), folder.path());
    }
    assert_eq!(succeed(&["dataset", "check", "one"], folder.path()), "one: ok\n");
    let shown = succeed(&["dataset", "show", "one", "--json"], folder.path());
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let expected = json!([{"name": "features", "rows": 3, "dimension": 4, "scale": 1.0}]);
    assert_eq!(shown["features"], expected);
    let copies =
        ["one", "two"].map(|set| fs::read(folder.path().join(set).join("features.npz")).unwrap());
    assert_eq!(copies[0], copies[1]);
    let numbered = folder.path().join("one/features.npz");
    assert_eq!(numbers(&numbered, 12), numbers(&out, 12));
    // blue.png, none.png, red.png; no image has the id of the second.
    assert!(
        array(&numbered, "image_id.npy").ends_with(&[2_i64, 5, 4].map(i64::to_le_bytes).concat())
    );
}

#[test]
fn answers_are_features_without_a_model() {
    let folder = tempdir().unwrap();
    write_sources(folder.path());
    succeed(&[&IMPORT[..], &["set"]].concat(), folder.path());
    let out = folder.path().join("f.npz");
    let of = |more: &[&str]| {
        let flags = ["features", "--dataset", "set", "--out", "f.npz"];
        succeed(&[&flags[..], more].concat(), folder.path())
    };
    let said = of(&[]);
    assert!(
        said.contains("what cheap answered") && said.contains("without an answer: 1"),
        "{said}"
    );
    assert_near(&numbers(&out, 5), &[0.25, 1.0, 0.0, 0.25, 0.0]);
    let summary: Value = serde_json::from_str(&of(&["--answers-of", "dear", "--json"])).unwrap();
    assert_eq!((&summary["provider"], &summary["unanswered"]), (&json!("dear"), &json!(0)));
    assert_near(&numbers(&out, 10), &[0.5, 1.0, 1.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]);
    succeed(&[&IMPORT[..], &["again", "--features", "f.npz"]].concat(), folder.path());
    assert_eq!(succeed(&["dataset", "check", "again"], folder.path()), "again: ok\n");
}

#[test]
fn images_with_a_model_and_a_data_set_are_two_ways_of_which_one_is_needed() {
    let folder = tempdir().unwrap();
    write_sources(folder.path());
    succeed(&[&IMPORT[..], &["set"]].concat(), folder.path());
    for (flags, message) in [
        (&[][..], "--images <DIR>"),
        (&["--images", "x"], "--model <FILE>"),
        (&["--model", "x"], "--images <DIR>"),
        (&["--images", "x", "--model", "x", "--dataset", "set"], "cannot be used with"),
        (&["--dataset", "set", "--raw"], "cannot be used with"),
        (&["--dataset", "none"], "none is no data set"),
        (&["--dataset", "set", "--answers-of", "aws"], "its providers are dear, cheap"),
    ] {
        let output = trainer(&[&["features", "--out", "f.npz"][..], flags].concat(), folder.path());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(message), "{told}");
    }
    assert!(!folder.path().join("f.npz").exists());
}

/// An image whose colours rise to the right and below, under noise.
fn noisy(width: u32, height: u32) -> RgbImage {
    let mut generator = ChaCha8Rng::seed_from_u64(u64::from(width) << 32 | u64::from(height));
    RgbImage::from_fn(width, height, |x, y| {
        let noise: u8 = generator.random_range(0..64);
        let level = |part: u32, whole: u32| u8::try_from(part * 191 / whole).unwrap() + noise;
        Rgb([level(x, width), level(y, height), generator.random_range(0..=255)])
    })
}

#[test]
fn images_are_prepared_as_pillow_resizes_them() {
    const SIZES: [(u32, u32); 6] =
        [(640, 480), (481, 640), (224, 224), (100, 75), (1031, 257), (33, 500)];
    const PREPARE: &str = r"
import sys
from PIL import Image
size = int(sys.argv[1])
shorter = int(size / 0.875)
for path in sys.argv[2:]:
    image = Image.open(path).convert('RGB')
    width, height = image.size
    if width <= height:
        target = (shorter, int(shorter * height / width))
    else:
        target = (int(shorter * width / height), shorter)
    image = image.resize(target, Image.BICUBIC)
    left, top = (int(round((side - size) / 2.0)) for side in target)
    open(path + '.raw', 'wb').write(image.crop((left, top, left + size, top + size)).tobytes())
";
    let Some(python) = peers::python_with(&["pillow", "numpy"]) else { return };
    let folder = tempdir().unwrap();
    let preprocessing = Preprocessing::imagenet(224);
    let paths = SIZES.map(|(width, height)| {
        let path = folder.path().join(format!("{width}x{height}.png"));
        noisy(width, height).save(&path).unwrap();
        path
    });
    let size = preprocessing.size.to_string();
    let run = Command::new(python).args(["-c", PREPARE, &size]).args(&paths).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    for path in &paths {
        let input = preprocessing.input(&image::open(path).unwrap().into_rgb8()).unwrap();
        let expected = fs::read(format!("{}.raw", path.display())).unwrap();
        assert_eq!(input.len(), expected.len());
        let plane = input.len() / 3;
        let mut equal = 0;
        for (place, expected) in expected.iter().enumerate() {
            let (channel, pixel) = (place % 3, place / 3);
            let (mean, deviation) = (preprocessing.mean[channel], preprocessing.deviation[channel]);
            let level = (input[channel * plane + pixel] * deviation + mean) * 255.0;
            let difference = (level - f32::from(*expected)).abs();
            assert!(difference < 1.01, "{}: {level}, Pillow {expected}", path.display());
            equal += usize::from(difference < 0.01);
        }
        assert!(equal * 100 >= expected.len() * 99, "{}: {equal} are equal", path.display());
    }
    println!("{} images are prepared as by Pillow", paths.len());
}

#[test]
fn a_model_runs_as_in_onnxruntime() {
    const RUN: &str = r"
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
image = numpy.fromfile(sys.argv[2], '<f4').reshape(1, 3, *map(int, sys.argv[3:5]))
print(*session.run(None, {session.get_inputs()[0].name: image})[0].ravel())
";
    let Some(python) = peers::python_with(&["numpy", "onnxruntime"]) else { return };
    let folder = tempdir().unwrap();
    noisy(300, 200).save(folder.path().join("a.png")).unwrap();
    let out = folder.path().join("f.npz");
    let run = features(folder.path(), Path::new(MEAN_COLOUR), &out, &["--raw", "--json"]);
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    let size = u32::try_from(summary["size_px"].as_u64().unwrap()).unwrap();
    let input = Preprocessing::imagenet(size).input(&noisy(300, 200)).unwrap();
    let raw = folder.path().join("input");
    fs::write(&raw, input.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
        .unwrap();
    let length = size.to_string();
    let arguments = [MEAN_COLOUR, raw.to_str().unwrap(), &length, &length];
    let run = Command::new(python).args(["-c", RUN]).args(arguments).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said = String::from_utf8(run.stdout).unwrap();
    let expected: Vec<f32> =
        said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_near(&numbers(&out, 4), &expected);
    println!("a model runs as in onnxruntime");
}
