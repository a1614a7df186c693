//! Where the messages of one direction of plain HTTP/1.1 begin and end (RFC 9112, section 6).

use std::{collections::VecDeque, ops::Range};

use crate::assembly::Piece;

/// The longest head, chunk line or trailer that is read.
const LONGEST_HEAD: usize = 64 << 10;
/// What requests begin with.
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"OPTIONS ",
    b"TRACE ",
    b"PROPFIND ",
];
const RESPONSE: &[u8] = b"HTTP/1.";

/// Whether a segment with these bytes begins a message of HTTP/1.
pub(crate) fn looks_like_http(bytes: &[u8]) -> bool {
    bytes.starts_with(RESPONSE) || METHODS.iter().any(|method| bytes.starts_with(method))
}

/// What a walk comes across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A request's head was read.
    Head {
        /// Whether its answer may have a body; that of HEAD has none, whatever it says.
        has_body_in_answer: bool,
    },
    /// A message ended; interim responses are left out.
    Whole(Range<u64>),
}

/// Walks one direction.
#[derive(Clone, Debug)]
pub(crate) struct MessageWalker {
    requests: bool,
    start: u64,
    reached: u64,
    place: Place,
    line: Vec<u8>,
    /// Whether the answers to come may have bodies, oldest first.
    bodies: VecDeque<bool>,
    lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between messages; the next begins with known words.
    Between,
    Head,
    /// In a body of known length, up to this position.
    Body(u64),
    ChunkLine,
    /// In a chunk, its line end included, up to this position.
    Chunk(u64),
    Trailer,
    UntilClosed,
    /// Somewhere unknown; the next message may begin at the edge of a segment.
    Lost,
}

/// How a head says that its message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Interim,
    Bodiless,
    Length(u64),
    Chunked,
    UntilClosed,
}

impl MessageWalker {
    /// A walker over requests, or over responses.
    pub(crate) const fn new(requests: bool) -> Self {
        Self {
            requests,
            start: 0,
            reached: 0,
            place: Place::Lost,
            line: Vec::new(),
            bodies: VecDeque::new(),
            lost: false,
        }
    }

    /// The memory that it takes beside itself, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.line.capacity() + self.bodies.capacity()
    }

    /// Notes whether the next answer may have a body; returns `false` where so many are expected
    /// already.
    pub(crate) fn expect(&mut self, body: bool, most: usize) -> bool {
        let room = self.bodies.len() < most;
        if room {
            self.bodies.push_back(body);
        }
        room
    }

    /// Whether no message is under way.
    pub(crate) const fn is_between(&self) -> bool {
        matches!(self.place, Place::Between | Place::Lost)
    }

    /// The message whose body is under way, as far as it has come.
    pub(crate) fn under_way(&self) -> Option<Range<u64>> {
        match self.place {
            Place::Between | Place::Head | Place::Lost => None,
            _ => Some(self.start..self.reached),
        }
    }

    /// Whether bytes that were needed are missing.
    pub(crate) const fn lost_its_place(&self) -> bool {
        self.lost
    }

    /// Takes the bytes that come next.
    pub(crate) fn walk(&mut self, piece: &Piece<'_>, found: &mut impl FnMut(Message)) {
        if piece.after_gap && !self.spans_gap(piece.position) {
            self.lose();
        }
        self.reached = piece.end();
        let mut position = piece.position;
        if self.place == Place::Lost {
            if !looks_like_http(piece.bytes) {
                return;
            }
            self.place = Place::Between;
        }
        while position < piece.end() {
            position = match self.place {
                Place::Lost => return,
                Place::UntilClosed => piece.end(),
                Place::Between => {
                    self.begin(piece, position);
                    position
                }
                Place::Body(end) | Place::Chunk(end) => self.skip(piece, end, found),
                Place::Head => self.read_until(b"\r\n\r\n", piece, position, found),
                Place::ChunkLine | Place::Trailer => {
                    self.read_until(b"\r\n", piece, position, found)
                }
            };
        }
    }

    /// Ends the stream; returns the message that its end completes or cuts, and whether it is
    /// whole.
    pub(crate) fn finish(&mut self) -> Option<(Range<u64>, bool)> {
        let range = self.start..self.reached;
        match std::mem::replace(&mut self.place, Place::Lost) {
            Place::UntilClosed => Some((range, true)),
            Place::Body(_) | Place::Chunk(_) | Place::ChunkLine | Place::Trailer => {
                Some((range, false))
            }
            Place::Between | Place::Head | Place::Lost => None,
        }
    }

    const fn spans_gap(&self, position: u64) -> bool {
        match self.place {
            Place::Body(end) | Place::Chunk(end) => end > position,
            Place::UntilClosed => true,
            _ => false,
        }
    }

    fn lose(&mut self) {
        self.lost |= self.place != Place::Lost;
        self.place = Place::Lost;
        self.line.clear();
    }

    /// Begins a message; a line end too many before it is forgiven (RFC 9112, section 2.2).
    fn begin(&mut self, piece: &Piece<'_>, position: u64) {
        match piece.captured_from(position).first() {
            Some(byte) if byte.is_ascii_uppercase() => {
                self.start = position;
                self.place = Place::Head;
            }
            _ => self.lose(),
        }
    }

    fn skip(&mut self, piece: &Piece<'_>, end: u64, found: &mut impl FnMut(Message)) -> u64 {
        if end > piece.end() {
            return piece.end();
        }
        if matches!(self.place, Place::Chunk(_)) {
            self.place = Place::ChunkLine;
        } else {
            self.end_message(end, found);
        }
        end
    }

    /// Reads on up to and with a delimiter; returns the position behind what was read.
    fn read_until(
        &mut self,
        delimiter: &[u8],
        piece: &Piece<'_>,
        position: u64,
        found: &mut impl FnMut(Message),
    ) -> u64 {
        let rest = piece.captured_from(position);
        let before = self.line.len();
        let room = LONGEST_HEAD.saturating_sub(before).min(rest.len());
        self.line.extend_from_slice(rest.get(..room).unwrap_or_default());
        let searched = before.saturating_sub(delimiter.len());
        let tail = self.line.get(searched..).unwrap_or_default();
        let place = tail.windows(delimiter.len()).position(|window| window == delimiter);
        let Some(place) = place else {
            let behind = position + room as u64;
            if behind < piece.end() {
                self.lose();
            }
            return behind;
        };
        let length = searched + place + delimiter.len();
        self.line.truncate(length);
        let behind = position + (length - before) as u64;
        let line = std::mem::take(&mut self.line);
        self.read(&line, behind, found);
        behind
    }

    fn read(&mut self, line: &[u8], behind: u64, found: &mut impl FnMut(Message)) {
        match self.place {
            Place::Head => self.read_head(line, behind, found),
            Place::ChunkLine => match chunk_length(line) {
                Some(0) => self.place = Place::Trailer,
                Some(length) => {
                    self.place = Place::Chunk(behind.saturating_add(length).saturating_add(2));
                }
                None => self.lose(),
            },
            Place::Trailer if line == b"\r\n" => self.end_message(behind, found),
            _ => {}
        }
    }

    fn read_head(&mut self, head: &[u8], behind: u64, found: &mut impl FnMut(Message)) {
        let framing = if self.requests {
            found(Message::Head { has_body_in_answer: !head.starts_with(b"HEAD ") });
            request_framing(head)
        } else {
            let framing = response_framing(head);
            let interim = framing == Some(Framing::Interim);
            let body = interim || self.bodies.pop_front().unwrap_or(true);
            if body { framing } else { Some(Framing::Bodiless) }
        };
        match framing {
            Some(Framing::Interim) => self.place = Place::Between,
            Some(Framing::Bodiless | Framing::Length(0)) => self.end_message(behind, found),
            Some(Framing::Length(length)) => {
                self.place = Place::Body(behind.saturating_add(length));
            }
            Some(Framing::Chunked) => self.place = Place::ChunkLine,
            Some(Framing::UntilClosed) => self.place = Place::UntilClosed,
            None => self.lose(),
        }
    }

    fn end_message(&mut self, end: u64, found: &mut impl FnMut(Message)) {
        self.place = Place::Between;
        found(Message::Whole(self.start..end));
    }
}

fn request_framing(head: &[u8]) -> Option<Framing> {
    if is_chunked(head) {
        return Some(Framing::Chunked);
    }
    match field(head, "content-length") {
        Some(value) => number(value).map(Framing::Length),
        None => Some(Framing::Bodiless),
    }
}

fn response_framing(head: &[u8]) -> Option<Framing> {
    let status = head.strip_prefix(RESPONSE)?.get(2..5).and_then(number)?;
    match status {
        // What follows 101 is another protocol.
        101 => None,
        100..200 => Some(Framing::Interim),
        204 | 304 => Some(Framing::Bodiless),
        _ if is_chunked(head) => Some(Framing::Chunked),
        _ => match field(head, "content-length") {
            Some(value) => number(value).map(Framing::Length),
            None => Some(Framing::UntilClosed),
        },
    }
}

fn is_chunked(head: &[u8]) -> bool {
    field(head, "transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"))
}

/// The value of a header field, without the space around it.
fn field<'h>(head: &'h [u8], name: &str) -> Option<&'h [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The length that a chunk's line says; what follows a semicolon is an extension.
fn chunk_length(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
