//! `manifest.json`: what a data set is, where it comes from, and what its files must hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use armol_analysis::label_groups::{CategoriesError, LabelGroups};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::FolderError;
use crate::{
    dataset::{
        features::ArrayDescription,
        records::{LeftOut, Provider, Records},
    },
    ground_truth::{Category, names},
};

/// The file's name.
pub(super) const FILE: &str = "manifest.json";

/// The version of the format that is written; readers refuse later ones.
pub const FORMAT_VERSION: u32 = 1;

/// What a data set is, and what its files must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub format_version: u32,
    /// What the data set is called.
    pub name: String,
    /// Whether any answer is a simulator's.
    pub simulated: bool,
    /// What can be in an image; rows of `objects.parquet` go by the place here.
    pub categories: Vec<Category>,
    /// Who answered; rows of other tables go by the place here.
    pub providers: Vec<Provider>,
    /// How much there is.
    pub counts: Counts,
    /// What is left out.
    pub left_out: LeftOut,
    /// SHA-256 of which word led to which category when the data set was made: where it differs from
    /// what a program finds, the program groups otherwise.
    pub words_sha256: String,
    /// What the data set was made of.
    pub sources: Vec<SourceFile>,
    /// The arrays of `features.npz`, where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<ArrayDescription>,
    /// The other files of the folder by name.
    pub files: BTreeMap<String, FileDescription>,
}

/// How much a data set holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Images.
    pub images: usize,
    /// True objects, and labels without a place.
    pub objects: usize,
    /// Answers.
    pub answers: usize,
    /// Detections, and words without a place.
    pub detections: usize,
    /// Stored calls.
    pub calls: usize,
}

/// A file or folder that a data set was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// What it was read as: `ground_truth`, `answers of NAME`, `features`, `database`, ...
    pub role: String,
    /// Where it was.
    pub path: String,
    /// SHA-256 of it; of a folder, of its files' names and hashes; `None` where it changes, as a
    /// database does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDescription {
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// A manifest's version alone, which every version of the format has.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// Where there is none, it is of a later version, or it is damaged.
    pub fn read(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                FolderError::NoDataset(folder.to_owned())
            }
            _ => FolderError::Read { path: path.clone(), source },
        })?;
        let damaged = |source| FolderError::Manifest { path: path.clone(), source };
        let Version { format_version: found } = serde_json::from_slice(&text).map_err(damaged)?;
        if found > FORMAT_VERSION {
            return Err(FolderError::Newer { path, found });
        }
        serde_json::from_slice(&text).map_err(damaged)
    }

    /// The names of the categories in their order.
    pub fn category_names(&self) -> Vec<String> {
        names(&self.categories)
    }
}

impl FileDescription {
    /// Describes a file as it is.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(Self { sha256: hexadecimal(&hash.finalize()), bytes });
            }
            hash.update(buffer.get(..read).unwrap_or_default());
            bytes += u64::try_from(read).unwrap_or(u64::MAX);
        }
    }
}

impl SourceFile {
    /// Describes a file, or a folder with its files.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(role: &str, path: &Path) -> io::Result<Self> {
        let sha256 = if path.is_dir() {
            let mut files = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
            files.sort_by_key(fs::DirEntry::file_name);
            let mut hash = Sha256::new();
            for file in files.iter().filter(|file| file.path().is_file()) {
                let description = FileDescription::of(&file.path())?;
                hash.update(file.file_name().to_string_lossy().as_bytes());
                hash.update([0]);
                hash.update(description.sha256);
            }
            hexadecimal(&hash.finalize())
        } else {
            FileDescription::of(path)?.sha256
        };
        let path = path.to_string_lossy().into_owned();
        Ok(Self { role: role.to_owned(), path, sha256: Some(sha256) })
    }
}

/// SHA-256 of which of the records' words leads to which category.
///
/// # Errors
/// Where the table cannot tell two categories apart.
pub(super) fn words_sha256(
    records: &Records,
    table: &LabelGroups,
) -> Result<String, CategoriesError> {
    let (groups, _) = table.narrowed_to(&names(&records.categories))?;
    let answers = records.images.iter().flat_map(|image| image.answers.iter().flatten());
    let words: BTreeSet<&str> = answers
        .flat_map(|answer| answer.detections.iter().map(|detection| detection.label.as_str()))
        .collect();
    Ok(words_hash(words, &groups))
}

/// SHA-256 of which of these words, in the order of the alphabet, leads to which category.
pub fn words_hash<'a>(words: impl IntoIterator<Item = &'a str>, groups: &LabelGroups) -> String {
    let mut hash = Sha256::new();
    for word in words {
        let group = groups.group(word).map_or_else(String::new, |group| group.to_string());
        hash.update(format!("{word}\t{group}\n"));
    }
    hexadecimal(&hash.finalize())
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256_text(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as text, two digits each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
