//! A TCP connection that notes when bytes went through it, for the truth of each request.
//!
//! It lies under TLS, so its times are those of the socket calls themselves: a request has arrived
//! when the read that brought its last byte returned, a response begins just before the write that
//! takes its first byte is called. It reads ahead of TLS, all that the socket has: a request must
//! not seem to arrive later because its earlier records are being decrypted. In HTTP/2 other frames
//! go by too; there the frames that are seen above TLS say which read and which write counts.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use armol_analysis::time::Timestamp;
use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::io::poll_read_buf;

use super::truth_log::TruthEntry;
use crate::{
    clock::Clock,
    http::{Event, FrameKind, FrameWatch},
};

/// A connection whose reads and writes are noted in its [`Stamps`].
#[derive(Debug)]
pub(super) struct StampedStream {
    socket: TcpStream,
    /// Read from the socket, not handed on.
    ahead: BytesMut,
    stamps: Arc<Stamps>,
}

/// The most that is read from the socket at once, in bytes.
const READ_AHEAD: usize = 512 * 1024;

/// What is noted of a connection, shared with whoever answers its requests.
#[derive(Debug)]
pub(super) struct Stamps {
    clock: Arc<dyn Clock>,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    last_read: Option<Timestamp>,
    /// When the last byte of the last request was read; `None` where nothing above TLS says which
    /// that is.
    request_last: Option<Timestamp>,
    /// The request whose response is to be written.
    answering: Option<Answering>,
    reset: bool,
}

/// A request that has an answer.
#[derive(Debug)]
struct Answering {
    entry: TruthEntry,
    next_write: NextWrite,
    /// When the write began that took the response's first byte.
    first: Option<Timestamp>,
}

/// What the next write carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextWrite {
    /// The response.
    Response,
    /// The beginning of a frame that may be the response's first.
    Possible,
    /// A frame that is none of the response's.
    Other,
}

impl Answering {
    /// Notes a write that began at this time.
    fn written(&mut self, began: Timestamp) {
        if self.next_write != NextWrite::Other {
            self.first.get_or_insert(began);
        }
    }

    /// What the frame is that is being written; only a HEADERS frame begins a response.
    fn judge_frame(&mut self, kind: FrameKind) {
        if self.next_write != NextWrite::Possible {
            return;
        }
        if kind == FrameKind::Headers {
            self.next_write = NextWrite::Response;
        } else {
            self.next_write = NextWrite::Other;
            self.first = None;
        }
    }
}

impl Noted {
    /// Takes the entry whose response has begun, with the time at which it did.
    fn take_begun(&mut self) -> Option<(TruthEntry, Timestamp)> {
        let begun = |answering: &mut Answering| answering.next_write == NextWrite::Response;
        let answering =
            self.answering.take_if(|answering| begun(answering) && answering.first.is_some())?;
        Some((answering.entry, answering.first?))
    }
}

impl Stamps {
    /// Nothing noted yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, noted: Mutex::default() }
    }

    /// When the last byte of the request that was read last came.
    pub(super) fn request_last(&self) -> Timestamp {
        let Noted { request_last, last_read, .. } = *self.noted();
        request_last.or(last_read).unwrap_or_else(|| self.clock.now())
    }

    /// Completes an entry with the time of the write that begins its response; without one, when
    /// the connection ends.
    pub(super) fn complete_with_response(&self, entry: TruthEntry) {
        let mut noted = self.noted();
        // Who sees requests end sees responses begin.
        let next_write =
            if noted.request_last.is_some() { NextWrite::Other } else { NextWrite::Response };
        noted.answering = Some(Answering { entry, next_write, first: None });
    }

    /// Has the connection end in a TCP reset, not in an orderly close.
    pub(super) fn reset_when_closed(&self) {
        self.noted().reset = true;
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a read that brought bytes.
    fn read(&self) {
        let now = self.clock.now();
        self.noted().last_read = Some(now);
    }

    /// Notes a write that began at this time and took bytes.
    fn written(&self, began: Timestamp) {
        let mut noted = self.noted();
        if let Some(answering) = &mut noted.answering {
            answering.written(began);
        }
        Self::complete(noted);
    }

    /// Completes the entry of a response that has begun. Its line is written after the lock is
    /// released.
    fn complete(mut noted: MutexGuard<'_, Noted>) {
        let begun = noted.take_begun();
        drop(noted);
        if let Some((mut entry, first)) = begun {
            entry.response_first(first);
        }
    }
}

impl FrameWatch for Stamps {
    fn awaits_headers(&self) -> bool {
        let noted = self.noted();
        noted.answering.as_ref().is_some_and(|answer| answer.next_write != NextWrite::Response)
    }

    fn separates(&self) -> bool {
        self.awaits_headers()
    }

    fn frame_follows(&self) {
        if let Some(answering) = &mut self.noted().answering {
            answering.next_write = NextWrite::Possible;
            answering.first = None;
        }
    }

    fn sent(&self, event: Event) {
        if let Event::Header(frame) = event {
            let mut noted = self.noted();
            if let Some(answering) = &mut noted.answering {
                answering.judge_frame(frame.kind);
            }
            Self::complete(noted);
        }
    }

    fn handed_on(&self, _all: bool) {}

    fn received(&self, event: Event) {
        if let Event::StreamEnds(_) = event {
            let mut noted = self.noted();
            // What TLS hands on came with the last read: it is read to its end before the next.
            noted.request_last = noted.last_read;
        }
    }
}

impl StampedStream {
    /// Puts a connection under observation.
    pub(super) fn new(socket: TcpStream, stamps: Arc<Stamps>) -> Self {
        Self { socket, ahead: BytesMut::new(), stamps }
    }

    /// Notes a write where it took bytes; a write that has to wait is noted when it is repeated.
    fn note_write(&self, began: Timestamp, written: io::Result<usize>) -> io::Result<usize> {
        if written.as_ref().is_ok_and(|count| *count > 0) {
            self.stamps.written(began);
        }
        written
    }
}

impl AsyncRead for StampedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket, ahead, stamps } = &mut *self;
        if ahead.is_empty() {
            ahead.reserve(READ_AHEAD);
            if ready!(poll_read_buf(Pin::new(socket), context, ahead))? > 0 {
                stamps.read();
            }
        }
        let length = ahead.len().min(buffer.remaining());
        buffer.put_slice(&ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StampedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let began = self.stamps.clock.now();
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, bytes));
        Poll::Ready(self.note_write(began, written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let began = self.stamps.clock.now();
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(context, slices));
        Poll::Ready(self.note_write(began, written))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl Drop for StampedStream {
    fn drop(&mut self) {
        let Noted { reset, answering, .. } = std::mem::take(&mut *self.stamps.noted());
        drop(answering);
        if reset && let Err(error) = self.socket.set_zero_linger() {
            tracing::warn!(%error, "cannot reset a connection; it is closed in order");
        }
    }
}
