//! Sends requests on one connection, in the version of HTTP that it speaks.
//!
//! What the library does for the connection runs in tasks that end with it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{
    body::{Body, Incoming},
    client::conn::{http1, http2},
    ext::on_informational,
    rt::Executor,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    pin, select, time,
};
use tokio_util::sync::CancellationToken;

use super::{
    frame_stream::FrameStream,
    marks::{MarkedStream, Marks, Sending},
    protocol::Protocol,
    request_body::RequestBody,
};
use crate::owned_tasks::OwnedTasks;

/// How long a body waits for 100 (Continue): servers may not know it, and a client must not wait
/// for it forever (RFC 9110, section 10.1.1). As long as curl waits.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// A connection's sending end.
#[derive(Debug)]
pub(super) struct Sender {
    version: Version,
    marks: Arc<Marks>,
    _tasks: OwnedTasks,
}

#[derive(Debug)]
enum Version {
    Http1 { sender: http1::SendRequest<RequestBody>, expect_continue: bool },
    Http2(http2::SendRequest<RequestBody>),
}

impl Sender {
    /// Speaks HTTP over a stream of plaintext whose bytes these marks know.
    pub(super) async fn over<S>(
        stream: S,
        protocol: Protocol,
        marks: &Arc<Marks>,
    ) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let tasks = OwnedTasks::default();
        let spawner = tasks.spawner();
        let version = match protocol {
            Protocol::Http1 { expect_continue } => {
                let stream = TokioIo::new(MarkedStream::new(stream, Arc::clone(marks)));
                let (sender, connection) = http1::handshake(stream).await?;
                spawner.execute(ended(connection));
                Version::Http1 { sender, expect_continue }
            }
            Protocol::Http2 => {
                let stream = TokioIo::new(FrameStream::of_client(stream, Arc::clone(marks)));
                let (sender, connection) = http2::handshake(spawner.clone(), stream).await?;
                spawner.execute(ended(connection));
                Version::Http2(sender)
            }
        };
        Ok(Self { version, marks: Arc::clone(marks), _tasks: tasks })
    }

    /// Waits until a request can be sent; `false` where the connection has ended.
    pub(super) async fn is_ready(&mut self) -> bool {
        match &mut self.version {
            Version::Http1 { sender, .. } => sender.ready().await.is_ok(),
            Version::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request, once, and reads the final head of the response.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
        host: &HeaderValue,
    ) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.version {
            Version::Http1 { sender, expect_continue } => {
                make_origin_form(&mut request);
                request.headers_mut().insert(header::HOST, host.clone());
                // A request without content must not expect this.
                if *expect_continue && !request.body().is_end_stream() {
                    send_expecting(sender, &self.marks, request).await
                } else {
                    self.marks.begin(Sending::All);
                    sender.send_request(request.map(RequestBody::at_once)).await
                }
            }
            // The library makes the host a part of the request's target (RFC 9113, section 8.3.1).
            Version::Http2(sender) => {
                self.marks.begin(Sending::Awaited);
                sender.send_request(request.map(RequestBody::at_once)).await
            }
        }
    }
}

/// Drives a connection. What goes wrong is told to whoever waits for a response.
async fn ended(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Sends the head of a request, and the body when the server wants it or has said nothing for a
/// while; not at all where it has answered.
async fn send_expecting(
    sender: &mut http1::SendRequest<RequestBody>,
    marks: &Arc<Marks>,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, hyper::Error> {
    let go_ahead = CancellationToken::new();
    let wanted = go_ahead.clone();
    request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
    on_informational(&mut request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            wanted.cancel();
        }
    });
    marks.begin(Sending::Part);
    let body = |content| RequestBody::after(go_ahead.clone(), Arc::clone(marks), content);
    let answered = sender.send_request(request.map(body));
    pin!(answered);
    select! {
        biased;
        answer = &mut answered => return answer,
        () = time::sleep(LONGEST_HOLD) => go_ahead.cancel(),
    }
    answered.await
}

/// Leaves only path and query in the request's target (RFC 9112, section 3.2.1).
fn make_origin_form(request: &mut Request<Full<Bytes>>) {
    let path = request.uri().path_and_query().cloned();
    if let Some(path) = path {
        *request.uri_mut() = path.into();
    }
}
