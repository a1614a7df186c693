//! `armol-trainer dataset from-collector`: what agents stored in, a data set out.

use std::{io::Write, path::PathBuf};

use armol_analysis::{identity::Name, time::Timestamp};
use armol_collector::store::{CallFilter, Reader};
use clap::Args;

use super::{
    DatasetCommandError,
    source::{TruthArguments, TruthRead},
    summary,
};
use crate::{
    command::word_table,
    dataset::{
        collected::collect,
        folder::{self, FolderError, Origin, SourceFile},
    },
};

/// Makes a data set of the newest good answers that a collector stored, with latencies and costs.
///
/// Of each provider the newest answer about what an image holds counts. Every call of the span is
/// kept, too, so that its latencies can be replayed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  armol-trainer dataset from-collector --db armol.sqlite --ground-truth gt.json \\
      --since 2026-05-01T00:00:00Z --region us --out data/week1")]
pub struct FromCollectorArguments {
    /// The collector's database
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    #[command(flatten)]
    truth: TruthArguments,
    /// Only calls planned at this time or later, such as 2026-05-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only calls planned before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only calls of agents in this region
    #[arg(long, value_name = "REGION", value_parser = |text: &str| Name::new(text))]
    region: Option<Name>,
    /// What the data set is to be called; without it, as its folder
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    name: Option<Name>,
    /// A table of words and group numbers to use instead of the one for COCO
    #[arg(long, value_name = "FILE")]
    label_groups: Option<PathBuf>,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Reads, joins and writes; says on `output` what came of it.
pub(super) async fn run(
    arguments: &FromCollectorArguments,
    output: &mut impl Write,
) -> Result<(), DatasetCommandError> {
    if arguments.out.exists() {
        return Err(FolderError::Exists(arguments.out.clone()).into());
    }
    let table = word_table::read(arguments.label_groups.as_deref())?;
    let TruthRead { truth, mut sources, .. } = arguments.truth.read()?;
    let reader = Reader::open(&arguments.db).await?;
    let filter = CallFilter {
        region: arguments.region.clone(),
        since: arguments.since,
        until: arguments.until,
    };
    let answers = reader.newest_answers(&filter).await?;
    let folder_name = arguments.out.file_name().unwrap_or_default().to_string_lossy();
    let name = arguments.name.as_ref().map_or(&*folder_name, Name::as_str);
    let mut collected = collect(name, truth, &answers)?;
    drop(answers);
    reader.for_each_call_with_image(&filter, |call, image| collected.add_call(call, image)).await?;
    sources.push(database(arguments));
    let origin = Origin { sources, table: &table, features: None };
    folder::write(&collected.records, origin, &arguments.out)?;
    summary::write(&arguments.out, &table, output)
}

/// The database and what was asked of it. It has no hash: it grows while it is read.
fn database(arguments: &FromCollectorArguments) -> SourceFile {
    let mut role = "database".to_owned();
    let asked = [
        ("since", arguments.since.map(|time| time.to_string())),
        ("until", arguments.until.map(|time| time.to_string())),
        ("region", arguments.region.as_ref().map(ToString::to_string)),
    ];
    for (what, value) in asked {
        if let Some(value) = value {
            role = format!("{role}, {what} {value}");
        }
    }
    SourceFile { role, path: arguments.db.to_string_lossy().into_owned(), sha256: None }
}
