//! The wire's numbers for the domain's words.

use armol_analysis::{
    outcome::{Outcome, Phase, SkipReason},
    provider::Api,
    split::SplitMethod,
};

use crate::{refusal::Refusal, v1};

/// An enumeration with a number for each word; both directions come from one list.
macro_rules! words {
    ($domain:ty, $wire:ty, $field:literal, $to_wire:ident, $from_wire:ident, [$($word:ident),+]) => {
        pub(super) const fn $to_wire(word: $domain) -> $wire {
            match word {
                $(<$domain>::$word => <$wire>::$word,)+
            }
        }

        pub(super) fn $from_wire(number: i32) -> Result<$domain, Refusal> {
            match <$wire>::try_from(number) {
                $(Ok(<$wire>::$word) => Ok(<$domain>::$word),)+
                Ok(<$wire>::Unspecified) => Err(Refusal::Missing($field)),
                Err(_) => Err(Refusal::unknown($field, &number)),
            }
        }
    };
}

words!(
    Api,
    v1::Api,
    "Call.api",
    api_to_wire,
    api_from_wire,
    [Rekognition, AzureVision, GoogleVision]
);
words!(
    Phase,
    v1::Phase,
    "Measurement.timeout_phase",
    phase_to_wire,
    phase_from_wire,
    [Dns, Connect, Tls, Upload, Wait, Download]
);
words!(
    SkipReason,
    v1::SkipReason,
    "Measurement.skip_reason",
    skip_to_wire,
    skip_from_wire,
    [SpoolFull, ImageMissing, ImageUnreadable, Shutdown, Overrun]
);
words!(
    SplitMethod,
    v1::SplitMethod,
    "Split.method",
    method_to_wire,
    method_from_wire,
    [Packets, Socket, Application]
);

pub(super) const fn outcome_to_wire(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::Ok => v1::Outcome::Ok,
        Outcome::Throttled => v1::Outcome::Throttled,
        Outcome::Quota => v1::Outcome::Quota,
        Outcome::Auth => v1::Outcome::Auth,
        Outcome::ImageRejected => v1::Outcome::ImageRejected,
        Outcome::ServerError => v1::Outcome::ServerError,
        Outcome::Timeout(_) => v1::Outcome::Timeout,
        Outcome::Reset => v1::Outcome::Reset,
        Outcome::Dns => v1::Outcome::Dns,
        Outcome::Tls => v1::Outcome::Tls,
        Outcome::Cancelled => v1::Outcome::Cancelled,
        Outcome::Skipped(_) => v1::Outcome::Skipped,
        Outcome::Missed => v1::Outcome::Missed,
        Outcome::Unknown => v1::Outcome::Unknown,
    }
}

/// Reads the outcome with its phase or reason, which stand in fields of their own.
pub(super) fn outcome_from_wire(message: &v1::Measurement) -> Result<Outcome, Refusal> {
    const FIELD: &str = "Measurement.outcome";
    let outcome = v1::Outcome::try_from(message.outcome)
        .map_err(|_| Refusal::unknown(FIELD, &message.outcome))?;
    let outcome = match outcome {
        v1::Outcome::Unspecified => return Err(Refusal::Missing(FIELD)),
        v1::Outcome::Ok => Outcome::Ok,
        v1::Outcome::Throttled => Outcome::Throttled,
        v1::Outcome::Quota => Outcome::Quota,
        v1::Outcome::Auth => Outcome::Auth,
        v1::Outcome::ImageRejected => Outcome::ImageRejected,
        v1::Outcome::ServerError => Outcome::ServerError,
        v1::Outcome::Timeout => Outcome::Timeout(phase_from_wire(message.timeout_phase)?),
        v1::Outcome::Reset => Outcome::Reset,
        v1::Outcome::Dns => Outcome::Dns,
        v1::Outcome::Tls => Outcome::Tls,
        v1::Outcome::Cancelled => Outcome::Cancelled,
        v1::Outcome::Skipped => Outcome::Skipped(skip_from_wire(message.skip_reason)?),
        v1::Outcome::Missed => Outcome::Missed,
        v1::Outcome::Unknown => Outcome::Unknown,
    };
    Ok(outcome)
}
