//! The format of libpcap: a header that says byte order, unit of time and link type, then records.
//!
//! Format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>. Also read are files
//! of Alexey Kuznetsov's modified libpcap, whose record headers are 8 bytes longer, and files from
//! before version 2.4, some of which have their two lengths swapped.

use std::io::Read;

use super::{
    CaptureFileError, Fault, MOST_CAPTURED, Record, byte_order::ByteOrder, link::Link,
    window::Window,
};
use crate::time::Timestamp;

/// The length of the header before the records.
const FILE_HEADER: usize = 24;
/// The length of a record's header.
const RECORD_HEADER: usize = 16;
/// The same as the modified libpcap writes it.
const MODIFIED_RECORD_HEADER: usize = 24;
/// The version as of which the two lengths are where they should be.
const UNSWAPPED: (u16, u16) = (2, 4);
/// The header's link type without what is said about frame check sequences.
const LINK_NUMBER: u32 = 0x03ff_ffff;

/// The first four bytes of a file, as they stand there, and what they say.
const MAGICS: [([u8; 4], Kind); 6] = [
    ([0xd4, 0xc3, 0xb2, 0xa1], Kind::new(ByteOrder::Little, 1000, RECORD_HEADER)),
    ([0xa1, 0xb2, 0xc3, 0xd4], Kind::new(ByteOrder::Big, 1000, RECORD_HEADER)),
    ([0x4d, 0x3c, 0xb2, 0xa1], Kind::new(ByteOrder::Little, 1, RECORD_HEADER)),
    ([0xa1, 0xb2, 0x3c, 0x4d], Kind::new(ByteOrder::Big, 1, RECORD_HEADER)),
    ([0x34, 0xcd, 0xb2, 0xa1], Kind::new(ByteOrder::Little, 1000, MODIFIED_RECORD_HEADER)),
    ([0xa1, 0xb2, 0xcd, 0x34], Kind::new(ByteOrder::Big, 1000, MODIFIED_RECORD_HEADER)),
];

/// What the first four bytes of a file say about the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    order: ByteOrder,
    /// The nanoseconds of one unit of a stamp's fraction.
    unit: u32,
    record_header: usize,
}

impl Kind {
    const fn new(order: ByteOrder, unit: u32, record_header: usize) -> Self {
        Self { order, unit, record_header }
    }

    /// The kind of the file that begins with these bytes; `None` where it is of another format.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        MAGICS.iter().find(|(magic, _)| beginning.starts_with(magic)).map(|(_, kind)| *kind)
    }

    /// What such a file is called.
    pub(super) const fn as_str(self) -> &'static str {
        match (self.unit, self.record_header) {
            (1, _) => "pcap_ns",
            (_, MODIFIED_RECORD_HEADER) => "pcap_modified",
            _ => "pcap",
        }
    }
}

/// A file of this format, behind its header.
#[derive(Debug)]
pub(super) struct Pcap {
    kind: Kind,
    link: Link,
    swapped: bool,
}

impl Pcap {
    /// Reads the file's header.
    ///
    /// # Errors
    /// Where the file is cut inside it, or of a version that is not known.
    pub(super) fn begin<R: Read>(
        kind: Kind,
        window: &mut Window<R>,
    ) -> Result<Self, CaptureFileError> {
        if !window.holds(FILE_HEADER).map_err(CaptureFileError::Read)? {
            return Err(CaptureFileError::CutHeader);
        }
        let header = window.take(FILE_HEADER);
        let header = window.taken(header);
        let (order, cut) = (kind.order, CaptureFileError::CutHeader);
        let fields = (order.u16_at(header, 4), order.u16_at(header, 6), order.u32_at(header, 20));
        let (Some(major), Some(minor), Some(link)) = fields else { return Err(cut) };
        // DG/UX wrote 543.0.
        if major != 2 && major != 543 {
            return Err(CaptureFileError::Version { major, minor });
        }
        let swapped = (major, minor) < UNSWAPPED || major == 543;
        Ok(Self { kind, link: Link::new(link & LINK_NUMBER), swapped })
    }

    /// The format's name.
    pub(super) const fn format(&self) -> &'static str {
        self.kind.as_str()
    }

    /// The next packet; `None` at the end of the file.
    ///
    /// # Errors
    /// Where the record cannot be read.
    pub(super) fn next<R: Read>(&self, window: &mut Window<R>) -> Result<Option<Record>, Fault> {
        window.mark();
        let header_length = self.kind.record_header;
        if !window.holds(header_length)? {
            return if window.bytes().is_empty() { Ok(None) } else { Err(Fault::Cut) };
        }
        let header = window.bytes();
        let number = |at| self.kind.order.u32_at(header, at).ok_or(Fault::Cut);
        let (seconds, fraction) = (number(0)?, number(4)?);
        let (mut captured, mut wire_len) = (number(8)?, number(12)?);
        if self.swapped && captured > wire_len {
            (captured, wire_len) = (wire_len, captured);
        }
        let length = captured_length(captured)?;
        if !window.holds(header_length + length)? {
            return Err(Fault::Cut);
        }
        let nanoseconds =
            i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * i64::from(self.kind.unit);
        let taken = window.take(header_length + length);
        Ok(Some(Record {
            link: self.link,
            timestamp: Some(Timestamp::from_unix_ns(nanoseconds)),
            wire_len,
            captured: taken.part(header_length, length),
        }))
    }
}

/// The captured length of a packet as it can be.
///
/// # Errors
/// Where it is longer than any program captures, so that the record is corrupt.
pub(super) fn captured_length(length: u32) -> Result<usize, Fault> {
    usize::try_from(length)
        .ok()
        .filter(|captured| *captured <= MOST_CAPTURED)
        .ok_or(Fault::PacketLength { length })
}
