//! What images truly hold, as a file in COCO's instances form (`ground_truth.json`).
//!
//! The image set writes it, the simulated providers and the trainer read it. Reading is lenient in
//! what it does not need, so that COCO's own files serve as well; categories that are not simulated
//! are left out, as are annotations of crowds, whose boxes are no objects.

use std::{
    collections::HashMap,
    fs::File,
    io::BufReader,
    path::{Component, Path},
};

use armol_analysis::detection::BoundingBox;
use serde::{Deserialize, Serialize};

use super::{SimulationError, class::Class, scene::Scene};

/// The file's name in an image set.
pub(super) const FILE_NAME: &str = "ground_truth.json";

/// The file as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct InstancesFile {
    images: Vec<ImageEntry>,
    annotations: Vec<AnnotationEntry>,
    categories: Vec<CategoryEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ImageEntry {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AnnotationEntry {
    id: u64,
    image_id: u64,
    category_id: u32,
    /// Left, top, width and height in pixels.
    bbox: [f64; 4],
    /// In square pixels; here of the box, as there is no finer outline.
    area: f64,
    iscrowd: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CategoryEntry {
    supercategory: String,
    id: u32,
    name: String,
}

/// What one image truly holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrueImage {
    /// Its file in the image set's folder.
    pub(super) file_name: String,
    /// Its objects, in the file's order.
    pub(super) objects: Vec<TrueObject>,
}

/// One object that is truly there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TrueObject {
    /// What it is.
    pub(super) class: Class,
    /// Where it is.
    pub(super) bbox: BoundingBox,
}

impl InstancesFile {
    /// A file with every simulated category and no image.
    pub(super) fn new() -> Self {
        let categories = Class::ALL.map(|class| CategoryEntry {
            supercategory: class.supercategory().to_owned(),
            id: class.id(),
            name: class.name().to_owned(),
        });
        Self { categories: categories.to_vec(), ..Self::default() }
    }

    /// Adds an image and its objects.
    pub(super) fn add(&mut self, id: u64, file_name: String, scene: &Scene) {
        self.images.push(ImageEntry { id, file_name, width: scene.width, height: scene.height });
        for object in &scene.objects {
            let place = object.place;
            let bbox = [place.left, place.top, place.width, place.height].map(f64::from);
            let [.., width, height] = bbox;
            let last = self.annotations.last().map_or(0, |annotation| annotation.id);
            self.annotations.push(AnnotationEntry {
                id: last + 1,
                image_id: id,
                category_id: object.class.id(),
                bbox,
                area: width * height,
                iscrowd: 0,
            });
        }
    }

    /// How many objects the file lists.
    pub(super) const fn object_count(&self) -> usize {
        self.annotations.len()
    }
}

/// Reads what the images of a set truly hold, in the file's order.
///
/// # Errors
/// Names the file where it cannot be read or is not of this form, and the entry that is at fault.
pub(super) fn read(folder: &Path) -> Result<Vec<TrueImage>, SimulationError> {
    let path = folder.join(FILE_NAME);
    let file = File::open(&path)
        .map_err(|source| SimulationError::NoImageSet { path: path.clone(), source })?;
    let file: InstancesFile = serde_json::from_reader(BufReader::new(file))
        .map_err(|source| SimulationError::Malformed { path: path.clone(), source })?;
    let invalid =
        |entry: String, remedy| SimulationError::Entry { path: path.clone(), entry, remedy };
    let mut places = HashMap::with_capacity(file.images.len());
    let mut images = Vec::with_capacity(file.images.len());
    for ImageEntry { id, file_name, .. } in file.images {
        if !is_plain(&file_name) {
            let entry = format!("images: file_name {file_name:?}");
            return Err(invalid(entry, "must be a plain file name"));
        }
        if places.insert(id, images.len()).is_some() {
            return Err(invalid(format!("images: id {id}"), "must come once"));
        }
        images.push(TrueImage { file_name, objects: Vec::new() });
    }
    for annotation in file.annotations {
        let entry = || format!("annotations: id {}", annotation.id);
        let image = places.get(&annotation.image_id).and_then(|place| images.get_mut(*place));
        let image = image.ok_or_else(|| invalid(entry(), "must name a listed image_id"))?;
        let [left, top, width, height] = annotation.bbox;
        let bbox = BoundingBox::from_corners([left, top, left + width, top + height])
            .map_err(|_| invalid(entry(), "must have a bbox of finite numbers, none negative"))?;
        match Class::from_id(annotation.category_id) {
            Some(class) if annotation.iscrowd == 0 => {
                image.objects.push(TrueObject { class, bbox });
            }
            _ => {}
        }
    }
    Ok(images)
}

/// Whether a file name leads to a file in the folder itself.
fn is_plain(file_name: &str) -> bool {
    let mut components = Path::new(file_name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_text(text: &str) -> Result<Vec<TrueImage>, SimulationError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), text).unwrap();
        read(folder.path())
    }

    fn with(image: &str, annotation: &str) -> String {
        format!(r#"{{"images": [{image}], "annotations": [{annotation}], "categories": []}}"#)
    }

    const IMAGE: &str = r#"{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "license": 4}"#;

    fn annotation(category: u32, crowd: u8, bbox: &str) -> String {
        format!(
            r#"{{"id": 5, "image_id": 1, "category_id": {category}, "bbox": {bbox}, "area": 4,
                "iscrowd": {crowd}}}"#
        )
    }

    #[test]
    fn keeps_simulated_categories_and_no_crowds() {
        let all = [
            annotation(18, 0, "[1, 2, 3, 4]"),
            annotation(5, 0, "[1, 2, 3, 4]"),
            annotation(1, 1, "[1, 2, 3, 4]"),
        ];
        let images = read_text(&with(IMAGE, &all.join(","))).unwrap();
        assert_eq!(images[0].objects.len(), 1);
        assert_eq!(images[0].objects[0].class, Class::Dog);
        assert_eq!(
            images[0].objects[0].bbox.corners().map(f64::to_bits),
            [1.0, 2.0, 4.0, 6.0].map(f64::to_bits)
        );
    }

    #[test]
    fn refusals_name_the_entry() {
        let message = |text: &str| read_text(text).unwrap_err().to_string();
        let negative = annotation(18, 0, "[1, 2, -3, 4]");
        assert!(message(&with(IMAGE, &negative)).contains("annotations: id 5"));
        let orphan = annotation(18, 0, "[1, 2, 3, 4]");
        assert!(message(&with("", &orphan)).contains("must name a listed image_id"));
        let escaping = IMAGE.replace("a.jpg", "../a.jpg");
        assert!(message(&with(&escaping, "")).contains(r#"file_name "../a.jpg""#));
        assert!(message(&with(&format!("{IMAGE},{IMAGE}"), "")).contains("id 1 must come once"));
        assert!(message("[]").contains("ground_truth.json"));
    }
}
