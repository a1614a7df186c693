//! How a call ended, in words that are the same for every vendor.
//!
//! The words are those of the database and of reports; the wire has a number for each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How one call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The provider answered, and the answer was understood.
    Ok,
    /// The provider asked to slow down (HTTP 429, `ThrottlingException`).
    Throttled,
    /// The account's allowance is used up.
    Quota,
    /// Credentials are missing, wrong or not allowed to do this.
    Auth,
    /// The provider refused the image itself: too large, wrong format, unreadable.
    ImageRejected,
    /// The provider failed: HTTP 5xx, any other refusal, or an answer that cannot be read.
    ServerError,
    /// The deadline passed, in this phase.
    Timeout(Phase),
    /// The connection was refused or broken before the answer was complete.
    Reset,
    /// The provider's name could not be resolved.
    Dns,
    /// The TLS handshake failed, for example on a wrong certificate.
    Tls,
    /// The agent was asked to stop while the call was under way.
    Cancelled,
    /// The call was planned, but not sent, for this reason.
    Skipped(SkipReason),
    /// The call's time had passed before it could be sent, for example while the agent was down.
    Missed,
    /// The agent stopped between starting the call and learning how it ended; money may be spent.
    Unknown,
}

/// The part of a call that a deadline cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Resolving the provider's name.
    Dns,
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending the request.
    Upload,
    /// Waiting for the first byte of the answer.
    Wait,
    /// Receiving the rest of the answer.
    Download,
}

/// Why a planned call was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The spool has reached its bound; sending would spend money on what cannot be kept.
    SpoolFull,
    /// The image's file is not there.
    ImageMissing,
    /// The image's file cannot be read as an image.
    ImageUnreadable,
    /// The agent was asked to stop before the call's turn came.
    Shutdown,
    /// The slice before was still being sent when this one was due.
    Overrun,
}

/// A word that is none of an enumeration's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {what} {word:?}")]
pub struct UnknownWord {
    /// The enumeration.
    pub what: &'static str,
    /// The word that it does not have.
    pub word: String,
}

impl Outcome {
    /// Every outcome that has neither a phase nor a reason.
    const PLAIN: [Self; 12] = [
        Self::Ok,
        Self::Throttled,
        Self::Quota,
        Self::Auth,
        Self::ImageRejected,
        Self::ServerError,
        Self::Reset,
        Self::Dns,
        Self::Tls,
        Self::Cancelled,
        Self::Missed,
        Self::Unknown,
    ];

    /// Every outcome, a timeout with each phase and a skip with each reason.
    pub fn all() -> impl Iterator<Item = Self> {
        let timeouts = Phase::ALL.into_iter().map(Self::Timeout);
        let skips = SkipReason::ALL.into_iter().map(Self::Skipped);
        Self::PLAIN.into_iter().chain(timeouts).chain(skips)
    }

    /// The outcome that [`Self::as_str`] and [`Self::detail`] are said of; `None` where there is
    /// none.
    pub fn from_words(word: &str, detail: Option<&str>) -> Option<Self> {
        Self::all().find(|outcome| outcome.as_str() == word && outcome.detail() == detail)
    }

    /// The word for reports and the database, without the phase or the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::ImageRejected => "image_rejected",
            Self::ServerError => "server_error",
            Self::Timeout(_) => "timeout",
            Self::Reset => "reset",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Cancelled => "cancelled",
            Self::Skipped(_) => "skipped",
            Self::Missed => "missed",
            Self::Unknown => "unknown",
        }
    }

    /// The phase of a timeout, the reason of a skip; `None` for every other outcome.
    pub const fn detail(self) -> Option<&'static str> {
        match self {
            Self::Timeout(phase) => Some(phase.as_str()),
            Self::Skipped(reason) => Some(reason.as_str()),
            _ => None,
        }
    }

    /// Whether a request may have reached the provider, and so may have cost money.
    pub const fn may_have_been_sent(self) -> bool {
        !matches!(
            self,
            Self::Skipped(_)
                | Self::Missed
                | Self::Dns
                | Self::Tls
                | Self::Timeout(Phase::Dns | Phase::Connect | Phase::Tls)
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())?;
        match self.detail() {
            Some(detail) => write!(formatter, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl Phase {
    /// Every phase, in the order of a call.
    pub const ALL: [Self; 6] =
        [Self::Dns, Self::Connect, Self::Tls, Self::Upload, Self::Wait, Self::Download];

    /// The word for reports and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Upload => "upload",
            Self::Wait => "wait",
            Self::Download => "download",
        }
    }
}

impl FromStr for Phase {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == word)
            .ok_or_else(|| UnknownWord { what: "phase", word: word.to_owned() })
    }
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::SpoolFull, Self::ImageMissing, Self::ImageUnreadable, Self::Shutdown, Self::Overrun];

    /// The word for reports and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpoolFull => "spool_full",
            Self::ImageMissing => "image_missing",
            Self::ImageUnreadable => "image_unreadable",
            Self::Shutdown => "shutdown",
            Self::Overrun => "overrun",
        }
    }
}

impl FromStr for SkipReason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| UnknownWord { what: "skip reason", word: word.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for phase in Phase::ALL {
            assert_eq!(phase.as_str().parse(), Ok(phase));
        }
        for reason in SkipReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert!("lunch".parse::<Phase>().is_err());
    }

    #[test]
    fn outcomes_read_back() {
        for outcome in Outcome::all() {
            assert_eq!(Outcome::from_words(outcome.as_str(), outcome.detail()), Some(outcome));
        }
        for (word, detail) in [("fine", None), ("timeout", None), ("ok", Some("wait"))] {
            assert_eq!(Outcome::from_words(word, detail), None, "{word} {detail:?}");
        }
    }

    #[test]
    fn only_what_stopped_before_the_request_cannot_have_cost_money() {
        assert!(!Outcome::Timeout(Phase::Tls).may_have_been_sent());
        assert!(Outcome::Timeout(Phase::Wait).may_have_been_sent());
        assert!(Outcome::Unknown.may_have_been_sent());
        assert!(!Outcome::Skipped(SkipReason::SpoolFull).may_have_been_sent());
    }
}
