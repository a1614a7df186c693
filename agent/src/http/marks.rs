//! Where on a connection's streams an exchange lies, and when its bytes moved.
//!
//! Two streams write into one [`Marks`]: the counted stream below TLS knows ciphertext, the marked
//! stream above it knows plaintext. Below TLS a read never crosses the end of a record, so when
//! plaintext appears, the record that it came in is the last one read. That is how session tickets
//! and other records without plaintext stay out of the response.

use std::{
    io,
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use armol_analysis::outcome::Phase;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::Clock;

/// What is known of one connection's bytes.
#[derive(Debug)]
pub(super) struct Marks {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that the kernel took.
    written: u64,
    /// Bytes that were handed on.
    read: u64,
    /// Where the record that is being read begins.
    record_start: u64,
    exchange: Exchange,
}

/// One exchange on a connection's streams; times are the clock's monotonic ones.
///
/// Stream positions count TCP payload bytes from the connection's first, TLS included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The request's bytes in our stream, as far as they are written.
    pub request: Range<u64>,
    /// The response's bytes in the provider's stream, as far as they are read.
    pub response: Range<u64>,
    /// When the request's first bytes were given to the kernel.
    pub request_first: Option<Duration>,
    /// When its last bytes so far were.
    pub request_last: Option<Duration>,
    /// Whether the request was written to its end.
    pub sent: bool,
    /// When the response's first bytes were read.
    pub response_first: Option<Duration>,
    /// When its last bytes so far were.
    pub response_last: Option<Duration>,
}

impl Exchange {
    /// The part of the exchange that was reached.
    pub const fn phase(&self) -> Phase {
        match (self.sent, self.response_first) {
            (_, Some(_)) => Phase::Download,
            (true, None) => Phase::Wait,
            (false, None) => Phase::Upload,
        }
    }
}

impl Marks {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Begins an exchange at the end of all that was written.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        let (written, read) = (state.written, state.read);
        state.exchange =
            Exchange { request: written..written, response: read..read, ..Exchange::default() };
    }

    /// The exchange that was begun last.
    pub(super) fn exchange(&self) -> Exchange {
        self.state().exchange.clone()
    }

    /// Bytes that the kernel took.
    pub(super) fn written(&self) -> u64 {
        self.state().written
    }

    /// The kernel took bytes of ours.
    pub(super) fn note_written(&self, bytes: usize) {
        let time = self.clock.monotonic();
        let mut state = self.state();
        state.written += length(bytes);
        // What follows a complete request is TLS's own: its closing alert, or another key.
        if !state.exchange.sent {
            state.exchange.request_first.get_or_insert(time);
            state.exchange.request_last = Some(time);
        }
    }

    /// Bytes were handed on; `starts_record` where the first of them begins a record.
    pub(super) fn note_read(&self, bytes: usize, starts_record: bool) {
        let mut state = self.state();
        if starts_record {
            state.record_start = state.read;
        }
        state.read += length(bytes);
    }

    /// All plaintext so far is with the kernel, or as much of it as `sent` says.
    fn note_flushed(&self, sent: bool) {
        let mut state = self.state();
        if !state.exchange.sent {
            state.exchange.request.end = state.written;
            state.exchange.sent = sent && !state.exchange.request.is_empty();
        }
    }

    /// Plaintext of the response was read.
    fn note_plaintext(&self) {
        let time = self.clock.monotonic();
        let mut state = self.state();
        if state.exchange.response_first.is_none() {
            state.exchange.response_first = Some(time);
            state.exchange.response.start = state.record_start;
        }
        state.exchange.response_last = Some(time);
        state.exchange.response.end = state.read;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The stream above TLS: notes when plaintext moves.
#[derive(Debug)]
pub(super) struct MarkedStream<S> {
    stream: S,
    marks: Arc<Marks>,
}

impl<S> MarkedStream<S> {
    pub(super) const fn new(stream: S, marks: Arc<Marks>) -> Self {
        Self { stream, marks }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MarkedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.marks.note_plaintext();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MarkedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.marks.note_flushed(false);
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.marks.note_flushed(matches!(result, Poll::Ready(Ok(()))));
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
