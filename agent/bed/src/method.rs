//! The ways of telling the provider's time from the network's that are compared.
//!
//! A method is a function from what was recorded of a call to an [`Estimate`]; one that reads
//! another record of the same call is one more variant here.

use std::time::Duration;

use armol_analysis::{
    measurement::Measurement,
    split::{InferenceBounds, Split, SplitFlags, SplitMethod},
};

/// A way of measuring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The agent's own packets, cut at its markers.
    Packets,
    /// The kernel's stamps of the agent's sockets.
    Socket,
    /// Timers around the agent's socket calls.
    Application,
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

impl Method {
    /// Every method, in the order of tables.
    pub(crate) const ALL: [Self; 3] = [Self::Packets, Self::Socket, Self::Application];

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Packets => "live packets",
            Self::Socket => "socket stamps",
            Self::Application => "application timers",
        }
    }

    /// Whether it is held against the bars.
    pub(crate) const fn has_bars(self) -> bool {
        matches!(self, Self::Packets)
    }

    /// What it says of a call; `None` where it cannot tell.
    pub(crate) fn estimate(self, measurement: &Measurement) -> Option<Estimate> {
        let timing = measurement.timing.as_ref()?;
        match self {
            Self::Packets => {
                let split = timing.split.as_ref();
                of_split(split.filter(|split| split.method == SplitMethod::Packets)?)
            }
            Self::Socket => of_split(timing.socket.as_ref()?),
            Self::Application => {
                let times = timing.application;
                let transmission = times.upload?.saturating_add(times.download?);
                let flags = SplitFlags::empty();
                Some(Estimate { inference: times.wait?, transmission, bounds: None, flags })
            }
        }
    }
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
