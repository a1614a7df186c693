//! From a captured frame to the IP packet inside it.
//!
//! The first step of the packet engine: what a link layer puts before the IP header is skipped,
//! and frames that carry something else are left out. Nothing is copied. Tunnels of Ethernet over
//! UDP (VXLAN) are opened here too, because what is inside begins with a link layer again.

use crate::frame::LinkType;

/// The ether type of IPv4.
const IPV4: u16 = 0x0800;
/// The ether type of IPv6.
const IPV6: u16 = 0x86dd;
/// The ether types of VLAN tags: 802.1Q, 802.1ad, and its forerunner.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// The ether types of MPLS, to one and to many.
const MPLS: [u16; 2] = [0x8847, 0x8848];
/// The most VLAN tags of one frame that are skipped.
const MOST_TAGS: usize = 3;
/// The most MPLS labels of one frame that are skipped.
const MOST_LABELS: usize = 16;
/// The destination and source addresses of Ethernet.
const ETHERNET_ADDRESSES: usize = 12;
/// The address family before a BSD loopback packet.
const LOOPBACK_HEADER: usize = 4;
/// What Linux's cooked header says before the ether type.
const COOKED_HEADER: usize = 14;
/// What the second version of Linux's cooked header says behind the ether type.
const COOKED_2_REST: usize = 18;
/// The UDP port that VXLAN is sent to (RFC 7348).
const VXLAN_PORT: u16 = 4789;
/// The flag by which a VXLAN header says that it is one.
const VXLAN_VALID: u8 = 0x08;

/// The captured bytes from the IP header on; `None` where the frame carries no IP packet.
pub(crate) fn ip_packet(link_type: LinkType, bytes: &[u8]) -> Option<&[u8]> {
    match link_type {
        LinkType::Ethernet => inside_ethernet(bytes.get(ETHERNET_ADDRESSES..)?),
        // The family is in the byte order of the capturing machine; the IP version says the same.
        LinkType::Loopback => bytes.get(LOOPBACK_HEADER..),
        LinkType::Raw => Some(bytes),
        LinkType::LinuxCooked => inside_ethernet(bytes.get(COOKED_HEADER..)?),
        LinkType::LinuxCooked2 => {
            let (ether_type, rest) = bytes.split_first_chunk::<2>()?;
            behind_ether_type(u16::from_be_bytes(*ether_type), rest.get(COOKED_2_REST..)?)
        }
    }
}

/// The Ethernet frame inside a UDP datagram that is VXLAN; `None` where it is something else.
pub(crate) fn inside_vxlan(datagram: &[u8]) -> Option<&[u8]> {
    let (headers, frame) = datagram.split_first_chunk::<16>()?;
    let [_, _, port_high, port_low, _, _, _, _, flags, ..] = *headers;
    let to_vxlan = u16::from_be_bytes([port_high, port_low]) == VXLAN_PORT;
    (to_vxlan && flags & VXLAN_VALID != 0).then_some(frame)
}

/// What follows an ether type and what it announces.
fn inside_ethernet(bytes: &[u8]) -> Option<&[u8]> {
    let (ether_type, behind) = bytes.split_first_chunk::<2>()?;
    behind_ether_type(u16::from_be_bytes(*ether_type), behind)
}

fn behind_ether_type(first: u16, bytes: &[u8]) -> Option<&[u8]> {
    let mut ether_type = first;
    let mut rest = bytes;
    for _ in 0..=MOST_TAGS {
        match ether_type {
            IPV4 | IPV6 => return Some(rest),
            labelled if MPLS.contains(&labelled) => return behind_labels(rest),
            tag if VLAN_TAGS.contains(&tag) => {
                let ([_, _, high, low], behind) = rest.split_first_chunk::<4>()?;
                ether_type = u16::from_be_bytes([*high, *low]);
                rest = behind;
            }
            _ => return None,
        }
    }
    None
}

/// Labels do not say what they carry (RFC 3032); an IP packet shows by its version.
fn behind_labels(bytes: &[u8]) -> Option<&[u8]> {
    const LAST_LABEL: u8 = 1;
    let mut rest = bytes;
    for _ in 0..MOST_LABELS {
        let ([_, _, flags, _], behind) = rest.split_first_chunk::<4>()?;
        rest = behind;
        if flags & LAST_LABEL != 0 {
            let version = rest.first()? >> 4;
            return matches!(version, 4 | 6).then_some(rest);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ethernet(behind_addresses: &[u8]) -> Vec<u8> {
        [&[0; ETHERNET_ADDRESSES][..], behind_addresses].concat()
    }

    #[test]
    fn skips_two_vlan_tags() {
        let frame = ethernet(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 0x86, 0xdd, 0x60]);
        assert_eq!(ip_packet(LinkType::Ethernet, &frame), Some(&[0x60][..]));
    }

    #[test]
    fn skips_labels_up_to_the_last_and_a_tag_before_them() {
        let labels = [0x81, 0, 0, 9, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64];
        let frame = ethernet(&[&labels[..], &[0x45, 7]].concat());
        assert_eq!(ip_packet(LinkType::Ethernet, &frame), Some(&[0x45, 7][..]));
        let pseudowire = ethernet(&[&labels[..], &[0, 0]].concat());
        assert_eq!(ip_packet(LinkType::Ethernet, &pseudowire), None);
    }

    #[test]
    fn leaves_out_what_carries_no_ip() {
        let arp = ethernet(&[0x08, 0x06, 1, 2, 3]);
        assert_eq!(ip_packet(LinkType::Ethernet, &arp), None);
        assert_eq!(ip_packet(LinkType::Ethernet, &[0; 13]), None);
        assert_eq!(ip_packet(LinkType::Loopback, &[2, 0]), None);
        assert_eq!(ip_packet(LinkType::LinuxCooked, &[0; 15]), None);
        assert_eq!(ip_packet(LinkType::LinuxCooked2, &[8, 0, 0]), None);
    }

    #[test]
    fn loopback_and_raw_packets_begin_where_they_should() {
        assert_eq!(ip_packet(LinkType::Loopback, &[2, 0, 0, 0, 0x45]), Some(&[0x45][..]));
        assert_eq!(ip_packet(LinkType::Raw, &[0x45]), Some(&[0x45][..]));
    }

    #[test]
    fn cooked_packets_begin_behind_their_header_and_a_tag_in_it() {
        let first = [&[0; COOKED_HEADER][..], &[0x81, 0, 0, 9, 8, 0, 0x45]].concat();
        assert_eq!(ip_packet(LinkType::LinuxCooked, &first), Some(&[0x45][..]));
        let second = [&[0x86, 0xdd][..], &[0; COOKED_2_REST], &[0x60]].concat();
        assert_eq!(ip_packet(LinkType::LinuxCooked2, &second), Some(&[0x60][..]));
    }

    #[test]
    fn a_datagram_to_the_port_of_vxlan_is_opened() {
        let mut datagram = [0, 9, 0x12, 0xb5, 0, 18, 0, 0, 8, 0, 0, 0, 0, 0, 5, 0, 0xaa, 0xbb];
        assert_eq!(inside_vxlan(&datagram), Some(&[0xaa, 0xbb][..]));
        datagram[3] = 0;
        assert_eq!(inside_vxlan(&datagram), None);
    }
}
