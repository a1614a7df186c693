//! From a captured frame to the UDP datagram inside it.
//!
//! Only DNS answers are of interest, and only to name servers; the rest of UDP is passed over.

use etherparse::{LaxIpSlice, UdpSlice, ip_number};

use crate::{
    frame::{Frame, LinkType},
    link_layer,
};

/// The port that DNS servers answer from.
const DNS: u16 = 53;

/// The DNS message that a server sent in this frame, as far as it was captured; `None` where the
/// frame carries something else.
pub(crate) fn dns_answer<'a>(link_type: LinkType, frame: &Frame<'a>) -> Option<&'a [u8]> {
    let packet = link_layer::ip_packet(link_type, frame.bytes)?;
    let (ip, _) = LaxIpSlice::from_slice(packet).ok()?;
    let inside = ip.payload();
    if inside.ip_number != ip_number::UDP || inside.fragmented {
        return None;
    }
    let datagram = UdpSlice::from_slice_lax(inside.payload).ok()?;
    (datagram.source_port() == DNS).then(|| datagram.payload())
}
