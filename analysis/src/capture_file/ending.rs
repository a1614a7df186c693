//! How a capture ended: at its end, or where it is cut or corrupt.

use std::{fmt, io};

use thiserror::Error;

use super::{MOST_BLOCK, MOST_CAPTURED, MOST_INTERFACES};

/// How the reading of a capture ended.
#[derive(Debug)]
pub enum Ending {
    /// It has not: there may be more frames.
    NotReached,
    /// At the end of the file, behind a whole record.
    Complete,
    /// At a record that cannot be read; all records before it were.
    Damaged(Damage),
}

impl Ending {
    /// What is wrong with the capture; `None` where nothing is known to be.
    pub const fn damage(&self) -> Option<&Damage> {
        match self {
            Self::Damaged(damage) => Some(damage),
            Self::NotReached | Self::Complete => None,
        }
    }
}

/// Where and why the rest of a capture cannot be read.
#[derive(Debug, Error)]
pub struct Damage {
    /// Where the record begins that could not be read: an offset in the file, or in what it holds
    /// where it is compressed.
    pub offset: u64,
    /// How many bytes there are from there to the end; `None` where the source itself failed.
    pub unread_bytes: Option<u64>,
    /// What is wrong with the record.
    #[source]
    pub fault: Fault,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "read up to byte {} only", self.offset)?;
        match self.unread_bytes {
            Some(bytes) => write!(formatter, ", {bytes} bytes are left out"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a record of a capture.
#[derive(Debug, Error)]
pub enum Fault {
    /// The file ends before the record does.
    #[error("the file is cut inside a record")]
    Cut,
    /// More bytes are said to be captured than any program captures.
    #[error("a packet claims {length} captured bytes, more than the {MOST_CAPTURED} there can be")]
    PacketLength {
        /// The captured length that the record names.
        length: u32,
    },
    /// A block's length cannot be one.
    #[error("a block claims {length} bytes, it can have 12 to {MOST_BLOCK}")]
    BlockLength {
        /// The length that the block names.
        length: u32,
    },
    /// A block's length is said twice, and differently.
    #[error("a block claims {first} bytes at its beginning and {last} at its end")]
    BlockEnds {
        /// The length at its beginning.
        first: u32,
        /// The length at its end.
        last: u32,
    },
    /// A block is too short for what it says it holds.
    #[error("a block of type {kind:#x} is shorter than what it says it holds")]
    ShortBlock {
        /// The block's type.
        kind: u32,
    },
    /// A packet names an interface that the section does not describe.
    #[error("a packet names interface {interface}, but its section describes {described} only")]
    UnknownInterface {
        /// The interface's number, from 0.
        interface: u32,
        /// How many the section describes before the packet.
        described: usize,
    },
    /// A section describes more interfaces than any machine has.
    #[error("a section describes more than {MOST_INTERFACES} interfaces")]
    TooManyInterfaces,
    /// A section's byte order cannot be told.
    #[error("a section begins with {magic:#010x}, which tells no byte order")]
    ByteOrder {
        /// What stands where the byte order should be told.
        magic: u32,
    },
    /// A section is of a version that is not known.
    #[error("a section is of pcapng version {major}, only 1 is known")]
    Version {
        /// The version's first number.
        major: u16,
    },
    /// The source failed.
    #[error("the rest cannot be read")]
    Read(#[from] io::Error),
}
