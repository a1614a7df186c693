//! One IP fragment, as its headers describe it (RFC 791, RFC 8200).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv6 header without extensions.
const IPV6_HEADER: usize = 40;
/// The IPv6 fragment header.
const FRAGMENT_HEADER: usize = 8;
const FRAGMENT: u8 = 44;
/// The extension headers that may stand before the fragment header: hop-by-hop options, routing,
/// destination options.
const EXTENSIONS: [u8; 3] = [0, 43, 60];

/// What the fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

/// A part of an IP packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// What it is a part of.
    pub(super) identity: Identity,
    /// Where its bytes lie in the packet's payload.
    pub(super) offset: usize,
    /// Whether the packet ends with it.
    pub(super) is_last: bool,
    /// Its captured bytes.
    pub(super) payload: &'a [u8],
    /// How many bytes it had on the wire.
    pub(super) length: usize,
    /// The headers that each fragment has, without the fragment header.
    header: &'a [u8],
    /// Where in the header the protocol inside is named.
    protocol_at: usize,
}

impl<'a> Fragment<'a> {
    /// Reads an IP packet; `None` where it is no fragment, or its headers are not all there.
    pub(super) fn read(packet: &'a [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Self::read_ipv4(packet),
            6 => Self::read_ipv6(packet),
            _ => None,
        }
    }

    #[inline]
    fn read_ipv4(packet: &'a [u8]) -> Option<Self> {
        let fields: &[u8; 20] = packet.first_chunk()?;
        let [first, _, l1, l2, i1, i2, f1, f2, _, protocol, _, _, addresses @ ..] = *fields;
        let (more, eighths) = (f1 & 0x20 != 0, u16::from_be_bytes([f1 & 0x1f, f2]));
        if !more && eighths == 0 {
            return None;
        }
        let [s1, s2, s3, s4, d1, d2, d3, d4] = addresses;
        let header_length = usize::from(first & 0x0f) * 4;
        if header_length < fields.len() {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([l1, l2])).checked_sub(header_length)?;
        let (header, rest) = packet.split_at_checked(header_length)?;
        Some(Self {
            identity: Identity {
                source: Ipv4Addr::new(s1, s2, s3, s4).into(),
                destination: Ipv4Addr::new(d1, d2, d3, d4).into(),
                protocol,
                identification: u32::from(u16::from_be_bytes([i1, i2])),
            },
            offset: usize::from(eighths) * 8,
            is_last: !more,
            payload: rest.get(..length).unwrap_or(rest),
            length,
            header,
            protocol_at: 9,
        })
    }

    #[inline]
    fn read_ipv6(packet: &'a [u8]) -> Option<Self> {
        let (fixed, _) = packet.split_first_chunk::<IPV6_HEADER>()?;
        let [_, _, _, _, l1, l2, next, _, addresses @ ..] = *fixed;
        let (protocol_at, at) = fragment_header(packet, next)?;
        let (header, rest) = packet.split_at_checked(at)?;
        let (fields, rest) = rest.split_first_chunk::<FRAGMENT_HEADER>()?;
        let [protocol, _, f1, f2, identification @ ..] = *fields;
        let (offset, more) = (usize::from(u16::from_be_bytes([f1, f2 & 0xf8])), f2 & 1 != 0);
        if offset == 0 && !more {
            return None;
        }
        let (source, destination) = addresses.split_first_chunk::<16>()?;
        let length = usize::from(u16::from_be_bytes([l1, l2]))
            .checked_sub(at + FRAGMENT_HEADER - IPV6_HEADER)?;
        Some(Self {
            identity: Identity {
                source: Ipv6Addr::from(*source).into(),
                destination: Ipv6Addr::from(*destination.first_chunk::<16>()?).into(),
                protocol,
                identification: u32::from_be_bytes(identification),
            },
            offset,
            is_last: !more,
            payload: rest.get(..length).unwrap_or(rest),
            length,
            header,
            protocol_at,
        })
    }

    /// Whether it holds the beginning of the packet.
    pub(super) const fn is_first(&self) -> bool {
        self.offset == 0
    }

    /// Whether the snapshot length left all of it.
    pub(super) const fn is_all_captured(&self) -> bool {
        self.payload.len() == self.length
    }

    /// Appends the header that the whole packet has, with the length still to be set.
    pub(super) fn put_header(&self, header: &mut Vec<u8>) {
        let start = header.len();
        header.extend(self.header);
        let Some(header) = header.get_mut(start..) else { return };
        if let Some(protocol) = header.get_mut(self.protocol_at) {
            *protocol = self.identity.protocol;
        }
        if self.identity.source.is_ipv4()
            && let Some(flags) = header.get_mut(6..8)
        {
            flags.fill(0);
        }
    }

    /// Makes a packet of the headers and a payload that was longer on the wire.
    pub(super) fn as_packet(&self, payload: &[u8], length: usize, packet: &mut Vec<u8>) {
        packet.clear();
        self.put_header(packet);
        let header = packet.len();
        set_length(packet, header, length);
        packet.extend(payload);
    }
}

/// Makes a packet of a header and a payload.
pub(super) fn put_together(header: &[u8], payload: &[u8], packet: &mut Vec<u8>) {
    packet.clear();
    packet.extend(header);
    set_length(packet, header.len(), payload.len());
    packet.extend(payload);
}

/// The length on the wire of a packet that was made here.
pub(super) fn length_of(packet: &[u8]) -> u32 {
    let field = |at| packet.get(at..)?.first_chunk().map(|length| u16::from_be_bytes(*length));
    let is_ipv4 = packet.first().is_some_and(|first| first >> 4 == 4);
    let length =
        if is_ipv4 { field(2).map(u32::from) } else { field(4).map(|rest| 40 + u32::from(rest)) };
    length.unwrap_or(0)
}

/// Where in an IPv6 packet the fragment header is named, and where it begins.
fn fragment_header(packet: &[u8], first: u8) -> Option<(usize, usize)> {
    let (mut named_at, mut next, mut at) = (6, first, IPV6_HEADER);
    while EXTENSIONS.contains(&next) {
        named_at = at;
        let [following, eighths] = *packet.get(at..)?.first_chunk()?;
        next = following;
        at += (usize::from(eighths) + 1) * 8;
    }
    (next == FRAGMENT).then_some((named_at, at))
}

/// Sets the length of a packet whose header lies before; 0 where it is too long to be said.
fn set_length(packet: &mut [u8], header: usize, payload: usize) {
    let is_ipv4 = packet.first().is_some_and(|first| first >> 4 == 4);
    let (at, length) = if is_ipv4 {
        (2, header + payload)
    } else {
        (4, header.saturating_sub(IPV6_HEADER) + payload)
    };
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.copy_from_slice(&u16::try_from(length).unwrap_or(0).to_be_bytes());
    }
}
