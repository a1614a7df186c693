//! The stream above TLS where it carries HTTP/2: tells what frames pass, and when.
//!
//! The library may put several frames into one write, and so into one TLS record. Where a HEADERS
//! frame is waited for, each frame begins a write of its own, when all before it is with the
//! kernel; what follows the end of a message does too. So a message's bytes share no record with
//! what is none of it, and its beginning and end are known below TLS. Reads are passed on as they
//! are.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame_walk::{Event, FrameKind, FrameWalk};

/// Who is told what frames pass on a connection.
pub(crate) trait FrameWatch {
    /// Whether a HEADERS frame of ours is waited for.
    fn awaits_headers(&self) -> bool;

    /// Whether the next frame of ours must wait until all before it is with the kernel.
    fn separates(&self) -> bool;

    /// All that was sent is with the kernel, and a frame of ours follows.
    fn frame_follows(&self);

    /// Frames of ours were handed on to TLS.
    fn sent(&self, event: Event);

    /// Bytes were taken by TLS, or all of them by the kernel.
    fn handed_on(&self, all: bool);

    /// Frames of the other side were read.
    fn received(&self, event: Event);
}

/// A stream of frames that are watched.
#[derive(Debug)]
pub(crate) struct FrameStream<S, W> {
    stream: S,
    watch: Arc<W>,
    outgoing: FrameWalk,
    incoming: FrameWalk,
}

impl<S, W: FrameWatch> FrameStream<S, W> {
    /// A client's end.
    pub(crate) fn of_client(stream: S, watch: Arc<W>) -> Self {
        let (outgoing, incoming) = (FrameWalk::of_client(), FrameWalk::of_server());
        Self { stream, watch, outgoing, incoming }
    }

    /// A server's end.
    pub(crate) fn of_server(stream: S, watch: Arc<W>) -> Self {
        let (outgoing, incoming) = (FrameWalk::of_server(), FrameWalk::of_client());
        Self { stream, watch, outgoing, incoming }
    }

    /// How many of the bytes can be written together.
    fn together(&self, bytes: &[u8]) -> usize {
        let mut walk = self.outgoing;
        let mut awaited = self.watch.awaits_headers();
        let mut ends = false;
        let mut passed = 0;
        while passed < bytes.len() && !ends {
            passed += walk.step(bytes.get(passed..).unwrap_or_default(), |event| match event {
                Event::Header(frame) if frame.kind == FrameKind::Headers => awaited = false,
                Event::StreamEnds(_) => ends = true,
                _ => {}
            });
            ends |= awaited && walk.is_at_start();
        }
        passed
    }
}

impl<S: AsyncRead + Unpin, W: FrameWatch> AsyncRead for FrameStream<S, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, watch, incoming, .. } = &mut *self;
        let before = buffer.filled().len();
        let result = Pin::new(stream).poll_read(context, buffer);
        let read = buffer.filled().get(before..).unwrap_or_default();
        incoming.pass(read, |event| watch.received(event));
        result
    }
}

impl<S: AsyncWrite + Unpin, W: FrameWatch> AsyncWrite for FrameStream<S, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.outgoing.is_at_start() && this.watch.separates() {
            ready!(Pin::new(&mut this.stream).poll_flush(context))?;
            this.watch.frame_follows();
        }
        let together = bytes.get(..this.together(bytes)).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, together))?;
        let written_bytes = together.get(..written).unwrap_or_default();
        this.outgoing.pass(written_bytes, |event| this.watch.sent(event));
        this.watch.handed_on(false);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.watch.handed_on(matches!(result, Poll::Ready(Ok(()))));
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{ops::Range, time::Duration};

    use futures::task::noop_waker;
    use proptest::{collection::vec, prelude::*};

    use super::{
        super::{
            frame_walk::testing::frame,
            marks::{Marks, Sending},
        },
        *,
    };
    use crate::clock::SystemClock;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const STREAM: u32 = 5;

    /// A stream below, as TLS is one: what it takes, the kernel may have to take later. Every read
    /// brings one record.
    struct Below {
        marks: Arc<Marks>,
        /// How much each write takes, and how much of what it holds goes to the kernel; over and
        /// over.
        takes: Vec<(usize, usize)>,
        writes: usize,
        held: usize,
        reads: Vec<Vec<u8>>,
    }

    impl AsyncWrite for Below {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let (taken, passed) = self.takes[self.writes % self.takes.len()];
            self.writes += 1;
            let taken = taken.min(bytes.len());
            self.held += taken;
            let passed = passed.min(self.held);
            if passed > 0 {
                self.marks.note_written(passed);
            }
            self.held -= passed;
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.held > 0 {
                self.marks.note_written(self.held);
            }
            self.held = 0;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Below {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let record = self.reads.remove(0);
            self.marks.note_read(record.len(), true);
            buffer.put_slice(&record);
            Poll::Ready(Ok(()))
        }
    }

    fn below(takes: &[(usize, usize)], reads: &[&[u8]]) -> (FrameStream<Below, Marks>, Arc<Marks>) {
        let marks = Arc::new(Marks::new(Arc::new(SystemClock::new())));
        let reads = reads.iter().map(|record| record.to_vec()).collect();
        let below =
            Below { marks: Arc::clone(&marks), takes: takes.to_vec(), writes: 0, held: 0, reads };
        (FrameStream::of_client(below, Arc::clone(&marks)), marks)
    }

    /// Writes in pieces of these lengths, over and over, then flushes.
    fn write(stream: &mut FrameStream<Below, Marks>, mut bytes: &[u8], pieces: &[usize]) {
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        for length in pieces.iter().cycle() {
            if bytes.is_empty() {
                break;
            }
            let piece = &bytes[..bytes.len().min(*length)];
            let Poll::Ready(written) = Pin::new(&mut *stream).poll_write(&mut context, piece)
            else {
                panic!("nothing has to be waited for");
            };
            bytes = &bytes[written.unwrap()..];
        }
        assert!(Pin::new(stream).poll_flush(&mut context).is_ready());
    }

    fn read_all(stream: &mut FrameStream<Below, Marks>, records: usize) {
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        for _ in 0..records {
            let mut space = [0; 1024];
            let mut buffer = ReadBuf::new(&mut space);
            assert!(Pin::new(&mut *stream).poll_read(&mut context, &mut buffer).is_ready());
        }
    }

    /// SETTINGS, PING or window updates, of the connection or a stream, the message's own included.
    fn control() -> impl Strategy<Value = Vec<u8>> {
        let one = (prop::sample::select(vec![4_u8, 6, 8]), 0_u8..2, 0_u32..8);
        vec(one.prop_map(|(kind, flags, stream)| frame(kind, flags, stream, &[1; 8])), 0..4)
            .prop_map(|frames| frames.concat())
    }

    /// A message with a head, some content and control frames in between; every piece of content
    /// is followed by some.
    fn message() -> impl Strategy<Value = Vec<u8>> {
        (vec((0_usize..40, control()), 0..4), any::<bool>()).prop_map(|(contents, split)| {
            let last = contents.len();
            let ends = |index| u8::from(index == last);
            let mut bytes = if split {
                [frame(1, ends(0), STREAM, b"he"), frame(9, 4, STREAM, b"ad")].concat()
            } else {
                frame(1, 4 | ends(0), STREAM, b"head")
            };
            for (index, (length, between)) in contents.into_iter().enumerate() {
                bytes.extend(between);
                bytes.extend(frame(0, ends(index + 1), STREAM, &vec![7; length]));
            }
            bytes
        })
    }

    fn range(before: usize, message: &[u8]) -> Range<u64> {
        let start = u64::try_from(before).unwrap();
        start..start + u64::try_from(message.len()).unwrap()
    }

    proptest! {
        #[test]
        fn a_request_is_its_frames_whatever_is_written_before_and_after(
            (before, message, after) in (control(), message(), control()),
            pieces in vec(1_usize..60, 1..6),
            takes in vec((1_usize..60, 0_usize..60), 1..6),
        ) {
            let (mut stream, marks) = below(&takes, &[]);
            write(&mut stream, &[PREFACE, &before[..]].concat(), &pieces);
            let start = marks.written();
            prop_assert_eq!(marks.exchange().request_first, None);
            marks.begin(Sending::Awaited);
            let all = [&before[..], &message, &after].concat();
            write(&mut stream, &all, &pieces);
            let exchange = marks.exchange();
            let before = usize::try_from(start).unwrap() + before.len();
            prop_assert_eq!(exchange.request, range(before, &message));
            prop_assert!(exchange.sent && exchange.request_first <= exchange.request_last);
        }

        #[test]
        fn a_response_is_the_records_that_carry_its_frames(
            (before, message, after) in (control(), message(), control()),
            lengths in vec(1_usize..60, 1..6),
        ) {
            let all = [&before[..], &message, &after].concat();
            let mut records = Vec::new();
            let mut rest = &all[..];
            for length in lengths.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (record, left) = rest.split_at(rest.len().min(*length));
                records.push(record);
                rest = left;
            }
            let (mut stream, marks) = below(&[(1024, 1024)], &records);
            marks.begin(Sending::Awaited);
            let request = [PREFACE, &frame(1, 5, STREAM, b"head")].concat();
            write(&mut stream, &request, &[1024]);
            read_all(&mut stream, records.len());
            let (mut start, mut end, mut position) = (0, 0, 0);
            for record in &records {
                let next = position + record.len();
                if (position..next).contains(&before.len()) {
                    start = position;
                }
                if (position..next).contains(&(before.len() + message.len() - 1)) {
                    end = next;
                }
                position = next;
            }
            let exchange = marks.exchange();
            prop_assert_eq!(exchange.response, range(start, &all[start..end]));
            prop_assert!(exchange.response_first <= exchange.response_last);
            prop_assert!(exchange.response_first > Some(Duration::ZERO));
        }
    }

    #[test]
    fn informational_heads_and_other_streams_are_no_response() {
        let others = [frame(1, 5, 3, b"other"), frame(4, 1, 0, b"")].concat();
        let hints = frame(1, 4, STREAM, b"hints");
        let response = [frame(1, 4, STREAM, b"head"), frame(0, 1, STREAM, b"content")].concat();
        let (mut stream, marks) = below(&[(1024, 1024)], &[&others, &hints, &response]);
        marks.begin(Sending::Awaited);
        write(&mut stream, &[PREFACE, &frame(1, 5, STREAM, b"head")].concat(), &[1024]);
        read_all(&mut stream, 1);
        assert_eq!(marks.exchange().response_first, None);
        read_all(&mut stream, 2);
        let before = others.len() + hints.len();
        assert_eq!(marks.exchange().response, range(before, &response));
    }
}
