//! The stream below TLS: counts bytes, and never reads more than the rest of one TLS record, nor
//! of its header, at once.
//!
//! A kernel's stamp of what was read is that of its last segment, so the few bytes that an answer
//! begins with are read alone.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{marks::Marks, socket::Socket};

/// A TLS record's header: type, version, and the length of what follows (RFC 8446, section 5.1).
const RECORD_HEADER: usize = 5;

/// A TCP connection whose bytes are counted.
#[derive(Debug)]
pub(super) struct CountedStream {
    stream: Socket,
    marks: Arc<Marks>,
    /// Where in a record the next byte is; `None` on plain TCP.
    records: Option<RecordPosition>,
    /// Whether nothing was read since the last write: an answer would begin with the next byte.
    awaits_answer: bool,
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
    pub(super) fn new(stream: Socket, marks: Arc<Marks>, tls: bool) -> Self {
        let records = tls.then(RecordPosition::default);
        Self { stream, marks, records, awaits_answer: false }
    }

    /// How many bytes may be read at once.
    fn most(&self) -> usize {
        match self.records {
            Some(position) => position.rest(),
            None if self.awaits_answer => RECORD_HEADER,
            None => usize::MAX,
        }
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let most = this.most().min(target.remaining());
        let mut part = ReadBuf::new(target.initialize_unfilled_to(most));
        ready!(Pin::new(&mut this.stream).poll_read(context, &mut part))?;
        let starts_record = this.records.is_none_or(RecordPosition::is_at_start);
        if let Some(records) = &mut this.records {
            records.advance(part.filled());
        }
        let amount = part.filled().len();
        target.advance(amount);
        if amount > 0 {
            this.awaits_answer = false;
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
        self.awaits_answer = true;
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
