//! A request's body, which may wait until the provider wants it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::marks::Marks;

/// A body in one piece.
#[derive(Debug)]
pub(super) struct RequestBody {
    content: Full<Bytes>,
    held: Option<Held>,
}

/// What holds a body back.
#[derive(Debug)]
struct Held {
    go_ahead: Pin<Box<WaitForCancellationFutureOwned>>,
    marks: Arc<Marks>,
}

impl RequestBody {
    /// A body that is sent at once.
    pub(super) const fn at_once(content: Full<Bytes>) -> Self {
        Self { content, held: None }
    }

    /// A body that waits for a token, and tells the marks when it goes.
    pub(super) fn after(
        go_ahead: CancellationToken,
        marks: Arc<Marks>,
        content: Full<Bytes>,
    ) -> Self {
        let go_ahead = Box::pin(go_ahead.cancelled_owned());
        Self { content, held: Some(Held { go_ahead, marks }) }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(held) = &mut self.held {
            ready!(held.go_ahead.as_mut().poll(context));
            held.marks.hand_on_all();
            self.held = None;
        }
        Pin::new(&mut self.content).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
