//! TLS records in one direction of a connection, by their five-byte headers.
//!
//! The walker takes a stream's bytes in order and says where records begin and end; nothing is
//! decrypted. It does not mind bytes before the first handshake record (STARTTLS), nor lost or
//! uncaptured ones: it says that it lost its place and looks for the next record at the edges of
//! segments. A stream without any record is not TLS.

use std::ops::Range;

use crate::{assembly::Piece, time::Timestamp};

/// A record's header: type, version, length.
const HEADER: usize = 5;
/// The longest encrypted record of TLS 1.2 (RFC 5246, section 6.2.3); TLS 1.3's is shorter.
const LONGEST: u16 = (1 << 14) + 2048;
/// How much of the first handshake record is kept to read names from it.
const MOST_HELLO: usize = 8192;

/// What a record carries, as its header says; everything encrypted of TLS 1.3 says `Application`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// Type 20.
    ChangeCipherSpec,
    /// Type 21.
    Alert,
    /// Type 22.
    Handshake,
    /// Type 23.
    Application,
}

impl ContentType {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::Application),
            _ => None,
        }
    }
}

/// A record whose header was read; its bytes may be still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// What it carries.
    pub(crate) content: ContentType,
    /// Its positions in the stream, header included.
    pub(crate) range: Range<u64>,
    /// When the segment was captured that brought its first byte.
    pub(crate) at: Timestamp,
    /// What that segment acknowledged of the other direction.
    pub(crate) acknowledged: u64,
}

impl Record {
    /// The bytes after the header.
    pub(crate) const fn length(&self) -> u64 {
        (self.range.end - self.range.start).saturating_sub(HEADER as u64)
    }
}

/// What a walk comes across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record begins.
    Record(Record),
    /// Bytes of a TLS stream in which no record can be told, because others are missing.
    Opaque(Record),
}

impl Found {
    /// Where it begins.
    pub(crate) const fn start(&self) -> u64 {
        match self {
            Self::Record(record) | Self::Opaque(record) => record.range.start,
        }
    }
}

/// Records that were seen to their end, by type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordCounts {
    /// Records of application data, in TLS 1.3 also the encrypted part of the handshake.
    pub(crate) application: u64,
    /// Handshake records.
    pub(crate) handshake: u64,
    /// Alerts and changes of cipher.
    pub(crate) other: u64,
}

/// Walks one direction of a connection.
#[derive(Clone, Debug)]
pub(crate) struct RecordWalker {
    place: Place,
    seen: bool,
    from_start: bool,
    counts: RecordCounts,
    /// The body of the first handshake record; `None` where nobody wants it.
    hello: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Place {
    /// Somewhere; the next record may begin at the edge of a segment.
    Lost,
    /// In a record's header, of which these bytes were read.
    Header { read: Vec<u8>, start: u64, at: Timestamp, acknowledged: u64 },
    /// In a record's body.
    Body { content: ContentType, end: u64 },
}

impl RecordWalker {
    /// A walker at a stream's start, or somewhere in it.
    pub(crate) const fn new(from_start: bool) -> Self {
        let counts = RecordCounts { application: 0, handshake: 0, other: 0 };
        let hello = Some(Vec::new());
        let epoch = Timestamp::from_unix_ns(0);
        let place = if from_start {
            Place::Header { read: Vec::new(), start: 0, at: epoch, acknowledged: 0 }
        } else {
            Place::Lost
        };
        Self { place, seen: false, from_start, counts, hello }
    }

    /// The records that ended.
    pub(crate) const fn counts(&self) -> RecordCounts {
        self.counts
    }

    /// The memory that it takes beside itself, in bytes, but for a record's header.
    pub(crate) fn held_bytes(&self) -> usize {
        self.hello.as_ref().map_or(0, Vec::capacity)
    }

    /// The walker, which does not keep the first handshake record.
    pub(crate) fn without_hello(self) -> Self {
        Self { hello: None, ..self }
    }

    /// The body of the stream's first handshake record, as far as it was captured in order.
    pub(crate) fn hello(&self) -> &[u8] {
        self.hello.as_deref().unwrap_or_default()
    }

    /// Forgets the first handshake record, and what is still to come of it.
    pub(crate) fn forget_hello(&mut self) {
        self.hello = None;
    }

    /// Takes the bytes that come next.
    pub(crate) fn walk(&mut self, piece: &Piece<'_>, found: &mut impl FnMut(Found)) {
        let end = piece.end();
        let mut position = piece.position;
        if piece.after_gap {
            self.cross_gap(position);
        }
        if matches!(self.place, Place::Lost) {
            if !self.may_begin(piece.bytes) {
                if self.seen {
                    found(Found::Opaque(opaque(piece, position..end)));
                }
                return;
            }
            self.place = header_at(piece, position);
        }
        while position < end {
            let rest = piece.captured_from(position);
            match &mut self.place {
                Place::Lost if !self.seen => return,
                Place::Lost => {
                    found(Found::Opaque(opaque(piece, position..end)));
                    return;
                }
                Place::Body { content, end: body_end } => {
                    let stop = (*body_end).min(end);
                    let (content, ended) = (*content, stop == *body_end);
                    if content == ContentType::Handshake && self.counts.handshake == 0 {
                        self.keep_hello(rest, stop - position);
                    }
                    position = stop;
                    if ended {
                        self.count(content);
                        self.place = header_at(piece, position);
                    }
                }
                Place::Header { .. } => position = self.read_header(piece, position, found),
            }
        }
    }

    /// Reads on in a header; returns the position behind what was read.
    fn read_header(
        &mut self,
        piece: &Piece<'_>,
        position: u64,
        found: &mut impl FnMut(Found),
    ) -> u64 {
        let rest = piece.captured_from(position);
        let Place::Header { read, start, at, acknowledged } = &mut self.place else {
            return position;
        };
        if read.is_empty() {
            (*start, *at, *acknowledged) = (position, piece.at, piece.acknowledged);
        }
        let wanted = HEADER - read.len();
        let taken = rest.get(..wanted.min(rest.len())).unwrap_or_default();
        read.extend_from_slice(taken);
        let behind = position + taken.len() as u64;
        if read.len() < HEADER {
            if behind < piece.end() {
                self.place = Place::Lost;
            }
            return behind;
        }
        let first = !self.seen && self.from_start;
        let parsed = parse_header(read);
        let Some((content, length)) =
            parsed.filter(|(content, _)| !first || *content == ContentType::Handshake)
        else {
            self.place = Place::Lost;
            return position;
        };
        let end = behind + u64::from(length);
        let (at, acknowledged) = (*at, *acknowledged);
        let record = Record { content, range: *start..end, at, acknowledged };
        self.seen = true;
        self.place = Place::Body { content, end };
        found(Found::Record(record));
        if length == 0 {
            self.count(content);
            self.place = header_at(piece, behind);
        }
        behind
    }

    /// A gap inside a record's body does no harm: the next header's place is known.
    fn cross_gap(&mut self, position: u64) {
        match &self.place {
            Place::Body { end, .. } if *end >= position => {
                if *end == position {
                    self.place = Place::Lost;
                }
            }
            _ => self.place = Place::Lost,
        }
    }

    /// Whether a record may begin with these bytes. Where a stream was seen from its start its
    /// first record is a handshake's.
    fn may_begin(&self, bytes: &[u8]) -> bool {
        let Some((content, length)) = parse_header(bytes) else { return false };
        if !self.seen && self.from_start && content != ContentType::Handshake {
            return false;
        }
        let next = bytes.get(HEADER + usize::from(length)..).unwrap_or_default();
        next.len() < HEADER || parse_header(next).is_some()
    }

    fn keep_hello(&mut self, rest: &[u8], length: u64) {
        let Some(hello) = &mut self.hello else { return };
        let room = MOST_HELLO.saturating_sub(hello.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(room).min(rest.len());
        hello.extend_from_slice(rest.get(..length).unwrap_or_default());
    }

    const fn count(&mut self, content: ContentType) {
        match content {
            ContentType::Application => self.counts.application += 1,
            ContentType::Handshake => self.counts.handshake += 1,
            _ => self.counts.other += 1,
        }
    }
}

const fn header_at(piece: &Piece<'_>, start: u64) -> Place {
    Place::Header { read: Vec::new(), start, at: piece.at, acknowledged: piece.acknowledged }
}

fn opaque(piece: &Piece<'_>, range: Range<u64>) -> Record {
    let content = ContentType::Application;
    Record { content, range, at: piece.at, acknowledged: piece.acknowledged }
}

/// Type and length of a header; `None` where the bytes are none.
fn parse_header(bytes: &[u8]) -> Option<(ContentType, u16)> {
    let [content, major, minor, high, low, ..] = *bytes else { return None };
    let content = ContentType::from_byte(content)?;
    let length = u16::from_be_bytes([high, low]);
    let possible = major == 3 && minor <= 4 && length <= LONGEST;
    let empty = length == 0 && content != ContentType::Application;
    (possible && !empty).then_some((content, length))
}
