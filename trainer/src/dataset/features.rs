//! The state of each image: a `NumPy` archive with `image_id` and arrays of one row an image.
//!
//! An array holds `f32` as they are, or bytes that mean themselves times a scale. The scale of an
//! array `NAME` is the number in the archive's array `NAME_scale`, or the one given with
//! --feature-scale, or else 1. Where an archive has `image_name` in place of `image_id`, the ground
//! truth gives the ids. An archive is read as a file of the user's: nothing in it is trusted.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zip::{ZipArchive, ZipWriter, result::ZipError};

use crate::{
    features::{
        feature_file::{self, IDS, NAMES},
        npy::{self, Array, Values},
        single,
    },
    ground_truth::TrueImage,
    image_index::ImageIndex,
};

/// What the scale of an array is called after it.
const SCALE_ENDING: &str = "_scale";

/// One array of an archive: a row of numbers for each image.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// The images' ids, in the order of rows.
    pub ids: Vec<u64>,
    /// How many numbers a row has.
    pub dimension: usize,
    rows: Rows,
    places: HashMap<u64, usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rows {
    Bytes { values: Vec<u8>, scale: f32 },
    Floats(Vec<f32>),
}

/// What an array of an archive is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArrayDescription {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: usize,
    /// How many numbers a row has.
    pub dimension: usize,
    /// What its bytes are to be multiplied by.
    pub scale: f64,
}

/// Why a file holds no features.
#[derive(Debug, Error)]
pub enum FeaturesError {
    /// The file cannot be read.
    #[error("cannot read features {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no archive, or damaged.
    #[error("features {path} is no NumPy archive (.npz)")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ZipError,
    },
    /// An array is not there, or not what it should be.
    #[error("in features {path}, array {array} {problem}")]
    Array {
        /// The file.
        path: PathBuf,
        /// The array.
        array: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is more than one array, or none.
    #[error("features {path} has the arrays {found}; name the one that is meant")]
    Choice {
        /// The file.
        path: PathBuf,
        /// The names of arrays, a comma between them.
        found: String,
    },
}

/// An archive with the ids that its arrays' rows belong to.
pub struct FeatureArchive {
    path: PathBuf,
    archive: ZipArchive<File>,
    ids: Vec<u64>,
    has_ids: bool,
}

impl FeatureArchive {
    /// Opens an archive and reads its ids.
    ///
    /// # Errors
    /// Where the file cannot be read, is no archive, or has no ids or one of them twice.
    pub fn open(path: &Path) -> Result<Self, FeaturesError> {
        let mut opened = Self::without_ids(path)?;
        opened.read_ids()?;
        Ok(opened)
    }

    /// Opens an archive whose rows go by ids, or by names of these images.
    ///
    /// A row of no image of them gets an id that no image has.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where two rows name one image.
    pub fn open_for(path: &Path, images: &[TrueImage]) -> Result<Self, FeaturesError> {
        let mut opened = Self::without_ids(path)?;
        if opened.has(IDS) {
            opened.read_ids()?;
            return Ok(opened);
        }
        if !opened.has(NAMES) {
            return Err(opened.problem(IDS, "is not there, nor is image_name; add one of them"));
        }
        let Values::Texts(names) = opened.array(NAMES)?.values else {
            return Err(opened.problem(NAMES, "must hold texts"));
        };
        opened.ids =
            ids_by_name(&names, images).map_err(|problem| opened.problem(NAMES, &problem))?;
        opened.has_ids = false;
        Ok(opened)
    }

    fn without_ids(path: &Path) -> Result<Self, FeaturesError> {
        let file = File::open(path)
            .map_err(|source| FeaturesError::Read { path: path.to_owned(), source })?;
        let archive = ZipArchive::new(file)
            .map_err(|source| FeaturesError::Archive { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), archive, ids: Vec::new(), has_ids: true })
    }

    fn read_ids(&mut self) -> Result<(), FeaturesError> {
        let ids = self.array(IDS)?;
        let Values::Integers(values) = ids.values else {
            return Err(self.problem(IDS, "must hold int64"));
        };
        let ids = values.into_iter().map(u64::try_from).collect::<Result<Vec<_>, _>>();
        self.ids = ids.map_err(|_| self.problem(IDS, "holds a negative id"))?;
        let mut sorted = self.ids.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(self.problem(IDS, "holds an id twice"));
        }
        Ok(())
    }

    /// Copies the archive to a file that is not there yet: byte by byte where it has ids, else with
    /// an array of them behind the others.
    ///
    /// # Errors
    /// Where the archive cannot be read, or the file not be written.
    pub fn copy(&mut self, to: &Path) -> io::Result<()> {
        let mut copy = File::create_new(to)?;
        if self.has_ids {
            io::copy(&mut File::open(&self.path)?, &mut copy)?;
            return copy.sync_all();
        }
        let mut numbered = ZipWriter::new(BufWriter::new(&copy));
        for index in 0..self.archive.len() {
            numbered.raw_copy_file(self.archive.by_index_raw(index)?)?;
        }
        let ids = self.ids.iter().map(|&id| i64::try_from(id)).collect::<Result<Vec<_>, _>>();
        feature_file::write_ids(&mut numbered, &ids.map_err(io::Error::other)?)?;
        numbered.finish()?.flush()?;
        copy.sync_all()
    }

    /// The images' ids, in the order of rows.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// Describes every array, with scales by name for those that have none themselves.
    ///
    /// # Errors
    /// Where an array is damaged, has other rows than there are ids, or is neither bytes nor `f32`.
    pub fn describe(
        &mut self,
        scales: &BTreeMap<String, f64>,
    ) -> Result<Vec<ArrayDescription>, FeaturesError> {
        let mut described = Vec::new();
        for name in self.names() {
            let scale = self.scale(&name)?.or_else(|| scales.get(&name).copied()).unwrap_or(1.0);
            let features = self.features(&name, scale)?;
            let (rows, dimension) = (features.ids.len(), features.dimension);
            described.push(ArrayDescription { name, rows, dimension, scale });
        }
        if let Some(unknown) = scales.keys().find(|name| !self.names().contains(name)) {
            return Err(self.problem(unknown, "is not there, but has a scale"));
        }
        Ok(described)
    }

    /// Reads an array whose bytes are to be multiplied by a scale.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub fn features(&mut self, name: &str, scale: f64) -> Result<Features, FeaturesError> {
        let array = self.array(name)?;
        let [rows, dimension] = *array.shape else {
            return Err(self.problem(name, "must have two dimensions, images and numbers"));
        };
        if rows != self.ids.len() {
            let problem = format!("has {rows} rows for {} ids", self.ids.len());
            return Err(self.problem(name, &problem));
        }
        let rows = match array.values {
            Values::Bytes(values) => Rows::Bytes { values, scale: single(scale) },
            Values::Floats(values) => Rows::Floats(values),
            _ => return Err(self.problem(name, "must hold uint8 or float32")),
        };
        let places = (0..).zip(&self.ids).map(|(place, id)| (*id, place)).collect();
        Ok(Features { ids: self.ids.clone(), dimension, rows, places })
    }

    /// The names of arrays of features in the order of the alphabet.
    fn names(&self) -> Vec<String> {
        // A name that is no text is none of ours.
        let names = self.archive.file_names().filter_map(Result::ok);
        let names = names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned));
        let features =
            names.filter(|name| *name != IDS && *name != NAMES && !name.ends_with(SCALE_ENDING));
        let mut features: Vec<String> = features.collect();
        features.sort();
        features
    }

    /// The scale that the archive itself gives an array.
    fn scale(&mut self, name: &str) -> Result<Option<f64>, FeaturesError> {
        let name = format!("{name}{SCALE_ENDING}");
        if !self.has(&name) {
            return Ok(None);
        }
        let scale = match self.array(&name)?.values {
            Values::Floats(values) => values.first().copied().map(f64::from),
            Values::Doubles(values) => values.first().copied(),
            _ => None,
        };
        match scale.filter(|scale| scale.is_finite()) {
            Some(scale) => Ok(Some(scale)),
            None => Err(self.problem(&name, "must hold one finite number")),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&format!("{name}.npy")).is_some()
    }

    fn array(&mut self, name: &str) -> Result<Array, FeaturesError> {
        let Some(index) = self.archive.index_for_name(&format!("{name}.npy")) else {
            return Err(self.problem(name, "is not there"));
        };
        let mut entry = self
            .archive
            .by_index(index)
            .map_err(|source| FeaturesError::Archive { path: self.path.clone(), source })?;
        let mut bytes = Vec::new();
        entry
            .read_to_end(&mut bytes)
            .map_err(|source| FeaturesError::Read { path: self.path.clone(), source })?;
        drop(entry);
        npy::parse(&bytes).map_err(|problem| self.problem(name, &problem))
    }

    fn problem(&self, array: &str, problem: &str) -> FeaturesError {
        let (path, array) = (self.path.clone(), array.to_owned());
        FeaturesError::Array { path, array, problem: problem.to_owned() }
    }
}

impl Features {
    /// Reads one of the described arrays of an archive; where there is one only, it needs no name.
    ///
    /// # Errors
    /// Where the archive or the array cannot be read, or it is not clear which one is meant.
    pub fn read(
        path: &Path,
        arrays: &[ArrayDescription],
        name: Option<&str>,
    ) -> Result<Self, FeaturesError> {
        let chosen = match (name, arrays) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), arrays) => arrays.iter().find(|array| array.name == name),
        };
        let Some(chosen) = chosen else {
            let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            return Err(FeaturesError::Choice { path: path.to_owned(), found: names.join(", ") });
        };
        FeatureArchive::open(path)?.features(&chosen.name, chosen.scale)
    }

    /// The numbers of an image by its id; `None` where there are none.
    pub fn of(&self, id: u64) -> Option<Vec<f32>> {
        let start = self.places.get(&id)?.checked_mul(self.dimension)?;
        let range = start..start.checked_add(self.dimension)?;
        match &self.rows {
            Rows::Bytes { values, scale } => {
                Some(values.get(range)?.iter().map(|&byte| f32::from(byte) * scale).collect())
            }
            Rows::Floats(values) => Some(values.get(range)?.to_vec()),
        }
    }
}

/// The ids of rows that go by the names of images.
fn ids_by_name(names: &[String], images: &[TrueImage]) -> Result<Vec<u64>, String> {
    let index = ImageIndex::new(images);
    let greatest = images.iter().map(|image| image.id).max().unwrap_or(0);
    let most = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    if greatest >= most - u64::try_from(names.len()).unwrap_or(most) {
        return Err(format!("cannot go by id {greatest}; ids must be less than 2^63"));
    }
    let mut unused = greatest + 1..;
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let image = index.place_of_name(name).and_then(|place| images.get(place));
        if let Some(image) = image.filter(|image| !seen.insert(image.id)) {
            return Err(format!("has two rows for image {:?}", image.name));
        }
        ids.extend(image.map(|image| image.id).or_else(|| unused.next()));
    }
    Ok(ids)
}

impl std::fmt::Debug for FeatureArchive {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FeatureArchive").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(arrays: &[(&str, Vec<u8>)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in arrays {
            writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn ids(ids: &[i64]) -> (&'static str, Vec<u8>) {
        let data: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        (IDS, npy::testing::file("<i8", &[ids.len()], &data))
    }

    fn refusal(arrays: &[(&str, Vec<u8>)]) -> String {
        let file = archive(arrays);
        let opened = FeatureArchive::open(file.path());
        opened.and_then(|mut opened| opened.describe(&BTreeMap::new())).unwrap_err().to_string()
    }

    #[test]
    fn bytes_are_scaled_and_floats_are_as_they_are() {
        let probabilities = npy::testing::file("|u1", &[2, 3], &[0, 128, 255, 1, 2, 4]);
        let floats: Vec<u8> =
            [1.5_f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let pooled = npy::testing::file("<f4", &[2, 1], &floats);
        let file = archive(&[ids(&[7, 3]), ("probabilities", probabilities), ("pooled", pooled)]);
        let scales = BTreeMap::from([("probabilities".to_owned(), 1.0 / 256.0)]);
        let arrays = FeatureArchive::open(file.path()).unwrap().describe(&scales).unwrap();
        let names: Vec<(&str, usize, f64)> =
            arrays.iter().map(|one| (one.name.as_str(), one.dimension, one.scale)).collect();
        assert_eq!(names, [("pooled", 1, 1.0), ("probabilities", 3, 1.0 / 256.0)]);

        let features = Features::read(file.path(), &arrays, Some("probabilities")).unwrap();
        assert_eq!(features.of(3).unwrap(), [1.0 / 256.0, 2.0 / 256.0, 4.0 / 256.0]);
        assert_eq!(features.of(4), None);
        let features = Features::read(file.path(), &arrays, Some("pooled")).unwrap();
        assert_eq!(features.of(7).unwrap(), [1.5]);
        let unclear = Features::read(file.path(), &arrays, None).unwrap_err().to_string();
        assert!(unclear.contains("has the arrays pooled, probabilities"), "{unclear}");
    }

    #[test]
    fn a_scale_in_the_archive_counts() {
        let scale = npy::testing::file("<f8", &[], &0.5_f64.to_le_bytes());
        let state = npy::testing::file("|u1", &[1, 1], &[3]);
        let file = archive(&[ids(&[1]), ("state", state), ("state_scale", scale)]);
        let arrays = FeatureArchive::open(file.path()).unwrap().describe(&BTreeMap::new()).unwrap();
        let features = Features::read(file.path(), &arrays, None).unwrap();
        assert_eq!(features.of(1).unwrap(), [1.5]);
    }

    #[test]
    fn names_lead_to_the_ids_of_the_ground_truth_and_stand_in_every_copy() {
        let names = npy::testing::file("|S8", &[3], b"a.png\0\0\0none.jpgx/b.jpg\0");
        let state = npy::testing::file("|u1", &[3, 1], &[1, 2, 3]);
        let file = archive(&[("image_name", names), ("state", state)]);
        let image = |name: &str, id| TrueImage::named(name.to_owned(), id);
        let images = [image("a.jpg", 7), image("b.jpg", 3)];
        let refused = FeatureArchive::open(file.path()).unwrap_err().to_string();
        assert!(refused.contains("array image_id is not there"), "{refused}");
        let mut opened = FeatureArchive::open_for(file.path(), &images).unwrap();
        assert_eq!(opened.ids(), [7, 8, 3]);

        let folder = tempfile::tempdir().unwrap();
        let copies = ["one.npz", "two.npz"].map(|name| folder.path().join(name));
        for copy in &copies {
            opened.copy(copy).unwrap();
        }
        let [one, two] = copies.each_ref().map(|copy| std::fs::read(copy).unwrap());
        assert_eq!(one, two);
        let mut copy = FeatureArchive::open(&copies[0]).unwrap();
        let described = copy.describe(&BTreeMap::new()).unwrap();
        assert_eq!((described.len(), described[0].name.as_str()), (1, "state"));
        assert_eq!(copy.features("state", 1.0).unwrap().of(3).unwrap(), [3.0]);
    }

    #[test]
    fn two_rows_of_one_image_are_refused() {
        let names = npy::testing::file("|S5", &[2], b"a.jpga.png");
        let file = archive(&[("image_name", names)]);
        let images = [TrueImage::named("a.jpg".to_owned(), 7)];
        let error = FeatureArchive::open_for(file.path(), &images).unwrap_err().to_string();
        assert!(error.contains(r#"image_name has two rows for image "a.jpg""#), "{error}");
    }

    #[test]
    fn arrays_that_do_not_fit_are_named() {
        let state = |rows: usize| ("state", npy::testing::file("|u1", &[rows, 1], &vec![0; rows]));
        assert!(refusal(&[state(1)]).contains("array image_id is not there"));
        assert!(refusal(&[ids(&[1, 1]), state(2)]).contains("image_id holds an id twice"));
        assert!(refusal(&[ids(&[-1]), state(1)]).contains("image_id holds a negative id"));
        assert!(refusal(&[ids(&[1]), state(2)]).contains("state has 2 rows for 1 ids"));
        let integers = ("state", npy::testing::file("<i8", &[1, 1], &[0; 8]));
        assert!(refusal(&[ids(&[1]), integers]).contains("must hold uint8 or float32"));
        assert!(refusal(&[ids(&[1]), ("state", b"x".to_vec())]).contains("array state"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = FeatureArchive::open(file.path()).unwrap_err().to_string();
        assert!(error.contains("is no NumPy archive"), "{error}");
    }
}
