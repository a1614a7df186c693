//! Box lists with one line an image: `path left,top,right,bottom,class[,score] ...`.
//!
//! The class is a place in the list of categories, corners are pixels. The format has no image sizes,
//! and no crowd flag.

use std::{collections::HashSet, fmt::Write, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::GroupId,
};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::{GroundTruth, TrueImage, TrueObject, numbered_categories};

/// How a box reads.
const FORM: &str = "left,top,right,bottom,class, and a score in an answer";

/// One image of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedImage {
    /// The path as the list has it.
    pub path: String,
    /// What is in the image.
    pub boxes: Vec<ListedBox>,
}

/// One box of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedBox {
    /// The place of its category.
    pub class: u16,
    /// Where it is.
    pub bbox: BoundingBox,
    /// How sure the provider is; `None` in a ground truth.
    pub score: Option<f64>,
}

/// Reads a ground truth; images are called by their file names without folders.
///
/// The id of an image is the number that its name is, as COCO has it, where every name is one, and
/// otherwise its place from 1.
///
/// # Errors
/// Where the file cannot be read, a line is none, an image comes twice, or a class has no category.
pub fn read_truth(path: &Path, categories: &[String]) -> Result<GroundTruth, FormatError> {
    let mut images = Vec::new();
    let mut names = HashSet::new();
    for (id, (number, listed)) in
        (1..).zip(file::parsed_lines(&file::read_text(path)?, path, parse_line)?)
    {
        let at = |problem: Problem| problem.at(path, format!("line {number}"));
        let name = file::base(&listed.path).to_owned();
        if !names.insert(name.clone()) {
            return Err(at(Problem::Doubled(format!("file name {name:?}"))));
        }
        let mut image = TrueImage::named(name, id);
        for listed in listed.boxes {
            super::category_of(listed.class, categories).map_err(at)?;
            image.objects.push(TrueObject::new(GroupId::new(listed.class), listed.bbox));
        }
        images.push(image);
    }
    number_by_name(&mut images);
    Ok(GroundTruth { categories: numbered_categories(categories.iter().cloned()), images })
}

/// Gives images the numbers that their names are, where each has another one.
fn number_by_name(images: &mut [TrueImage]) {
    let numbers: Option<Vec<u64>> =
        images.iter().map(|image| file::stem(&image.name).parse().ok()).collect();
    let Some(numbers) = numbers else { return };
    if numbers.iter().collect::<HashSet<_>>().len() == images.len() {
        for (image, number) in images.iter_mut().zip(numbers) {
            image.id = number;
        }
    }
}

/// Reads a provider's answers; an image without a line is one in which nothing was seen.
///
/// # Errors
/// Where the file cannot be read, a line is none, has no score, or a class has no category.
pub fn read_answers(path: &Path, categories: &[String]) -> Result<Answers, FormatError> {
    let mut answers = Vec::new();
    let mut known = HashSet::new();
    for (number, listed) in file::parsed_lines(&file::read_text(path)?, path, parse_line)? {
        let at = |problem: Problem| problem.at(path, format!("line {number}"));
        if !known.insert(listed.path.clone()) {
            return Err(at(Problem::Doubled(format!("path {:?}", listed.path))));
        }
        let mut detections = Vec::with_capacity(listed.boxes.len());
        for listed in listed.boxes {
            let word = super::category_of(listed.class, categories).map_err(at)?;
            let score = listed.score.ok_or_else(|| at(Problem::form("no score", FORM)))?;
            let detection = Detection::new(word, score, Some(listed.bbox));
            detections.push(detection.map_err(|_| at(Problem::Score(score)))?);
        }
        answers.push((ImageReference::Name(listed.path), detections));
    }
    Ok(Answers { answers, silence: Silence::NothingSeen })
}

/// Reads the line of one image. Its path may hold spaces: boxes are what its end consists of.
///
/// # Errors
/// Where a box is none, or there is no path.
pub fn parse_line(line: &str) -> Result<ListedImage, Problem> {
    let line = line.trim();
    let mut path = line;
    let mut words = Vec::new();
    while let Some((before, word)) = path.rsplit_once(char::is_whitespace) {
        if !word.is_empty() && word.matches(',').count() < 4 {
            break;
        }
        path = before.trim_end();
        if !word.is_empty() {
            words.push(word);
        }
    }
    if path.is_empty() || path.matches(',').count() >= 4 {
        return Err(Problem::form(line, "path left,top,right,bottom,class ..."));
    }
    let boxes = words.into_iter().rev().map(parse_box).collect::<Result<_, _>>()?;
    Ok(ListedImage { path: path.to_owned(), boxes })
}

fn parse_box(word: &str) -> Result<ListedBox, Problem> {
    let form = || Problem::form(word, FORM);
    let number = |text: &str| text.parse::<f64>().map_err(|_| Problem::NoNumber(text.to_owned()));
    let parts: Vec<&str> = word.split(',').collect();
    let (corners, class, score) = match *parts {
        [left, top, right, bottom, class] => ([left, top, right, bottom], class, None),
        [left, top, right, bottom, class, score] => {
            ([left, top, right, bottom], class, Some(number(score)?))
        }
        _ => return Err(form()),
    };
    let [left, top, right, bottom] = corners;
    let corners = [number(left)?, number(top)?, number(right)?, number(bottom)?];
    let class = class.parse().map_err(|_| form())?;
    let bbox = BoundingBox::from_corners(corners).map_err(|_| Problem::Corners(corners))?;
    Ok(ListedBox { class, bbox, score })
}

/// The line of one image, without a line's end.
pub fn line(image: &ListedImage) -> String {
    let mut line = image.path.clone();
    for ListedBox { class, bbox, score } in &image.boxes {
        let [left, top, right, bottom] = bbox.corners();
        let score = score.map_or_else(String::new, |score| format!(",{score}"));
        // Writing to a string cannot fail.
        let _ = write!(line, " {left},{top},{right},{bottom},{class}{score}");
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::bbox;

    #[test]
    fn a_path_may_hold_spaces_and_commas() {
        let image = parse_line("/my data/a, b.jpg 1,2,3,4,17 0,0,1.5,1,0,0.25").unwrap();
        assert_eq!(image.path, "/my data/a, b.jpg");
        let [first, second] = &*image.boxes else { panic!("two boxes") };
        assert_eq!((first.class, first.score), (17, None));
        assert_eq!(second.bbox, bbox([0.0, 0.0, 1.5, 1.0]));
        assert_eq!(second.score, Some(0.25));
        assert_eq!(parse_line("a.jpg").unwrap().boxes, []);
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_form() {
        for (text, message) in [
            ("1,2,3,4,5 1,2,3,4,5", "must read path left,top,right,bottom,class"),
            ("a.jpg 1,2,3,4,x", "must read left,top,right,bottom,class"),
            ("a.jpg 1,2,x,4,1", r#""x" must be a number"#),
            ("a.jpg 3,2,1,4,1", "left <= right"),
            ("a.jpg 1,2,3,4,1,0.5,9", "must read left,top,right,bottom,class"),
        ] {
            let refusal = parse_line(text).unwrap_err().to_string();
            assert!(refusal.contains(message), "{text}: {refusal}");
        }
    }

    fn any_image() -> impl Strategy<Value = ListedImage> {
        let corner = || (any::<i16>(), 0_u16..999);
        let entry = (any::<u16>(), corner(), corner(), proptest::option::of(0.0..=1.0_f64));
        let entry = entry.prop_map(|(class, (left, width), (top, height), score)| {
            let (left, top) = (f64::from(left) / 4.0, f64::from(top) / 4.0);
            let corners = [left, top, left + f64::from(width), top + f64::from(height)];
            ListedBox { class, bbox: BoundingBox::from_corners(corners).unwrap(), score }
        });
        (r"[a-z/]{1,8}( [a-z,]{1,3})?\.jpg", proptest::collection::vec(entry, 0..5))
            .prop_map(|(path, boxes)| ListedImage { path, boxes })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(image in any_image()) {
            let text = line(&image);
            let read = parse_line(&text).unwrap();
            prop_assert_eq!(line(&read), text);
            prop_assert_eq!(read, image);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in r"[0-9,. \PC]{0,40}") {
            drop(parse_line(&text));
        }
    }
}
