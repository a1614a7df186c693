//! COCO instances: the ground truth's own form.
//!
//! Of the file, images, categories and the boxes of annotations are read; everything else, such as
//! segmentations, is skipped. A box is left, top, width, height in pixels.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use armol_analysis::{detection::BoundingBox, label_groups::GroupId};
use serde::{Deserialize, Serialize};

use super::{FormatError, Problem, file, pieces::Pieces};
use crate::ground_truth::{Category, GroundTruth, Size, TrueImage, TrueObject};

/// A field's place in the file, and its problem.
type Misplaced = (String, Problem);

#[derive(Deserialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

/// The part of a file that has the sizes of images.
#[derive(Deserialize)]
struct CocoSizes {
    images: Vec<CocoImage>,
}

#[derive(Serialize, Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct CocoAnnotation {
    #[serde(default)]
    id: u64,
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
    /// Not COCO's own: what converters from Pascal VOC write.
    #[serde(default, skip_serializing_if = "is_zero")]
    difficult: u8,
}

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

/// Reads a ground truth from a file.
///
/// # Errors
/// Where the file cannot be read, is no COCO instances file, or a field holds what it cannot.
pub fn read(path: &Path) -> Result<GroundTruth, FormatError> {
    parse(&file::read(path)?, path)
}

/// Reads a ground truth from the text of the file at `path`.
///
/// # Errors
/// Where the text is no COCO instances file, or a field holds what it cannot; names both.
pub fn parse(text: &[u8], path: &Path) -> Result<GroundTruth, FormatError> {
    let file: CocoFile = json(text, path)?;
    checked(file).map_err(|(field, problem)| problem.at(path, field))
}

/// Reads the names, ids and sizes of images alone.
///
/// # Errors
/// As [`read`].
pub fn read_images(path: &Path) -> Result<Vec<TrueImage>, FormatError> {
    let file: CocoSizes = json(&file::read(path)?, path)?;
    checked_images(file.images).map_err(|(field, problem)| problem.at(path, field))
}

/// Writes a COCO instances file.
///
/// # Errors
/// Where the system refuses.
pub fn write(truth: &GroundTruth, path: &Path) -> Result<(), FormatError> {
    let mut file = Pieces::create(path)?;
    file.text(r#"{"images":"#)?;
    for image in &truth.images {
        file.element(&CocoImage {
            id: image.id,
            file_name: image.name.clone(),
            width: image.size.map(Size::width),
            height: image.size.map(Size::height),
        })?;
    }
    file.end_list()?;
    file.text(r#","annotations":"#)?;
    let images = truth.images.iter();
    let objects = images.flat_map(|image| image.objects.iter().map(move |object| (image, object)));
    for (id, (image, object)) in (1..).zip(objects) {
        file.element(&annotation(image, object, id, &truth.categories))?;
    }
    file.end_list()?;
    file.text(r#","categories":"#)?;
    for category in &truth.categories {
        file.element(category)?;
    }
    file.end_list()?;
    file.text("}\n")?;
    file.finish()
}

fn annotation(
    image: &TrueImage,
    object: &TrueObject,
    id: u64,
    categories: &[Category],
) -> CocoAnnotation {
    let category = categories.get(usize::from(object.group.number()));
    CocoAnnotation {
        id,
        image_id: image.id,
        category_id: category.map_or(0, |category| category.id),
        bbox: super::left_top_width_height(object.bbox),
        // pycocotools sorts objects by area, so it needs one.
        area: Some(object.area.unwrap_or_else(|| object.bbox.area())),
        iscrowd: object.crowd.into(),
        difficult: object.difficult.into(),
    }
}

fn json<'a, T: Deserialize<'a>>(text: &'a [u8], path: &Path) -> Result<T, FormatError> {
    serde_json::from_slice(text).map_err(|source| FormatError::Json {
        path: path.to_owned(),
        expected: "COCO instances file",
        source,
    })
}

fn checked(file: CocoFile) -> Result<GroundTruth, Misplaced> {
    let (categories, groups) = checked_categories(file.categories)?;
    let mut images = checked_images(file.images)?;
    let places: HashMap<u64, usize> =
        (0..).zip(&images).map(|(place, image)| (image.id, place)).collect();
    for (index, annotation) in file.annotations.iter().enumerate() {
        let at = |field: &str| format!("annotations[{index}].{field}");
        let image = places
            .get(&annotation.image_id)
            .and_then(|&place| images.get_mut(place))
            .ok_or_else(|| (at("image_id"), Problem::Dangling(annotation.image_id)))?;
        let group = *groups
            .get(&annotation.category_id)
            .ok_or_else(|| (at("category_id"), Problem::Dangling(annotation.category_id)))?;
        let object = checked_object(annotation, group);
        image.objects.push(object.map_err(|(field, problem)| (at(field), problem))?);
    }
    Ok(GroundTruth { categories, images })
}

fn checked_object(
    annotation: &CocoAnnotation,
    group: GroupId,
) -> Result<TrueObject, (&'static str, Problem)> {
    let [left, top, width, height] = annotation.bbox;
    let bbox = BoundingBox::from_corners([left, top, left + width, top + height])
        .map_err(|_| ("bbox", Problem::Box(annotation.bbox)))?;
    let flag = |field, value| match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err((field, Problem::Flag(other))),
    };
    if let Some(area) = annotation.area.filter(|area| !area.is_finite() || *area < 0.0) {
        return Err(("area", Problem::Area(area)));
    }
    Ok(TrueObject {
        group,
        bbox,
        crowd: flag("iscrowd", annotation.iscrowd)?,
        difficult: flag("difficult", annotation.difficult)?,
        area: annotation.area,
    })
}

/// The categories, and the group of each by its id.
fn checked_categories(
    categories: Vec<CocoCategory>,
) -> Result<(Vec<Category>, HashMap<u64, GroupId>), Misplaced> {
    let mut groups = HashMap::new();
    let mut names = HashSet::new();
    let count = categories.len();
    for (index, category) in categories.iter().enumerate() {
        let group = u16::try_from(index)
            .map_err(|_| ("categories".to_owned(), Problem::TooManyCategories(count)))?;
        if groups.insert(category.id, GroupId::new(group)).is_some() {
            let doubled = Problem::Doubled(format!("id {}", category.id));
            return Err((format!("categories[{index}].id"), doubled));
        }
        if !names.insert(category.name.as_str()) {
            let doubled = Problem::Doubled(format!("name {:?}", category.name));
            return Err((format!("categories[{index}].name"), doubled));
        }
    }
    let category = |CocoCategory { id, name }| Category { id, name };
    Ok((categories.into_iter().map(category).collect(), groups))
}

/// The images without their objects.
fn checked_images(images: Vec<CocoImage>) -> Result<Vec<TrueImage>, Misplaced> {
    let mut ids = HashSet::new();
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(images.len());
    for (index, image) in images.into_iter().enumerate() {
        let at = |field: &str| format!("images[{index}].{field}");
        if !ids.insert(image.id) {
            return Err((at("id"), Problem::Doubled(format!("id {}", image.id))));
        }
        if !names.insert(image.file_name.clone()) {
            let doubled = Problem::Doubled(format!("file name {:?}", image.file_name));
            return Err((at("file_name"), doubled));
        }
        let size = match (image.width, image.height) {
            (Some(width), Some(height)) => {
                let size = Size::new(width, height);
                Some(size.ok_or_else(|| (at("width"), Problem::Size(width, height)))?)
            }
            _ => None,
        };
        checked.push(TrueImage { size, ..TrueImage::named(image.file_name, image.id) });
    }
    Ok(checked)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(flag: &u8) -> bool {
    *flag == 0
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const VALID: &str = r#"{
        "info": {"year": 2017},
        "images": [
            {"id": 7, "file_name": "b.jpg", "width": 640, "height": 480, "license": 1},
            {"id": 5, "file_name": "a.jpg", "width": 100, "height": 50}
        ],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 90, "bbox": [1, 2.5, 10, 20], "iscrowd": 1},
            {"id": 2, "image_id": 5, "category_id": 3, "bbox": [0, 0, 4, 0], "area": 0}
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}]
    }"#;

    fn read(text: &str) -> Result<GroundTruth, FormatError> {
        parse(text.as_bytes(), Path::new("gt.json"))
    }

    /// The error's chain in one line, as the command prints it.
    fn refusal(text: &str) -> String {
        let error = read(text).expect_err("the ground truth is wrong");
        format!("{error}: {}", error.source().expect("a cause"))
    }

    fn refusal_of(valid: &str, wrong: &str) -> String {
        assert!(VALID.contains(valid));
        refusal(&VALID.replacen(valid, wrong, 1))
    }

    #[test]
    fn reads_boxes_by_image_and_categories_by_name() {
        let truth = read(VALID).unwrap();
        let [second, first] = truth.images.as_slice() else { panic!("two images") };
        assert_eq!(
            (second.name.as_str(), second.id, second.size),
            ("b.jpg", 7, Size::new(640, 480))
        );
        assert_eq!(second.objects, []);
        let corners = [1.0, 2.5, 11.0, 22.5];
        let bbox = BoundingBox::from_corners(corners).unwrap();
        let toothbrush = TrueObject { crowd: true, ..TrueObject::new(GroupId::new(0), bbox) };
        assert_eq!(first.objects.first(), Some(&toothbrush));
        assert!(!first.objects[1].crowd);
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_named_with_its_line() {
        insta::assert_snapshot!(
            refusal_of(r#", "bbox": [1, 2.5, 10, 20]"#, ""),
            @"gt.json is no COCO instances file: missing field `bbox` at line 8 column 69"
        );
        insta::assert_snapshot!(
            refusal_of(r#""width": 640"#, r#""width": "wide""#),
            @r#"gt.json is no COCO instances file: invalid type: string "wide", expected u32 at line 4 column 59"#
        );
        assert!(refusal("").contains("EOF while parsing a value at line 1"));
        assert!(refusal(r#"{"images": []}"#).contains("missing field `annotations`"));
    }

    #[test]
    fn fields_that_hold_what_they_cannot_are_named() {
        insta::assert_snapshot!(
            refusal_of("[0, 0, 4, 0]", "[0, 0, -4, 0]"),
            @"in gt.json, annotations[1].bbox: [0.0, 0.0, -4.0, 0.0] must be left, top, width and height in pixels, width and height not negative"
        );
        insta::assert_snapshot!(
            refusal_of(r#""iscrowd": 1"#, r#""iscrowd": 2"#),
            @"in gt.json, annotations[0].iscrowd: 2 must be 0 or 1"
        );
        insta::assert_snapshot!(
            refusal_of(r#""image_id": 5"#, r#""image_id": 6"#),
            @"in gt.json, annotations[0].image_id: there is no entry with id 6"
        );
        insta::assert_snapshot!(
            refusal_of(r#""category_id": 3"#, r#""category_id": 4"#),
            @"in gt.json, annotations[1].category_id: there is no entry with id 4"
        );
    }

    #[test]
    fn doubled_entries_are_named() {
        insta::assert_snapshot!(
            refusal_of(r#""id": 5"#, r#""id": 7"#),
            @"in gt.json, images[1].id: id 7 is there already; each entry needs its own"
        );
        insta::assert_snapshot!(
            refusal_of("a.jpg", "b.jpg"),
            @r#"in gt.json, images[1].file_name: file name "b.jpg" is there already; each entry needs its own"#
        );
        insta::assert_snapshot!(
            refusal_of(r#""id": 3"#, r#""id": 90"#),
            @"in gt.json, categories[1].id: id 90 is there already; each entry needs its own"
        );
    }

    #[test]
    fn categories_are_groups_in_the_order_of_the_file() {
        let truth = read(VALID).unwrap();
        let names: Vec<&str> = truth.categories.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["toothbrush", "car"]);
        assert_eq!(truth.images[1].objects[1].group, GroupId::new(1));
    }

    #[test]
    fn two_categories_of_one_name_and_images_without_extent_are_refused() {
        assert!(refusal_of("car", "toothbrush").contains("categories[1].name"));
        assert!(refusal_of(r#""width": 640"#, r#""width": 0"#).contains("images[0].width"));
        assert!(refusal_of(r#""area": 0"#, r#""area": -1"#).contains("annotations[1].area"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = super::read(Path::new("no/such/gt.json")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read no/such/gt.json");
    }
}
