//! The state of a data set's images by what one of its providers answered.

use std::path::Path;

use super::{Extracted, FeaturesError};
use crate::{
    command::word_table,
    dataset::{Dataset, Provider},
    features::answers::{cheapest, of_dataset},
};

/// Reads the data set and makes a row of each answer of the provider, or else of the cheapest.
pub(super) fn extract(
    folder: &Path,
    provider: Option<&str>,
    label_groups: Option<&Path>,
) -> Result<Extracted, FeaturesError> {
    let table = word_table::read(label_groups)?;
    let dataset = Dataset::read(folder, &table)?;
    let names = || dataset.providers.iter().map(|provider| provider.name.as_str());
    let place = match provider {
        None => cheapest(&dataset.providers).ok_or(FeaturesError::NoAnswers(folder.to_owned()))?,
        Some(wanted) => {
            names().position(|name| name == wanted).ok_or_else(|| FeaturesError::NoProvider {
                folder: folder.to_owned(),
                wanted: wanted.to_owned(),
                known: names().collect::<Vec<_>>().join(", "),
            })?
        }
    };
    let features = of_dataset(&dataset, place);
    if features.is_empty() {
        return Err(FeaturesError::NoAnswers(folder.to_owned()));
    }
    Ok(Extracted {
        unanswered: Some(dataset.images.len() - features.len()),
        provider: dataset.providers.into_iter().nth(place).map(|Provider { name, .. }| name),
        features,
        ..Extracted::default()
    })
}
