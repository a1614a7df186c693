//! The stream below TLS: counts bytes, and never hands on more than the rest of one TLS record.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::marks::Marks;

/// A TLS record's header: type, version, and the length of what follows (RFC 8446, section 5.1).
const RECORD_HEADER: usize = 5;

/// How much is read from the socket at once: a TLS record of the greatest length.
const READ_BYTES: usize = RECORD_HEADER + 16 * 1024 + 256;

/// A TCP connection whose bytes are counted.
#[derive(Debug)]
pub(super) struct CountedStream {
    stream: TcpStream,
    marks: Arc<Marks>,
    /// Read from the socket, not handed on.
    buffer: BytesMut,
    /// Where in a record the next byte is; `None` on plain TCP.
    records: Option<RecordPosition>,
}

/// Where in a TLS record a stream is.
#[derive(Clone, Copy, Debug, Default)]
struct RecordPosition {
    header: [u8; RECORD_HEADER],
    /// How many bytes of the header are known; all of them inside a record's body.
    known: usize,
    /// How many bytes of the body are to come.
    body: usize,
}

impl RecordPosition {
    /// Whether the next byte begins a record.
    const fn is_at_start(self) -> bool {
        self.known == 0
    }

    /// How many bytes may follow without crossing the end of a header or a record.
    const fn rest(self) -> usize {
        if self.known < RECORD_HEADER { RECORD_HEADER - self.known } else { self.body }
    }

    /// Moves past bytes; no more than [`Self::rest`].
    fn advance(&mut self, bytes: &[u8]) {
        if self.known < RECORD_HEADER {
            for (place, byte) in self.header.iter_mut().skip(self.known).zip(bytes) {
                *place = *byte;
            }
            self.known += bytes.len();
            let [_, _, _, high, low] = self.header;
            self.body = usize::from(u16::from_be_bytes([high, low]));
        } else {
            self.body = self.body.saturating_sub(bytes.len());
        }
        if self.known == RECORD_HEADER && self.body == 0 {
            *self = Self::default();
        }
    }
}

impl CountedStream {
    pub(super) fn new(stream: TcpStream, marks: Arc<Marks>, tls: bool) -> Self {
        let records = tls.then(RecordPosition::default);
        Self { stream, marks, buffer: BytesMut::new(), records }
    }

    /// Fills the buffer where it is empty; an empty buffer afterwards is the stream's end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.buffer.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.buffer.resize(READ_BYTES, 0);
        let mut target = ReadBuf::new(&mut self.buffer);
        let result = Pin::new(&mut self.stream).poll_read(context, &mut target);
        let filled = target.filled().len();
        self.buffer.truncate(filled);
        result
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_fill(context))?;
        let rest = this.records.map_or(usize::MAX, RecordPosition::rest);
        let amount = rest.min(this.buffer.len()).min(target.remaining());
        let starts_record = this.records.is_none_or(RecordPosition::is_at_start);
        let handed_on = this.buffer.split_to(amount);
        target.put_slice(&handed_on);
        if let Some(records) = &mut this.records {
            records.advance(&handed_on);
        }
        if amount > 0 {
            this.marks.note_read(amount, starts_record);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.marks.note_written(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_end_of_each_header_and_each_record() {
        let stream = [&[23, 3, 3, 0, 2, 9, 9][..], &[22, 3, 3, 0, 0], &[23, 3, 3, 1, 0]].concat();
        let mut position = RecordPosition::default();
        let mut rest = stream.as_slice();
        let mut stops = Vec::new();
        while !rest.is_empty() {
            let (taken, left) = rest.split_at(position.rest().min(rest.len()).min(3));
            position.advance(taken);
            rest = left;
            if position.is_at_start() {
                stops.push(stream.len() - rest.len());
            }
        }
        assert_eq!(stops, [7, 12]);
        assert_eq!(position.rest(), 256);
    }
}
