//! Writing a data set's folder.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::Path,
};

use armol_analysis::label_groups::{GroupId, LabelGroups};

use super::{
    FEATURES_FILE, FolderError,
    columns::{Row, TableWriter},
    manifest::{self, Counts, FORMAT_VERSION, FileDescription, Manifest, SourceFile, words_sha256},
    rows::{AnswerRow, DetectionRow, ImageRow, ObjectRow},
};
use crate::{
    dataset::{
        features::{ArrayDescription, FeatureArchive},
        placing::{folder_beside, publish},
        records::{AnswerRecord, CallRecord, ImageRecord, Records},
    },
    ground_truth::{Size, TrueImage},
};

/// Where records come from.
#[derive(Debug)]
pub struct Origin<'a> {
    /// What they were made of.
    pub sources: Vec<SourceFile>,
    /// The table of words that groups them.
    pub table: &'a LabelGroups,
    /// Features and their arrays, where there are some.
    pub features: Option<(FeatureArchive, Vec<ArrayDescription>)>,
}

/// Writes records as a folder that is not there yet.
///
/// # Errors
/// Where there is something at the place, the table of words cannot tell two categories apart, or the
/// system refuses.
pub fn write(records: &Records, origin: Origin<'_>, place: &Path) -> Result<Manifest, FolderError> {
    if place.symlink_metadata().is_ok() {
        return Err(FolderError::Exists(place.to_owned()));
    }
    let words_sha256 = words_sha256(records, origin.table)?;
    let temporary = folder_beside(place).map_err(writing(place))?;
    let folder = temporary.path();
    let counts = write_tables(records, folder)?;
    let mut names = vec![
        ImageRow::FILE,
        ObjectRow::FILE,
        AnswerRow::FILE,
        DetectionRow::FILE,
        CallRecord::FILE,
    ];
    let mut features = Vec::new();
    if let Some((mut archive, arrays)) = origin.features {
        let copy = folder.join(FEATURES_FILE);
        // A copy of the file's permissions could be one that nobody can remove.
        archive.copy(&copy).map_err(writing(&copy))?;
        names.push(FEATURES_FILE);
        features = arrays;
    }
    let mut files = BTreeMap::new();
    for name in names {
        let path = folder.join(name);
        let description = FileDescription::of(&path)
            .map_err(|source| FolderError::Read { path: path.clone(), source })?;
        files.insert(name.to_owned(), description);
    }
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        name: records.name.clone(),
        simulated: records.providers.iter().any(|provider| provider.simulated),
        categories: records.categories.clone(),
        providers: records.providers.clone(),
        counts,
        left_out: records.left_out.clone(),
        words_sha256,
        sources: origin.sources,
        features,
        files,
    };
    write_manifest(&manifest, folder)?;
    publish(temporary, place).map_err(writing(place))?;
    Ok(manifest)
}

fn write_manifest(manifest: &Manifest, folder: &Path) -> Result<(), FolderError> {
    let path = folder.join(manifest::FILE);
    let written =
        serde_json::to_vec_pretty(manifest).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            fs::write(&path, text)?;
            File::open(&path)?.sync_all()
        });
    written.map_err(writing(&path))
}

fn write_tables(records: &Records, folder: &Path) -> Result<Counts, FolderError> {
    let mut images = TableWriter::create(folder)?;
    let mut objects = TableWriter::create(folder)?;
    let mut answers = TableWriter::create(folder)?;
    let mut detections = TableWriter::create(folder)?;
    for ImageRecord { truth, answers: given } in &records.images {
        images.push(image_row(truth))?;
        for row in object_rows(truth) {
            objects.push(row)?;
        }
        for (provider, answer) in (0..).zip(given) {
            let Some(answer) = answer else { continue };
            answers.push(answer_row(truth.id, provider, answer))?;
            for detection in &answer.detections {
                let detection = detection.clone();
                detections.push(DetectionRow { image: truth.id, provider, detection })?;
            }
        }
    }
    let mut calls = TableWriter::create(folder)?;
    for call in &records.calls {
        calls.push(call.clone())?;
    }
    Ok(Counts {
        images: images.finish()?,
        objects: objects.finish()?,
        answers: answers.finish()?,
        detections: detections.finish()?,
        calls: calls.finish()?,
    })
}

fn image_row(image: &TrueImage) -> ImageRow {
    ImageRow {
        id: image.id,
        name: image.name.clone(),
        width: image.size.map(Size::width),
        height: image.size.map(Size::height),
    }
}

/// The objects, then the labels, which have no box.
fn object_rows(image: &TrueImage) -> impl Iterator<Item = ObjectRow> {
    let objects = image.objects.iter().map(|object| ObjectRow {
        image: image.id,
        category: object.group.number(),
        bbox: Some(object.bbox),
        crowd: object.crowd,
        difficult: object.difficult,
        area: object.area,
    });
    let label = |group: &GroupId| ObjectRow {
        image: image.id,
        category: group.number(),
        bbox: None,
        crowd: false,
        difficult: false,
        area: None,
    };
    objects.chain(image.labels.iter().map(label))
}

fn answer_row(image: u64, provider: u16, answer: &AnswerRecord) -> AnswerRow {
    AnswerRow {
        image,
        provider,
        cost_microusd: answer.cost_microusd,
        started_at: answer.started_at,
        region: answer.region.clone(),
        simulated: answer.simulated,
        transmission: answer.transmission,
        inference: answer.inference,
    }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Write { path, source }
}
