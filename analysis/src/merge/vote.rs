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

    /// Whether an object that so many of the answers show is kept, out of `asked` answers.
    pub(super) const fn accepts(self, agreeing: usize, asked: usize) -> bool {
        match self {
            Self::Affirmative => true,
            Self::Consensus => agreeing * 2 > asked,
            Self::Unanimous => agreeing == asked,
        }
    }
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
        assert!(!Vote::Consensus.accepts(1, 2));
        assert!(Vote::Consensus.accepts(2, 3));
        assert!(!Vote::Consensus.accepts(2, 4));
        assert!(Vote::Affirmative.accepts(1, 4));
    }

    #[test]
    fn words_read_back() {
        for vote in Vote::ALL {
            assert_eq!(vote.as_str().parse(), Ok(vote));
        }
        assert!("most".parse::<Vote>().is_err());
    }
}
