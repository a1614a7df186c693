//! A TCP connection that notes when bytes went through it, for the truth of each request.
//!
//! It lies under TLS, so its times are those of the socket calls themselves: a request has arrived
//! when the read that brought its last byte returned, a response begins just before the write that
//! takes its first byte is called. It reads ahead of TLS, all that the socket has: a request must
//! not seem to arrive later because its earlier records are being decrypted.

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
use crate::clock::Clock;

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
    /// The request whose response is the next thing to be written.
    answering: Option<TruthEntry>,
    reset: bool,
}

impl Stamps {
    /// Nothing noted yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, noted: Mutex::default() }
    }

    /// When bytes were last read.
    pub(super) fn last_read(&self) -> Timestamp {
        let last_read = self.noted().last_read;
        last_read.unwrap_or_else(|| self.clock.now())
    }

    /// Completes an entry with the time of the next write; without one, when the connection ends.
    pub(super) fn complete_with_next_write(&self, entry: TruthEntry) {
        self.noted().answering = Some(entry);
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
        let entry = self.noted().answering.take();
        if let Some(mut entry) = entry {
            entry.response_first(began);
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
