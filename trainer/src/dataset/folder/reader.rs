//! Reading a data set's folder, image by image.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use armol_analysis::label_groups::GroupId;

use super::{
    FolderError, Manifest,
    columns::{Row, TableReader},
    rows::{AnswerRow, DetectionRow, ImageRow, ObjectRow},
};
use crate::{
    dataset::records::{AnswerRecord, CallRecord, ImageRecord, Records},
    ground_truth::{Size, TrueImage, TrueObject},
};

/// A data set that is read from its folder.
pub struct FolderReader {
    folder: PathBuf,
    manifest: Manifest,
    images: TableReader<ImageRow>,
    objects: TableReader<ObjectRow>,
    answers: TableReader<AnswerRow>,
    detections: TableReader<DetectionRow>,
    seen: HashSet<u64>,
}

impl FolderReader {
    /// Opens a folder.
    ///
    /// # Errors
    /// Where it is no data set, or one of a newer format, or a table is missing or changed.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let manifest = Manifest::read(folder)?;
        Ok(Self {
            images: TableReader::open(folder, &manifest)?,
            objects: TableReader::open(folder, &manifest)?,
            answers: TableReader::open(folder, &manifest)?,
            detections: TableReader::open(folder, &manifest)?,
            manifest,
            folder: folder.to_owned(),
            seen: HashSet::new(),
        })
    }

    /// What the data set is.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next image with its answers; `None` after the last.
    ///
    /// # Errors
    /// Where a table is damaged, or a row refers to what is not there.
    pub fn next_image(&mut self) -> Result<Option<ImageRecord>, FolderError> {
        let Some(row) = self.images.next_if(|_| true)? else {
            return self.finished().map(|()| None);
        };
        if !self.seen.insert(row.id) {
            return Err(self.wrong::<ImageRow>(format!("image {} is there twice", row.id)));
        }
        let size = row.width.zip(row.height);
        let mut truth = TrueImage::named(row.name, row.id);
        truth.size = size.and_then(|(width, height)| Size::new(width, height));
        self.read_objects(&mut truth)?;
        let answers = self.read_answers(truth.id)?;
        Ok(Some(ImageRecord { truth, answers }))
    }

    /// All of the data set at once, calls included.
    ///
    /// # Errors
    /// As [`next_image`](Self::next_image).
    pub fn into_records(mut self) -> Result<Records, FolderError> {
        let mut records = Records {
            name: self.manifest.name.clone(),
            categories: self.manifest.categories.clone(),
            providers: self.manifest.providers.clone(),
            left_out: self.manifest.left_out.clone(),
            ..Records::default()
        };
        while let Some(image) = self.next_image()? {
            records.images.push(image);
        }
        for_each_call(&self.folder, |call| records.calls.push(call))?;
        Ok(records)
    }

    fn read_objects(&mut self, image: &mut TrueImage) -> Result<(), FolderError> {
        while let Some(row) = self.objects.next_if(|row| row.image == image.id)? {
            if usize::from(row.category) >= self.manifest.categories.len() {
                let what = format!("image {} has category {}", image.id, row.category);
                return Err(self.wrong::<ObjectRow>(format!("{what}, which there is none of")));
            }
            let group = GroupId::new(row.category);
            let ObjectRow { crowd, difficult, area, .. } = row;
            match row.bbox {
                Some(bbox) => {
                    image.objects.push(TrueObject { group, bbox, crowd, difficult, area });
                }
                None => image.labels.push(group),
            }
        }
        Ok(())
    }

    fn read_answers(&mut self, image: u64) -> Result<Vec<Option<AnswerRecord>>, FolderError> {
        let mut answers = vec![None; self.manifest.providers.len()];
        while let Some(row) = self.answers.next_if(|row| row.image == image)? {
            let Some(slot @ None) = answers.get_mut(usize::from(row.provider)) else {
                let what = format!("image {image}, provider {} is unknown", row.provider);
                return Err(self.wrong::<AnswerRow>(format!("{what}, or there twice")));
            };
            *slot = Some(record(row));
        }
        while let Some(row) = self.detections.next_if(|row| row.image == image)? {
            let Some(Some(answer)) = answers.get_mut(usize::from(row.provider)) else {
                let what = format!("image {image}, provider {} has no answer", row.provider);
                return Err(self.wrong::<DetectionRow>(what));
            };
            answer.detections.push(row.detection);
        }
        Ok(answers)
    }

    /// Refuses rows that belong to no image, or stood before their turn.
    fn finished(&mut self) -> Result<(), FolderError> {
        let stray = |id: u64| format!("image {id} is unknown, or its rows are out of order");
        if let Some(row) = self.objects.next_if(|_| true)? {
            return Err(self.wrong::<ObjectRow>(stray(row.image)));
        }
        if let Some(row) = self.answers.next_if(|_| true)? {
            return Err(self.wrong::<AnswerRow>(stray(row.image)));
        }
        if let Some(row) = self.detections.next_if(|_| true)? {
            return Err(self.wrong::<DetectionRow>(stray(row.image)));
        }
        Ok(())
    }

    fn wrong<R: Row>(&self, what: String) -> FolderError {
        FolderError::Reference { path: self.folder.join(R::FILE), what }
    }
}

/// Hands the stored calls of a data set over in their order, without holding them all.
///
/// # Errors
/// Where the table is missing or damaged.
pub fn for_each_call(folder: &Path, mut take: impl FnMut(CallRecord)) -> Result<(), FolderError> {
    let mut calls = TableReader::<CallRecord>::open(folder, &Manifest::read(folder)?)?;
    while let Some(call) = calls.next_if(|_| true)? {
        take(call);
    }
    Ok(())
}

fn record(row: AnswerRow) -> AnswerRecord {
    AnswerRecord {
        detections: Vec::new(),
        cost_microusd: row.cost_microusd,
        started_at: row.started_at,
        region: row.region,
        simulated: row.simulated,
        transmission: row.transmission,
        inference: row.inference,
    }
}

impl std::fmt::Debug for FolderReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FolderReader").field("folder", &self.folder).finish_non_exhaustive()
    }
}
