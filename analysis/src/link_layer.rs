//! From a captured frame to the IP packet inside it.
//!
//! The first step of the packet engine: what a link layer puts before the IP header is skipped,
//! and frames that carry something else are left out. Nothing is copied.

use crate::frame::LinkType;

/// The ether type of IPv4.
const IPV4: u16 = 0x0800;
/// The ether type of IPv6.
const IPV6: u16 = 0x86dd;
/// The ether types of VLAN tags: 802.1Q, 802.1ad, and its forerunner.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// The most VLAN tags of one frame that are skipped.
const MOST_TAGS: usize = 3;
/// The destination and source addresses of Ethernet.
const ETHERNET_ADDRESSES: usize = 12;
/// The address family before a BSD loopback packet.
const LOOPBACK_HEADER: usize = 4;

/// The captured bytes from the IP header on; `None` where the frame carries no IP packet.
pub(crate) fn ip_packet(link_type: LinkType, bytes: &[u8]) -> Option<&[u8]> {
    match link_type {
        LinkType::Ethernet => inside_ethernet(bytes),
        // The family is in the byte order of the capturing machine; the IP version says the same.
        LinkType::Loopback => bytes.get(LOOPBACK_HEADER..),
        LinkType::Raw => Some(bytes),
    }
}

fn inside_ethernet(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(ETHERNET_ADDRESSES..)?;
    for _ in 0..=MOST_TAGS {
        let (ether_type, behind) = rest.split_first_chunk::<2>()?;
        match u16::from_be_bytes(*ether_type) {
            IPV4 | IPV6 => return Some(behind),
            tag if VLAN_TAGS.contains(&tag) => rest = behind.get(2..)?,
            _ => return None,
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
    fn leaves_out_what_carries_no_ip() {
        let arp = ethernet(&[0x08, 0x06, 1, 2, 3]);
        assert_eq!(ip_packet(LinkType::Ethernet, &arp), None);
        assert_eq!(ip_packet(LinkType::Ethernet, &[0; 13]), None);
        assert_eq!(ip_packet(LinkType::Loopback, &[2, 0]), None);
    }

    #[test]
    fn loopback_and_raw_packets_begin_where_they_should() {
        assert_eq!(ip_packet(LinkType::Loopback, &[2, 0, 0, 0, 0x45]), Some(&[0x45][..]));
        assert_eq!(ip_packet(LinkType::Raw, &[0x45]), Some(&[0x45][..]));
    }
}
