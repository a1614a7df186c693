//! What calls can be grouped by.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::CallRow;
use crate::split::SplitMethod;

/// One way to tell calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The agent's region.
    Region,
    /// Whom it asked.
    Provider,
    /// Where the provider is.
    ProviderRegion,
    /// The agent.
    Agent,
    /// How the call ended.
    Outcome,
    /// Where its split comes from.
    Method,
    /// The hour of the day it began, or was planned to, in UTC.
    Hour,
    /// The day it began, or was planned to, in UTC.
    Day,
}

/// A word that names no [`Dimension`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "unknown grouping {0:?}; use region, provider, provider_region, agent, outcome, method, hour \
     or day"
)]
pub struct UnknownDimension(pub String);

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 8] = [
        Self::Region,
        Self::Provider,
        Self::ProviderRegion,
        Self::Agent,
        Self::Outcome,
        Self::Method,
        Self::Hour,
        Self::Day,
    ];

    /// The word on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Provider => "provider",
            Self::ProviderRegion => "provider_region",
            Self::Agent => "agent",
            Self::Outcome => "outcome",
            Self::Method => "method",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// A call's value in this dimension; values sort as text the way they should be listed.
    pub fn value(self, row: &CallRow) -> String {
        match self {
            Self::Region => row.region.clone(),
            Self::Provider => row.provider.clone(),
            Self::ProviderRegion => row.provider_region.clone(),
            Self::Agent => row.agent.clone(),
            Self::Outcome => row.outcome.as_str().to_owned(),
            Self::Method => row.method.map_or("none", SplitMethod::as_str).to_owned(),
            Self::Hour => row.time().to_utc().format("%H").to_string(),
            Self::Day => row.time().to_utc().format("%Y-%m-%d").to_string(),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(word: &str) -> Result<Self, UnknownDimension> {
        Self::ALL
            .into_iter()
            .find(|dimension| dimension.as_str() == word)
            .ok_or_else(|| UnknownDimension(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{summary::testing::row, time::Timestamp};

    #[test]
    fn words_read_back_and_the_refusal_names_them_all() {
        for dimension in Dimension::ALL {
            assert_eq!(dimension.as_str().parse(), Ok(dimension));
        }
        let refusal = "colour".parse::<Dimension>().unwrap_err().to_string();
        assert!(Dimension::ALL.iter().all(|dimension| refusal.contains(dimension.as_str())));
    }

    #[test]
    fn hours_are_of_the_start_and_of_the_plan_where_nothing_started() {
        let mut row = row(1);
        row.planned_at = Timestamp::from_unix_ns(1_620_435_661_000_000_000);
        row.started_at = Some(Timestamp::from_unix_ns(1_620_439_261_000_000_000));
        assert_eq!(Dimension::Hour.value(&row), "02");
        row.started_at = None;
        assert_eq!(Dimension::Hour.value(&row), "01");
        assert_eq!(Dimension::Day.value(&row), "2021-05-08");
    }
}
