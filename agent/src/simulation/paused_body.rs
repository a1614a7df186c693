//! A response's body that comes a while after its head.
//!
//! Some servers send the head as soon as they have decided to answer, and the body when they have
//! it; the response's first byte is then early, its last byte late.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{self, Sleep};

/// A body in one piece, after a pause.
#[derive(Debug)]
pub(super) struct PausedBody {
    bytes: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

impl PausedBody {
    /// A body that begins this long after it is first asked for; at once where that is zero.
    pub(super) fn new(bytes: Bytes, pause: Duration) -> Self {
        let pause = (!pause.is_zero()).then(|| Box::pin(time::sleep(pause)));
        Self { bytes, pause }
    }
}

impl Body for PausedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }
}
