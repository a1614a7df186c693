//! The acknowledgements of a request's earlier bytes.
//!
//! They tell two things of the request's end. A server that acknowledged less than all of it did
//! not have all of it; and behind a bottleneck that is busy, the end arrives after what went
//! before by the time that its bytes take there, which the pace of the acknowledgements shows.

use std::time::Duration;

use crate::{
    flow::{Event, Flow},
    time::Timestamp,
};

/// How many of the last steps the pace is read from: enough for one pause or two that came as one
/// to be outvoted, few enough for the pace of today.
const STEPS: usize = 8;

/// The fewest steps that have a pace.
const FEWEST_STEPS: usize = 3;

/// The last acknowledgements before that of the request's end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Train {
    /// When the last of them came, whether it went further than the one before or not.
    last: Option<Timestamp>,
    /// Those that went further, in order: when, and up to where.
    steps: Vec<(Timestamp, u64)>,
}

impl Train {
    /// Those that are in the flow's log before this place.
    pub(crate) fn before(flow: &Flow, index: usize) -> Self {
        let mut train = Self::default();
        for event in flow.events().iter().take(index) {
            let (arrival, position) = match event {
                Event::Acknowledged(seen, position) => (*seen, *position),
                Event::Arrived(data, Some(position)) => (data.arrival(), *position),
                _ => continue,
            };
            let at = arrival.at.minus(flow.held_up(arrival).length);
            train.last = train.last.max(Some(at));
            if train.steps.last().is_none_or(|(_, furthest)| position > *furthest) {
                train.steps.push((at, position));
            }
        }
        let surplus = train.steps.len().saturating_sub(STEPS + 1);
        train.steps.drain(..surplus);
        train
    }

    /// A moment at which the server's acknowledgement, as it came here, said that it did not have
    /// all of the request.
    pub(crate) const fn incomplete(&self) -> Option<Timestamp> {
        self.last
    }

    /// When the acknowledgement up to this position would come if bytes went on arriving at the
    /// pace of the last steps; `None` where there are too few to have a pace.
    pub(crate) fn continued(&self, position: u64) -> Option<Timestamp> {
        let (at, furthest) = *self.steps.last()?;
        let rest = position.checked_sub(furthest)?;
        let pairs = self.steps.iter().zip(self.steps.iter().skip(1));
        let mut paces = pairs
            .filter_map(|((one_at, one), (other_at, other))| {
                // Nanoseconds for a million bytes, so that whole numbers are exact enough.
                let length = other_at.since(*one_at)?.as_nanos() * 1_000_000;
                Some(length / u128::from(other.saturating_sub(*one).max(1)))
            })
            .collect::<Vec<_>>();
        if paces.len() < FEWEST_STEPS {
            return None;
        }
        paces.sort_unstable();
        let pace = *paces.get(paces.len() / 2)?;
        let rest = u64::try_from(u128::from(rest) * pace / 1_000_000).ok()?;
        Some(at.plus(Duration::from_nanos(rest)))
    }
}
