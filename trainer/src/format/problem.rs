//! Why a file or folder is not what it should be.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a file or folder cannot be read or written in a format.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file or folder cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not JSON, or lacks a field.
    #[error("{path} is no {expected}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong, on which line.
        #[source]
        source: serde_json::Error,
    },
    /// The file is not XML, or lacks an element.
    #[error("{path} is no Pascal VOC annotation")]
    Xml {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: quick_xml::DeError,
    },
    /// A field or line holds what it cannot.
    #[error("in {path}, {place}")]
    Place {
        /// The file.
        path: PathBuf,
        /// The field or line, such as `annotations[3].bbox` or `line 7`.
        place: String,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// The form of a file or folder is not known.
    #[error(
        "{0} has none of the known forms; name its form before the path, as in NAME=yolo:PATH \
         (coco, armol, voc, yolo, lines, labels)"
    )]
    Unrecognised(PathBuf),
    /// The format says too little by itself.
    #[error("{path} alone is not enough: {needed}")]
    Needs {
        /// The file or folder.
        path: PathBuf,
        /// What is needed, and how to give it.
        needed: &'static str,
    },
    /// What should be written cannot be said in the format.
    #[error("{what} cannot be written in this format: {reason}")]
    Unwritable {
        /// The image or word.
        what: String,
        /// Why not, and what to do.
        reason: &'static str,
    },
}

/// What is wrong with one field or line.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// Two entries share what tells entries apart.
    #[error("{0} is there already; each entry needs its own")]
    Doubled(String),
    /// A reference to an entry that is not there.
    #[error("there is no entry with id {0}")]
    Dangling(u64),
    /// More categories than groups have numbers.
    #[error("there are {0} categories, at most 65535 can be told apart")]
    TooManyCategories(usize),
    /// A category that the list of categories does not have.
    #[error("category {0} is not in the list of {1} categories; give the whole list")]
    NoCategory(String, usize),
    /// A number that stands for another category than the name beside it.
    #[error(
        "{label:?} has group {group}, which is {name:?} in the list of categories; give the list \
         that belongs to it"
    )]
    OtherCategory {
        /// The name.
        label: String,
        /// The number beside it.
        group: u16,
        /// What the number stands for.
        name: String,
    },
    /// A category without a name or a number.
    #[error("neither category nor category_id says what it is; give one of them")]
    Unnamed,
    /// Four numbers that make no box.
    #[error("{0:?} must be left, top, width and height in pixels, width and height not negative")]
    Box([f64; 4]),
    /// Four numbers that are no corners.
    #[error("{0:?} must be left, top, right and bottom, left <= right and top <= bottom")]
    Corners([f64; 4]),
    /// A score that is none.
    #[error("score {0} must be a number from 0 to 1")]
    Score(f64),
    /// An area that is none.
    #[error("area {0} must be a finite number, not negative")]
    Area(f64),
    /// Neither 0 nor 1.
    #[error("{0} must be 0 or 1")]
    Flag(u8),
    /// An image without extent.
    #[error("an image of {0} x {1} pixels has no extent; give its true size")]
    Size(u32, u32),
    /// A text that should be a number.
    #[error("{0:?} must be a number")]
    NoNumber(String),
    /// A line of another form.
    #[error("{text:?} must read {expected}")]
    Form {
        /// The line, cut where it is long.
        text: String,
        /// What it should read.
        expected: &'static str,
    },
    /// A line of JSON that is none, or lacks a field.
    #[error("a line must be a JSON object with id and true: {0}")]
    Json(String),
    /// A number that no image has.
    #[error("rank {0} is beyond the {1} images of the rank list; give the list that belongs to it")]
    Rank(u64, usize),
    /// An image that is not known where it must be.
    #[error("image {0:?} has no known size; give sizes with --sizes")]
    NoSize(String),
}

/// How much of a wrong line is repeated.
const SHOWN: usize = 80;

impl Problem {
    /// A line of another form.
    pub(super) fn form(text: &str, expected: &'static str) -> Self {
        Self::Form { text: text.chars().take(SHOWN).collect(), expected }
    }

    /// The problem at a place of a file.
    pub(super) fn at(self, path: &Path, place: impl Into<String>) -> FormatError {
        FormatError::Place { path: path.to_owned(), place: place.into(), problem: self }
    }
}

impl FormatError {
    /// A file that could not be read.
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// A file that could not be written.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
