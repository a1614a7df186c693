//! What a call is taken to have cost.
//!
//! Vendors bill answers, not refusals; an answer that cannot be read was answered too. Where it is
//! not known whether the provider answered, the price counts: a report must not understate what
//! was spent.

use armol_analysis::outcome::{Outcome, Phase};

/// The cost in millionths of a US dollar of a call that ended so; `status` is that of its HTTP
/// response, `None` where none was received to its end.
pub const fn cost(outcome: Outcome, status: Option<u16>, price_microusd: u64) -> u64 {
    match outcome {
        Outcome::ServerError if !matches!(status, Some(300..)) => price_microusd,
        Outcome::Ok
        | Outcome::Reset
        | Outcome::Cancelled
        | Outcome::Unknown
        | Outcome::Timeout(Phase::Upload | Phase::Wait | Phase::Download) => price_microusd,
        Outcome::Throttled
        | Outcome::Quota
        | Outcome::Auth
        | Outcome::ImageRejected
        | Outcome::ServerError
        | Outcome::Dns
        | Outcome::Tls
        | Outcome::Timeout(Phase::Dns | Phase::Connect | Phase::Tls)
        | Outcome::Skipped(_)
        | Outcome::Missed => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_answered_costs_its_price() {
        assert_eq!(cost(Outcome::Ok, None, 1000), 1000);
        assert_eq!(cost(Outcome::Timeout(Phase::Wait), None, 1000), 1000);
        assert_eq!(cost(Outcome::Unknown, None, 1000), 1000);
        assert_eq!(cost(Outcome::ServerError, Some(200), 1000), 1000);
        assert_eq!(cost(Outcome::ServerError, None, 1000), 1000);
        assert_eq!(cost(Outcome::ServerError, Some(500), 1000), 0);
        assert_eq!(cost(Outcome::Throttled, Some(429), 1000), 0);
        assert_eq!(cost(Outcome::Timeout(Phase::Connect), None, 1000), 0);
    }
}
