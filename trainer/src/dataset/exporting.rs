//! A data set as files for other tools.
//!
//! Ground truth is `ground-truth` and a provider's answers go by its name, as a file or a folder as
//! the form has it; lists of categories, ranks and sizes that the form needs stand beside. What a
//! form cannot say is left out and counted.

use std::{collections::HashSet, io, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::{GroupId, LabelGroups},
};

use super::records::{ImageRecord, Records};
use crate::{
    format::{
        FormatError, coco,
        coco_results::{self, ResultLine},
        file,
        form::Form,
        label_lists::{self, LabelLine},
        line_lists::{self, ListedBox, ListedImage},
        seed,
        voc::{self, VocEntry, VocImage},
        yolo::{self, YoloLine},
    },
    ground_truth::{GroundTruth, Size, TrueImage, names},
};

/// What the ground truth's file or folder is called.
const TRUTH: &str = "ground-truth";

/// What a form could not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotExported {
    /// Detections of words that are no category.
    pub without_category: usize,
    /// Words without a place.
    pub without_place: usize,
}

/// Writes a data set in a form to a folder; `groups` are its categories.
///
/// # Errors
/// Where the form cannot say what an image is, or the system refuses.
pub fn write(
    records: &Records,
    groups: LabelGroups,
    form: Form,
    out: &Path,
) -> Result<NotExported, FormatError> {
    let names = names(&records.categories);
    let mut export = Export { records, groups, out, left_out: NotExported::default() };
    if matches!(form, Form::Armol | Form::Yolo | Form::Lines | Form::Labels) {
        export.file("categories.txt", names.join("\n") + "\n")?;
    }
    match form {
        Form::Coco => export.coco()?,
        Form::Armol => export.armol()?,
        Form::Voc => export.voc()?,
        Form::Yolo => export.yolo()?,
        Form::Lines => export.lines()?,
        Form::Labels => export.labels()?,
    }
    Ok(export.left_out)
}

struct Export<'a> {
    records: &'a Records,
    groups: LabelGroups,
    out: &'a Path,
    left_out: NotExported,
}

impl Export<'_> {
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), FormatError> {
        file::write(&self.out.join(name), content.as_ref())
    }

    fn json(&self, name: &str, content: serde_json::Result<Vec<u8>>) -> Result<(), FormatError> {
        let path = self.out.join(name);
        self.file(name, content.map_err(io::Error::from).map_err(FormatError::write(&path))?)
    }

    /// The detections of a provider about an image that have a place and a category.
    fn placed<'a>(
        &mut self,
        image: &'a ImageRecord,
        provider: usize,
    ) -> Option<Vec<(&'a Detection, GroupId, BoundingBox)>> {
        let answer = image.answers.get(provider)?.as_ref()?;
        let mut placed = Vec::with_capacity(answer.detections.len());
        for detection in &answer.detections {
            match (detection.bbox, self.groups.group(&detection.label)) {
                (None, _) => self.left_out.without_place += 1,
                (Some(_), None) => self.left_out.without_category += 1,
                (Some(bbox), Some(group)) => placed.push((detection, group, bbox)),
            }
        }
        Some(placed)
    }

    fn truth(&self) -> GroundTruth {
        let images = self.records.images.iter().map(|image| image.truth.clone()).collect();
        GroundTruth { categories: self.records.categories.clone(), images }
    }

    fn coco(&mut self) -> Result<(), FormatError> {
        self.json("ground-truth.json", coco::text(&self.truth()))?;
        for (place, provider) in self.records.providers.iter().enumerate() {
            let mut lines = Vec::new();
            for image in &self.records.images {
                for (detection, group, _) in self.placed(image, place).unwrap_or_default() {
                    let category = self.records.categories.get(usize::from(group.number()));
                    let category = category.map(|category| category.id);
                    lines.push(ResultLine { image: image.truth.id, category, detection });
                }
            }
            self.json(&format!("{}.json", provider.name), coco_results::text(lines))?;
        }
        Ok(())
    }

    fn armol(&mut self) -> Result<(), FormatError> {
        let names = self.records.images.iter().map(|image| image.truth.name.as_str());
        self.json("ranks.json", seed::ranks_text(names))?;
        for (rank, image) in self.records.images.iter().enumerate() {
            let objects = image.truth.objects.iter().map(|object| {
                let category = self.records.categories.get(usize::from(object.group.number()));
                let name = category.map_or("", |category| category.name.as_str());
                (name, object.group, 1.0, object.bbox)
            });
            self.file(&format!("{TRUTH}/{rank}.txt"), seed::text(objects))?;
            for (place, provider) in self.records.providers.iter().enumerate() {
                let placed = self.placed(image, place).unwrap_or_default();
                let lines = placed.iter().map(|(detection, group, bbox)| {
                    (detection.label.as_str(), *group, detection.score, *bbox)
                });
                let text = seed::text(lines);
                if !text.is_empty() {
                    self.file(&format!("{}/{rank}.txt", provider.name), text)?;
                }
            }
        }
        Ok(())
    }

    fn voc(&mut self) -> Result<(), FormatError> {
        let categories = &self.records.categories;
        for (image, stem) in stems(self.records)? {
            let objects = image.truth.objects.iter().map(|object| VocEntry {
                name: categories
                    .get(usize::from(object.group.number()))
                    .map_or_else(String::new, |category| category.name.clone()),
                bbox: object.bbox,
                difficult: object.difficult,
                score: None,
            });
            self.annotation(TRUTH, stem, &voc_image(&image.truth, objects.collect()))?;
            for (place, provider) in self.records.providers.iter().enumerate() {
                let Some(Some(answer)) = image.answers.get(place) else { continue };
                let mut objects = Vec::new();
                for detection in &answer.detections {
                    let Some(bbox) = detection.bbox else {
                        self.left_out.without_place += 1;
                        continue;
                    };
                    let (name, score) = (detection.label.clone(), Some(detection.score));
                    objects.push(VocEntry { name, bbox, difficult: false, score });
                }
                self.annotation(&provider.name, stem, &voc_image(&image.truth, objects))?;
            }
        }
        Ok(())
    }

    fn annotation(&self, folder: &str, stem: &str, image: &VocImage) -> Result<(), FormatError> {
        let text = voc::text(image).map_err(|_| FormatError::Unwritable {
            what: format!("image {:?}", image.name),
            reason: "XML cannot hold one of its names; choose another format",
        })?;
        self.file(&format!("{folder}/{stem}.xml"), text)
    }

    fn yolo(&mut self) -> Result<(), FormatError> {
        let images = self.truth().images.into_iter();
        let bare = |image: TrueImage| TrueImage { objects: vec![], labels: vec![], ..image };
        let sizes = GroundTruth { categories: vec![], images: images.map(bare).collect() };
        self.json("sizes.json", coco::text(&sizes))?;
        for (image, stem) in stems(self.records)? {
            let size = size(&image.truth)?;
            let objects = image.truth.objects.iter().map(|object| YoloLine {
                class: object.group.number(),
                bbox: object.bbox,
                score: None,
            });
            self.file(&format!("{TRUTH}/{stem}.txt"), yolo::text(objects, size))?;
            for (place, provider) in self.records.providers.iter().enumerate() {
                let placed = self.placed(image, place).unwrap_or_default();
                let lines = placed.iter().map(|(detection, group, bbox)| YoloLine {
                    class: group.number(),
                    bbox: *bbox,
                    score: Some(detection.score),
                });
                self.file(&format!("{}/{stem}.txt", provider.name), yolo::text(lines, size))?;
            }
        }
        Ok(())
    }

    fn lines(&mut self) -> Result<(), FormatError> {
        let mut text = String::new();
        for image in &self.records.images {
            let objects = image.truth.objects.iter().map(|object| ListedBox {
                class: object.group.number(),
                bbox: object.bbox,
                score: None,
            });
            text.push_str(&listed(image, objects.collect()));
        }
        self.file("ground-truth.txt", text)?;
        for (place, provider) in self.records.providers.iter().enumerate() {
            let mut text = String::new();
            for image in &self.records.images {
                let placed = self.placed(image, place).unwrap_or_default();
                let boxes = placed.iter().map(|(detection, group, bbox)| ListedBox {
                    class: group.number(),
                    bbox: *bbox,
                    score: Some(detection.score),
                });
                text.push_str(&listed(image, boxes.collect()));
            }
            self.file(&format!("{}.txt", provider.name), text)?;
        }
        Ok(())
    }

    fn labels(&mut self) -> Result<(), FormatError> {
        let mut lines = Vec::with_capacity(self.records.images.len());
        for image in &self.records.images {
            let truth = &image.truth;
            let objects = truth.objects.iter();
            let boxes = objects.map(|object| {
                let [left, top, right, bottom] = object.bbox.corners();
                (object.group.number(), left, top, right, bottom)
            });
            let mut labels: Vec<u16> = truth.labels.iter().map(|group| group.number()).collect();
            labels.extend(truth.objects.iter().map(|object| object.group.number()));
            labels.sort_unstable();
            labels.dedup();
            let mut line = LabelLine {
                id: truth.name.clone(),
                labels,
                gt_boxes: boxes.collect(),
                pred: std::collections::BTreeMap::new(),
            };
            for (provider, answer) in self.records.providers.iter().zip(&image.answers) {
                let Some(answer) = answer else { continue };
                let mut named = Vec::new();
                for detection in &answer.detections {
                    match self.groups.group(&detection.label) {
                        Some(group) => named.push((group.number(), detection.score)),
                        None => self.left_out.without_category += 1,
                    }
                }
                line.pred.insert(provider.name.clone(), named);
            }
            lines.push(line);
        }
        self.json("labels.jsonl", label_lists::text(&lines))
    }
}

/// The images by the stems of their names, of which no two may be the same.
fn stems(records: &Records) -> Result<Vec<(&ImageRecord, &str)>, FormatError> {
    let mut seen = HashSet::new();
    let mut stems = Vec::with_capacity(records.images.len());
    for image in &records.images {
        let stem = file::stem(&image.truth.name);
        if stem.is_empty() || !seen.insert(stem) {
            return Err(FormatError::Unwritable {
                what: format!("image {:?}", image.truth.name),
                reason: "its name without folder and ending must be its own; use coco or lines",
            });
        }
        stems.push((image, stem));
    }
    Ok(stems)
}

fn voc_image(image: &TrueImage, objects: Vec<VocEntry>) -> VocImage {
    VocImage { name: image.name.clone(), size: image.size, objects }
}

/// A line of a box list with its end.
fn listed(image: &ImageRecord, boxes: Vec<ListedBox>) -> String {
    line_lists::line(&ListedImage { path: image.truth.name.clone(), boxes }) + "\n"
}

fn size(image: &TrueImage) -> Result<Size, FormatError> {
    image.size.ok_or_else(|| FormatError::Unwritable {
        what: format!("image {:?}", image.name),
        reason: "its size is not known; import the data set with --sizes",
    })
}
