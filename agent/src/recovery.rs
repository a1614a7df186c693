//! What becomes of calls that an earlier process left, or a run that a full spool broke off.

use std::time::Duration;

use armol_analysis::{
    measurement::{ApplicationTimes, Call, Measurement, Timing},
    outcome::Outcome,
    time::Timestamp,
};

use crate::{
    price,
    spool::{Leftover, Spool, SpoolError},
};

/// Which leftovers are sent after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// None.
    Nothing,
    /// Those that were planned at this time or later.
    Since(Timestamp),
}

/// Ends every leftover that is not to be sent and returns those that are, in order.
///
/// A call that was started may have reached its provider: it ends as unknown, at its price, which
/// `price_of` looks up. One that was not started is sent if it is to be resumed and `is_current`:
/// what would be sent is still what was planned, so that no simulator's answer is labelled as a
/// cloud's. Else it was missed.
///
/// # Errors
/// Where the spool fails.
pub async fn recover(
    spool: &Spool,
    resume: Resume,
    price_of: impl Fn(&Call) -> u64,
    is_current: impl Fn(&Call) -> bool,
) -> Result<Vec<Call>, SpoolError> {
    let mut resumed = Vec::new();
    let (mut unknown, mut missed) = (0_u64, 0_u64);
    for Leftover { call, started_at } in spool.leftovers().await? {
        match started_at {
            Some(started_at) => {
                unknown += 1;
                let price = price_of(&call);
                spool.finish(interrupted(call, started_at, price)).await?;
            }
            None if resume.includes(&call) && is_current(&call) => resumed.push(call),
            None => {
                missed += 1;
                spool.finish(Measurement::unsent(call, Outcome::Missed)).await?;
            }
        }
    }
    if unknown + missed > 0 || !resumed.is_empty() {
        tracing::warn!(unknown, missed, resumed = resumed.len(), "calls were left behind");
    }
    Ok(resumed)
}

impl Resume {
    fn includes(self, call: &Call) -> bool {
        match self {
            Self::Nothing => false,
            Self::Since(start) => call.planned_at >= start,
        }
    }

    /// Those planned within this length of time before `now`.
    pub fn within(now: Timestamp, length: Duration) -> Self {
        Self::Since(now.minus(length))
    }
}

/// A call that was under way when its process ended.
fn interrupted(call: Call, started_at: Timestamp, price_microusd: u64) -> Measurement {
    let timing = Timing {
        started_at,
        ends: None,
        application: ApplicationTimes::default(),
        split: None,
        socket: None,
    };
    Measurement {
        timing: Some(timing),
        cost_microusd: price::cost(Outcome::Unknown, None, price_microusd),
        ..Measurement::unsent(call, Outcome::Unknown)
    }
}
