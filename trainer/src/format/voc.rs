//! Pascal VOC annotations: a folder of XML files, one an image.
//!
//! Pascal counts pixels from 1 and names the last pixel inside a box, where everything else here
//! measures distances from the image's corner: `xmin` 1 and `xmax` 500 are all of an image that is
//! 500 pixels wide, left 0 and right 500. So 1 is taken from `xmin` and `ymin` on reading, and added
//! on writing. Answers have a `score` in each object, which Pascal's own files do not.

use std::{collections::HashMap, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::GroupId,
};
use serde::{Deserialize, Serialize};

use super::{Answers, FormatError, ImageReference, Problem, Silence, file};
use crate::ground_truth::{GroundTruth, Size, TrueImage, TrueObject, numbered_categories};

#[derive(Serialize, Deserialize)]
#[serde(rename = "annotation")]
struct Annotation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<VocSize>,
    #[serde(default)]
    object: Vec<VocObject>,
}

#[derive(Serialize, Deserialize)]
struct VocSize {
    width: u32,
    height: u32,
    #[serde(default)]
    depth: u32,
}

#[derive(Serialize, Deserialize)]
struct VocObject {
    name: String,
    #[serde(default)]
    difficult: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    bndbox: VocBox,
}

#[derive(Serialize, Deserialize)]
struct VocBox {
    xmin: f64,
    ymin: f64,
    xmax: f64,
    ymax: f64,
}

/// One annotation file, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct VocImage {
    /// The image's file name.
    pub name: String,
    /// Its size; `None` where the file does not say.
    pub size: Option<Size>,
    /// What is in it.
    pub objects: Vec<VocEntry>,
}

/// One object of an annotation file.
#[derive(Clone, Debug, PartialEq)]
pub struct VocEntry {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub bbox: BoundingBox,
    /// Whether it need not be found.
    pub difficult: bool,
    /// How sure the provider is; `None` in a ground truth.
    pub score: Option<f64>,
}

/// Reads a ground truth of these categories; without a list, of all that objects are called, in the
/// order of the alphabet, which is Pascal's own order.
///
/// # Errors
/// Where a file cannot be read, is no annotation, or an element holds what it cannot.
pub fn read_truth(
    folder: &Path,
    categories: Option<&[String]>,
) -> Result<GroundTruth, FormatError> {
    let images = read_folder(folder)?;
    let names = categories.map_or_else(|| names(&images), <[String]>::to_vec);
    let count = names.len();
    let mut groups = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        let group = u16::try_from(place)
            .map_err(|_| Problem::TooManyCategories(count).at(folder, "its objects' names"))?;
        groups.insert(name.as_str(), GroupId::new(group));
    }
    let mut checked = Vec::with_capacity(images.len());
    for (id, image) in (1..).zip(images) {
        let path = folder.join(&image.name);
        let mut truth = TrueImage { size: image.size, ..TrueImage::named(image.name, id) };
        for entry in image.objects {
            let unknown = || Problem::NoCategory(format!("{:?}", entry.name), count);
            let group = groups.get(entry.name.as_str()).copied();
            let group = group.ok_or_else(|| unknown().at(&path, "an object's name"))?;
            let plain = TrueObject::new(group, entry.bbox);
            truth.objects.push(TrueObject { difficult: entry.difficult, ..plain });
        }
        checked.push(truth);
    }
    let categories = numbered_categories(names.iter().cloned());
    Ok(GroundTruth { categories, images: checked })
}

/// The names of all objects in the order of the alphabet.
fn names(images: &[VocImage]) -> Vec<String> {
    let objects = images.iter().flat_map(|image| &image.objects);
    let mut names: Vec<String> = objects.map(|object| object.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// Reads a provider's answers; an image without a file is one that the provider was not asked about.
///
/// # Errors
/// As [`read_truth`], and where an object has no score.
pub fn read_answers(folder: &Path) -> Result<Answers, FormatError> {
    let mut answers = Vec::new();
    for image in read_folder(folder)? {
        let mut detections = Vec::with_capacity(image.objects.len());
        for (index, object) in image.objects.into_iter().enumerate() {
            let needed = "each object of an answer needs a score element, 0 to 1";
            let path = || folder.join(&image.name);
            let score = object.score.ok_or_else(|| FormatError::Needs { path: path(), needed })?;
            let detection = Detection::new(object.name, score, Some(object.bbox));
            let place = format!("object[{index}].score");
            detections.push(detection.map_err(|_| Problem::Score(score).at(&path(), place))?);
        }
        answers.push((ImageReference::Name(image.name), detections));
    }
    Ok(Answers { answers, silence: Silence::NotAsked })
}

fn read_folder(folder: &Path) -> Result<Vec<VocImage>, FormatError> {
    let files = file::with_ending(folder, "xml")?;
    files.iter().map(|path| parse(&file::read_text(path)?, path)).collect()
}

/// Reads one annotation from the text of the file at `path`.
///
/// # Errors
/// Where the text is no annotation, or an element holds what it cannot; names both.
pub fn parse(text: &str, path: &Path) -> Result<VocImage, FormatError> {
    let annotation: Annotation = quick_xml::de::from_str(text)
        .map_err(|source| FormatError::Xml { path: path.to_owned(), source })?;
    let name = match annotation.filename {
        Some(name) if !name.trim().is_empty() => file::base(name.trim()).to_owned(),
        _ => file::path_stem(path)?.to_owned(),
    };
    let size = match annotation.size {
        Some(VocSize { width, height, .. }) => {
            let size = Size::new(width, height);
            Some(size.ok_or_else(|| Problem::Size(width, height).at(path, "size"))?)
        }
        None => None,
    };
    let mut objects = Vec::with_capacity(annotation.object.len());
    for (index, object) in annotation.object.into_iter().enumerate() {
        let at =
            |field: &str, problem: Problem| problem.at(path, format!("object[{index}].{field}"));
        let VocBox { xmin, ymin, xmax, ymax } = object.bndbox;
        let bbox = BoundingBox::from_corners([xmin - 1.0, ymin - 1.0, xmax, ymax])
            .map_err(|_| at("bndbox", Problem::Corners([xmin, ymin, xmax, ymax])))?;
        let difficult = match object.difficult {
            0 => false,
            1 => true,
            other => return Err(at("difficult", Problem::Flag(other))),
        };
        objects.push(VocEntry { name: object.name, bbox, difficult, score: object.score });
    }
    Ok(VocImage { name, size, objects })
}

/// The text of one annotation.
///
/// # Errors
/// Where XML cannot hold a name.
pub fn text(image: &VocImage) -> Result<String, quick_xml::SeError> {
    let object = |entry: &VocEntry| {
        let [left, top, right, bottom] = entry.bbox.corners();
        let bndbox = VocBox { xmin: left + 1.0, ymin: top + 1.0, xmax: right, ymax: bottom };
        let (name, difficult) = (entry.name.clone(), entry.difficult.into());
        VocObject { name, difficult, score: entry.score, bndbox }
    };
    let size = |size: Size| VocSize { width: size.width(), height: size.height(), depth: 3 };
    let annotation = Annotation {
        filename: Some(image.name.clone()),
        size: image.size.map(size),
        object: image.objects.iter().map(object).collect(),
    };
    let mut text = quick_xml::se::to_string(&annotation)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::bbox;

    const PATH: &str = "Annotations/2008_000009.xml";

    const VALID: &str = r"<annotation>
        <folder>VOC2012</folder>
        <filename>2008_000009.jpg</filename>
        <size><width>500</width><height>375</height><depth>3</depth></size>
        <object><name>horse</name><pose>Left</pose><difficult>1</difficult>
            <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>500</xmax><ymax>375</ymax></bndbox></object>
        <segmented>0</segmented>
        <object><name>cow</name>
            <bndbox><xmin>2</xmin><ymin>3.5</ymin><xmax>4</xmax><ymax>5</ymax></bndbox></object>
    </annotation>";

    fn read(text: &str) -> Result<VocImage, FormatError> {
        parse(text, Path::new(PATH))
    }

    fn refusal_of(valid: &str, wrong: &str) -> String {
        assert!(VALID.contains(valid));
        let error = read(&VALID.replacen(valid, wrong, 1)).unwrap_err();
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn a_box_of_all_pixels_is_the_whole_image() {
        let image = read(VALID).unwrap();
        assert_eq!((image.name.as_str(), image.size), ("2008_000009.jpg", Size::new(500, 375)));
        let [horse, cow] = &*image.objects else { panic!("two objects") };
        assert_eq!(horse.bbox, bbox([0.0, 0.0, 500.0, 375.0]));
        assert!(horse.difficult && !cow.difficult);
        assert_eq!(cow.bbox, bbox([1.0, 2.5, 4.0, 5.0]));
    }

    #[test]
    fn elements_that_hold_what_they_cannot_are_named() {
        insta::assert_snapshot!(
            refusal_of("<xmax>4<", "<xmax>0<"),
            @"in Annotations/2008_000009.xml, object[1].bndbox: [2.0, 3.5, 0.0, 5.0] must be left, top, right and bottom, left <= right and top <= bottom"
        );
        assert!(refusal_of("<difficult>1", "<difficult>2").ends_with("2 must be 0 or 1"));
        assert!(refusal_of("<width>500", "<width>0").contains("size: an image of 0 x 375"));
        let message = refusal_of("<ymin>3.5</ymin>", "");
        assert!(message.contains("2008_000009.xml is no Pascal VOC annotation"), "{message}");
        assert!(message.contains("missing field `ymin`"), "{message}");
    }

    fn any_image() -> impl Strategy<Value = VocImage> {
        let corner = || (-8_i16..2000).prop_map(|quarters| f64::from(quarters) / 4.0);
        let bbox = (corner(), corner(), 0_u16..999, 0_u16..999).prop_map(|(left, top, w, h)| {
            let corners = [left, top, left + f64::from(w) / 4.0, top + f64::from(h) / 4.0];
            BoundingBox::from_corners(corners).unwrap()
        });
        let score = proptest::option::of(0.0..=1.0_f64);
        let entry = ("[a-z<&>'\" /-]{0,6}[a-z]", bbox, any::<bool>(), score);
        let entry = entry.prop_map(|(name, bbox, difficult, score)| VocEntry {
            name: name.trim().to_owned(),
            bbox,
            difficult,
            score,
        });
        let size = proptest::option::of((1..5000_u32, 1..5000_u32));
        (size, proptest::collection::vec(entry, 0..5)).prop_map(|(size, objects)| VocImage {
            name: "a & b.jpg".to_owned(),
            size: size.and_then(|(width, height)| Size::new(width, height)),
            objects,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(image in any_image()) {
            let text = text(&image).unwrap();
            let read = read(&text).unwrap();
            prop_assert_eq!(&super::text(&read).unwrap(), &text);
            prop_assert_eq!(read, image);
        }

        #[test]
        fn no_text_makes_the_reader_panic(cut in 0..VALID.len(), noise in r"\PC{0,20}") {
            let text = format!("{}{noise}{}", &VALID[..cut], &VALID[cut..]);
            drop(read(&text));
            drop(read(&noise));
        }
    }
}
