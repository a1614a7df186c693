//! Where ground truth and answers are read from, as the command line says it.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use armol_analysis::identity::Name;
use clap::Args;

use super::DatasetCommandError;
use crate::{
    dataset::folder::SourceFile,
    format::{
        coco,
        form::{self, Beside, CategoryList, Form},
        seed,
    },
    ground_truth::GroundTruth,
};

/// A file or folder, and its form where that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormedPath {
    form: Option<Form>,
    pub(super) path: PathBuf,
}

/// A provider's name and where its answers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswersPath {
    pub(super) provider: Name,
    pub(super) source: FormedPath,
}

/// A name and a number: `NAME=NUMBER`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedNumber {
    pub(super) name: String,
    pub(super) number: f64,
}

/// What is truly in the images, and what its form needs beside it.
#[derive(Clone, Debug, Args)]
pub(super) struct TruthArguments {
    /// What is truly in the images: COCO instances, a folder of Pascal VOC, YOLO or published text
    /// files, a box list or a label list, packed with gzip or not; FORM is told from the content
    #[arg(long, value_name = "[FORM:]PATH")]
    ground_truth: FormedPath,
    /// The names of categories, one a line, or an object with `classes`: for forms that have numbers
    /// only, and to say which names count in Pascal VOC
    #[arg(long, value_name = "FILE")]
    categories: Option<PathBuf>,
    /// The file names of images by rank (`test_rank.json`), for folders of published text files
    #[arg(long, value_name = "FILE")]
    ranks: Option<PathBuf>,
    /// COCO instances whose images have sizes, for forms that have none
    #[arg(long, value_name = "FILE")]
    sizes: Option<PathBuf>,
}

/// A ground truth and what was read beside it.
#[derive(Clone, Debug)]
pub(super) struct TruthRead {
    pub(super) truth: GroundTruth,
    pub(super) ranks: Option<Vec<String>>,
    /// What a call of each provider costs in US dollars, where the list of categories says so.
    pub(super) prices_usd: Vec<(String, f64)>,
    pub(super) sources: Vec<SourceFile>,
}

impl FormedPath {
    /// The form that is said, or else is told from the content.
    pub(super) fn form(&self) -> Result<Form, DatasetCommandError> {
        Ok(self.form.map_or_else(|| Form::detect(&self.path), Ok)?)
    }
}

impl TruthArguments {
    /// Reads all that the arguments name.
    pub(super) fn read(&self) -> Result<TruthRead, DatasetCommandError> {
        let FormedPath { path, .. } = &self.ground_truth;
        let mut sources = vec![source("ground_truth", path)?];
        let mut read_beside = |role, path: &Option<PathBuf>| -> Result<(), DatasetCommandError> {
            if let Some(path) = path {
                sources.push(source(role, path)?);
            }
            Ok(())
        };
        read_beside("categories", &self.categories)?;
        read_beside("ranks", &self.ranks)?;
        read_beside("sizes", &self.sizes)?;
        let categories = self.categories.as_deref().map(form::read_categories).transpose()?;
        let (categories, prices_usd) = match categories {
            Some(CategoryList { names, prices_usd }) => (Some(names), prices_usd),
            None => (None, Vec::new()),
        };
        let ranks = self.ranks.as_deref().map(seed::read_ranks).transpose()?;
        let sizes = self.sizes.as_deref().map(coco::read_images).transpose()?;
        let beside = Beside { categories, ranks, sizes };
        let truth = self.ground_truth.form()?.read_truth(path, &beside)?;
        Ok(TruthRead { truth, ranks: beside.ranks, prices_usd, sources })
    }
}

/// Describes a file or folder that a data set is made of.
pub(super) fn source(role: &str, path: &Path) -> Result<SourceFile, DatasetCommandError> {
    SourceFile::of(role, path)
        .map_err(|source| DatasetCommandError::Source { path: path.to_owned(), source })
}

impl FromStr for FormedPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formed = text.split_once(':').and_then(|(form, path)| {
            let form = form.parse().ok()?;
            Some(Self { form: Some(form), path: path.into() })
        });
        let formed = formed.unwrap_or_else(|| Self { form: None, path: text.into() });
        if formed.path.as_os_str().is_empty() {
            return Err("name a file or folder".to_owned());
        }
        Ok(formed)
    }
}

impl FromStr for AnswersPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (provider, source) =
            text.split_once('=').ok_or("write NAME=PATH, or NAME=FORM:PATH")?;
        let provider = Name::new(provider).map_err(|error| error.to_string())?;
        Ok(Self { provider, source: source.parse()? })
    }
}

impl FromStr for NamedNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once('=').ok_or("write NAME=NUMBER")?;
        let number =
            number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        let number = number.ok_or("the number must be finite and not negative")?;
        Ok(Self { name: name.to_owned(), number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_stands_before_a_path_only_if_it_is_one() {
        let formed: FormedPath = "yolo:dir".parse().unwrap();
        assert_eq!((formed.form, formed.path), (Some(Form::Yolo), "dir".into()));
        let plain: FormedPath = "c:dir".parse().unwrap();
        assert_eq!((plain.form, plain.path), (None, "c:dir".into()));
        assert!("yolo:".parse::<FormedPath>().is_err());
    }

    #[test]
    fn answers_and_prices_need_a_name() {
        let answers: AnswersPath = "aws=coco:a=b.json".parse().unwrap();
        assert_eq!(answers.provider.as_str(), "aws");
        assert_eq!(answers.source.path, PathBuf::from("a=b.json"));
        assert!("dir".parse::<AnswersPath>().is_err());
        assert!("../x=dir".parse::<AnswersPath>().is_err());
        let price: NamedNumber = "aws=0.001".parse().unwrap();
        assert!((price.number - 0.001).abs() < 1e-12);
        for wrong in ["aws", "aws=", "aws=-1", "aws=NaN", "aws=inf"] {
            assert!(wrong.parse::<NamedNumber>().is_err(), "{wrong}");
        }
    }
}
