//! IP fragments, put together again.
//!
//! A TCP segment may come in several IP packets, of which only the first has its header. Frames of
//! a capture go through here before they are read: what is no fragment passes unchanged, fragments
//! wait until all are there, and then the whole packet goes on, with the time of the fragment that
//! completed it, as Wireshark has it. Where a snapshot length cut the first fragment, its header
//! still counts for its own bytes. What waits is bounded in number, in size and in time.

mod fragment;

use std::{collections::VecDeque, time::Duration};

use self::fragment::{Fragment, Identity};
use crate::{
    capture_file::CapturedFrame,
    flow::Coverage,
    frame::{Frame, LinkType},
    link_layer,
    time::Timestamp,
};

/// The most packets that wait for fragments, each of at most 64 KiB; the oldest is given up.
const MOST_WAITING: usize = 64;
/// How long a packet waits for its fragments, as on Linux; identifications are used again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest IP packet that fragments can make.
const LONGEST_PACKET: usize = 65_535;

/// Puts IP fragments together.
#[derive(Debug, Default)]
pub struct Fragments {
    waiting: VecDeque<Waiting>,
    whole: Vec<u8>,
    given_up: u64,
}

/// A packet of which fragments are missing.
#[derive(Debug)]
struct Waiting {
    identity: Identity,
    since: Timestamp,
    /// The header of the first fragment; empty until that is there.
    header: Vec<u8>,
    payload: Vec<u8>,
    covered: Coverage,
    /// The payload's length; `None` until the last fragment is there.
    length: Option<usize>,
}

impl Fragments {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frame itself where it holds no fragment, the whole IP packet where its fragments are
    /// all there, and `None` while some are missing.
    pub fn whole<'a>(&'a mut self, captured: CapturedFrame<'a>) -> Option<CapturedFrame<'a>> {
        let packet = link_layer::ip_packet(captured.link_type, captured.frame.bytes);
        let Some(fragment) = packet.and_then(Fragment::read) else { return Some(captured) };
        let at = captured.frame.timestamp;
        if !fragment.is_all_captured() {
            if !fragment.is_first() {
                return None;
            }
            fragment.as_packet(fragment.payload, fragment.length, &mut self.whole);
        } else if !self.add(&fragment, at) {
            return None;
        }
        let captured_len = u32::try_from(self.whole.len()).unwrap_or(u32::MAX);
        let wire_len = fragment::length_of(&self.whole).max(captured_len);
        let frame = Frame { timestamp: at, wire_len, bytes: &self.whole };
        Some(CapturedFrame { link_type: LinkType::Raw, frame, timed: captured.timed })
    }

    /// How many packets were given up or still wait because fragments are missing.
    pub fn incomplete(&self) -> u64 {
        self.given_up + u64::try_from(self.waiting.len()).unwrap_or(u64::MAX)
    }

    /// Adds a fragment; returns whether that completed its packet, which then lies in `whole`.
    fn add(&mut self, fragment: &Fragment<'_>, at: Timestamp) -> bool {
        let index = self.place(&fragment.identity, at);
        let Some(waiting) = self.waiting.get_mut(index) else { return false };
        if !waiting.add(fragment) {
            self.waiting.remove(index);
            self.given_up += 1;
            return false;
        }
        if !waiting.is_whole() {
            return false;
        }
        if let Some(done) = self.waiting.remove(index) {
            fragment::put_together(&done.header, &done.payload, &mut self.whole);
        }
        true
    }

    /// Where the packet of this identity waits, made where it is the first fragment to come.
    fn place(&mut self, identity: &Identity, at: Timestamp) -> usize {
        let is_late = |since: Timestamp| at.since(since).is_some_and(|age| age > LONGEST_WAIT);
        while self.waiting.front().is_some_and(|oldest| is_late(oldest.since)) {
            self.waiting.pop_front();
            self.given_up += 1;
        }
        if let Some(index) = self.waiting.iter().position(|known| known.identity == *identity) {
            return index;
        }
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
            self.given_up += 1;
        }
        self.waiting.push_back(Waiting {
            identity: *identity,
            since: at,
            header: Vec::new(),
            payload: Vec::new(),
            covered: Coverage::from_start(),
            length: None,
        });
        self.waiting.len() - 1
    }
}

impl Waiting {
    /// Adds a fragment; `false` where the packet cannot be one with it.
    fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        let end = fragment.offset + fragment.payload.len();
        let length = if fragment.is_last { Some(end) } else { self.length };
        let is_beyond = length.is_some_and(|length| end > length || self.payload.len() > length);
        if end > LONGEST_PACKET || is_beyond {
            return false;
        }
        self.length = length;
        if fragment.is_first() {
            self.header.clear();
            fragment.put_header(&mut self.header);
        }
        if self.payload.len() < end {
            self.payload.resize(end, 0);
        }
        if let Some(place) = self.payload.get_mut(fragment.offset..end)
            && !place.is_empty()
        {
            place.copy_from_slice(fragment.payload);
            self.covered.add(position(fragment.offset)..position(end));
        }
        true
    }

    fn is_whole(&self) -> bool {
        let covers = |length| self.covered.covers(&(0..position(length)));
        !self.header.is_empty() && self.length.is_some_and(covers)
    }
}

fn position(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::{
        segment::Segment,
        testing::{Connection, client, moment},
    };

    /// The packet of a segment of 1000 bytes, without a link layer.
    fn packet(connection: &Connection) -> Vec<u8> {
        let connection =
            Connection { link_type: LinkType::Raw, snapshot: 10_000, ..connection.clone() };
        connection.frame(&client(0).data(0..1000).acknowledges(0)).bytes
    }

    /// The part of an IPv4 packet with these bytes of its payload.
    fn part_of_ipv4(packet: &[u8], part: Range<usize>) -> Vec<u8> {
        let payload = &packet[20..];
        let more = if part.end < payload.len() { 0x20 } else { 0 };
        let mut fragment = [&packet[..20], &payload[part.clone()]].concat();
        let length = u16::try_from(fragment.len()).unwrap();
        fragment[2..4].copy_from_slice(&length.to_be_bytes());
        fragment[6] = more;
        fragment[7] = u8::try_from(part.start / 8).unwrap();
        fragment
    }

    /// The same of an IPv6 packet with one extension header.
    fn part_of_ipv6(packet: &[u8], part: Range<usize>) -> Vec<u8> {
        let (header, payload) = packet.split_at(48);
        let more = u8::from(part.end < payload.len());
        let offset = u16::try_from(part.start).unwrap().to_be_bytes();
        let extension = [6, 0, offset[0], offset[1] | more, 0, 0, 0, 7];
        let mut fragment = [header, &extension, &payload[part]].concat();
        let length = u16::try_from(fragment.len() - 40).unwrap();
        fragment[4..6].copy_from_slice(&length.to_be_bytes());
        fragment[40] = 44;
        fragment
    }

    fn captured(bytes: &[u8], microseconds: i64) -> CapturedFrame<'_> {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let frame = Frame { timestamp: moment(microseconds), wire_len, bytes };
        CapturedFrame { link_type: LinkType::Raw, frame, timed: true }
    }

    /// The payload of the segment that a frame brings, and when it was whole.
    fn segment(fragments: &mut Fragments, bytes: &[u8], at: i64) -> Option<(u32, Timestamp)> {
        let whole = fragments.whole(captured(bytes, at))?;
        let segment = Segment::read(whole.link_type, &whole.frame)?;
        Some((segment.payload, segment.timestamp))
    }

    fn with_extension() -> Connection {
        Connection { extension_header: true, ..Connection::ipv6() }
    }

    #[test]
    fn fragments_in_any_order_make_the_packet() {
        let (four, six) = (packet(&Connection::ipv4()), packet(&with_extension()));
        let parts = [1016..1020, 0..512, 0..512, 512..1016];
        for parts in [
            parts.clone().map(|part| part_of_ipv4(&four, part)),
            parts.map(|part| part_of_ipv6(&six, part)),
        ] {
            let mut fragments = Fragments::new();
            for part in &parts[..3] {
                assert_eq!(segment(&mut fragments, part, 1), None);
            }
            assert_eq!(fragments.incomplete(), 1);
            assert_eq!(segment(&mut fragments, &parts[3], 4), Some((1000, moment(4))));
            assert_eq!(fragments.incomplete(), 0);
        }
    }

    #[test]
    fn the_packet_that_is_put_together_is_the_one_that_was_sent() {
        let sent = packet(&with_extension());
        let mut fragments = Fragments::new();
        fragments.whole(captured(&part_of_ipv6(&sent, 512..1020), 0));
        let first = part_of_ipv6(&sent, 0..512);
        assert_eq!(fragments.whole(captured(&first, 1)).unwrap().frame.bytes, sent);
    }

    #[test]
    fn what_is_no_fragment_passes_unchanged() {
        let mut fragments = Fragments::new();
        for bytes in [packet(&Connection::ipv4()), packet(&with_extension()), vec![0x45], vec![]] {
            let passed = fragments.whole(captured(&bytes, 0)).unwrap();
            assert_eq!(passed.frame.bytes, bytes);
        }
    }

    #[test]
    fn a_first_fragment_that_was_cut_counts_for_itself() {
        let sent = packet(&Connection::ipv4());
        let (first, second) = (part_of_ipv4(&sent, 0..512), part_of_ipv4(&sent, 512..1020));
        let mut fragments = Fragments::new();
        assert_eq!(segment(&mut fragments, &first[..60], 0), Some((492, moment(0))));
        assert_eq!(segment(&mut fragments, &second[..60], 1), None);
        assert_eq!(fragments.incomplete(), 0);
    }

    #[test]
    fn what_waits_too_long_or_behind_too_many_is_given_up() {
        let sent = packet(&Connection::ipv4());
        let (first, second) = (part_of_ipv4(&sent, 0..512), part_of_ipv4(&sent, 512..1020));
        let mut fragments = Fragments::new();
        assert_eq!(segment(&mut fragments, &first, 0), None);
        assert_eq!(segment(&mut fragments, &second, 30_000_001), None);
        for identification in 1..=64 {
            let mut other = first.clone();
            other[5] = identification;
            assert_eq!(segment(&mut fragments, &other, 30_000_002), None);
        }
        assert_eq!((fragments.waiting.len(), fragments.incomplete()), (64, 66));
    }

    #[test]
    fn fragments_that_contradict_each_other_are_given_up() {
        let sent = packet(&Connection::ipv4());
        let mut fragments = Fragments::new();
        assert_eq!(segment(&mut fragments, &part_of_ipv4(&sent, 512..1020), 0), None);
        let mut beyond = part_of_ipv4(&sent, 0..512);
        beyond[7] = 100;
        assert_eq!(segment(&mut fragments, &beyond, 0), None);
        assert_eq!((fragments.waiting.len(), fragments.incomplete()), (0, 1));
    }
}
