//! Where the answers that are compared come from: a data set's folder, or a collector's database.

use std::path::{Path, PathBuf};

use armol_analysis::{identity::Name, label_groups::LabelGroups};
use armol_collector::store::{CallFilter, Reader};
use clap::{ArgGroup, Args};

use super::BaselinesError;
use crate::{
    dataset::{Dataset, collected::collect, selection::Selection},
    format::coco,
};

/// The answers to compare.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("answers").required(true).args(["folder", "db"]))]
pub(super) struct SourceArguments {
    /// A data set's folder, as dataset import makes it
    #[arg(value_name = "DIR", conflicts_with_all = ["ground_truth", "region"])]
    folder: Option<PathBuf>,
    /// A collector's database in place of a data set
    #[arg(long, value_name = "FILE", requires = "ground_truth")]
    db: Option<PathBuf>,
    /// What is truly in the images of the database, in the COCO instances format
    #[arg(long, value_name = "FILE", requires = "db")]
    ground_truth: Option<PathBuf>,
    /// Of a database, score only answers to agents in this region; without it, the newest from any
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Name::new(text))]
    region: Option<Name>,
    /// Compare only these providers, in this order, which matters to the seed's ways to merge
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    providers: Vec<String>,
    /// Take this word of a provider as one of no category; may be repeated
    #[arg(long, value_name = "WORD")]
    drop_word: Vec<String>,
}

impl SourceArguments {
    /// The region that answers are asked of.
    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_ref().map(Name::as_str)
    }

    /// The data set's folder, where one is read.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The part of the answers that is asked for.
    pub(super) fn selection(&self) -> Selection {
        Selection { providers: self.providers.clone(), dropped_words: self.drop_word.clone() }
    }

    /// Reads the answers.
    pub(super) async fn read(&self, table: &LabelGroups) -> Result<Dataset, BaselinesError> {
        let selection = self.selection();
        if let Some(folder) = &self.folder {
            return Ok(Dataset::read_selected(folder, table, &selection)?);
        }
        // The command line has both where it has no folder.
        let (db, truth) = (self.db.clone(), self.ground_truth.clone());
        let truth = coco::read(&truth.unwrap_or_default())?;
        let reader = Reader::open(&db.unwrap_or_default()).await?;
        let filter = CallFilter { region: self.region.clone(), ..CallFilter::default() };
        let answers = reader.newest_answers(&filter).await?;
        let records = collect("stored answers", truth, &answers)?.records;
        Ok(Dataset::from_selected_records(records, table, &selection)?)
    }
}
