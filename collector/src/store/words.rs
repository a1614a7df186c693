//! The database's words, read back.
//!
//! Words that no collector writes are an error: a default would be a measurement that nobody made.

use armol_analysis::outcome::Outcome;

use super::StoreError;

/// Every outcome without a phase or a reason.
const PLAIN: [Outcome; 12] = [
    Outcome::Ok,
    Outcome::Throttled,
    Outcome::Quota,
    Outcome::Auth,
    Outcome::ImageRejected,
    Outcome::ServerError,
    Outcome::Reset,
    Outcome::Dns,
    Outcome::Tls,
    Outcome::Cancelled,
    Outcome::Missed,
    Outcome::Unknown,
];

/// An outcome from the columns `outcome` and `outcome_detail`.
pub(super) fn outcome(word: &str, detail: Option<&str>) -> Result<Outcome, StoreError> {
    let outcome = match (word, detail) {
        ("timeout", Some(detail)) => detail.parse().ok().map(Outcome::Timeout),
        ("skipped", Some(detail)) => detail.parse().ok().map(Outcome::Skipped),
        (_, Some(_)) => None,
        (word, None) => PLAIN.into_iter().find(|outcome| outcome.as_str() == word),
    };
    outcome.ok_or_else(|| StoreError::Corrupt {
        column: "outcome, outcome_detail",
        found: format!("{word:?}, {detail:?}"),
    })
}

#[cfg(test)]
mod tests {
    use armol_analysis::outcome::{Phase, SkipReason};

    use super::*;

    #[test]
    fn every_outcome_reads_back() {
        let outcomes = PLAIN
            .into_iter()
            .chain(Phase::ALL.map(Outcome::Timeout))
            .chain(SkipReason::ALL.map(Outcome::Skipped));
        for written in outcomes {
            let read = outcome(written.as_str(), written.detail()).unwrap();
            assert_eq!(read, written);
        }
    }

    #[test]
    fn words_that_no_collector_writes_are_an_error() {
        for (word, detail) in [("fine", None), ("timeout", None), ("ok", Some("wait"))] {
            assert!(outcome(word, detail).is_err(), "{word} {detail:?}");
        }
    }
}
