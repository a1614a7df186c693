//! A TCP connection, with the kernel's stamps where it gives them.
//!
//! Which of the two it is makes no difference to what goes over it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use armol_analysis::cause::chain;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::stamped_socket::{Opened, StampedSocket, StampedStream};
use crate::clock::Clock;

/// A TCP connection.
#[derive(Debug)]
pub(super) enum Socket {
    /// One whose bytes are stamped.
    Stamped(StampedStream),
    /// One of a kernel that gives no stamps.
    Plain(TcpStream),
}

impl Socket {
    /// Has the bytes of a connection stamped where the kernel lets it.
    ///
    /// # Errors
    /// Where the connection is broken or the process has too many open files.
    pub(super) fn new(
        stream: TcpStream,
        opened: Opened,
        clock: Arc<dyn Clock>,
    ) -> io::Result<(Self, Option<Arc<StampedSocket>>)> {
        if let Err(error) = StampedSocket::ask(&stream) {
            tracing::debug!(error = chain(&error), "the kernel gives no stamps of sockets");
            return Ok((Self::Plain(stream), None));
        }
        let socket = Arc::new(StampedSocket::new(stream, opened, clock)?);
        Ok((Self::Stamped(StampedStream::new(Arc::clone(&socket))?), Some(socket)))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Stamped(stream) => Pin::new(stream).poll_read(context, target),
            Self::Plain(stream) => Pin::new(stream).poll_read(context, target),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Stamped(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Stamped(stream) => Pin::new(stream).poll_flush(context),
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Stamped(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
