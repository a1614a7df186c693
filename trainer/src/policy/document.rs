//! What a policy file holds: a strategy, and all that it needs where it is used.

use std::{collections::BTreeMap, fmt};

use armol_analysis::{
    label_groups::LabelGroups,
    merge::{CalibratedMerge, Merger},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Observation, Strategy};
use crate::{
    dataset::{Dataset, folder::sha256_text, selection::Selection},
    evaluation::Figures,
    objective::Objective,
    state::StateRecipe,
    subset::Subset,
};

/// A way to choose whom to ask, with all that it needs where it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who learned it.
    pub learner: Learner,
    /// What it learned with, as the learner has it.
    pub options: serde_json::Value,
    /// What was to be as high as could be.
    pub objective: Objective,
    /// Whom it may ask; the strategy goes by the places here.
    pub providers: Vec<KnownProvider>,
    /// What can be in an image; answers go by the places here.
    pub categories: Vec<String>,
    /// Providers' words that lead to no category, whatever the table of words says.
    pub dropped_words: Vec<String>,
    /// SHA-256 of the table of words, as far as these categories go.
    pub words_sha256: String,
    /// What it was learned from.
    pub training: TrainingData,
    /// How good it was on the part of the data that was kept from it; `None` where none was kept.
    pub validation: Option<Figures>,
    /// What the state of an image is made of.
    pub state: StateRecipe,
    /// How answers are merged.
    pub merger: Merger,
    /// Whom to ask.
    pub strategy: Strategy,
}

/// What learns policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Learner {
    /// The best set of providers that is the same for every image
    Fixed,
    /// What each choice is worth is predicted of the state, and the best is asked, once
    Direct,
    /// The same provider is asked first, and its answer decides who else is
    Cascade,
    /// One provider after another is asked, as the answers so far decide
    Sequential,
    /// A network learns by asking: soft actor-critic
    Sac,
    /// A network learns by asking: twin delayed deep deterministic policy gradient
    Td3,
    /// A network learns by asking: proximal policy optimisation
    Ppo,
}

/// A provider that a policy may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownProvider {
    /// Its name.
    pub name: String,
    /// What a call was taken to cost, in thousandths of a US dollar.
    pub price: f64,
    /// Whether any of the answers that were learned from is a simulator's.
    pub simulated: bool,
}

/// What a policy was learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingData {
    /// What the data set is called.
    pub dataset: String,
    /// How many images it has.
    pub images: usize,
    /// How many of them were kept to judge what was learned.
    pub validation_images: usize,
    /// SHA-256 of the files of its folder.
    pub files: BTreeMap<String, String>,
    /// What random draws came from.
    pub seed: u64,
}

/// Why a policy cannot be used on a data set, or not at all.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum UnfitPolicy {
    /// The groups of the data set are other ones.
    #[error(
        "its categories are not those of the data set {0}; use a data set of the same ground truth's \
         categories, or train on this one"
    )]
    Categories(String),
    /// Words lead to other categories.
    #[error(
        "it was trained with another table of words; give the same one with --label-groups, or train \
         again"
    )]
    Words,
    /// Its parts are of different numbers of providers.
    #[error("its {what} is of other providers than the {providers} that it lists; train again")]
    Providers {
        /// The part.
        what: &'static str,
        /// How many providers there are.
        providers: usize,
    },
}

impl Policy {
    /// Whom to ask next about an image; nobody where the answers so far are enough.
    pub fn choose(&self, observation: &Observation<'_>) -> Subset {
        self.strategy.choose(observation)
    }

    /// The part of a data set that it is about.
    pub fn selection(&self) -> Selection {
        let providers = self.providers.iter().map(|provider| provider.name.clone());
        Selection { providers: providers.collect(), dropped_words: self.dropped_words.clone() }
    }

    /// Whether any answer that it was learned from is a simulator's.
    pub fn simulated(&self) -> bool {
        self.providers.iter().any(|provider| provider.simulated)
    }

    /// The policy, where its parts are of the same providers.
    pub(super) fn checked(self) -> Result<Self, UnfitPolicy> {
        let providers = self.providers.len();
        let Strategy { first, chooser, limit } = &self.strategy;
        let of_merger = self.merger.model().map_or(providers, CalibratedMerge::providers);
        let parts = [
            ("first call", first.is_none_or(|place| place < providers)),
            ("state", self.state.asked_first() == *first),
            ("chooser", chooser.is_of(providers, self.state.dimension())),
            ("limit", limit.as_ref().is_none_or(|limit| limit.means_s.len() == providers)),
            ("merger", of_merger == providers),
        ];
        match parts.into_iter().find(|(_, fits)| !fits) {
            None => Ok(self),
            Some((what, _)) => Err(UnfitPolicy::Providers { what, providers }),
        }
    }

    /// Whether a data set of its providers is about the same things, in the same words.
    ///
    /// # Errors
    /// Where categories or words are other ones.
    pub fn fits(&self, dataset: &Dataset, table: &LabelGroups) -> Result<(), UnfitPolicy> {
        if self.categories != dataset.categories {
            return Err(UnfitPolicy::Categories(dataset.name.clone()));
        }
        if self.words_sha256 != words_sha256(table, &self.categories) {
            return Err(UnfitPolicy::Words);
        }
        Ok(())
    }
}

/// SHA-256 of a table of words, as far as these categories go.
pub fn words_sha256(table: &LabelGroups, categories: &[String]) -> String {
    // A table that cannot tell the categories apart has no data set either.
    let narrowed = table.narrowed_to(categories).map(|(narrowed, _)| narrowed.to_json());
    sha256_text(narrowed.unwrap_or_default().as_bytes())
}

impl Learner {
    /// Whether it learns step by step by asking, rather than from all answers at once.
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Sac | Self::Td3 | Self::Ppo)
    }

    /// The word used on the command line and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Direct => "direct",
            Self::Cascade => "cascade",
            Self::Sequential => "sequential",
            Self::Sac => "sac",
            Self::Td3 => "td3",
            Self::Ppo => "ppo",
        }
    }
}

impl fmt::Display for Learner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
pub(super) mod testing {
    use armol_analysis::merge::{Method, Vote};

    use super::*;
    use crate::policy::Chooser;

    /// A policy that asks the first of two providers, whatever the image.
    pub(in crate::policy) fn policy() -> Policy {
        let provider =
            |name: &str| KnownProvider { name: name.to_owned(), price: 1.0, simulated: false };
        let categories = vec!["cat".to_owned(), "dog".to_owned()];
        Policy {
            learner: Learner::Fixed,
            options: serde_json::Value::Null,
            objective: Objective { beta: -0.1, latency_weight: 0.0, published: false },
            providers: vec![provider("aws"), provider("azure")],
            words_sha256: words_sha256(LabelGroups::coco(), &categories),
            categories,
            dropped_words: Vec::new(),
            training: TrainingData {
                dataset: "test".to_owned(),
                images: 2,
                validation_images: 0,
                files: BTreeMap::new(),
                seed: 1,
            },
            validation: None,
            state: serde_json::from_value(serde_json::json!({"parts": [], "scaling": null}))
                .unwrap(),
            merger: Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap(),
            strategy: Strategy::of(Chooser::Fixed(Subset::single(0))),
        }
    }
}
