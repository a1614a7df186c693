//! YOLO text folders: one `.txt` an image with lines `class x y width height [score]`.
//!
//! The class is a place in the list of categories; x and y are the middle of the box, and all four
//! numbers are shares of the image's sides, so images need known sizes. An image without a file is
//! one in which nothing was seen.

use std::{collections::HashMap, fmt::Write, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::GroupId,
};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::{GroundTruth, Size, TrueImage, TrueObject, numbered_categories};

/// How a line reads.
const FORM: &str = "class x y width height, and a score in an answer";

/// An object as a line says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YoloLine {
    /// The place of its category.
    pub class: u16,
    /// Where it is, in pixels.
    pub bbox: BoundingBox,
    /// How sure the provider is; `None` in a ground truth.
    pub score: Option<f64>,
}

/// Reads a ground truth of the given images, which have sizes.
///
/// # Errors
/// Where a file cannot be read, is about no image, or a line is none.
pub fn read_truth(
    folder: &Path,
    mut images: Vec<TrueImage>,
    categories: &[String],
) -> Result<GroundTruth, FormatError> {
    let places: HashMap<String, usize> = (0..)
        .zip(&images)
        .map(|(place, image)| (file::stem(&image.name).to_owned(), place))
        .collect();
    for path in file::with_ending(folder, "txt")? {
        let stem = file::path_stem(&path)?;
        let image = places.get(stem).and_then(|&place| images.get_mut(place));
        let unknown = || Problem::NoSize(stem.to_owned()).at(&path, "its name");
        let image = image.ok_or_else(unknown)?;
        let size = image.size.ok_or_else(unknown)?;
        for (number, line) in read_lines(&path, size)? {
            super::category_of(line.class, categories)
                .map_err(|problem| problem.at(&path, format!("line {number}")))?;
            image.objects.push(TrueObject::new(GroupId::new(line.class), line.bbox));
        }
    }
    Ok(GroundTruth { categories: numbered_categories(categories.iter().cloned()), images })
}

/// Reads a provider's answers; `size_of` tells the sizes of images by their file names' stems.
///
/// # Errors
/// Where a file cannot be read, an image has no known size, or a line is none.
pub fn read_answers(
    folder: &Path,
    categories: &[String],
    size_of: impl Fn(&str) -> Option<Size>,
) -> Result<Answers, FormatError> {
    let mut answers = Vec::new();
    for path in file::with_ending(folder, "txt")? {
        let stem = file::path_stem(&path)?;
        let size = size_of(stem);
        let size = size.ok_or_else(|| Problem::NoSize(stem.to_owned()).at(&path, "its name"))?;
        let mut detections = Vec::new();
        for (number, line) in read_lines(&path, size)? {
            let at = |problem: Problem| problem.at(&path, format!("line {number}"));
            let word = super::category_of(line.class, categories).map_err(at)?;
            let score = line.score.ok_or_else(|| at(Problem::form("no score", FORM)))?;
            let detection = Detection::new(word, score, Some(line.bbox));
            detections.push(detection.map_err(|_| at(Problem::Score(score)))?);
        }
        answers.push((ImageReference::Name(stem.to_owned()), detections));
    }
    Ok(Answers { answers, silence: Silence::NothingSeen })
}

fn read_lines(path: &Path, size: Size) -> Result<Vec<(usize, YoloLine)>, FormatError> {
    file::parsed_lines(&file::read_text(path)?, path, |line| parse_line(line, size))
}

/// Reads a line about an image of this size.
///
/// # Errors
/// Where it is no line, or makes no box.
pub fn parse_line(line: &str, size: Size) -> Result<YoloLine, Problem> {
    let form = || Problem::form(line, FORM);
    let mut words = line.split_whitespace();
    let class = words.next().and_then(|word| word.parse().ok()).ok_or_else(form)?;
    let mut numbers = Vec::with_capacity(5);
    for word in words {
        numbers.push(word.parse::<f64>().map_err(|_| Problem::NoNumber(word.to_owned()))?);
    }
    let (sides, score) = match *numbers {
        [x, y, width, height] => ([x, y, width, height], None),
        [x, y, width, height, score] => ([x, y, width, height], Some(score)),
        _ => return Err(form()),
    };
    let [x, y, width, height] = sides;
    let corners = [
        (x - width / 2.0) * f64::from(size.width()),
        (y - height / 2.0) * f64::from(size.height()),
        (x + width / 2.0) * f64::from(size.width()),
        (y + height / 2.0) * f64::from(size.height()),
    ];
    let bbox = BoundingBox::from_corners(corners).map_err(|_| Problem::Box(sides))?;
    Ok(YoloLine { class, bbox, score })
}

/// The text of one image's file.
pub fn text(lines: impl IntoIterator<Item = YoloLine>, size: Size) -> String {
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    let mut text = String::new();
    for YoloLine { class, bbox, score } in lines {
        let [left, top, right, bottom] = bbox.corners();
        let (x, y) = (f64::midpoint(left, right) / width, f64::midpoint(top, bottom) / height);
        let (w, h) = ((right - left) / width, (bottom - top) / height);
        let score = score.map_or_else(String::new, |score| format!(" {score}"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{class} {x} {y} {w} {h}{score}");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::bbox;

    fn size() -> Size {
        Size::new(640, 480).unwrap()
    }

    #[test]
    fn numbers_are_shares_of_the_sides() {
        let line = parse_line("15 0.5 0.5 0.25 0.5 0.75", size()).unwrap();
        assert_eq!(line.bbox, bbox([240.0, 120.0, 400.0, 360.0]));
        assert_eq!((line.class, line.score), (15, Some(0.75)));
        assert_eq!(parse_line("0 0.5 0.5 1 1", size()).unwrap().score, None);
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_form() {
        for (text, message) in [
            ("", "must read class x y width height"),
            ("cat 0.5 0.5 1 1", "must read class x y width height"),
            ("1 0.5 0.5 1", "must read class x y width height"),
            ("1 0.5 x 1 1", r#""x" must be a number"#),
            ("1 0.5 0.5 -1 1", "width and height not negative"),
            ("1 NaN 0.5 1 1", "width and height not negative"),
        ] {
            let refusal = parse_line(text, size()).unwrap_err().to_string();
            assert!(refusal.contains(message), "{text}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_within_a_rounding(
            class in any::<u16>(),
            corners in [0.0..640.0_f64, 0.0..480.0_f64, 0.0..640.0_f64, 0.0..480.0_f64],
            score in proptest::option::of(0.0..=1.0_f64),
        ) {
            let [one, top, other, bottom] = corners;
            let corners = [one.min(other), top.min(bottom), one.max(other), top.max(bottom)];
            let bbox = BoundingBox::from_corners(corners).unwrap();
            let line = YoloLine { class, bbox, score };
            let read = parse_line(&text([line], size()), size()).unwrap();
            prop_assert_eq!((read.class, read.score), (class, score));
            for (found, expected) in read.bbox.corners().into_iter().zip(corners) {
                prop_assert!((found - expected).abs() < 1e-9);
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in r"[0-9e. \PC]{0,40}") {
            drop(parse_line(&text, size()));
        }
    }
}
