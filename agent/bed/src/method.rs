//! The ways of telling the provider's time from the network's that are compared.
//!
//! A method is a function from what a run left to [`Estimate`]s, each with the call that it is of.
//! Some look at one call after the other, and know which; some read the capture as a whole, and
//! `matching` tells whose their rows are.

use std::time::Duration;

use armol_analysis::{
    measurement::Timing,
    split::{InferenceBounds, Split, SplitFlags, SplitMethod},
};
use uuid::Uuid;

use crate::{bed::Run, capture_rows::Row, matching};

/// A way of measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The agent's own packets, cut at its markers.
    Packets,
    /// The capture of the agent's side, read by `armol-analysis` without markers.
    Offline,
    /// The kernel's stamps of the agent's sockets.
    Socket,
    /// Timers around the agent's socket calls.
    Application,
    /// The same capture, read by the rule of the scripts published with Armol.
    Published,
}

/// What a method says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The provider's time.
    pub(crate) inference: Duration,
    /// The network's.
    pub(crate) transmission: Duration,
    /// What the provider's time lies within; `None` where the method or the call has no bounds.
    pub(crate) bounds: Option<InferenceBounds>,
    /// What is odd about it.
    pub(crate) flags: SplitFlags,
}

/// An estimate and the call that it is of; `None` where it is no call's.
pub(crate) type OfCall = (Option<Uuid>, Estimate);

impl Method {
    /// Every method, in the order of tables.
    pub(crate) const ALL: [Self; 5] =
        [Self::Packets, Self::Offline, Self::Socket, Self::Application, Self::Published];

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Packets => "live packets",
            Self::Offline => "capture offline",
            Self::Socket => "socket stamps",
            Self::Application => "application timers",
            Self::Published => "published rule",
        }
    }

    /// All that it says of a run.
    pub(crate) fn estimates(self, run: &Run) -> Vec<OfCall> {
        match self {
            Self::Packets => of_calls(run, packets),
            Self::Offline => of_rows(run, &run.rows.offline),
            Self::Socket => of_calls(run, |timing| of_split(timing.socket.as_ref()?)),
            Self::Application => of_calls(run, application),
            Self::Published => of_rows(run, &run.rows.published),
        }
    }
}

/// What is told of one call after the other; nothing of those that it cannot tell of.
fn of_calls(run: &Run, estimate: fn(&Timing) -> Option<Estimate>) -> Vec<OfCall> {
    let timed = run.measurements.iter().filter_map(|measurement| {
        let estimate = estimate(measurement.timing.as_ref()?)?;
        Some((Some(measurement.call.uid), estimate))
    });
    timed.collect()
}

/// What rows of the capture tell, each of the call that it is about.
fn of_rows(run: &Run, rows: &[Row]) -> Vec<OfCall> {
    let calls = matching::calls_of(rows, &run.truth);
    calls.into_iter().zip(rows.iter().map(|row| row.estimate)).collect()
}

fn packets(timing: &Timing) -> Option<Estimate> {
    of_split(timing.split.as_ref().filter(|split| split.method == SplitMethod::Packets)?)
}

/// What a split says; `None` where a flag took its times.
fn of_split(split: &Split) -> Option<Estimate> {
    let times = split.times?;
    Some(Estimate {
        inference: times.inference(),
        transmission: times.transmission(),
        bounds: times.bounds(),
        flags: split.flags,
    })
}

fn application(timing: &Timing) -> Option<Estimate> {
    let times = timing.application;
    let transmission = times.upload?.saturating_add(times.download?);
    let flags = SplitFlags::empty();
    Some(Estimate { inference: times.wait?, transmission, bounds: None, flags })
}
