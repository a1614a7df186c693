//! Session tickets of TLS 1.3, which look like a first answer.
//!
//! A server sends them as soon as it has the client's Finished, in one burst of few and short
//! records. Where the first request follows the Finished at once, they come when its answer could.

use std::time::Duration;

use crate::{time::Timestamp, tls_record::Record};

/// The most records that bring tickets, and the longest of them.
const MOST: usize = 4;
const LONGEST: u64 = 2048;
/// A server has its tickets ready this soon after the Finished, or in this part of a round trip.
const LEAST_WINDOW: Duration = Duration::from_millis(3);
const WINDOW_PART: u32 = 4;
/// Tickets follow one another as closely as this.
const BURST: Duration = Duration::from_millis(1);
/// A ticket alone is no longer than this.
const LONGEST_ALONE: u64 = 600;

/// Sets aside what may be tickets.
#[derive(Clone, Debug, Default)]
pub(super) struct Tickets {
    finished: Option<u64>,
    finished_acknowledged: Option<Timestamp>,
    aside: Vec<Record>,
}

impl Tickets {
    /// Tickets may come once this position of the client's stream is acknowledged.
    pub(super) const fn expect(&mut self, finished: u64) {
        self.finished = Some(finished);
    }

    /// Notes an acknowledgement of the client's bytes.
    pub(super) fn acknowledged(&mut self, position: u64, at: Timestamp) {
        if self.finished_acknowledged.is_none()
            && self.finished.is_some_and(|finished| finished <= position)
        {
            self.finished_acknowledged = Some(at);
        }
    }

    /// Sets a record aside where it may be a ticket; returns whether it did.
    pub(super) fn take(
        &mut self,
        record: &Record,
        round_trip: impl FnOnce() -> Option<Duration>,
    ) -> bool {
        let Some(acknowledged) = self.finished_acknowledged else { return false };
        let part = round_trip().map_or(LEAST_WINDOW, |length| length / WINDOW_PART);
        let follows = self.aside.last().is_none_or(|last| record.at <= last.at.plus(BURST));
        let is_ticket = self.aside.len() < MOST
            && record.length() <= LONGEST
            && record.at <= acknowledged.plus(part.max(LEAST_WINDOW))
            && follows;
        if is_ticket {
            self.aside.push(record.clone());
        }
        is_ticket
    }

    /// Gives up what was set aside: it was tickets.
    pub(super) fn discard(&mut self) {
        self.aside.clear();
    }

    /// The answer's first record and its end, where all that was set aside cannot be tickets
    /// alone. Tickets of one burst are equally long and come at once; the answer then begins where
    /// lengths change.
    pub(super) fn redeem(&mut self) -> Option<(Record, u64)> {
        let aside = std::mem::take(&mut self.aside);
        let length = aside.first()?.length();
        let at_once = self.finished_acknowledged.is_some_and(|acknowledged| {
            aside.iter().all(|record| record.at <= acknowledged.plus(LEAST_WINDOW))
        });
        let other = aside.iter().position(|record| record.length() != length);
        if other.is_none() && length <= LONGEST_ALONE && at_once {
            return None;
        }
        let first = aside.get(other.unwrap_or_default())?;
        Some((first.clone(), aside.last()?.range.end))
    }
}
