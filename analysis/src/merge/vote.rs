//! How many providers must see an object for it to be kept.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Who must agree that an object is there; from the laxest to the strictest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Vote {
    /// One provider is enough.
    #[default]
    Affirmative,
    /// More than half of the providers that answered.
    Consensus,
    /// All providers that answered.
    Unanimous,
}

/// A word that names no [`Vote`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown vote {0:?}; use affirmative, consensus or unanimous")]
pub struct UnknownVote(pub String);

impl Vote {
    /// Every vote, from the laxest to the strictest.
    pub const ALL: [Self; 3] = [Self::Affirmative, Self::Consensus, Self::Unanimous];

    /// The word used on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affirmative => "affirmative",
            Self::Consensus => "consensus",
            Self::Unanimous => "unanimous",
        }
    }

    /// Whether a pool with boxes of these answers is kept, out of `asked` answers.
    pub(super) fn accepts(self, members: impl Iterator<Item = usize>, asked: usize) -> bool {
        match self {
            Self::Affirmative => true,
            Self::Consensus => distinct(members) * 2 > asked,
            Self::Unanimous => distinct(members) == asked,
        }
    }
}

/// How many answers a pool has boxes of: one that reports an object twice has one voice.
fn distinct(members: impl Iterator<Item = usize>) -> usize {
    let mut answers: Vec<usize> = members.collect();
    answers.sort_unstable();
    answers.dedup();
    answers.len()
}

impl fmt::Display for Vote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Vote {
    type Err = UnknownVote;

    fn from_str(word: &str) -> Result<Self, UnknownVote> {
        Self::ALL
            .into_iter()
            .find(|vote| vote.as_str() == word)
            .ok_or_else(|| UnknownVote(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_is_more_than_half() {
        assert!(!Vote::Consensus.accepts([0].into_iter(), 2));
        assert!(Vote::Consensus.accepts([0, 1].into_iter(), 3));
        assert!(!Vote::Consensus.accepts([0, 1].into_iter(), 4));
        assert!(Vote::Affirmative.accepts([0].into_iter(), 4));
    }

    #[test]
    fn a_provider_that_reports_an_object_twice_has_one_voice() {
        assert!(!Vote::Consensus.accepts([2, 2].into_iter(), 3));
        assert!(!Vote::Unanimous.accepts([0, 0].into_iter(), 2));
        assert!(Vote::Unanimous.accepts([0, 1, 0].into_iter(), 2));
    }

    #[test]
    fn words_read_back() {
        for vote in Vote::ALL {
            assert_eq!(vote.as_str().parse(), Ok(vote));
        }
        assert!("most".parse::<Vote>().is_err());
    }
}
