//! Whether a data set's folder still holds what its manifest says.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::Path,
};

use super::{
    features::FeatureArchive,
    folder::{
        Counts, FEATURES_FILE, FileDescription, FolderError, FolderReader, Manifest, for_each_call,
    },
};
use crate::rewards::CACHE_FOLDER;

/// Looks for everything that is wrong with a data set: files that are missing, changed or unknown;
/// where there are none, counts that differ, and rows that refer to what is not there. Each problem
/// is a sentence. What is kept in [`CACHE_FOLDER`] is no part of the data set.
///
/// # Errors
/// Where there is no manifest, or it cannot be read.
pub fn problems(folder: &Path) -> Result<Vec<String>, FolderError> {
    let manifest = Manifest::read(folder)?;
    let mut problems = file_problems(folder, &manifest)?;
    if !problems.is_empty() {
        return Ok(problems);
    }
    match count(folder) {
        Ok((counts, ids)) => {
            problems.extend(count_problems(&manifest.counts, &counts));
            if manifest.files.contains_key(FEATURES_FILE) {
                problems.extend(feature_problems(folder, &manifest, &ids));
            }
        }
        Err(error) => problems.push(armol_analysis::cause::chain(&error)),
    }
    Ok(problems)
}

fn file_problems(folder: &Path, manifest: &Manifest) -> Result<Vec<String>, FolderError> {
    let mut problems = Vec::new();
    for (name, expected) in &manifest.files {
        match FileDescription::of(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(found) if found.bytes != expected.bytes => problems.push(format!(
                "{name} has {} bytes, the manifest says {}",
                found.bytes, expected.bytes
            )),
            Ok(found) => problems.push(format!(
                "{name} has SHA-256 {}, the manifest says {}",
                found.sha256, expected.sha256
            )),
            Err(error) => problems.push(format!("{name} cannot be read: {error}")),
        }
    }
    for name in names(folder)
        .map_err(|source| FolderError::Read { path: folder.to_owned(), source })?
        .iter()
        .filter(|name| !manifest.files.contains_key(*name))
        .filter(|name| !["manifest.json", CACHE_FOLDER].contains(&name.as_str()))
    {
        problems.push(format!("{name} is not in the manifest"));
    }
    Ok(problems)
}

fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// How much the tables hold, and the ids of images.
fn count(folder: &Path) -> Result<(Counts, HashSet<u64>), FolderError> {
    let mut counts = Counts::default();
    let mut ids = HashSet::new();
    let mut reader = FolderReader::open(folder)?;
    while let Some(image) = reader.next_image()? {
        counts.images += 1;
        counts.objects += image.truth.objects.len() + image.truth.labels.len();
        let answers = || image.answers.iter().flatten();
        counts.answers += answers().count();
        counts.detections += answers().map(|answer| answer.detections.len()).sum::<usize>();
        ids.insert(image.truth.id);
    }
    let mut stray = None;
    for_each_call(folder, |call| {
        counts.calls += 1;
        stray = stray.or_else(|| call.image.filter(|image| !ids.contains(image)));
    })?;
    match stray {
        None => Ok((counts, ids)),
        Some(image) => Err(FolderError::Reference {
            path: folder.join("calls.parquet"),
            what: format!("image {image} is unknown"),
        }),
    }
}

fn count_problems(expected: &Counts, found: &Counts) -> Vec<String> {
    let pairs = [
        ("images", expected.images, found.images),
        ("objects", expected.objects, found.objects),
        ("answers", expected.answers, found.answers),
        ("detections", expected.detections, found.detections),
        ("calls", expected.calls, found.calls),
    ];
    let different = pairs.into_iter().filter(|(_, expected, found)| expected != found);
    different
        .map(|(what, expected, found)| {
            format!("there are {found} {what}, the manifest says {expected}")
        })
        .collect()
}

fn feature_problems(folder: &Path, manifest: &Manifest, ids: &HashSet<u64>) -> Option<String> {
    let problem = |error: &dyn std::error::Error| error.to_string();
    let mut archive = match FeatureArchive::open(&folder.join(FEATURES_FILE)) {
        Ok(archive) => archive,
        Err(error) => return Some(problem(&error)),
    };
    for array in &manifest.features {
        match archive.features(&array.name, array.scale) {
            Err(error) => return Some(problem(&error)),
            Ok(features) if features.dimension != array.dimension => {
                return Some(format!(
                    "{FEATURES_FILE} has {} numbers a row in {}, the manifest says {}",
                    features.dimension, array.name, array.dimension
                ));
            }
            Ok(_) => {}
        }
    }
    let known: HashSet<u64> = archive.ids().iter().copied().collect();
    let without = ids.difference(&known).count();
    (without > 0)
        .then(|| format!("{without} of {} images have no row in {FEATURES_FILE}", ids.len()))
}
