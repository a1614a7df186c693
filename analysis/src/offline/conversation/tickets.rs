//! Session tickets of TLS 1.3, which look like a first answer.
//!
//! A server sends them as soon as it has the client's Finished, in one burst of few and short
//! records. Where the first request follows the Finished at once, they come when its answer could.

use std::{ops::Range, time::Duration};

use crate::{flow::overlap, time::Timestamp, tls_record::Record};

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
    finished: Option<Finished>,
    /// When the server had it, as the last record was judged by.
    received: Option<Timestamp>,
    aside: Vec<Record>,
}

/// The client's Finished.
#[derive(Clone, Debug)]
struct Finished {
    range: Range<u64>,
    sent: Timestamp,
    sent_again: bool,
    acknowledged: Option<Timestamp>,
}

impl Finished {
    /// When the server had it, as seen from here. Its acknowledgement may be late; a round trip
    /// after it was sent is not, unless it was lost.
    fn received(&self, round_trip: Option<Duration>) -> Option<Timestamp> {
        let acknowledged = self.acknowledged?;
        let expected = round_trip.filter(|_| !self.sent_again).map(|length| self.sent.plus(length));
        Some(expected.map_or(acknowledged, |expected| expected.min(acknowledged)))
    }
}

impl Tickets {
    /// Tickets may come once the Finished with these positions is received.
    pub(super) const fn expect(&mut self, range: Range<u64>, sent: Timestamp) {
        self.finished = Some(Finished { range, sent, sent_again: false, acknowledged: None });
    }

    /// Notes an acknowledgement of the client's bytes.
    pub(super) fn acknowledged(&mut self, position: u64, at: Timestamp) {
        if let Some(finished) = &mut self.finished
            && finished.range.end <= position
        {
            finished.acknowledged.get_or_insert(at);
        }
    }

    /// Notes that client bytes were sent again.
    pub(super) fn sent_again(&mut self, range: &Range<u64>) {
        if let Some(finished) = &mut self.finished {
            finished.sent_again |= overlap(&finished.range, range);
        }
    }

    /// Sets a record aside where it may be a ticket; returns whether it did.
    pub(super) fn take(
        &mut self,
        record: &Record,
        round_trip: impl FnOnce() -> Option<Duration>,
    ) -> bool {
        let Some(finished) = &self.finished else { return false };
        let round_trip = round_trip();
        let Some(received) = finished.received(round_trip) else { return false };
        let part = round_trip.map_or(LEAST_WINDOW, |length| length / WINDOW_PART);
        let follows = self.aside.last().is_none_or(|last| record.at <= last.at.plus(BURST));
        let is_ticket = self.aside.len() < MOST
            && record.length() <= LONGEST
            && record.at <= received.plus(part.max(LEAST_WINDOW))
            && follows;
        if is_ticket {
            self.received = Some(received);
            self.aside.push(record.clone());
        }
        is_ticket
    }

    /// Gives up what was set aside: it was tickets.
    pub(super) fn discard(&mut self) {
        self.aside.clear();
    }

    /// The first record and the end of the answer to a request that ends here, where all that was
    /// set aside cannot be tickets alone. Tickets of one burst are equally long and come at once;
    /// the answer then begins where lengths change.
    pub(super) fn redeem(&mut self, request_end: u64) -> Option<(Record, u64)> {
        let mut aside = std::mem::take(&mut self.aside);
        aside.retain(|record| record.acknowledged >= request_end);
        let received = self.received?;
        let length = aside.first()?.length();
        let at_once = aside.iter().all(|record| record.at <= received.plus(LEAST_WINDOW));
        let other = aside.iter().position(|record| record.length() != length);
        if other.is_none() && length <= LONGEST_ALONE && at_once {
            return None;
        }
        let first = aside.get(other.unwrap_or_default())?;
        Some((first.clone(), aside.last()?.range.end))
    }
}
