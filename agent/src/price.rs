//! What a call is taken to have cost.
//!
//! Vendors bill answers, not refusals. Where it is not known whether the provider answered, the
//! price counts: a report must not understate what was spent.

use armol_analysis::outcome::{Outcome, Phase};

/// The cost in millionths of a US dollar of a call that ended so.
pub const fn cost(outcome: Outcome, price_microusd: u64) -> u64 {
    match outcome {
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
        assert_eq!(cost(Outcome::Ok, 1000), 1000);
        assert_eq!(cost(Outcome::Timeout(Phase::Wait), 1000), 1000);
        assert_eq!(cost(Outcome::Unknown, 1000), 1000);
        assert_eq!(cost(Outcome::Throttled, 1000), 0);
        assert_eq!(cost(Outcome::Timeout(Phase::Connect), 1000), 0);
    }
}
