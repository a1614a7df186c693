//! One captured link-layer frame, the only thing the packet engine reads.
//!
//! Live libpcap and capture files both hand over frames; nothing behind this seam knows which.

use crate::time::Timestamp;

/// A captured frame: when it was seen, how long it was on the wire, and the bytes kept of it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When the kernel saw the frame.
    pub timestamp: Timestamp,
    /// The frame's length on the wire in bytes; at least `bytes.len()`, more where the capture
    /// was cut by its snapshot length.
    pub wire_len: u32,
    /// The captured bytes, from the link-layer header on.
    pub bytes: &'a [u8],
}

/// The link-layer header that a frame's bytes begin with (LINKTYPE registry of tcpdump.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet II, with or without VLAN tags; also Linux's `lo`. LINKTYPE 1.
    Ethernet,
    /// Four bytes of address family before the IP header, in either byte order; loopback devices
    /// of BSD and macOS. LINKTYPE 0 and 108.
    Loopback,
    /// The IP header itself, as tunnels have it. LINKTYPE 101 (12 or 14 as a DLT of live captures),
    /// 228 for IPv4 only, 229 for IPv6 only.
    Raw,
    /// Linux's cooked header of 16 bytes, as captures of all devices at once have it. LINKTYPE 113.
    LinuxCooked,
    /// Its second version, of 20 bytes, which names the device. LINKTYPE 276.
    LinuxCooked2,
}

impl LinkType {
    /// Every link type.
    pub const ALL: [Self; 5] =
        [Self::Ethernet, Self::Loopback, Self::Raw, Self::LinuxCooked, Self::LinuxCooked2];

    /// The link type of a LINKTYPE/DLT number; `None` where it is not one that is understood.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 | 108 => Some(Self::Loopback),
            1 => Some(Self::Ethernet),
            12 | 14 | 101 | 228 | 229 => Some(Self::Raw),
            113 => Some(Self::LinuxCooked),
            276 => Some(Self::LinuxCooked2),
            _ => None,
        }
    }

    /// The words for people and for files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Loopback => "loopback",
            Self::Raw => "raw",
            Self::LinuxCooked => "linux_cooked",
            Self::LinuxCooked2 => "linux_cooked_2",
        }
    }
}
