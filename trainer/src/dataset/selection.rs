//! Which part of a data set is asked for: some providers, in an order, and words that are left out.
//!
//! Ways to merge may depend on who is listed first, so that the order of the names is the order of
//! the providers. A word that is left out counts as one that leads to no category: figures of
//! programs that knew fewer words come out the same.

use std::collections::BTreeSet;

use armol_analysis::label_groups::CategoriesError;
use thiserror::Error;

use super::{
    folder::FolderError,
    records::{ImageRecord, Provider},
};

/// The part of a data set that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The providers by name, in their order; without a name, all of them in the data set's order.
    pub providers: Vec<String>,
    /// Providers' words that lead to no category, whatever the table of words says.
    pub dropped_words: Vec<String>,
}

/// Why there is no such part of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Nobody is called that.
    #[error("the data set has no provider {missing}; it has {known}")]
    Unknown {
        /// Who is missing, a comma between them.
        missing: String,
        /// The providers that there are, or what to do where there are none.
        known: String,
    },
    /// One provider is asked for twice.
    #[error("the provider {0} is named twice; name each once")]
    Twice(String),
}

/// Why a part of a data set cannot be read.
#[derive(Debug, Error)]
pub enum SelectedReadError {
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder has no such part.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The table of words does not fit the ground truth.
    #[error(transparent)]
    Categories(#[from] CategoriesError),
}

impl SelectedReadError {
    /// Whether what was asked for is the mistake, rather than anything that happened to it.
    pub const fn is_wrong_use(&self) -> bool {
        match self {
            Self::Folder(error) => error.is_wrong_use(),
            Self::Selection(_) | Self::Categories(_) => true,
        }
    }
}

/// The places of the chosen providers in a data set.
#[derive(Clone, Debug)]
pub(super) struct Places(Vec<usize>);

impl Selection {
    /// Where the chosen providers stand among those that there are.
    pub(super) fn places(&self, providers: &[Provider]) -> Result<Places, SelectionError> {
        if self.providers.is_empty() {
            return Ok(Places((0..providers.len()).collect()));
        }
        let (mut places, mut missing) = (Vec::with_capacity(self.providers.len()), Vec::new());
        for name in &self.providers {
            match providers.iter().position(|provider| provider.name == *name) {
                Some(place) if places.contains(&place) => {
                    return Err(SelectionError::Twice(name.clone()));
                }
                Some(place) => places.push(place),
                None => missing.push(name.as_str()),
            }
        }
        if missing.is_empty() {
            return Ok(Places(places));
        }
        let known: Vec<&str> = providers.iter().map(|known| known.name.as_str()).collect();
        let known = match &*known {
            [] => "none: import it with --answers".to_owned(),
            known => known.join(", "),
        };
        Err(SelectionError::Unknown { missing: missing.join(", "), known })
    }

    /// The words that are left out, in lower case.
    pub(super) fn lower_case_words(&self) -> BTreeSet<String> {
        self.dropped_words.iter().map(|word| word.to_lowercase()).collect()
    }
}

impl Places {
    /// The chosen providers.
    pub(super) fn providers(&self, providers: &[Provider]) -> Vec<Provider> {
        self.0.iter().filter_map(|&place| providers.get(place).cloned()).collect()
    }

    /// The image with the answers of the chosen providers alone.
    pub(super) fn image(&self, mut image: ImageRecord) -> ImageRecord {
        let answers = &mut image.answers;
        let chosen = self.0.iter().map(|&place| answers.get_mut(place).and_then(Option::take));
        image.answers = chosen.collect();
        image
    }
}

#[cfg(test)]
mod tests {
    use armol_analysis::label_groups::LabelGroups;

    use super::*;
    use crate::{
        dataset::{Dataset, collected::collect},
        testing::cat_and_dog,
    };

    fn selected(providers: &[&str], dropped: &[&str]) -> Result<Dataset, SelectedReadError> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let selection = Selection { providers: owned(providers), dropped_words: owned(dropped) };
        let (answers, truth) = cat_and_dog();
        let records = collect("test", truth, &answers).unwrap().records;
        Dataset::from_selected_records(records, LabelGroups::coco(), &selection)
    }

    #[test]
    fn providers_stand_in_the_order_of_their_names() {
        let dataset = selected(&["azure", "aws"], &[]).unwrap();
        let names: Vec<_> = dataset.providers.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["azure", "aws"]);
        let costs = dataset.images[0].answers.iter().map(|one| one.as_ref().unwrap().cost_microusd);
        assert_eq!(costs.collect::<Vec<_>>(), [500, 1000]);
        let alone = selected(&["azure"], &[]).unwrap();
        assert_eq!((alone.providers.len(), alone.answered), (1, vec![2]));
    }

    #[test]
    fn a_word_left_out_is_counted_as_one_of_no_category() {
        let dataset = selected(&[], &["CAT"]).unwrap();
        assert_eq!(dataset.dropped_words, [("Cat".to_owned(), 1)]);
        assert_eq!(dataset.images[0].answers[0].as_ref().unwrap().boxes, []);
    }

    #[test]
    fn a_word_left_out_that_no_answer_has_is_known_as_such() {
        let unheard =
            |providers: &[&str]| selected(providers, &["CAT", "gnu"]).unwrap().unheard_words;
        assert_eq!(
            (unheard(&[]), unheard(&["azure"])),
            (vec!["gnu".to_owned()], vec!["cat".to_owned(), "gnu".to_owned()])
        );
    }

    #[test]
    fn unknown_and_doubled_names_are_refused() {
        let unknown = selected(&["google", "aws", "ibm"], &[]).unwrap_err().to_string();
        assert_eq!(unknown, "the data set has no provider google, ibm; it has aws, azure");
        let twice = selected(&["aws", "aws"], &[]).unwrap_err().to_string();
        assert_eq!(twice, "the provider aws is named twice; name each once");
    }
}
