//! What a capture holds, counted while it is read.

use std::collections::BTreeMap;

use super::Record;
use crate::{frame::LinkType, time::Timestamp};

/// Counts of a capture's packets, those of link types that are not understood among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All packets.
    pub packets: u64,
    /// Packets of which fewer bytes were captured than were on the wire.
    pub cut_packets: u64,
    /// Packets without a time, or with one that cannot be expressed.
    pub untimed_packets: u64,
    /// The bytes that were captured.
    pub captured_bytes: u64,
    /// The bytes that were on the wire.
    pub wire_bytes: u64,
    /// The earliest time of a packet.
    pub first: Option<Timestamp>,
    /// The latest time of a packet.
    pub last: Option<Timestamp>,
    /// How many packets there are of each LINKTYPE number.
    pub link_numbers: BTreeMap<u32, u64>,
    /// Records that are no packets but are numbered among them by Wireshark: custom blocks and
    /// journal entries of pcapng.
    pub other_records: u64,
}

impl Tally {
    /// Packets of link types that are not understood, which were left out.
    pub fn not_understood(&self) -> u64 {
        let understood =
            |number: u32| i32::try_from(number).ok().and_then(LinkType::from_number).is_some();
        self.link_numbers
            .iter()
            .filter(|(number, _)| !understood(**number))
            .map(|(_, count)| count)
            .sum()
    }

    /// Counts a packet.
    pub(super) fn count(&mut self, record: &Record, captured_len: u32) {
        self.packets += 1;
        self.cut_packets += u64::from(captured_len < record.wire_len);
        self.captured_bytes += u64::from(captured_len);
        self.wire_bytes += u64::from(record.wire_len.max(captured_len));
        *self.link_numbers.entry(record.link.number).or_default() += 1;
        match record.timestamp {
            Some(at) => {
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
                self.last = Some(self.last.map_or(at, |last| last.max(at)));
            }
            None => self.untimed_packets += 1,
        }
    }
}
