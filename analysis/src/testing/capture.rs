//! Capture files built in memory, of each format that is read.

use super::CapturedFrame;

/// How a capture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// libpcap's, with stamps in microseconds.
    Pcap,
    /// libpcap's, with stamps in nanoseconds.
    PcapNanoseconds,
    /// Wireshark's, with enhanced packets whose stamps are nanoseconds.
    Pcapng,
}

impl CaptureFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Pcap, Self::PcapNanoseconds, Self::Pcapng];
}

/// Writes a capture.
#[derive(Clone, Debug)]
pub struct CaptureWriter {
    format: CaptureFormat,
    big_endian: bool,
    bytes: Vec<u8>,
}

impl CaptureWriter {
    /// A capture of one interface of this LINKTYPE, without packets.
    pub fn new(format: CaptureFormat, big_endian: bool, link_number: u16) -> Self {
        let mut writer = Self { format, big_endian, bytes: Vec::new() };
        match format {
            CaptureFormat::Pcap => writer.put_header(0xa1b2_c3d4, link_number),
            CaptureFormat::PcapNanoseconds => writer.put_header(0xa1b2_3c4d, link_number),
            CaptureFormat::Pcapng => {
                writer.section();
                writer.interface(link_number, Some(9), None);
            }
        }
        writer
    }

    /// The file up to here.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends a frame; in pcapng it is of the section's first interface.
    pub fn frame(&mut self, frame: &CapturedFrame) {
        let nanoseconds = frame.timestamp.unix_ns().unsigned_abs();
        let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
        let captured = low_half(frame.bytes.len() as u64);
        match self.format {
            CaptureFormat::Pcapng => self.packet(0, nanoseconds, frame.wire_len, &frame.bytes),
            CaptureFormat::Pcap | CaptureFormat::PcapNanoseconds => {
                let unit = if self.format == CaptureFormat::Pcap { 1000 } else { 1 };
                self.put_u32(low_half(seconds));
                self.put_u32(low_half(fraction / unit));
                self.put_u32(captured);
                self.put_u32(frame.wire_len);
                self.bytes.extend(&frame.bytes);
            }
        }
    }

    /// Appends frames.
    pub fn frames(&mut self, frames: &[CapturedFrame]) {
        for frame in frames {
            self.frame(frame);
        }
    }

    /// Begins a section of pcapng.
    pub fn section(&mut self) {
        self.block(0x0a0d_0d0a, |body| {
            body.put_u32(0x1a2b_3c4d);
            body.put_u16(1);
            body.put_u16(0);
            body.bytes.extend([0xff; 8]);
        });
    }

    /// Describes an interface of pcapng: its LINKTYPE, the power of its clock's unit, and the
    /// seconds that its clock is behind.
    pub fn interface(&mut self, link_number: u16, resolution: Option<u8>, offset: Option<i64>) {
        self.block(1, |body| {
            body.put_u16(link_number);
            body.put_u16(0);
            body.put_u32(0);
            if let Some(resolution) = resolution {
                body.put_u16(9);
                body.put_u16(1);
                body.bytes.extend([resolution, 0, 0, 0]);
            }
            if let Some(offset) = offset {
                let big_endian = body.big_endian;
                body.put_u16(14);
                body.put_u16(8);
                body.bytes.extend(if big_endian {
                    offset.to_be_bytes()
                } else {
                    offset.to_le_bytes()
                });
            }
            body.put_u32(0);
        });
    }

    /// Appends an enhanced packet of pcapng.
    pub fn packet(&mut self, interface: u32, ticks: u64, wire_len: u32, bytes: &[u8]) {
        self.block(6, |body| {
            body.put_u32(interface);
            body.put_u32(low_half(ticks >> 32));
            body.put_u32(low_half(ticks));
            body.put_u32(low_half(bytes.len() as u64));
            body.put_u32(wire_len);
            body.bytes.extend(bytes);
        });
    }

    /// Appends a block of pcapng of any type, padded to whole words.
    pub fn block(&mut self, kind: u32, write: impl FnOnce(&mut Self)) {
        let mut body = Self { bytes: Vec::new(), ..*self };
        write(&mut body);
        body.bytes.resize(body.bytes.len().next_multiple_of(4), 0);
        let length = low_half(body.bytes.len() as u64 + 12);
        self.put_u32(kind);
        self.put_u32(length);
        self.bytes.extend(body.bytes);
        self.put_u32(length);
    }

    /// Appends a byte.
    pub fn put_u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    /// Appends a number of 16 bits.
    pub fn put_u16(&mut self, number: u16) {
        let bytes = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    /// Appends a number of 32 bits.
    pub fn put_u32(&mut self, number: u32) {
        let bytes = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    fn put_header(&mut self, magic: u32, link_number: u16) {
        self.put_u32(magic);
        self.put_u16(2);
        self.put_u16(4);
        self.bytes.extend([0; 8]);
        self.put_u32(262_144);
        self.put_u32(u32::from(link_number));
    }
}

/// The lower 32 bits of a number.
fn low_half(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}
