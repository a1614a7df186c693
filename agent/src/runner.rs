//! Sends the calls of one slice and keeps what comes back.
//!
//! Providers are called in parallel, each with one call in flight. Whatever happens to a call, it
//! ends as exactly one measurement in the spool, or stays planned there.

use std::sync::Arc;

use armol_analysis::{
    cause::chain,
    measurement::{Call, Failure, Measurement},
    outcome::{Outcome, SkipReason},
};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    event::Event,
    image_file::ImageError,
    probe::Probe,
    spool::{Spool, SpoolError},
};

/// What is told of every call that ended.
pub type Progress<'a> = dyn Fn(&Measurement) + Send + Sync + 'a;

/// An agent's providers, images and spool.
#[derive(Debug)]
pub struct Runner {
    probes: Vec<Probe>,
    event: Arc<Event>,
    spool: Spool,
    clock: Arc<dyn Clock>,
}

impl Runner {
    /// Puts together what sending takes.
    pub fn new(probes: Vec<Probe>, event: Arc<Event>, spool: Spool, clock: Arc<dyn Clock>) -> Self {
        Self { probes, event, spool, clock }
    }

    /// Sends calls that are planned in the spool, until all have ended or a shutdown is asked for;
    /// what was not started by then stays planned.
    ///
    /// # Errors
    /// Where the spool cannot be written; no further calls are sent then, and those under way are
    /// given the time to end that a shutdown gives them.
    pub async fn send(
        &mut self,
        calls: &[Call],
        shutdown: &CancellationToken,
        progress: &Progress<'_>,
    ) -> Result<(), SpoolError> {
        let Self { probes, event, spool, clock } = self;
        let stop = &shutdown.child_token();
        let lanes = probes.iter_mut().map(async |probe| {
            let lane = Lane { probe: &mut *probe, event, spool, clock: clock.as_ref() };
            let result = lane.send(calls, stop, progress).await;
            // The next run is minutes away, and no server waits for it.
            probe.close();
            if result.is_err() {
                stop.cancel();
            }
            result
        });
        join_all(lanes).await.into_iter().collect()
    }
}

/// One provider's calls, one after the other.
struct Lane<'a> {
    probe: &'a mut Probe,
    event: &'a Arc<Event>,
    spool: &'a Spool,
    clock: &'a dyn Clock,
}

impl Lane<'_> {
    async fn send(
        mut self,
        calls: &[Call],
        shutdown: &CancellationToken,
        progress: &Progress<'_>,
    ) -> Result<(), SpoolError> {
        let name = &self.probe.identity().name.clone();
        for call in calls.iter().filter(|call| call.provider.name == *name) {
            if shutdown.is_cancelled() {
                break;
            }
            let measurement = self.measure(call, shutdown).await?;
            progress(&measurement);
            self.spool.finish(measurement).await?;
        }
        Ok(())
    }

    async fn measure(
        &mut self,
        call: &Call,
        shutdown: &CancellationToken,
    ) -> Result<Measurement, SpoolError> {
        let image = match self.event.load(&call.image).await {
            Ok(image) => image,
            Err(error) => return Ok(unreadable(call, &error)),
        };
        // The intent is on disk before the request leaves: after a crash it says that money may
        // have been spent.
        match self.spool.start(call.uid, self.clock.now()).await {
            Ok(()) => Ok(self.probe.call(call.clone(), &image, shutdown).await),
            Err(SpoolError::Full { .. }) => {
                Ok(Measurement::unsent(call.clone(), Outcome::Skipped(SkipReason::SpoolFull)))
            }
            Err(error) => Err(error),
        }
    }
}

/// The measurement of a call whose image is not there or no image any more.
fn unreadable(call: &Call, error: &ImageError) -> Measurement {
    let (reason, code) = match error {
        ImageError::Unavailable { .. } => (SkipReason::ImageMissing, "image_missing"),
        ImageError::Unreadable { .. } => (SkipReason::ImageUnreadable, "image_unreadable"),
    };
    let failure = Failure { code: code.to_owned(), message: chain(error) };
    Measurement {
        failure: Some(failure),
        ..Measurement::unsent(call.clone(), Outcome::Skipped(reason))
    }
}
