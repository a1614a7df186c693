//! How a TCP connection was opened.

use std::{mem::size_of, time::Duration};

use crate::{segment::TcpStamps, time::Timestamp};

/// The most SYNs that are remembered; Linux gives up after seven.
const MOST_SYNS: usize = 8;

/// The SYNs and the first SYN-ACK of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    syns: Vec<Syn>,
    accepted: Option<Timestamp>,
    round_trip: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Syn {
    at: Timestamp,
    value: Option<u32>,
}

impl Opening {
    /// The memory that it takes beside itself, in bytes.
    pub(super) const fn held_bytes(&self) -> usize {
        self.syns.capacity() * size_of::<Syn>()
    }

    /// Notes a SYN.
    pub(crate) fn syn(&mut self, at: Timestamp, stamps: Option<TcpStamps>) {
        if self.syns.len() < MOST_SYNS {
            self.syns.push(Syn { at, value: stamps.map(|stamps| stamps.value) });
        }
    }

    /// Notes a SYN-ACK; returns the round trip where it is the first and it is plain which SYN it
    /// answers: there was only one, or its echoed timestamp names it.
    pub(crate) fn accept(&mut self, at: Timestamp, stamps: Option<TcpStamps>) -> Option<Duration> {
        if self.accepted.is_some() {
            return None;
        }
        self.accepted = Some(at);
        self.round_trip = self.answered(at, stamps);
        self.round_trip
    }

    fn answered(&self, at: Timestamp, stamps: Option<TcpStamps>) -> Option<Duration> {
        if let [only] = self.syns.as_slice() {
            return at.since(only.at);
        }
        let echo = stamps?.echo;
        let mut named = self.syns.iter().filter(|syn| syn.value == Some(echo));
        let answered = named.next()?;
        if named.next().is_some() { None } else { at.since(answered.at) }
    }

    /// SYN to SYN-ACK, where it is plain which SYN was answered.
    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Whether both ends' SYNs were seen.
    pub(crate) const fn was_seen(&self) -> bool {
        !self.syns.is_empty() && self.accepted.is_some()
    }

    /// When the first SYN was sent.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        self.syns.first().map(|syn| syn.at)
    }

    /// First SYN to SYN-ACK; `None` where either was not seen.
    pub(crate) fn length(&self) -> Option<Duration> {
        self.accepted?.since(self.began()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_ns(milliseconds * 1_000_000)
    }

    #[test]
    fn a_syn_sent_twice_gives_a_round_trip_only_where_the_echo_names_it() {
        let sent = |value| Some(TcpStamps { value, echo: 0 });
        let echoed = |echo| Some(TcpStamps { value: 0, echo });
        let mut opening = Opening::default();
        opening.syn(at(0), sent(10));
        opening.syn(at(1000), sent(1010));
        let mut silent = opening.clone();
        assert_eq!(opening.accept(at(1020), echoed(1010)), Some(Duration::from_millis(20)));
        assert_eq!(silent.accept(at(1020), None), None);
        assert_eq!(silent.length(), Some(Duration::from_millis(1020)));
    }
}
