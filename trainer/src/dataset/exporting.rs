//! A data set as files for other tools.
//!
//! Ground truth is `ground-truth` and a provider's answers go by its name, as a file or a folder as
//! the form has it; lists of categories, ranks and sizes that the form needs stand beside. What a
//! form cannot say is left out and counted.

use std::{collections::HashSet, path::Path};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    label_groups::{GroupId, LabelGroups},
};
use thiserror::Error;

use super::{
    folder::{FolderError, FolderReader, Manifest},
    placing::{folder_beside, publish},
    records::ImageRecord,
};
use crate::{
    format::{
        FormatError, coco,
        coco_results::{self, ResultLine},
        file,
        form::Form,
        label_lists::{self, LabelLine},
        line_lists::{self, ListedBox, ListedImage},
        pieces::Pieces,
        seed,
        voc::{self, VocEntry, VocImage},
        yolo::{self, YoloLine},
    },
    ground_truth::{GroundTruth, Size, TrueImage},
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

/// Why a data set was not exported; nothing is left of what was begun.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The data set cannot be read, or there is something at the place.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The form cannot say it, or it cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Writes a data set in a form as a folder that is not there yet; `groups` are its categories.
///
/// It goes image by image, and holds the ground truth at most. The folder appears whole or not at
/// all.
///
/// # Errors
/// Where the data set is damaged, there is something at the place, the form cannot say what an image
/// is, or the system refuses.
pub fn write(
    mut reader: FolderReader,
    groups: LabelGroups,
    form: Form,
    out: &Path,
) -> Result<NotExported, ExportError> {
    if out.symlink_metadata().is_ok() {
        return Err(FolderError::Exists(out.to_owned()).into());
    }
    let temporary = folder_beside(out).map_err(FormatError::write(out))?;
    let mut export = Export::new(reader.manifest(), groups, form, temporary.path())?;
    while let Some(image) = reader.next_image()? {
        export.image(&image)?;
    }
    let left_out = export.finish()?;
    publish(temporary, out).map_err(FormatError::write(out))?;
    Ok(left_out)
}

struct Export<'a> {
    manifest: Manifest,
    groups: LabelGroups,
    form: Form,
    out: &'a Path,
    /// The files that hold more than one image.
    files: Vec<Pieces>,
    /// What the form has in one file that cannot be written image by image.
    truth: GroundTruth,
    images: usize,
    stems: HashSet<String>,
    left_out: NotExported,
}

impl<'a> Export<'a> {
    fn new(
        manifest: &Manifest,
        groups: LabelGroups,
        form: Form,
        out: &'a Path,
    ) -> Result<Self, FormatError> {
        let names = manifest.providers.iter().map(|provider| &provider.name);
        let names: Vec<String> = match form {
            Form::Coco => names.map(|name| format!("{name}.json")).collect(),
            Form::Armol => vec!["ranks.json".to_owned()],
            Form::Lines => {
                let answers = names.map(|name| format!("{name}.txt"));
                [format!("{TRUTH}.txt")].into_iter().chain(answers).collect()
            }
            Form::Labels => vec!["labels.jsonl".to_owned()],
            Form::Voc | Form::Yolo => Vec::new(),
        };
        if matches!(form, Form::Armol | Form::Yolo | Form::Lines | Form::Labels) {
            let categories = manifest.category_names().join("\n") + "\n";
            file::write(&out.join("categories.txt"), categories.as_bytes())?;
        }
        let files = names.iter().map(|name| Pieces::create(&out.join(name)));
        Ok(Self {
            manifest: manifest.clone(),
            groups,
            form,
            out,
            files: files.collect::<Result<_, _>>()?,
            truth: GroundTruth::default(),
            images: 0,
            stems: HashSet::new(),
            left_out: NotExported::default(),
        })
    }

    fn image(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        match self.form {
            Form::Coco => self.coco(image)?,
            Form::Armol => self.armol(image)?,
            Form::Voc => self.voc(image)?,
            Form::Yolo => self.yolo(image)?,
            Form::Lines => self.lines(image)?,
            Form::Labels => self.labels(image)?,
        }
        self.images += 1;
        Ok(())
    }

    /// Writes what comes after the last image.
    fn finish(mut self) -> Result<NotExported, FormatError> {
        match self.form {
            Form::Coco => {
                self.truth.categories = self.manifest.categories;
                coco::write(&self.truth, &self.out.join("ground-truth.json"))?;
            }
            Form::Yolo => coco::write(&self.truth, &self.out.join("sizes.json"))?,
            Form::Armol | Form::Voc | Form::Lines | Form::Labels => {}
        }
        for mut file in self.files {
            if matches!(self.form, Form::Coco | Form::Armol) {
                file.end_list()?;
                file.text("\n")?;
            }
            file.finish()?;
        }
        Ok(self.left_out)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), FormatError> {
        file::write(&self.out.join(name), content.as_ref())
    }

    /// The names of the providers with their places.
    fn providers(&self) -> Vec<(usize, String)> {
        let names = self.manifest.providers.iter().map(|provider| provider.name.clone());
        names.enumerate().collect()
    }

    fn category_name(&self, group: GroupId) -> &str {
        let category = self.manifest.categories.get(usize::from(group.number()));
        category.map_or("", |category| category.name.as_str())
    }

    /// The detections of a provider about an image that have a place and a category.
    fn placed<'i>(
        &mut self,
        image: &'i ImageRecord,
        provider: usize,
    ) -> Option<Vec<(&'i Detection, GroupId, BoundingBox)>> {
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

    fn coco(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        self.truth.images.push(image.truth.clone());
        for place in 0..self.files.len() {
            for (detection, group, _) in self.placed(image, place).unwrap_or_default() {
                let category = self.manifest.categories.get(usize::from(group.number()));
                let category = category.map(|category| category.id);
                let line = ResultLine { image: image.truth.id, category, detection };
                if let Some(file) = self.files.get_mut(place) {
                    file.element(&coco_results::entry(line))?;
                }
            }
        }
        Ok(())
    }

    fn armol(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        let rank = self.images;
        for ranks in &mut self.files {
            ranks.element(&image.truth.name)?;
        }
        let objects = image.truth.objects.iter();
        let objects = objects
            .map(|object| (self.category_name(object.group), object.group, 1.0, object.bbox));
        self.file(&format!("{TRUTH}/{rank}.txt"), seed::text(objects))?;
        for (place, provider) in self.providers() {
            let placed = self.placed(image, place).unwrap_or_default();
            let lines = placed.iter().map(|(detection, group, bbox)| {
                (detection.label.as_str(), *group, detection.score, *bbox)
            });
            let text = seed::text(lines);
            if !text.is_empty() {
                self.file(&format!("{provider}/{rank}.txt"), text)?;
            }
        }
        Ok(())
    }

    fn voc(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        let stem = self.stem(image)?;
        let objects = image.truth.objects.iter().map(|object| VocEntry {
            name: self.category_name(object.group).to_owned(),
            bbox: object.bbox,
            difficult: object.difficult,
            score: None,
        });
        self.annotation(TRUTH, &stem, &voc_image(&image.truth, objects.collect()))?;
        for (place, provider) in self.providers() {
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
            self.annotation(&provider, &stem, &voc_image(&image.truth, objects))?;
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

    fn yolo(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        let stem = self.stem(image)?;
        let size = size(&image.truth)?;
        let bare = TrueImage::named(image.truth.name.clone(), image.truth.id);
        self.truth.images.push(TrueImage { size: Some(size), ..bare });
        let objects = image.truth.objects.iter().map(|object| YoloLine {
            class: object.group.number(),
            bbox: object.bbox,
            score: None,
        });
        self.file(&format!("{TRUTH}/{stem}.txt"), yolo::text(objects, size))?;
        for (place, provider) in self.providers() {
            let placed = self.placed(image, place).unwrap_or_default();
            let lines = placed.iter().map(|(detection, group, bbox)| YoloLine {
                class: group.number(),
                bbox: *bbox,
                score: Some(detection.score),
            });
            self.file(&format!("{provider}/{stem}.txt"), yolo::text(lines, size))?;
        }
        Ok(())
    }

    fn lines(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
        let objects = image.truth.objects.iter().map(|object| ListedBox {
            class: object.group.number(),
            bbox: object.bbox,
            score: None,
        });
        let mut lines = vec![listed(image, objects.collect())];
        for place in 0..self.manifest.providers.len() {
            let placed = self.placed(image, place).unwrap_or_default();
            let boxes = placed.iter().map(|(detection, group, bbox)| ListedBox {
                class: group.number(),
                bbox: *bbox,
                score: Some(detection.score),
            });
            lines.push(listed(image, boxes.collect()));
        }
        self.files.iter_mut().zip(lines).try_for_each(|(file, line)| file.text(line))
    }

    fn labels(&mut self, image: &ImageRecord) -> Result<(), FormatError> {
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
        for (provider, answer) in self.manifest.providers.iter().zip(&image.answers) {
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
        let text = label_lists::text([&line]).map_err(|_| FormatError::Unwritable {
            what: format!("image {:?}", truth.name),
            reason: "JSON cannot hold one of its numbers; choose another format",
        })?;
        self.files.iter_mut().try_for_each(|file| file.text(&text))
    }

    /// The stem of the image's name, of which no two may be the same.
    fn stem(&mut self, image: &ImageRecord) -> Result<String, FormatError> {
        let stem = file::stem(&image.truth.name);
        if stem.is_empty() || !self.stems.insert(stem.to_owned()) {
            return Err(FormatError::Unwritable {
                what: format!("image {:?}", image.truth.name),
                reason: "its name without folder and ending must be its own; use coco or lines",
            });
        }
        Ok(stem.to_owned())
    }
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
