//! `once`: one slice, now.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::Arc,
    time::Duration,
};

use armol_analysis::{measurement::Call, time::Timestamp};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{CommandError, ConfigArgs, tally::Tally};
use crate::{
    agent::{Agent, AgentError},
    clock::Clock,
    config::Config,
    recovery::Resume,
};

/// Sends the slice of the present hour, waits until the collector has it, and ends.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  armol-agent once --config agent.toml\n\n\
    Exit codes: 0 all calls ended and are delivered; 1 some are not delivered yet (they are kept) \
    or the agent failed; 2 the configuration cannot be used; 130 stopped.")]
pub struct Once {
    #[command(flatten)]
    config: ConfigArgs,
    /// Send what an interrupted run left, instead of a slice of its own.
    #[arg(long)]
    resume: bool,
    /// How many seconds to wait for the collector after the last call.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

impl Once {
    /// Does it.
    ///
    /// # Errors
    /// Names what is missing or wrong; measurements that are not delivered count as such.
    pub async fn run(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
        shutdown: &CancellationToken,
        out: &mut dyn Write,
    ) -> Result<(), CommandError> {
        let config = Config::read(&self.config.config)?;
        let mut agent = Agent::start(config, variable, clock).await?;
        let result = self.send(&mut agent, shutdown, out).await;
        let undelivered = agent.spool().contents().await;
        let state = agent.config().state.clone();
        agent.stop().await;
        result?;
        match undelivered.map_err(AgentError::from)?.rows {
            0 => Ok(()),
            rows => Err(CommandError::Undelivered { rows, state }),
        }
    }

    async fn send(
        &self,
        agent: &mut Agent,
        shutdown: &CancellationToken,
        out: &mut dyn Write,
    ) -> Result<(), CommandError> {
        let calls = self.calls(agent).await?;
        let bar = progress_bar(&calls);
        let tally = Tally::default();
        let progress = |measurement: &_| {
            tally.count(measurement);
            bar.inc(1);
        };
        let sent = agent.send(&calls, shutdown, &progress).await;
        bar.finish_and_clear();
        tally.write(self.json, out)?;
        sent?;
        let patience = Duration::from_secs(self.wait);
        let delivered = time::timeout(patience, agent.spool().delivered());
        if let Some(Ok(result)) = shutdown.run_until_cancelled(delivered).await {
            result.map_err(AgentError::from)?;
        }
        let contents = agent.spool().contents().await.map_err(AgentError::from)?;
        if shutdown.is_cancelled() && contents.planned > 0 {
            return Err(CommandError::Stopped);
        }
        Ok(())
    }

    async fn calls(&self, agent: &Agent) -> Result<Vec<Call>, CommandError> {
        if self.resume {
            let always = Timestamp::from_unix_ns(i64::MIN);
            return Ok(agent.recover(Resume::Since(always)).await?);
        }
        agent.recover(Resume::Nothing).await?;
        Ok(agent.plan(agent.now()).await?)
    }
}

/// A bar where somebody looks at it.
fn progress_bar(calls: &[Call]) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(calls.len()).unwrap_or(u64::MAX));
    let template = "{bar:40} {pos} of {len} calls, {eta} left";
    bar.with_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}
