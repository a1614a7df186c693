//! Frames built in memory, so that a test's conversation reads like a timeline.
//!
//! A [`Packet`] says who sent what and when, in positions of the two streams; a [`Connection`]
//! knows addresses, initial sequence numbers and the link layer, and makes [`CapturedFrame`]s of
//! packets. It is compiled for tests only (feature `testing`).
//!
//! ```
//! use armol_analysis::testing::{Connection, client, server};
//!
//! let frames = Connection::ipv4().frames(&[
//!     client(0).syn(),
//!     server(40_000).syn().acknowledges(0),
//!     client(40_100).data(0..1000).acknowledges(0),
//!     server(80_100).acknowledges(1000),
//! ]);
//! assert_eq!(frames.len(), 4);
//! ```

mod capture;
pub mod entry;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::Range,
};

pub use self::capture::{CaptureFormat, CaptureWriter};
use crate::{
    frame::{Frame, LinkType},
    time::Timestamp,
};

/// Ethernet pads shorter frames on the wire.
const LEAST_ETHERNET: usize = 60;
/// The bits of the TCP header's flags.
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The moment so many microseconds after the start of all test conversations.
pub const fn moment(microseconds: i64) -> Timestamp {
    Timestamp::from_unix_ns(1_700_000_000_000_000_000 + microseconds * 1000)
}

/// A packet that the client sends at this [`moment`].
pub const fn client(microseconds: i64) -> Packet {
    Packet::new(true, moment(microseconds))
}

/// A packet of the server that arrives at this [`moment`].
pub const fn server(microseconds: i64) -> Packet {
    Packet::new(false, moment(microseconds))
}

/// One TCP segment in terms of its conversation.
#[derive(Clone, Debug)]
pub struct Packet {
    by_client: bool,
    at: Timestamp,
    flags: u8,
    data: Range<u64>,
    content: Vec<u8>,
    acknowledges: Option<u64>,
    stamps: Option<(u32, u32)>,
    blocks: Vec<Range<u64>>,
    super_frame: bool,
    identification: u16,
}

impl Packet {
    const fn new(by_client: bool, at: Timestamp) -> Self {
        Self {
            by_client,
            at,
            flags: 0,
            data: 0..0,
            content: Vec::new(),
            acknowledges: None,
            stamps: None,
            blocks: Vec::new(),
            super_frame: false,
            identification: 0,
        }
    }

    /// Whether the client sends it.
    pub const fn is_by_client(&self) -> bool {
        self.by_client
    }

    /// The bytes of its side's stream that it carries.
    pub fn payload(&self) -> Range<u64> {
        self.data.clone()
    }

    /// Closes its side's stream.
    #[must_use]
    pub fn closes(mut self) -> Self {
        self.flags |= FIN;
        self
    }

    /// Ends the connection both ways.
    #[must_use]
    pub fn resets(mut self) -> Self {
        self.flags |= RST;
        self
    }

    /// Opens its side's stream.
    #[must_use]
    pub fn syn(mut self) -> Self {
        self.flags |= SYN;
        self
    }

    /// Carries these bytes of its side's stream.
    #[must_use]
    pub fn data(mut self, range: Range<u64>) -> Self {
        self.data = range;
        self
    }

    /// Carries these very bytes, from this position of its side's stream on.
    #[must_use]
    pub fn bytes(mut self, start: u64, bytes: &[u8]) -> Self {
        self.data = start..start.saturating_add(bytes.len() as u64);
        self.content = bytes.to_vec();
        self
    }

    /// Acknowledges the other side's stream up to here.
    #[must_use]
    pub fn acknowledges(mut self, position: u64) -> Self {
        self.acknowledges = Some(position);
        self
    }

    /// Carries the timestamps option: its own clock, and the other's that it saw last.
    #[must_use]
    pub fn stamps(mut self, value: u32, echo: u32) -> Self {
        self.stamps = Some((value, echo));
        self
    }

    /// Carries one more SACK block: bytes of the other side's stream that came out of order or, in
    /// the first block, twice.
    #[must_use]
    pub fn block(mut self, range: Range<u64>) -> Self {
        self.blocks.push(range);
        self
    }

    /// Is larger than an IP length field can say, so that the field is 0.
    #[must_use]
    pub fn super_frame(mut self) -> Self {
        self.super_frame = true;
        self
    }

    /// Has this identification, where it goes over IPv4; 0 otherwise.
    #[must_use]
    pub fn identification(mut self, number: u16) -> Self {
        self.identification = number;
        self
    }
}

/// The two ends of a conversation, and how its frames are captured.
#[derive(Clone, Debug)]
pub struct Connection {
    /// This machine's end.
    pub client: SocketAddr,
    /// The other end, of the same IP version.
    pub server: SocketAddr,
    /// The sequence number of the client's SYN.
    pub client_isn: u32,
    /// The sequence number of the server's SYN.
    pub server_isn: u32,
    /// What stands before the IP header.
    pub link_type: LinkType,
    /// The VLAN tag of its Ethernet frames.
    pub vlan: Option<u16>,
    /// Whether an IPv6 extension header stands before the segment.
    pub extension_header: bool,
    /// The most bytes of a frame that are captured.
    pub snapshot: usize,
}

/// A frame that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFrame {
    /// When the kernel saw it.
    pub timestamp: Timestamp,
    /// Its length on the wire.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: Vec<u8>,
}

impl CapturedFrame {
    /// The frame as the packet engine takes it.
    pub fn as_frame(&self) -> Frame<'_> {
        Frame { timestamp: self.timestamp, wire_len: self.wire_len, bytes: &self.bytes }
    }
}

impl Connection {
    /// A connection over IPv4 and Ethernet, captured as the agent does: headers only.
    pub const fn ipv4() -> Self {
        Self {
            client: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 50_000),
            server: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 443),
            client_isn: 1000,
            server_isn: 9000,
            link_type: LinkType::Ethernet,
            vlan: None,
            extension_header: false,
            snapshot: 256,
        }
    }

    /// The same over IPv6.
    pub const fn ipv6() -> Self {
        let client = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
        let server = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
        Self {
            client: SocketAddr::new(IpAddr::V6(client), 50_000),
            server: SocketAddr::new(IpAddr::V6(server), 443),
            ..Self::ipv4()
        }
    }

    /// The frames of a timeline.
    pub fn frames(&self, packets: &[Packet]) -> Vec<CapturedFrame> {
        packets.iter().map(|packet| self.frame(packet)).collect()
    }

    /// The frame of one packet. Payload bytes are zeros where the packet names none, checksums are
    /// left to the network card.
    pub fn frame(&self, packet: &Packet) -> CapturedFrame {
        let segment = self.segment_header(packet);
        let payload = usize::try_from(packet.data.end - packet.data.start).unwrap_or(usize::MAX);
        let mut bytes = self.link_header();
        self.put_ip_header(&mut bytes, packet, segment.len().saturating_add(payload));
        bytes.extend(segment);
        bytes.extend_from_slice(&packet.content);
        let mut on_wire = bytes.len().saturating_add(payload - packet.content.len());
        if self.link_type == LinkType::Ethernet && !packet.by_client {
            on_wire = on_wire.max(LEAST_ETHERNET);
        }
        bytes.resize(on_wire.min(self.snapshot), 0);
        let wire_len = u32::try_from(on_wire).unwrap_or(u32::MAX);
        CapturedFrame { timestamp: packet.at, wire_len, bytes }
    }

    fn link_header(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let ether_type = if self.client.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] };
        match self.link_type {
            LinkType::Ethernet => {
                bytes.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
                if let Some(tag) = self.vlan {
                    bytes.extend([0x81, 0x00]);
                    bytes.extend(tag.to_be_bytes());
                }
                bytes.extend(ether_type);
            }
            LinkType::Loopback => {
                let family = if self.client.is_ipv4() { 2_u32 } else { 30 };
                bytes.extend(family.to_le_bytes());
            }
            LinkType::Raw => {}
            LinkType::LinuxCooked => {
                bytes.extend([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
                bytes.extend(ether_type);
            }
            LinkType::LinuxCooked2 => {
                bytes.extend(ether_type);
                bytes.extend([0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
            }
        }
        bytes
    }

    fn put_ip_header(&self, bytes: &mut Vec<u8>, packet: &Packet, inside: usize) {
        const TCP: u8 = 6;
        const HOP_BY_HOP: u8 = 0;
        let (source, destination) = self.ends(packet);
        let length = |length: usize| {
            let length = if packet.super_frame { 0 } else { length };
            u16::try_from(length).unwrap_or(0).to_be_bytes()
        };
        match (source.ip(), destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                bytes.extend([0x45, 0]);
                bytes.extend(length(inside.saturating_add(20)));
                bytes.extend(packet.identification.to_be_bytes());
                bytes.extend([0x40, 0, 64, TCP, 0, 0]);
                bytes.extend(source.octets());
                bytes.extend(destination.octets());
            }
            (source, destination) => {
                let extension = usize::from(self.extension_header) * 8;
                bytes.extend([0x60, 0, 0, 0]);
                bytes.extend(length(inside.saturating_add(extension)));
                bytes.extend([if self.extension_header { HOP_BY_HOP } else { TCP }, 64]);
                bytes.extend(octets(source));
                bytes.extend(octets(destination));
                if self.extension_header {
                    bytes.extend([TCP, 0, 1, 4, 0, 0, 0, 0]);
                }
            }
        }
    }

    fn segment_header(&self, packet: &Packet) -> Vec<u8> {
        let (source, destination) = self.ends(packet);
        let (own, other) = if packet.by_client {
            (self.client_isn, self.server_isn)
        } else {
            (self.server_isn, self.client_isn)
        };
        let sequence =
            if packet.flags & SYN != 0 { own } else { sequence_after(own, packet.data.start) };
        let acknowledged =
            packet.acknowledges.map_or(0, |position| sequence_after(other, position));
        let options = options(packet, other);
        let words = u8::try_from((20 + options.len()) / 4).unwrap_or(u8::MAX);
        let flags = packet.flags | (u8::from(packet.acknowledges.is_some()) * ACK);
        let mut bytes = Vec::new();
        bytes.extend(source.port().to_be_bytes());
        bytes.extend(destination.port().to_be_bytes());
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(acknowledged.to_be_bytes());
        bytes.extend([words << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(options);
        bytes
    }

    const fn ends(&self, packet: &Packet) -> (SocketAddr, SocketAddr) {
        if packet.by_client { (self.client, self.server) } else { (self.server, self.client) }
    }
}

/// The options of a packet, padded to whole words.
fn options(packet: &Packet, other_isn: u32) -> Vec<u8> {
    let mut options = Vec::new();
    if let Some((value, echo)) = packet.stamps {
        options.extend([1, 1, 8, 10]);
        options.extend(value.to_be_bytes());
        options.extend(echo.to_be_bytes());
    }
    if !packet.blocks.is_empty() {
        let length = u8::try_from(2 + 8 * packet.blocks.len()).unwrap_or(u8::MAX);
        options.extend([1, 1, 5, length]);
    }
    for range in &packet.blocks {
        options.extend(sequence_after(other_isn, range.start).to_be_bytes());
        options.extend(sequence_after(other_isn, range.end).to_be_bytes());
    }
    options
}

/// The sequence number of a position, the SYN being one before the first.
fn sequence_after(isn: u32, position: u64) -> u32 {
    let wrapped = u32::try_from(position & u64::from(u32::MAX)).unwrap_or(0);
    isn.wrapping_add(1).wrapping_add(wrapped)
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
