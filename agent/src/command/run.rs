//! `run`: on schedule, until stopped.

use std::{sync::Arc, time::Duration};

use armol_analysis::{
    cause::chain,
    measurement::{Call, Measurement},
    outcome::{Outcome, SkipReason},
    time::Timestamp,
};
use clap::Args;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{CommandError, ConfigArgs};
use crate::{
    agent::{Agent, AgentError},
    clock::Clock,
    config::Config,
    recovery::Resume,
    schedule::nap,
    spool::SpoolError,
};

/// How old a planned call may be to be sent after a restart: within the hour that it was meant for.
const RESUMED_WITHIN: Duration = Duration::from_hours(1);

/// Sends slices as the schedule says, until it is stopped by SIGINT or SIGTERM.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  armol-agent run --config /etc/armol/agent.toml\n\n\
    Exit codes: 0 stopped; 1 the agent failed; 2 the configuration cannot be used.")]
pub struct Run {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Run {
    /// Does it.
    ///
    /// # Errors
    /// Names what is missing or wrong at the start; later only where the spool fails.
    pub async fn run(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
        shutdown: &CancellationToken,
    ) -> Result<(), CommandError> {
        let config = Config::read(&self.config.config)?;
        let mut agent = Agent::start(config, variable, clock).await?;
        let result = follow_schedule(&mut agent, shutdown).await;
        agent.stop().await;
        result
    }
}

async fn follow_schedule(
    agent: &mut Agent,
    shutdown: &CancellationToken,
) -> Result<(), CommandError> {
    let now = agent.now();
    let recovered = agent.recover(Resume::within(now, RESUMED_WITHIN)).await;
    let resumed = unless_full(recovered, now)?.unwrap_or_default();
    send(agent, &resumed, shutdown).await?;
    let mut last = now;
    while let Some(due) = agent.config().schedule.next_after(not_long_before(last, agent.now())) {
        if due <= agent.now() {
            skip(agent, due).await?;
        } else {
            tracing::info!(%due, "waiting");
            if !wait_until(agent, due, shutdown).await {
                break;
            }
            if let Some(calls) = plan(agent, due).await? {
                send(agent, &calls, shutdown).await?;
            }
        }
        last = due;
        if shutdown.is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// The time that the next run is looked for after: that of the run before, but no more than a day
/// ago. Where clocks were set forward by months, as on a machine that starts without one, every
/// run in between would be recorded, and fill the spool.
fn not_long_before(last: Timestamp, now: Timestamp) -> Timestamp {
    const LONGEST: Duration = Duration::from_hours(24);
    let earliest = now.minus(LONGEST);
    if last < earliest {
        tracing::warn!(%last, %now, "the clock was set forward; runs in between are left out");
    }
    last.max(earliest)
}

/// Waits until the clock shows a time; `false` where a shutdown came first.
async fn wait_until(agent: &Agent, due: Timestamp, shutdown: &CancellationToken) -> bool {
    while agent.now() < due {
        let nap = time::sleep(nap(agent.now(), due));
        if shutdown.run_until_cancelled(nap).await.is_none() {
            return false;
        }
    }
    !shutdown.is_cancelled()
}

/// Plans a run, after ending what a run before had no room to end; `None` where the spool has no
/// room for it, which ends nothing.
async fn plan(agent: &Agent, due: Timestamp) -> Result<Option<Vec<Call>>, CommandError> {
    if unless_full(agent.recover(Resume::Nothing).await, due)?.is_none() {
        return Ok(None);
    }
    unless_full(agent.plan(due).await, due)
}

/// A full spool ends a run, but not the agent: delivery, or somebody, may make room.
fn unless_full<T>(
    result: Result<T, AgentError>,
    due: Timestamp,
) -> Result<Option<T>, CommandError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(AgentError::Spool(error @ SpoolError::Full { .. })) => {
            tracing::error!(%due, error = chain(&error), "this run is not sent, or not to its end");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn send(
    agent: &mut Agent,
    calls: &[Call],
    shutdown: &CancellationToken,
) -> Result<(), CommandError> {
    if calls.is_empty() {
        return Ok(());
    }
    tracing::info!(calls = calls.len(), "sending");
    let progress = |measurement: &Measurement| {
        let Measurement { call, outcome, .. } = measurement;
        tracing::debug!(provider = %call.provider.name, image = %call.image, %outcome, "call ended");
    };
    let sent = agent.send(calls, shutdown, &progress).await;
    if unless_full(sent, agent.now())?.is_some() {
        tracing::info!(calls = calls.len(), "sent");
    }
    Ok(())
}

/// Records a run that came due while the one before was still being sent.
async fn skip(agent: &Agent, due: Timestamp) -> Result<(), CommandError> {
    let Some(calls) = plan(agent, due).await? else { return Ok(()) };
    tracing::warn!(%due, calls = calls.len(), "skipped: the run before was still being sent");
    for call in calls {
        let skipped = Measurement::unsent(call, Outcome::Skipped(SkipReason::Overrun));
        let kept = agent.spool().finish(skipped).await.map_err(AgentError::from);
        if unless_full(kept, due)?.is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_forward_by_years_brings_a_day_of_runs() {
        let boot = Timestamp::from_unix_ns(0);
        let now = boot.plus(Duration::from_hours(24 * 365));
        assert_eq!(not_long_before(boot, now), now.minus(Duration::from_hours(24)));
        let last = now.minus(Duration::from_hours(2));
        assert_eq!(not_long_before(last, now), last);
        assert_eq!(not_long_before(now, last), now);
    }
}
