//! Which form a file or folder has, and reading it whatever the form.

use std::{collections::HashMap, fmt, fs, path::Path, str::FromStr};

use armol_analysis::label_groups::{GroupId, LabelGroups};
use serde::Deserialize;
use thiserror::Error;

use super::{
    Answers, FormatError, coco, coco_results, file, label_lists, line_lists, seed, voc, yolo,
};
use crate::ground_truth::{GroundTruth, Size, TrueImage};

/// A form of ground truth and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// COCO's JSON: instances, and result lists.
    Coco,
    /// The published text folders.
    Armol,
    /// A folder of Pascal VOC annotations.
    Voc,
    /// A folder of YOLO text files.
    Yolo,
    /// A box list with one line an image.
    Lines,
    /// A label list with one JSON object a line.
    Labels,
}

/// A word that is no form's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown form {0:?}; use coco, armol, voc, yolo, lines or labels")]
pub struct UnknownForm(pub String);

/// What a ground truth may need beside its own file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The names of categories, each at its class; for forms that have numbers only.
    pub categories: Option<Vec<String>>,
    /// The file names of images, each at its rank; for the published folders.
    pub ranks: Option<Vec<String>>,
    /// Images with sizes; for forms without.
    pub sizes: Option<Vec<TrueImage>>,
}

/// A list of categories as files have it.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryList {
    /// The names, each at its class.
    pub names: Vec<String>,
    /// What a call of each provider costs in US dollars, where the file says so.
    pub prices_usd: Vec<(String, f64)>,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 6] =
        [Self::Coco, Self::Armol, Self::Voc, Self::Yolo, Self::Lines, Self::Labels];

    /// The word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coco => "coco",
            Self::Armol => "armol",
            Self::Voc => "voc",
            Self::Yolo => "yolo",
            Self::Lines => "lines",
            Self::Labels => "labels",
        }
    }

    /// Tells the form of a file or folder from what is in it.
    ///
    /// # Errors
    /// Where it cannot be read, or is in none of the forms.
    pub fn detect(path: &Path) -> Result<Self, FormatError> {
        let kind = fs::metadata(path).map_err(FormatError::read(path))?;
        let found = if kind.is_dir() { form_of_folder(path)? } else { form_of_file(path)? };
        found.ok_or_else(|| FormatError::Unrecognised(path.to_owned()))
    }

    /// Reads a ground truth of this form.
    ///
    /// # Errors
    /// Where something is missing beside it, or the form's reader refuses.
    pub fn read_truth(self, path: &Path, beside: &Beside) -> Result<GroundTruth, FormatError> {
        let needs = |needed| FormatError::Needs { path: path.to_owned(), needed };
        let categories = || {
            let names = beside.categories.as_deref();
            names.ok_or_else(|| needs("its classes are numbers; name them with --categories FILE"))
        };
        let mut truth = match self {
            Self::Coco => coco::read(path)?,
            Self::Armol => {
                let ranks = beside.ranks.as_deref();
                let needed = "its images are numbers; name them with --ranks test_rank.json";
                let ranks = ranks.ok_or_else(|| needs(needed))?;
                let coco = coco_names();
                seed::read_truth(path, ranks, beside.categories.as_deref().unwrap_or(&coco))?
            }
            Self::Voc => voc::read_truth(path, beside.categories.as_deref())?,
            Self::Yolo => {
                let needed = "its boxes are shares of the sides; give the images with --sizes FILE";
                let images = beside.sizes.clone().ok_or_else(|| needs(needed))?;
                yolo::read_truth(path, images, categories()?)?
            }
            Self::Lines => line_lists::read_truth(path, categories()?)?,
            Self::Labels => label_lists::read_truth(path, categories()?)?,
        };
        if let Some(sizes) = &beside.sizes {
            add_sizes(&mut truth, sizes);
        }
        Ok(truth)
    }

    /// Reads one provider's answers of this form about the images of a ground truth.
    ///
    /// # Errors
    /// Where the form's reader refuses.
    pub fn read_answers(
        self,
        provider: &str,
        path: &Path,
        truth: &GroundTruth,
        ranks: Option<&[String]>,
    ) -> Result<Answers, FormatError> {
        let names = || truth.categories.iter().map(|category| category.name.clone());
        let sizes: HashMap<&str, Size> = truth
            .images
            .iter()
            .filter_map(|image| Some((file::stem(&image.name), image.size?)))
            .collect();
        let size_of = |name: &str| sizes.get(file::stem(name)).copied();
        match self {
            Self::Coco => coco_results::read(path, &truth.categories),
            Self::Armol => seed::read_answers(path, ranks, size_of),
            Self::Voc => voc::read_answers(path),
            Self::Yolo => yolo::read_answers(path, &names().collect::<Vec<_>>(), size_of),
            Self::Lines => line_lists::read_answers(path, &names().collect::<Vec<_>>()),
            Self::Labels => label_lists::read_answers(path, provider, &names().collect::<Vec<_>>()),
        }
    }
}

/// The names of the groups that the published lines have numbers of.
fn coco_names() -> Vec<String> {
    let groups = LabelGroups::coco();
    let names = (0..).map_while(|number| groups.name(GroupId::new(number)));
    names.map(str::to_owned).collect()
}

fn add_sizes(truth: &mut GroundTruth, sizes: &[TrueImage]) {
    let sizes: HashMap<&str, Size> =
        sizes.iter().filter_map(|image| Some((file::stem(&image.name), image.size?))).collect();
    for image in truth.images.iter_mut().filter(|image| image.size.is_none()) {
        image.size = sizes.get(file::stem(&image.name)).copied();
    }
}

fn form_of_folder(folder: &Path) -> Result<Option<Form>, FormatError> {
    if !file::with_ending(folder, "xml")?.is_empty() {
        return Ok(Some(Form::Voc));
    }
    for path in file::with_ending(folder, "txt")? {
        let text = file::read_text(&path)?;
        if let Some(line) = text.lines().find(|line| !line.trim().is_empty()) {
            let numbers = line.split_whitespace().all(|word| word.parse::<f64>().is_ok());
            return Ok(Some(if numbers { Form::Yolo } else { Form::Armol }));
        }
    }
    let named = |path: &std::path::PathBuf| {
        path.file_stem().is_some_and(|stem| stem.to_string_lossy().matches('_').count() >= 2)
    };
    Ok(file::with_ending(folder, "json")?.iter().any(named).then_some(Form::Armol))
}

fn form_of_file(path: &Path) -> Result<Option<Form>, FormatError> {
    let content = file::read(path)?;
    let text = content.trim_ascii_start();
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_label_line = || serde_json::from_slice::<label_lists::LabelLine>(line).is_ok();
    Ok(match text.first() {
        Some(b'{') if is_label_line() => Some(Form::Labels),
        Some(b'[' | b'{') => Some(Form::Coco),
        Some(_) => {
            let line = String::from_utf8_lossy(line);
            line_lists::parse_line(&line).is_ok().then_some(Form::Lines)
        }
        None => None,
    })
}

/// Reads the names of categories: one a line, or a JSON object with `classes` and, if it has them,
/// prices as `price_usd_per_10k`.
///
/// # Errors
/// Where the file cannot be read, or is neither.
pub fn read_categories(path: &Path) -> Result<CategoryList, FormatError> {
    #[derive(Deserialize)]
    struct Document {
        classes: Vec<String>,
        #[serde(default)]
        price_usd_per_10k: std::collections::BTreeMap<String, f64>,
    }
    let text = file::read_text(path)?;
    if !text.trim_start().starts_with('{') {
        let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
        return Ok(CategoryList { names: names.map(str::to_owned).collect(), prices_usd: vec![] });
    }
    let document: Document = serde_json::from_str(&text).map_err(|source| FormatError::Json {
        path: path.to_owned(),
        expected: "list of categories (one name a line, or an object with classes)",
        source,
    })?;
    let price = |(name, per_10k): (String, f64)| (name, per_10k / 10_000.0);
    let prices_usd = document.price_usd_per_10k.into_iter().map(price).collect();
    Ok(CategoryList { names: document.classes, prices_usd })
}

impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(word: &str) -> Result<Self, UnknownForm> {
        let form = Self::ALL.into_iter().find(|form| form.as_str() == word);
        form.ok_or_else(|| UnknownForm(word.to_owned()))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
