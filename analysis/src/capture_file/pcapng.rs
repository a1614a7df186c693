//! The format of Wireshark: blocks of sections, each with interfaces of its own.
//!
//! Format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. Blocks that carry no
//! packet and options other than an interface's clock are skipped. A block that is invalid here
//! makes Wireshark end the file there too; it also ends files at options that it cannot read, of
//! which nothing is wanted here.

mod interface;

use std::io::Read;

use self::interface::Interface;
use super::{
    Fault, MOST_BLOCK, MOST_INTERFACES, Record,
    byte_order::ByteOrder,
    pcap::captured_length,
    window::{Taken, Window},
};

/// A section header's type, the same in both byte orders.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// A packet in a form that is out of use.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Entries of a systemd journal and the two custom blocks: Wireshark gives each a frame number.
const OTHER_RECORDS: [u32; 3] = [9, 0x0bad, 0x4000_0bad];

/// Type and length, before a block's body.
const BLOCK_HEAD: usize = 8;
/// The length again, behind it.
const BLOCK_TAIL: usize = 4;
/// The shortest block.
const LEAST_BLOCK: u32 = 12;
/// The shortest section header, up to its options.
const LEAST_SECTION: u32 = 28;

/// What a block brought.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// A packet.
    Packet(Record),
    /// A record that is no packet.
    Other,
}

/// A file of this format.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
}

/// A block that lies in the buffer.
#[derive(Clone, Copy, Debug)]
struct Block {
    kind: u32,
    body: Taken,
}

impl Pcapng {
    /// Whether a file that begins with these bytes is of this format.
    pub(super) fn is_begun_by(beginning: &[u8]) -> bool {
        let magic = beginning.get(8..12);
        beginning.starts_with(&SECTION.to_be_bytes())
            && (magic == Some(&BYTE_ORDER.to_be_bytes())
                || magic == Some(&BYTE_ORDER.to_le_bytes()))
    }

    /// A file before its first section.
    pub(super) const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new() }
    }

    /// The next packet or other record; `None` at the end of the file.
    ///
    /// # Errors
    /// Where a block cannot be read.
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>) -> Result<Option<Found>, Fault> {
        loop {
            window.mark();
            if !window.holds(BLOCK_HEAD)? {
                return if window.bytes().is_empty() { Ok(None) } else { Err(Fault::Cut) };
            }
            let kind = self.order.u32_at(window.bytes(), 0).ok_or(Fault::Cut)?;
            match kind {
                SECTION => self.begin_section(window)?,
                INTERFACE => self.describe_interface(window)?,
                ENHANCED_PACKET | PACKET => {
                    let block = self.whole_block(window)?;
                    return self.packet(block, window).map(|record| Some(Found::Packet(record)));
                }
                SIMPLE_PACKET => {
                    let block = self.whole_block(window)?;
                    let record = self.simple_packet(block, window)?;
                    return Ok(Some(Found::Packet(record)));
                }
                _ => {
                    self.skip_block(window)?;
                    if OTHER_RECORDS.contains(&kind) {
                        return Ok(Some(Found::Other));
                    }
                }
            }
        }
    }

    fn begin_section<R: Read>(&mut self, window: &mut Window<R>) -> Result<(), Fault> {
        if !window.holds(BLOCK_HEAD + 8)? {
            return Err(Fault::Cut);
        }
        let head = window.bytes();
        let magic = ByteOrder::Big.u32_at(head, BLOCK_HEAD).ok_or(Fault::Cut)?;
        self.order = match magic {
            BYTE_ORDER => ByteOrder::Big,
            swapped if swapped == BYTE_ORDER.swap_bytes() => ByteOrder::Little,
            magic => return Err(Fault::ByteOrder { magic }),
        };
        let major = self.order.u16_at(head, BLOCK_HEAD + 4).ok_or(Fault::Cut)?;
        if major != 1 {
            return Err(Fault::Version { major });
        }
        let length = self.block_length(window)?;
        if length < LEAST_SECTION {
            return Err(Fault::ShortBlock { kind: SECTION });
        }
        self.skip_block(window)?;
        self.interfaces.clear();
        Ok(())
    }

    fn describe_interface<R: Read>(&mut self, window: &mut Window<R>) -> Result<(), Fault> {
        let block = self.whole_block(window)?;
        let interface = Interface::read(self.order, window.taken(block.body))
            .ok_or(Fault::ShortBlock { kind: INTERFACE })?;
        if self.interfaces.len() == MOST_INTERFACES {
            return Err(Fault::TooManyInterfaces);
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet, or one in the form before it, which differs only in how the interface
    /// is named.
    #[inline]
    fn packet<R: Read>(&self, block: Block, window: &Window<R>) -> Result<Record, Fault> {
        const FIELDS: usize = 20;
        let short = || Fault::ShortBlock { kind: block.kind };
        let body = window.taken(block.body);
        let number = |at| self.order.u32_at(body, at).ok_or_else(short);
        let interface = if block.kind == PACKET {
            u32::from(self.order.u16_at(body, 0).ok_or_else(short)?)
        } else {
            number(0)?
        };
        let ticks = (u64::from(number(4)?) << 32) | u64::from(number(8)?);
        let length = captured_length(number(12)?)?;
        let wire_len = number(16)?;
        if body.len() - FIELDS < length {
            return Err(short());
        }
        let interface = self.interface(interface)?;
        Ok(Record {
            link: interface.link,
            timestamp: interface.clock.timestamp(ticks),
            wire_len,
            captured: block.body.part(FIELDS, length),
        })
    }

    /// A packet of the first interface, without a time. Its captured length is not stored either:
    /// it is the lesser of what was on the wire and what is kept of packets.
    fn simple_packet<R: Read>(&self, block: Block, window: &Window<R>) -> Result<Record, Fault> {
        const FIELDS: usize = 4;
        let short = Fault::ShortBlock { kind: SIMPLE_PACKET };
        let Some(wire_len) = self.order.u32_at(window.taken(block.body), 0) else {
            return Err(short);
        };
        let interface = self.interface(0)?;
        let kept = if interface.snapshot == 0 { u32::MAX } else { interface.snapshot };
        let length = captured_length(wire_len.min(kept))?;
        if block.body.length() - FIELDS < length {
            return Err(short);
        }
        let captured = block.body.part(FIELDS, length);
        Ok(Record { link: interface.link, timestamp: None, wire_len, captured })
    }

    #[inline]
    fn interface(&self, interface: u32) -> Result<&Interface, Fault> {
        let described = self.interfaces.len();
        usize::try_from(interface)
            .ok()
            .and_then(|index| self.interfaces.get(index))
            .ok_or(Fault::UnknownInterface { interface, described })
    }

    /// Takes the block that begins here, once all of it is in memory.
    #[inline]
    fn whole_block<R: Read>(&self, window: &mut Window<R>) -> Result<Block, Fault> {
        let first = self.block_length(window)?;
        let length = usize::try_from(first).map_err(|_| Fault::BlockLength { length: first })?;
        if !window.holds(length)? {
            return Err(Fault::Cut);
        }
        let kind = self.order.u32_at(window.bytes(), 0).ok_or(Fault::Cut)?;
        let last = self.order.u32_at(window.bytes(), length - BLOCK_TAIL).ok_or(Fault::Cut)?;
        if first != with_padding(last) {
            return Err(Fault::BlockEnds { first, last });
        }
        let taken = window.take(length);
        Ok(Block { kind, body: taken.part(BLOCK_HEAD, length - BLOCK_HEAD - BLOCK_TAIL) })
    }

    /// Leaves the block out that begins here, without holding all of it.
    fn skip_block<R: Read>(&self, window: &mut Window<R>) -> Result<(), Fault> {
        let first = self.block_length(window)?;
        let length = usize::try_from(first).map_err(|_| Fault::BlockLength { length: first })?;
        if !window.skip(length - BLOCK_TAIL)? || !window.holds(BLOCK_TAIL)? {
            return Err(Fault::Cut);
        }
        let last = self.order.u32_at(window.bytes(), 0).ok_or(Fault::Cut)?;
        if first != with_padding(last) {
            return Err(Fault::BlockEnds { first, last });
        }
        window.take(BLOCK_TAIL);
        Ok(())
    }

    /// The length of the block that begins here.
    #[inline]
    fn block_length<R: Read>(&self, window: &Window<R>) -> Result<u32, Fault> {
        let length = self.order.u32_at(window.bytes(), 4).ok_or(Fault::Cut)?;
        if (LEAST_BLOCK..=MOST_BLOCK).contains(&length) {
            Ok(with_padding(length))
        } else {
            Err(Fault::BlockLength { length })
        }
    }
}

/// A block's length with its padding, which some programs do not count, as Wireshark reads it.
const fn with_padding(length: u32) -> u32 {
    length.saturating_add(3) & !3
}

/// What a section says of its byte order, read in that order.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
