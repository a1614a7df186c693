//! Where on a connection's streams an exchange lies, and when its bytes moved.
//!
//! Two streams write into one [`Marks`]: the counted stream below TLS knows ciphertext, the one
//! above it knows plaintext: the marked stream where that is HTTP/1.1, a stream of frames where it
//! is HTTP/2. Below TLS a read never crosses the end of a record, so when plaintext appears, the
//! record that it came in is the last one read. That is how session tickets and other records
//! without plaintext stay out of the response. A record that carries the response's first byte is
//! the response's from its beginning, one that carries its last byte to its end.

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

use super::{
    frame_stream::FrameWatch,
    frame_walk::{Event, FrameHeader, FrameKind},
    head_walk::HeadWalk,
};
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
    sending: Sending,
    /// The stream of HTTP/2 that the request is on.
    stream: u32,
    receiving: Receiving,
    exchange: Exchange,
}

/// How far the request has been handed on to TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sending {
    /// There is none, or the kernel has all of it.
    #[default]
    Over,
    /// Nothing of it: what is written is HTTP/2's own, until a HEADERS frame comes.
    Awaited,
    /// A frame is being written that may be its first.
    Possible,
    /// A part of it.
    Part,
    /// All of it, so that it is sent when all is flushed.
    All,
}

/// How far the response has been read.
#[derive(Debug, Default)]
struct Receiving {
    /// Where the head that is being read began: its record, and the time.
    head: Option<(u64, Duration)>,
    /// What passed of informational heads of HTTP/1.1.
    walk: HeadWalk,
    /// Whether content has come, so that no other head can be the response's.
    has_content: bool,
    /// Whether its last frame has.
    is_over: bool,
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

    /// Begins an exchange at the end of all that was written; its request is handed on as `sending`
    /// says.
    pub(super) fn begin(&self, sending: Sending) {
        let mut state = self.state();
        let (written, read) = (state.written, state.read);
        state.exchange =
            Exchange { request: written..written, response: read..read, ..Exchange::default() };
        state.sending = sending;
        state.stream = 0;
        state.receiving = Receiving::default();
    }

    /// The rest of the request is being handed on.
    pub(super) fn hand_on_all(&self) {
        let mut state = self.state();
        if state.sending == Sending::Part {
            state.sending = Sending::All;
        }
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
        // What follows a complete request is TLS's own, its closing alert or another key, or
        // HTTP/2's; so is what comes before.
        if matches!(state.sending, Sending::Possible | Sending::Part | Sending::All) {
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

    /// Plaintext of HTTP/1.1 was read.
    fn note_plaintext(&self, plaintext: &[u8]) {
        let time = self.clock.monotonic();
        let mut state = self.state();
        if state.exchange.response_first.is_none() {
            state.pass_heads(plaintext, time);
        }
        state.extend_response(time);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Looks for the response's beginning among heads.
    fn pass_heads(&mut self, plaintext: &[u8], time: Duration) {
        for byte in plaintext {
            if self.receiving.walk.is_at_start() {
                self.receiving.head = Some((self.record_start, time));
            }
            if self.receiving.walk.shows_final(*byte) {
                return self.begin_response();
            }
        }
    }

    /// The head that was begun last is the response's.
    fn begin_response(&mut self) {
        if let Some((record_start, time)) = self.receiving.head {
            self.exchange.response = record_start..self.read;
            self.exchange.response_first = Some(time);
        }
    }

    /// What was read belongs to the response, if that has begun.
    fn extend_response(&mut self, time: Duration) {
        if self.exchange.response_first.is_some() {
            self.exchange.response_last = Some(time);
            self.exchange.response.end = self.read;
        }
    }

    /// Another frame of ours begins, when the kernel has all before it.
    fn begin_frame(&mut self) {
        match self.sending {
            Sending::Awaited | Sending::Possible => {
                self.sending = Sending::Possible;
                self.exchange.request = self.written..self.written;
                self.exchange.request_first = None;
                self.exchange.request_last = None;
            }
            Sending::All => self.end_request(),
            Sending::Part | Sending::Over => {}
        }
    }

    /// What the frame is that began; only a HEADERS frame begins a request.
    fn judge_frame(&mut self, frame: FrameHeader) {
        if self.sending != Sending::Possible {
            return;
        }
        if frame.kind == FrameKind::Headers {
            self.sending = Sending::Part;
            self.stream = frame.stream;
        } else {
            self.sending = Sending::Awaited;
            self.exchange.request_first = None;
            self.exchange.request_last = None;
        }
    }

    fn end_request(&mut self) {
        self.exchange.request.end = self.written;
        if !self.exchange.request.is_empty() {
            self.exchange.sent = true;
            self.sending = Sending::Over;
        }
    }

    /// A frame of the response, or a piece of one, was read. Of several heads before the content
    /// the last is the response's, those before are informational.
    fn receive_frame(&mut self, frame: FrameHeader, begins: bool, time: Duration) {
        if frame.stream != self.stream || self.receiving.is_over {
            return;
        }
        match frame.kind {
            FrameKind::Headers if begins && !self.receiving.has_content => self.begin_response(),
            FrameKind::Data => self.receiving.has_content = true,
            FrameKind::Headers | FrameKind::Continuation => {}
            FrameKind::Control => return,
        }
        self.extend_response(time);
    }
}

impl FrameWatch for Marks {
    fn awaits_headers(&self) -> bool {
        matches!(self.state().sending, Sending::Awaited | Sending::Possible)
    }

    fn separates(&self) -> bool {
        matches!(self.state().sending, Sending::Awaited | Sending::Possible | Sending::All)
    }

    fn frame_follows(&self) {
        self.state().begin_frame();
    }

    fn sent(&self, event: Event) {
        let mut state = self.state();
        match event {
            Event::Header(frame) => state.judge_frame(frame),
            Event::StreamEnds(stream) if stream == state.stream => {
                if state.sending == Sending::Part {
                    state.sending = Sending::All;
                }
            }
            Event::StreamEnds(_) | Event::Begins | Event::Payload(_) => {}
        }
    }

    fn handed_on(&self, all: bool) {
        let mut state = self.state();
        match state.sending {
            Sending::All if all => state.end_request(),
            Sending::Part | Sending::All => state.exchange.request.end = state.written,
            Sending::Over | Sending::Awaited | Sending::Possible => {}
        }
    }

    fn received(&self, event: Event) {
        let time = self.clock.monotonic();
        let mut state = self.state();
        match event {
            Event::Begins => state.receiving.head = Some((state.record_start, time)),
            Event::Header(frame) => state.receive_frame(frame, true, time),
            Event::Payload(frame) => state.receive_frame(frame, false, time),
            Event::StreamEnds(stream) => state.receiving.is_over |= stream == state.stream,
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The stream above TLS where it carries HTTP/1.1: notes when plaintext moves.
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
        let plaintext = buffer.filled().get(before..).unwrap_or_default();
        if !plaintext.is_empty() {
            self.marks.note_plaintext(plaintext);
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
        self.marks.handed_on(false);
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.marks.handed_on(matches!(result, Poll::Ready(Ok(()))));
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
