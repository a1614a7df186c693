//! Where the frames of HTTP/2 begin and end in one direction of a connection.
//!
//! A [`FrameWalk`] is shown plaintext in pieces of any size and tells what passes: each frame's
//! beginning, its header and its payload, and where a message ends. It reads nine bytes of every
//! frame (RFC 9113, section 4.1) and understands no header block, so it stands beside the library
//! that does, not in place of it.

/// A frame's header: length, type, flags and stream.
const FRAME_HEADER: usize = 9;

/// What a client sends before its first frame (RFC 9113, section 3.4).
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The next byte begins a frame.
    Begins,
    /// A frame's header is complete.
    Header(FrameHeader),
    /// Bytes of this frame's payload passed; a piece that is cut passes as several.
    Payload(FrameHeader),
    /// The last byte of a message on this stream passed.
    StreamEnds(u32),
}

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    /// The stream, 0 for the connection itself.
    pub(crate) stream: u32,
    flags: u8,
    length: usize,
}

/// The frames that messages are made of, and all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// A part of a message's content.
    Data,
    /// The beginning of a header block.
    Headers,
    /// The rest of one.
    Continuation,
    /// What governs the connection or a stream.
    Control,
}

/// A position among the frames of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FrameWalk {
    /// How much of the preface is to come.
    preface: usize,
    header: [u8; FRAME_HEADER],
    /// How many bytes of the header are known; all of them inside a frame's payload.
    known: usize,
    /// How many bytes of the payload are to come.
    payload: usize,
    /// Whether the header block under way is the last of its message.
    ending: bool,
}

impl FrameWalk {
    /// At the beginning of what a server sends.
    pub(crate) fn of_server() -> Self {
        Self::default()
    }

    /// At the beginning of what a client sends.
    pub(crate) fn of_client() -> Self {
        Self { preface: PREFACE, ..Self::default() }
    }

    /// Whether the next byte begins a frame.
    pub(crate) const fn is_at_start(&self) -> bool {
        self.preface == 0 && self.known == 0
    }

    /// Passes bytes, telling what they are.
    pub(crate) fn pass(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Event)) {
        while !bytes.is_empty() {
            let taken = self.step(bytes, &mut tell);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Passes bytes up to the next end of the preface, a header or a frame; returns how many.
    pub(crate) fn step(&mut self, bytes: &[u8], mut tell: impl FnMut(Event)) -> usize {
        if self.preface > 0 {
            let taken = self.preface.min(bytes.len());
            self.preface -= taken;
            return taken;
        }
        if self.known == 0 {
            tell(Event::Begins);
        }
        let taken = if self.known < FRAME_HEADER {
            let taken = self.read_header(bytes);
            if self.known == FRAME_HEADER {
                self.payload = self.frame().length;
                tell(Event::Header(self.frame()));
            }
            taken
        } else {
            let taken = self.payload.min(bytes.len());
            self.payload -= taken;
            tell(Event::Payload(self.frame()));
            taken
        };
        if self.known == FRAME_HEADER && self.payload == 0 {
            self.known = 0;
            self.end_frame(tell);
        }
        taken
    }

    fn read_header(&mut self, bytes: &[u8]) -> usize {
        let places = self.header.iter_mut().skip(self.known);
        let taken = places.zip(bytes).map(|(place, byte)| *place = *byte).count();
        self.known += taken;
        taken
    }

    /// The frame that the header is of; to be read when the header is complete.
    fn frame(&self) -> FrameHeader {
        let [high, middle, low, kind, flags, stream @ ..] = self.header;
        FrameHeader {
            kind: match kind {
                0 => FrameKind::Data,
                1 => FrameKind::Headers,
                9 => FrameKind::Continuation,
                _ => FrameKind::Control,
            },
            // The first bit is reserved.
            stream: u32::from_be_bytes(stream) & (u32::MAX >> 1),
            flags,
            length: usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low),
        }
    }

    /// Tells where that was the last frame of a message. A header block says at its beginning
    /// whether the message ends with it, and at its end that it is complete.
    fn end_frame(&mut self, mut tell: impl FnMut(Event)) {
        let frame = self.frame();
        let ends_stream = frame.flags & END_STREAM != 0;
        let ended = match frame.kind {
            FrameKind::Data => ends_stream,
            FrameKind::Headers => {
                self.ending = ends_stream;
                ends_stream && frame.flags & END_HEADERS != 0
            }
            FrameKind::Continuation => self.ending && frame.flags & END_HEADERS != 0,
            FrameKind::Control => false,
        };
        if ended {
            tell(Event::StreamEnds(frame.stream));
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    /// A frame as it is sent.
    pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{testing::frame, *};

    /// What passes when a stream comes in pieces of these lengths, over and over: each event with
    /// the number of bytes that passed before it, pieces of one payload taken as one.
    fn events(mut walk: FrameWalk, stream: &[u8], pieces: &[usize]) -> Vec<(usize, Event)> {
        let mut events: Vec<(usize, Event)> = Vec::new();
        let mut position = 0;
        for length in pieces.iter().cycle() {
            let piece = &stream[position..stream.len().min(position + length)];
            if piece.is_empty() {
                break;
            }
            let mut passed = 0;
            while passed < piece.len() {
                let at = position + passed;
                passed += walk.step(&piece[passed..], |event| {
                    let goes_on = matches!(event, Event::Payload(_))
                        && events.last().is_some_and(|(_, last)| *last == event);
                    if !goes_on {
                        events.push((at, event));
                    }
                });
            }
            position += piece.len();
        }
        events
    }

    /// Where frames begin and messages end.
    fn boundaries(walk: FrameWalk, stream: &[u8]) -> Vec<(usize, Event)> {
        let told = |event: &Event| matches!(event, Event::Begins | Event::StreamEnds(_));
        let whole = events(walk, stream, &[stream.len()]);
        whole.into_iter().filter(|(_, event)| told(event)).collect()
    }

    #[test]
    fn a_message_ends_with_the_frame_that_says_so_and_the_block_that_it_begins() {
        let frames = [
            frame(4, 0, 0, &[0; 6]),
            frame(1, END_HEADERS, 1, b"head"),
            frame(0, 0, 1, b"content"),
            frame(0, END_STREAM, 1, b""),
            frame(1, END_STREAM, 3, b"a long"),
            frame(9, 0, 3, b"head"),
            frame(9, END_HEADERS, 3, b"block"),
            // The flag of an acknowledgement has the place of END_STREAM.
            frame(6, 1, 0, &[0; 8]),
        ];
        let ends = boundaries(FrameWalk::of_server(), &frames.concat());
        let streams = ends.iter().filter_map(|(at, event)| match event {
            Event::StreamEnds(stream) => Some((*at, *stream)),
            _ => None,
        });
        // An event is told with the bytes that complete it.
        assert_eq!(streams.collect::<Vec<_>>(), [(44, 1), (90, 3)]);
        let begun = ends.iter().filter(|(_, event)| *event == Event::Begins).count();
        assert_eq!(begun, frames.len());
    }

    #[test]
    fn the_preface_is_no_frame_and_the_reserved_bit_no_part_of_a_stream() {
        let stream =
            [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(0, END_STREAM, u32::MAX, b"x")].concat();
        let ends = boundaries(FrameWalk::of_client(), &stream);
        assert_eq!(ends, [(24, Event::Begins), (33, Event::StreamEnds(u32::MAX >> 1))]);
    }

    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let payload = vec(any::<u8>(), 0..40);
        let one = (0_u8..12, any::<u8>(), 0_u32..8, payload);
        vec(one, 0..20).prop_map(|frames| {
            let bytes = frames
                .iter()
                .map(|(kind, flags, stream, payload)| frame(*kind, *flags, *stream, payload));
            bytes.collect::<Vec<_>>().concat()
        })
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_events(
            stream in frames(),
            pieces in vec(1_usize..30, 1..10),
        ) {
            let order = |pieces: &[usize]| {
                let all = events(FrameWalk::of_server(), &stream, pieces);
                all.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
            };
            prop_assert_eq!(order(&pieces), order(&[stream.len().max(1)]));
        }

        #[test]
        fn frames_begin_where_they_were_put_together(stream in frames()) {
            let begun = boundaries(FrameWalk::of_server(), &stream);
            let mut position = 0;
            for (at, event) in begun {
                if event == Event::Begins {
                    prop_assert_eq!(at, position);
                    let length = &stream[at..at + 3];
                    let [high, middle, low] = length else { unreachable!() };
                    let length = u32::from_be_bytes([0, *high, *middle, *low]);
                    position += FRAME_HEADER + usize::try_from(length).unwrap();
                }
            }
            prop_assert_eq!(position, stream.len());
        }

        #[test]
        fn takes_any_bytes(stream in vec(any::<u8>(), 0..200), pieces in vec(1_usize..30, 1..10)) {
            events(FrameWalk::of_client(), &stream, &pieces);
        }
    }
}
