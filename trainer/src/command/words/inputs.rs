//! What the commands on words read: vocabularies, WordNet, rules and tables.
//!
//! The vocabularies, the rules and the table for COCO are part of the program; a file of the user's
//! can stand for each. Every input has a hash, so that a table can say what it was made from.

use std::{
    fmt::Write as _,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use armol_analysis::label_groups::{LabelGroups, LabelGroupsError, Rules, wordnet::WordNet};
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::WordsError;

/// The vocabularies that are part of the program.
const VOCABULARIES: [(&str, &str); 5] = [
    ("coco", include_str!("../../../words/coco.names")),
    ("pascal", include_str!("../../../words/pascal.names")),
    ("rekognition", include_str!("../../../words/rekognition.names")),
    ("azure", include_str!("../../../words/azure.names")),
    ("google", include_str!("../../../words/google.names")),
];

/// The rules that are part of the program.
const RULES: &str = include_str!("../../../words/coco.toml");

/// Where WordNet is, and what it is not asked for.
#[derive(Clone, Debug, Args)]
pub(super) struct WordNetArguments {
    /// The folder that has WordNet's index.noun and data.noun
    #[arg(long, value_name = "FOLDER", default_value = "/usr/share/wordnet")]
    pub(super) wordnet: PathBuf,
    /// Rules to use instead of those that are part of the program: TOML, an entry for each target
    /// that WordNet alone does not serve
    #[arg(long, value_name = "FILE")]
    pub(super) overrides: Option<PathBuf>,
}

/// A file that something was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Source {
    /// The file's name without its folder.
    pub(super) name: String,
    /// The SHA-256 of its content.
    pub(super) sha256: String,
}

/// Words that labels may be.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    pub(super) words: Vec<String>,
    pub(super) source: Source,
}

/// A WordNet and the rules that go with it.
#[derive(Clone, Debug)]
pub(super) struct Knowledge {
    pub(super) wordnet: WordNet,
    pub(super) rules: Rules,
    /// `index.noun`, `data.noun` and the rules.
    pub(super) sources: Vec<Source>,
}

impl Source {
    /// The source of a text in a file of this name.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let mut sha256 = String::new();
        for byte in Sha256::digest(text.as_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Self { name: name.to_owned(), sha256 }
    }

    fn of_file(path: &Path, text: &str) -> Self {
        let name =
            path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Self::new(&name, text)
    }
}

impl Vocabulary {
    /// Reads a vocabulary of the program by its name, or else a file: a word a line, without blank
    /// lines and those that begin with `#`.
    pub(super) fn read(name: &Path) -> Result<Self, WordsError> {
        let own = VOCABULARIES.iter().find(|(own, _)| Path::new(own) == name);
        let (text, source) = if let Some((own, text)) = own {
            ((*text).to_owned(), Source::new(&format!("{own}.names"), text))
        } else {
            let text = read("vocabulary", name)?;
            let source = Source::of_file(name, &text);
            (text, source)
        };
        let lines = text.lines().map(str::trim);
        let words: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            return Err(WordsError::EmptyVocabulary { path: name.to_owned() });
        }
        Ok(Self { words, source })
    }
}

impl Knowledge {
    /// Reads what the arguments name.
    pub(super) fn read(arguments: &WordNetArguments) -> Result<Self, WordsError> {
        let (rules, rules_source) = rules(arguments.overrides.as_deref())?;
        let folder = &arguments.wordnet;
        let paths = ["index.noun", "data.noun"].map(|name| folder.join(name));
        let [index_path, data_path] = &paths;
        if let Some(path) = paths.iter().find(|path| matches!(path.try_exists(), Ok(false))) {
            let path = path.parent().unwrap_or(folder).to_owned();
            return Err(WordsError::NoWordNet { path });
        }
        let (index, data) = (read("WordNet's", index_path)?, read("WordNet's", data_path)?);
        let wordnet = WordNet::read(&index, &data)
            .map_err(|source| WordsError::WordNet { path: folder.clone(), source })?;
        let sources = vec![
            Source::of_file(index_path, &index),
            Source::of_file(data_path, &data),
            rules_source,
        ];
        Ok(Self { wordnet, rules, sources })
    }

    /// As [`read`](Self::read), but `None` where WordNet is not installed.
    pub(super) fn read_if_there(arguments: &WordNetArguments) -> Result<Option<Self>, WordsError> {
        match Self::read(arguments) {
            Ok(knowledge) => Ok(Some(knowledge)),
            Err(WordsError::NoWordNet { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reads a table, by default the one for COCO, and what is wrong with its entries.
pub(super) fn table(
    path: Option<&Path>,
) -> Result<(LabelGroups, Vec<LabelGroupsError>), WordsError> {
    let Some(path) = path else {
        return Ok((LabelGroups::coco().clone(), Vec::new()));
    };
    let text = read("label groups", path)?;
    LabelGroups::with_problems(&text)
        .map_err(|source| WordsError::Table { path: path.to_owned(), source })
}

fn rules(path: Option<&Path>) -> Result<(Rules, Source), WordsError> {
    let (text, source, path) = match path {
        Some(path) => {
            let text = read("overrides", path)?;
            let source = Source::of_file(path, &text);
            (text, source, path)
        }
        None => (RULES.to_owned(), Source::new("coco.toml", RULES), Path::new("coco.toml")),
    };
    let rules = toml::from_str(&text).map_err(|error| {
        let (path, source) = (path.to_owned(), Box::new(error));
        WordsError::Rules { path, source }
    })?;
    Ok((rules, source))
}

fn read(what: &'static str, path: &Path) -> Result<String, WordsError> {
    fs::read_to_string(path).map_err(|source| {
        let path = path.to_owned();
        if source.kind() == ErrorKind::InvalidData {
            let source = std::io::Error::new(ErrorKind::InvalidData, "it is no UTF-8 text");
            return WordsError::Read { what, path, source };
        }
        WordsError::Read { what, path, source }
    })
}
