//! The program runs an image model over a folder of images.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::{Command, Output},
};

use image::{Rgb, RgbImage};
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

/// The 32-bit numbers at the end of an array, so many as there should be.
fn numbers(out: &Path, count: usize) -> Vec<f32> {
    let mut archive = ZipArchive::new(File::open(out).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive.by_name("features.npy").unwrap().read_to_end(&mut bytes).unwrap();
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
    let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
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
