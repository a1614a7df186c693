//! An agent put together: providers, images, spool, delivery.
//!
//! What the commands share. It is made in an order that spends nothing before everything that
//! could be wrong was looked at.

use std::{sync::Arc, time::Duration};

use armol_analysis::{
    cause::chain,
    measurement::{Call, ImageKey, ProviderIdentity},
    time::Timestamp,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    clock::Clock,
    config::{Config, ProviderConfig},
    cursor::Cursor,
    event::{Event, EventError},
    http::method_without_packets,
    plan,
    probe::Probe,
    recovery::{Resume, recover},
    runner::{Progress, Runner},
    slice::SliceRule,
    spool::{Spool, SpoolError, SpoolTask},
    targets::{CaptureState, TargetError, UnavailableError, target},
    upload::{Collector, UploadError, Uploader},
};

/// How long calls under way may go on after a shutdown is asked for.
const GRACE: Duration = Duration::from_secs(5);

/// An agent that can send.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    event: Arc<Event>,
    providers: Vec<ProviderIdentity>,
    runner: Runner,
    spool: Spool,
    spool_task: SpoolTask,
    /// Delivers meanwhile.
    delivery: JoinSet<()>,
    stop_delivery: CancellationToken,
    clock: Arc<dyn Clock>,
}

/// Why an agent cannot start, or cannot go on.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The list of images.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A provider.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Packets cannot be captured, and must be.
    #[error("capture.mode is \"required\"")]
    Capture(#[from] UnavailableError),
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The collector.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl AgentError {
    /// Whether the remedy is another configuration, rather than another try.
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Event(_)
            | Self::Target(_)
            | Self::Capture(_)
            | Self::Upload(UploadError::Url(_))
            | Self::Spool(
                SpoolError::Folder { .. }
                | SpoolError::InUse { .. }
                | SpoolError::Foreign { .. }
                | SpoolError::Newer { .. },
            ) => true,
            Self::Spool(_) | Self::Upload(_) => false,
        }
    }
}

impl Agent {
    /// Puts an agent together and starts delivering what its spool holds; `variable` looks up the
    /// environment.
    ///
    /// # Errors
    /// Names what is missing or wrong.
    pub async fn start(
        config: Config,
        variable: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AgentError> {
        let event = Arc::new(Event::read(&config.event, &config.images)?);
        let mut targets = Vec::with_capacity(config.providers.len());
        for provider in &config.providers {
            targets.push(target(provider, &variable, &clock)?);
        }
        let (agent, region) = (config.agent.clone(), config.region.clone());
        let collector = Collector::new(&config.collector, agent, region)?;
        let capture = CaptureState::open(&config, &targets).await?;
        match &capture {
            CaptureState::On(_, interfaces) => {
                let names = interfaces.iter().map(|interface| interface.name.as_str());
                tracing::info!(interfaces = names.collect::<Vec<_>>().join(", "), "capturing");
            }
            CaptureState::Off => {
                let method = method_without_packets().as_str();
                tracing::info!(method, "not capturing; times come by another method");
            }
            CaptureState::Unavailable(error) => {
                let method = method_without_packets().as_str();
                let error = chain(error);
                tracing::warn!(error, method, "not capturing; times come by another method");
            }
        }
        let now = clock.now();
        let (spool, spool_task) =
            Spool::open(&config.state, &config.agent, config.spool_bytes, now).await?;
        let providers = targets.iter().map(|target| target.identity.clone()).collect();
        let probes = targets
            .into_iter()
            .map(|target| Probe::new(target, capture.capture(), Arc::clone(&clock), GRACE));
        let runner =
            Runner::new(probes.collect(), Arc::clone(&event), spool.clone(), Arc::clone(&clock));
        let stop_delivery = CancellationToken::new();
        let delivery = deliver(Uploader::new(collector, spool.clone()), now, stop_delivery.clone());
        Ok(Self {
            config,
            event,
            providers,
            runner,
            spool,
            spool_task,
            delivery,
            stop_delivery,
            clock,
        })
    }

    /// The configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The spool.
    pub const fn spool(&self) -> &Spool {
        &self.spool
    }

    /// What the agent's clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends what an earlier process left, but for the calls to be resumed, which are returned.
    ///
    /// # Errors
    /// Where the spool fails.
    pub async fn recover(&self, resume: Resume) -> Result<Vec<Call>, AgentError> {
        let price_of = |call: &Call| {
            let named = |provider: &&ProviderConfig| provider.name == call.provider.name;
            self.config.providers.iter().find(named).map_or(0, |provider| provider.price_microusd)
        };
        let is_current = |call: &Call| {
            call.region == self.config.region && self.providers.contains(&call.provider)
        };
        Ok(recover(&self.spool, resume, price_of, is_current).await?)
    }

    /// Writes down the calls of the run that is due at a time.
    ///
    /// # Errors
    /// Where the spool fails or has no room; nothing is planned then.
    pub async fn plan(&self, due: Timestamp) -> Result<Vec<Call>, AgentError> {
        let cursor = Cursor::in_folder(&self.config.state);
        let images = slice(&self.config, &self.event, due, cursor.read());
        let Config { agent, region, .. } = &self.config;
        let calls = plan::calls(agent, region, &self.providers, &images, self.clock.now());
        self.spool.plan(calls.clone()).await?;
        if let SliceRule::Fixed(_) = self.config.slice {
            let next = (cursor.read() + images.len()) % self.event.len();
            if let Err(error) = cursor.write(next) {
                tracing::warn!(%error, "cannot remember the place in the list; it will repeat");
            }
        }
        Ok(calls)
    }

    /// Sends planned calls; see [`Runner::send`].
    ///
    /// # Errors
    /// Where the spool fails; no further calls are sent then.
    pub async fn send(
        &mut self,
        calls: &[Call],
        shutdown: &CancellationToken,
        progress: &Progress<'_>,
    ) -> Result<(), AgentError> {
        Ok(self.runner.send(calls, shutdown, progress).await?)
    }

    /// Stops delivering and closes the spool; what is not delivered stays in it.
    pub async fn stop(self) {
        let Self { runner, spool, spool_task, mut delivery, stop_delivery, .. } = self;
        stop_delivery.cancel();
        while delivery.join_next().await.is_some() {}
        drop((runner, spool));
        spool_task.join().await;
    }
}

/// The images of the run that is due at a time, `cursor` being where the run before ended.
pub fn slice(config: &Config, event: &Event, due: Timestamp, cursor: usize) -> Vec<ImageKey> {
    let hour = config.schedule.hour(due);
    event.images(config.slice.places(event.len(), hour, cursor))
}

/// Delivers on a task of its own.
fn deliver(uploader: Uploader, now: Timestamp, stop: CancellationToken) -> JoinSet<()> {
    // Agents that lose their collector at once must not come back at once.
    let backoff = Backoff::new(ChaCha8Rng::seed_from_u64(now.unix_ns().unsigned_abs()));
    let mut delivery = JoinSet::new();
    delivery.spawn(async move {
        if let Err(error) = uploader.run(backoff, &stop).await {
            tracing::error!(
                error = chain(&error),
                "delivery ended; measurements stay in the spool"
            );
        }
    });
    delivery
}
