//! Capture files, read as a stream: pcap and pcapng, told apart by content.
//!
//! A [`CaptureReader`] takes any source of bytes and gives one frame after the other, each lying
//! in the reader's own buffer; memory stays the same however long the capture is. A capture that is
//! cut or corrupt ends there, with everything before it read, and says where and why: see
//! [`Ending`]. Opening files and unpacking them is left to whoever has them.
//!
//! ```
//! use armol_analysis::capture_file::{CaptureFileError, CaptureReader};
//!
//! fn count_ethernet(bytes: &[u8]) -> Result<u64, CaptureFileError> {
//!     let mut reader = CaptureReader::new(bytes)?;
//!     let mut frames = 0;
//!     while let Some(captured) = reader.next_frame() {
//!         frames += u64::from(captured.link_type == armol_analysis::frame::LinkType::Ethernet);
//!     }
//!     if let Some(damage) = reader.end().damage() {
//!         println!("{damage}");
//!     }
//!     Ok(frames)
//! }
//! # assert!(count_ethernet(b"{}").is_err());
//! ```

mod byte_order;
mod content;
mod ending;
mod link;
mod pcap;
mod pcapng;
mod tally;
mod window;

use std::io::{self, Read};

use thiserror::Error;

pub use self::{
    ending::{Damage, Ending, Fault},
    tally::Tally,
};
use self::{
    link::Link,
    pcap::Pcap,
    pcapng::{Found, Pcapng},
    window::{Taken, Window},
};
use crate::{
    frame::{Frame, LinkType},
    time::Timestamp,
};

/// The most bytes of one packet that are captured; a record that claims more is corrupt. It is the
/// bound of libpcap and Wireshark.
pub(crate) const MOST_CAPTURED: usize = 256 * 1024;
/// The longest block of a pcapng file, as Wireshark has it.
pub(crate) const MOST_BLOCK: u32 = 16 * 1024 * 1024;
/// The most interfaces that a section may describe.
pub(crate) const MOST_INTERFACES: usize = 1 << 16;
/// How much of a file is looked at to tell what it is.
const BEGINNING: usize = 64;

/// Reads the frames of a capture, in the order of the file.
#[derive(Debug)]
pub struct CaptureReader<R> {
    window: Window<R>,
    format: Format,
    tally: Tally,
    ending: Ending,
}

/// A frame as a capture holds it.
#[derive(Clone, Copy, Debug)]
pub struct CapturedFrame<'a> {
    /// What its bytes begin with.
    pub link_type: LinkType,
    /// The frame. Without a time its timestamp is the epoch.
    pub frame: Frame<'a>,
    /// Whether the capture says when it was seen. Simple packets of pcapng have no time.
    pub timed: bool,
}

/// Why something cannot be read as a capture at all.
#[derive(Debug, Error)]
pub enum CaptureFileError {
    /// There is not one byte.
    #[error("it is empty, a pcap or pcapng file is wanted")]
    Empty,
    /// It is something else.
    #[error("it looks like {looks_like}, a pcap or pcapng file is wanted")]
    NotACapture {
        /// What its beginning says it is.
        looks_like: &'static str,
    },
    /// It ends before its first record.
    #[error("it is cut inside the header of a pcap file, so that nothing of it can be read")]
    CutHeader,
    /// Its version is not known.
    #[error("it is of pcap version {major}.{minor}, only version 2 is known")]
    Version {
        /// The version's first number.
        major: u16,
        /// The version's second number.
        minor: u16,
    },
    /// The source failed.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// One packet of a file, whose bytes lie in the window.
#[derive(Clone, Copy, Debug)]
struct Record {
    link: Link,
    timestamp: Option<Timestamp>,
    wire_len: u32,
    captured: Taken,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the beginning of a capture.
    ///
    /// # Errors
    /// Where it is no capture, or the source fails.
    pub fn new(source: R) -> Result<Self, CaptureFileError> {
        let mut window = Window::new(source);
        window.holds(BEGINNING).map_err(CaptureFileError::Read)?;
        let bytes = window.bytes();
        let beginning = bytes.get(..BEGINNING).unwrap_or(bytes);
        let format = if let Some(kind) = pcap::Kind::of(beginning) {
            Format::Pcap(Pcap::begin(kind, &mut window)?)
        } else if Pcapng::is_begun_by(beginning) {
            Format::Pcapng(Pcapng::new())
        } else if beginning.is_empty() {
            return Err(CaptureFileError::Empty);
        } else {
            return Err(CaptureFileError::NotACapture {
                looks_like: content::looks_like(beginning),
            });
        };
        Ok(Self { window, format, tally: Tally::default(), ending: Ending::NotReached })
    }

    /// The next frame; `None` once the capture has ended, see [`Self::end`]. Frames of link types
    /// that are not understood are counted and left out.
    pub fn next_frame(&mut self) -> Option<CapturedFrame<'_>> {
        loop {
            let record = self.next_record()?;
            let captured_len = u32::try_from(record.captured.length()).unwrap_or(u32::MAX);
            self.tally.count(&record, captured_len);
            if let Some(link_type) = record.link.kind {
                let frame = Frame {
                    timestamp: record.timestamp.unwrap_or(EPOCH),
                    wire_len: record.wire_len.max(captured_len),
                    bytes: self.window.taken(record.captured),
                };
                return Some(CapturedFrame { link_type, frame, timed: record.timestamp.is_some() });
            }
        }
    }

    /// How the capture ended.
    pub const fn end(&self) -> &Ending {
        &self.ending
    }

    /// What is wrong with the capture; `None` where nothing was found to be.
    pub fn into_damage(self) -> Option<Damage> {
        match self.ending {
            Ending::Damaged(damage) => Some(damage),
            Ending::NotReached | Ending::Complete => None,
        }
    }

    /// What has been read up to here, frames of all link types.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The format's name: "pcap", "`pcap_ns`", "`pcap_modified`" or "pcapng".
    pub const fn format(&self) -> &'static str {
        match &self.format {
            Format::Pcap(pcap) => pcap.format(),
            Format::Pcapng(_) => "pcapng",
        }
    }

    fn next_record(&mut self) -> Option<Record> {
        while matches!(self.ending, Ending::NotReached) {
            let found = match &mut self.format {
                Format::Pcap(pcap) => {
                    pcap.next(&mut self.window).map(|next| next.map(Found::Packet))
                }
                Format::Pcapng(pcapng) => pcapng.next(&mut self.window),
            };
            match found {
                Ok(Some(Found::Packet(record))) => return Some(record),
                Ok(Some(Found::Other)) => self.tally.other_records += 1,
                Ok(None) => self.ending = Ending::Complete,
                Err(fault) => self.ending = Ending::Damaged(self.damage(fault)),
            }
        }
        None
    }

    /// The damage that this fault is, with what it costs.
    #[cold]
    fn damage(&mut self, fault: Fault) -> Damage {
        let offset = self.window.marked();
        let unread_bytes = match fault {
            Fault::Read(_) => None,
            // The fault that ended the reading stays the one to tell of.
            _ => self.window.count_from_mark().ok(),
        };
        Damage { offset, unread_bytes, fault }
    }
}

/// What a frame without a time is stamped with.
const EPOCH: Timestamp = Timestamp::from_unix_ns(0);
