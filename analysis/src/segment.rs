//! From an IP packet to what the packet engine wants of its TCP segment.
//!
//! Lengths come from the IP header, never from the captured bytes: a capture with a snapshot
//! length keeps no payload, and Ethernet pads short frames. Reading allocates nothing; options are
//! walked only when somebody asks for them.

use std::net::SocketAddr;

use etherparse::{LaxIpSlice, TcpHeaderSlice, TcpOptionElement, TcpOptionsIterator, ip_number};

use crate::{
    frame::{Frame, LinkType},
    link_layer,
    time::Timestamp,
};

/// The TCP header without options.
const LEAST_HEADER: usize = 20;
/// The TCP header with as many options as fit.
const MOST_HEADER: usize = 60;

/// One TCP segment, or a super-frame of several that the network card cuts later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    /// When the kernel saw its frame.
    pub(crate) timestamp: Timestamp,
    /// Who sent it.
    pub(crate) source: SocketAddr,
    /// Whom it is for.
    pub(crate) destination: SocketAddr,
    /// Its sequence number: that of the SYN, or of the first payload byte.
    pub(crate) sequence: u32,
    /// The cumulative acknowledgement; `None` where the segment has none.
    pub(crate) acknowledgment: Option<u32>,
    /// Whether it opens the stream.
    pub(crate) syn: bool,
    /// Whether its sender sends nothing after it (FIN).
    pub(crate) closes: bool,
    /// Whether it ends the connection both ways (RST).
    pub(crate) resets: bool,
    /// Payload bytes on the wire.
    pub(crate) payload: u32,
    /// The identification of its IPv4 packet; `None` over IPv6.
    pub(crate) identification: Option<u16>,
    /// The first of them, as far as they were captured.
    pub(crate) bytes: &'a [u8],
    options: &'a [u8],
}

/// The timestamps option (RFC 7323).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TcpStamps {
    /// The sender's clock.
    pub(crate) value: u32,
    /// The value that the sender saw last from the other side.
    pub(crate) echo: u32,
}

impl<'a> Segment<'a> {
    /// Reads a frame; `None` where it holds no whole TCP header. Fragments are left out: the rest
    /// of such a segment could not be found again. A segment inside VXLAN is as good as any.
    pub(crate) fn read(link_type: LinkType, frame: &Frame<'a>) -> Option<Self> {
        let packet = link_layer::ip_packet(link_type, frame.bytes)?;
        let (ip, _) = LaxIpSlice::from_slice(packet).ok()?;
        let inside = ip.payload();
        if inside.ip_number == ip_number::UDP && !inside.fragmented {
            let tunnelled = link_layer::inside_vxlan(inside.payload)?;
            let packet = link_layer::ip_packet(LinkType::Ethernet, tunnelled)?;
            let (ip, _) = LaxIpSlice::from_slice(packet).ok()?;
            return Self::of_packet(frame, packet, &ip);
        }
        Self::of_packet(frame, packet, &ip)
    }

    /// A segment without payload that no frame tells of, but its ends themselves.
    pub(crate) const fn without_frame(
        timestamp: Timestamp,
        source: SocketAddr,
        destination: SocketAddr,
    ) -> Self {
        Self {
            timestamp,
            source,
            destination,
            sequence: 0,
            acknowledgment: None,
            syn: false,
            closes: false,
            resets: false,
            payload: 0,
            identification: None,
            bytes: &[],
            options: &[],
        }
    }

    /// The same with these options.
    pub(crate) const fn with_options(self, options: &'a [u8]) -> Self {
        Self { options, ..self }
    }

    /// Reads the segment of an IP packet that lies at the end of a frame.
    fn of_packet(frame: &Frame<'a>, packet: &'a [u8], ip: &LaxIpSlice<'a>) -> Option<Self> {
        let inside = ip.payload();
        if inside.ip_number != ip_number::TCP || inside.fragmented {
            return None;
        }
        let before = frame.bytes.len() - packet.len();
        let on_wire = usize::try_from(frame.wire_len).ok()?.saturating_sub(before);
        let headers = header_length(ip);
        let captured = packet.get(headers..)?;
        let mut padded = [0; MOST_HEADER];
        let header = tcp_header(captured, &mut padded)?;
        let header_length = usize::from(header.data_offset()) * 4;
        let payload = ip_length(ip, on_wire).checked_sub(headers + header_length)?;
        let bytes = captured.get(header_length..).unwrap_or_default();
        Some(Self {
            timestamp: frame.timestamp,
            source: SocketAddr::new(ip.source_addr(), header.source_port()),
            destination: SocketAddr::new(ip.destination_addr(), header.destination_port()),
            sequence: header.sequence_number(),
            acknowledgment: header.ack().then(|| header.acknowledgment_number()),
            syn: header.syn(),
            closes: header.fin(),
            resets: header.rst(),
            payload: u32::try_from(payload).ok()?,
            identification: identification(ip),
            bytes: bytes.get(..payload).unwrap_or(bytes),
            options: captured.get(LEAST_HEADER..header_length.min(captured.len()))?,
        })
    }

    /// The timestamps option; `None` where there is none.
    pub(crate) fn stamps(&self) -> Option<TcpStamps> {
        self.options().find_map(|option| match option {
            TcpOptionElement::Timestamp(value, echo) => Some(TcpStamps { value, echo }),
            _ => None,
        })
    }

    /// The sequence numbers from and to which the sender reports a duplicate (RFC 2883): the first
    /// SACK block, where it lies below the acknowledgement or inside the second block.
    pub(crate) fn duplicate(&self) -> Option<(u32, u32)> {
        let acknowledged = self.acknowledgment?;
        let (first, others) = self.options().find_map(|option| match option {
            TcpOptionElement::SelectiveAcknowledgement(first, others) => Some((first, others)),
            _ => None,
        })?;
        let [second, ..] = others;
        let inside_second = second
            .is_some_and(|second| !is_before(first.0, second.0) && !is_before(second.1, first.1));
        (!is_before(acknowledged, first.1) || inside_second).then_some(first)
    }

    /// The options as far as they can be read.
    fn options(&self) -> impl Iterator<Item = TcpOptionElement> + use<'a> {
        TcpOptionsIterator::from_slice(self.options).map_while(Result::ok)
    }
}

/// The options of a segment that reports the bytes between two sequence numbers as a duplicate.
pub(crate) fn duplicate_option(start: u32, end: u32) -> Vec<u8> {
    /// Selective acknowledgement with one block (RFC 2018, section 3).
    const KIND_AND_LENGTH: [u8; 2] = [5, 10];
    [&KIND_AND_LENGTH[..], &start.to_be_bytes(), &end.to_be_bytes()].concat()
}

/// Whether one sequence number comes before another, around the wrap.
const fn is_before(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() < 0
}

fn identification(ip: &LaxIpSlice<'_>) -> Option<u16> {
    match ip {
        LaxIpSlice::Ipv4(ip) => Some(ip.header().identification()),
        LaxIpSlice::Ipv6(_) => None,
    }
}

/// The IP header's length with all extensions.
fn header_length(ip: &LaxIpSlice<'_>) -> usize {
    match ip {
        LaxIpSlice::Ipv4(ip) => {
            let extension = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
            ip.header().slice().len() + extension
        }
        LaxIpSlice::Ipv6(ip) => ip.header().slice().len() + ip.extensions().slice().len(),
    }
}

/// The IP packet's length on the wire. A length field of 0 stands for more than it can hold (GSO,
/// BIG TCP, jumbograms); the frame's own length says how much.
fn ip_length(ip: &LaxIpSlice<'_>, on_wire: usize) -> usize {
    let (field, before) = match ip {
        LaxIpSlice::Ipv4(ip) => (ip.header().total_len(), 0),
        LaxIpSlice::Ipv6(ip) => (ip.header().payload_length(), ip.header().slice().len()),
    };
    if field == 0 { on_wire } else { before + usize::from(field) }
}

/// The header's fixed fields, even where the snapshot length cut its options.
fn tcp_header<'b>(
    captured: &'b [u8],
    padded: &'b mut [u8; MOST_HEADER],
) -> Option<TcpHeaderSlice<'b>> {
    if captured.len() < LEAST_HEADER {
        return None;
    }
    if captured.len() < MOST_HEADER {
        padded.get_mut(..captured.len())?.copy_from_slice(captured);
        return TcpHeaderSlice::from_slice(padded).ok();
    }
    TcpHeaderSlice::from_slice(captured).ok()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::testing::{CapturedFrame, Connection, Packet, client, server};

    fn read(frame: &CapturedFrame) -> Option<Segment<'_>> {
        Segment::read(LinkType::Ethernet, &frame.as_frame())
    }

    fn frame(packet: &Packet) -> CapturedFrame {
        Connection::ipv4().frame(packet)
    }

    #[test]
    fn reads_what_was_written() {
        let frame = frame(&client(7).data(0..1448).acknowledges(5).stamps(11, 12));
        let segment = read(&frame).unwrap();
        let connection = Connection::ipv4();
        assert_eq!((segment.source, segment.destination), (connection.client, connection.server));
        assert_eq!((segment.sequence, segment.acknowledgment), (1001, Some(9006)));
        assert_eq!((segment.payload, segment.syn), (1448, false));
        assert_eq!(segment.stamps(), Some(TcpStamps { value: 11, echo: 12 }));
        assert_eq!(segment.duplicate(), None);
    }

    #[test]
    fn a_segment_is_the_same_behind_every_link_layer() {
        use LinkType::{LinuxCooked, LinuxCooked2, Loopback, Raw};
        for link_type in [Loopback, Raw, LinuxCooked, LinuxCooked2] {
            let connection = Connection { link_type, ..Connection::ipv6() };
            let frame = connection.frame(&client(7).data(0..1448).super_frame());
            let segment = Segment::read(link_type, &frame.as_frame()).unwrap();
            assert_eq!((segment.source, segment.payload), (connection.client, 1448));
        }
    }

    #[test]
    fn a_segment_inside_a_tunnel_is_as_good_as_any() {
        let inner = frame(&client(7).data(0..1448).super_frame());
        let mut outer = vec![0; 14];
        outer[12] = 8;
        outer.extend([0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2]);
        outer.extend([0x99, 0x99, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 5, 0]);
        let wire_len = inner.wire_len + u32::try_from(outer.len()).unwrap();
        let bytes = [outer, inner.bytes.clone()].concat();
        let tunnelled = CapturedFrame { timestamp: inner.timestamp, wire_len, bytes };
        let segment = read(&tunnelled).unwrap();
        assert_eq!((segment.source, segment.payload), (Connection::ipv4().client, 1448));
    }

    #[test]
    fn ethernet_padding_is_no_payload() {
        let frame = frame(&server(0).acknowledges(0));
        assert_eq!((frame.bytes.len(), read(&frame).unwrap().payload), (60, 0));
    }

    #[test]
    fn a_duplicate_is_a_block_below_the_acknowledgement() {
        let below = frame(&server(0).acknowledges(3000).block(1000..3000));
        assert_eq!(read(&below).unwrap().duplicate(), Some((2001, 4001)));
        let above = frame(&server(0).acknowledges(1000).block(2000..3000));
        assert_eq!(read(&above).unwrap().duplicate(), None);
    }

    #[test]
    fn a_duplicate_may_lie_inside_the_second_block() {
        let reported = |second: Range<u64>| {
            let packet = server(0).acknowledges(1000).block(2000..3000).block(second);
            read(&frame(&packet)).unwrap().duplicate()
        };
        assert_eq!(reported(1500..3000), Some((3001, 4001)));
        assert_eq!(reported(2500..4500), None);
    }

    #[test]
    fn fragments_other_protocols_and_cut_headers_are_left_out() {
        let whole = frame(&client(0).data(0..100).acknowledges(0));
        let with = |index: usize, value: u8| {
            let mut frame = whole.clone();
            *frame.bytes.get_mut(index).unwrap() = value;
            frame
        };
        let more_fragments = with(20, 0x20);
        let datagram = with(23, 17);
        let shorter_than_its_headers = with(17, 30);
        for left_out in [more_fragments, datagram, shorter_than_its_headers] {
            assert!(read(&left_out).is_none());
        }
        for length in 0..54 {
            let mut cut = whole.clone();
            cut.bytes.truncate(length);
            assert!(read(&cut).is_none(), "{length}");
        }
    }
}
