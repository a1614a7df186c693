//! One call from start to end: connection, request, response, split.
//!
//! A [`Probe`] belongs to one provider and has at most one call under way. It sends each request
//! once; a connection that turns out to have ended before the request was begun is replaced first.

use std::{sync::Arc, time::Duration};

use armol_analysis::{
    cause::chain,
    measurement::{
        Answer, ApplicationTimes, Call, ConnectionEnds, Failure, Measurement, ProviderIdentity,
        Timing,
    },
    outcome::{Outcome, Phase},
    split::{Split, SplitFlags, SplitMethod, SplitTimes},
    splitter::Markers,
    time::{Timestamp, nanoseconds},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::{
    capture::Capture,
    clock::{Clock, moment},
    http::{Connection, Connector, Exchange, HttpError, Opening},
    image_file::LoadedImage,
    price,
    provider::{self, Provider, Reading, RequestError},
};

/// Longer idle connections are replaced: servers close theirs after some such time, and a request
/// that meets the closing would be lost.
const LONGEST_IDLE: Duration = Duration::from_secs(15);

/// How far wall clock and monotonic clock may drift apart during a call; slewing a clock stays
/// far below it.
const LARGEST_DRIFT: Duration = Duration::from_millis(5);

/// What a probe needs to know of its provider.
#[derive(Debug)]
pub struct Target {
    /// Who it is.
    pub identity: ProviderIdentity,
    /// Its format.
    pub provider: Box<dyn Provider>,
    /// Opens connections to it.
    pub connector: Connector,
    /// The longest that a call may take.
    pub timeout: Duration,
    /// Whether calls share a connection.
    pub reuse_connection: bool,
    /// What an answer costs, in millionths of a US dollar.
    pub price_microusd: u64,
}

/// Calls one provider.
#[derive(Debug)]
pub struct Probe {
    target: Target,
    capture: Option<Arc<Capture>>,
    clock: Arc<dyn Clock>,
    /// How long a call under way may go on after a shutdown is asked for.
    grace: Duration,
    idle: Option<IdleConnection>,
}

#[derive(Debug)]
struct IdleConnection {
    connection: Connection,
    since: Duration,
}

/// Why a call ended without a response.
enum Ending {
    Request(RequestError),
    Http(HttpError),
    Timeout,
    Cancelled,
}

/// What a call left behind, however it ended.
struct Attempt {
    started_at: Timestamp,
    started: Duration,
    opening: Opening,
    connection: Option<Connection>,
    /// Whether the connection was opened for this call.
    fresh: bool,
    result: Result<Response<Bytes>, Ending>,
}

impl Probe {
    /// A probe of a provider; without a capture the agent's own times stand in for packets.
    pub const fn new(
        target: Target,
        capture: Option<Arc<Capture>>,
        clock: Arc<dyn Clock>,
        grace: Duration,
    ) -> Self {
        Self { target, capture, clock, grace, idle: None }
    }

    /// Whom it calls.
    pub const fn identity(&self) -> &ProviderIdentity {
        &self.target.identity
    }

    /// Closes the connection; the next call opens one.
    pub fn close(&mut self) {
        self.idle = None;
    }

    /// Makes one call; always ends in a measurement, at the latest when its time is up.
    pub async fn call(
        &mut self,
        call: Call,
        image: &LoadedImage,
        shutdown: &CancellationToken,
    ) -> Measurement {
        let attempt = self.attempt(&call, image, shutdown).await;
        let (ended_at, ended) = moment(self.clock.as_ref());
        let total = ended.saturating_sub(attempt.started);
        let drift = drift(&attempt, ended_at, total);
        let exchange = attempt.connection.as_ref().map(Connection::last_exchange);
        let (split, socket) = self.splits(&attempt, exchange.as_ref(), drift).await.unzip();
        let phase = exchange.as_ref().map_or(attempt.opening.phase, Exchange::phase);
        let reading = match &attempt.result {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers());
                let response = provider::Response { status, headers, body: response.body() };
                self.target.provider.read(&response, image)
            }
            Err(ending) => ending.reading(phase, self.target.timeout),
        };
        let begun = exchange.as_ref().is_some_and(|exchange| exchange.request_first.is_some());
        let price = if begun { self.target.price_microusd } else { 0 };
        let timing = Timing {
            started_at: attempt.started_at,
            ends: ends(&attempt),
            application: application(&attempt, exchange.as_ref(), total),
            split,
            socket: socket.flatten(),
        };
        let response = attempt.result.ok();
        let http_status = response.as_ref().map(|response| response.status().as_u16());
        // A response may come before the request is sent; what is left of it is still on its way.
        // A connection from before a step of the clock cannot be found among the packets any more.
        let sent = exchange.as_ref().is_some_and(|exchange| exchange.sent);
        let is_good = sent && response.is_some() && drift <= LARGEST_DRIFT;
        self.keep(attempt.connection.filter(|_| is_good));
        Measurement {
            simulated: call.provider.simulated,
            call,
            outcome: reading.outcome,
            content: Some(image.content),
            timing: Some(timing),
            http_status,
            failure: reading.failure,
            cost_microusd: price::cost(reading.outcome, http_status, price),
            answer: response.map(|response| Answer {
                raw: response.into_body().to_vec(),
                model_version: reading.model_version,
                detections: reading.detections,
            }),
        }
    }

    /// Sends the request, watching the deadline and the shutdown.
    async fn attempt(
        &mut self,
        call: &Call,
        image: &LoadedImage,
        shutdown: &CancellationToken,
    ) -> Attempt {
        let (started_at, started) = moment(self.clock.as_ref());
        let mut attempt = Attempt {
            started_at,
            started,
            opening: Opening::default(),
            connection: None,
            fresh: false,
            result: Err(Ending::Cancelled),
        };
        let request = match self.target.provider.request(call.uid, image, attempt.started_at) {
            Ok(request) => request,
            Err(error) => return Attempt { result: Err(Ending::Request(error)), ..attempt },
        };
        // Not before there is a request: a connection knows the exchange before until the next.
        attempt.connection = self.reusable().await;
        let given_up = async {
            shutdown.cancelled().await;
            time::sleep(self.grace).await;
        };
        let result = tokio::select! {
            result = time::timeout(self.target.timeout, self.exchange(&mut attempt, request)) => {
                match result {
                    Ok(result) => result.map_err(Ending::Http),
                    Err(_elapsed) => Err(Ending::Timeout),
                }
            }
            () = given_up => Err(Ending::Cancelled),
        };
        attempt.result = result;
        attempt
    }

    async fn exchange(
        &self,
        attempt: &mut Attempt,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, HttpError> {
        let connection = match &mut attempt.connection {
            Some(connection) => connection,
            empty => {
                attempt.fresh = true;
                let capture = self.capture.as_deref();
                let opened = self.target.connector.open(capture, &mut attempt.opening).await?;
                empty.insert(opened)
            }
        };
        connection.exchange(request).await
    }

    /// The connection of the call before, where it can still be used.
    async fn reusable(&mut self) -> Option<Connection> {
        let IdleConnection { mut connection, since } = self.idle.take()?;
        let idle = self.clock.monotonic().saturating_sub(since);
        (idle <= LONGEST_IDLE && connection.is_ready().await).then_some(connection)
    }

    /// Keeps a connection for the next call, where calls share one.
    fn keep(&mut self, connection: Option<Connection>) {
        let since = self.clock.monotonic();
        self.idle = connection
            .filter(|_| self.target.reuse_connection)
            .map(|connection| IdleConnection { connection, since });
    }

    /// The split by packets where there are any, else by stamps of the socket, else by the agent's
    /// own times; and beside it the one by stamps, where the kernel gives them.
    async fn splits(
        &self,
        attempt: &Attempt,
        exchange: Option<&Exchange>,
        drift: Duration,
    ) -> Option<(Split, Option<Split>)> {
        let exchange = exchange?;
        let connection = attempt.connection.as_ref()?;
        exchange.response_first?;
        let complete = attempt.result.is_ok();
        let markers = markers(attempt, connection, exchange, complete);
        let socket = connection.socket_split(&markers);
        let packets = match &self.capture {
            Some(capture) => capture.split(&markers).await,
            None => None,
        };
        let split = packets
            .or_else(|| socket.clone().filter(|split| !lacks_stamps(split)))
            .unwrap_or_else(|| by_application(attempt, exchange, complete));
        let judge = |mut split: Split| {
            if !exchange.sent {
                // The answer is to a part of the request, so neither is its upload nor its
                // inference the image's.
                split.flags |= SplitFlags::EARLY_RESPONSE;
                split.times = None;
            }
            if drift > LARGEST_DRIFT { stepped(split) } else { split }
        };
        Some((judge(split), socket.map(judge)))
    }
}

impl Ending {
    fn reading(&self, phase: Phase, timeout: Duration) -> Reading {
        let failed = |outcome, code: &str, message: String| Reading {
            outcome,
            failure: Some(Failure { code: code.to_owned(), message }),
            model_version: None,
            detections: Vec::new(),
        };
        match self {
            Self::Request(error) => failed(Outcome::Auth, "request", chain(error)),
            Self::Timeout => {
                let message = format!("no complete answer within {} s", timeout.as_secs());
                failed(Outcome::Timeout(phase), "timeout", message)
            }
            Self::Cancelled => {
                failed(Outcome::Cancelled, "cancelled", "the agent was stopped".to_owned())
            }
            Self::Http(error) => {
                let (outcome, code) = match error {
                    HttpError::Resolve { .. } => (Outcome::Dns, "dns"),
                    HttpError::Connect { .. } => (Outcome::Reset, "connect"),
                    HttpError::Tls { .. } => (Outcome::Tls, "tls"),
                    HttpError::Version { .. } => (Outcome::Tls, "http_version"),
                    HttpError::Broken(_) => (Outcome::Reset, "reset"),
                    HttpError::Malformed(_) => (Outcome::ServerError, "malformed_http"),
                    HttpError::TooLarge => (Outcome::ServerError, "answer_too_large"),
                };
                failed(outcome, code, chain(error))
            }
        }
    }
}

/// Whether a split by stamps has no times because stamps were lost.
fn lacks_stamps(split: &Split) -> bool {
    split.times.is_none() && split.flags.contains(SplitFlags::CAPTURE_GAP)
}

/// How far the wall clock went otherwise than the monotonic one.
fn drift(attempt: &Attempt, ended_at: Timestamp, total: Duration) -> Duration {
    let wall = ended_at.unix_ns().saturating_sub(attempt.started_at.unix_ns());
    Duration::from_nanos(wall.saturating_sub(nanoseconds(total)).unsigned_abs())
}

/// A split over a step of the clock.
fn stepped(mut split: Split) -> Split {
    split.flags |= SplitFlags::CLOCK_STEPPED;
    if split.method != SplitMethod::Application {
        // Packets and sockets are stamped by the clock that was stepped.
        split.times = None;
    }
    split
}

fn markers(
    attempt: &Attempt,
    connection: &Connection,
    exchange: &Exchange,
    complete: bool,
) -> Markers {
    let (client, server) = connection.ends();
    Markers {
        client,
        server,
        opened_at: connection.opened_at(),
        first: attempt.fresh,
        handshake: 0..connection.handshake(),
        request: exchange.request.clone(),
        response: exchange.response.clone(),
        complete,
    }
}

fn ends(attempt: &Attempt) -> Option<ConnectionEnds> {
    let index = attempt.connection.as_ref().map_or(0, Connection::last_index);
    let of_connection = attempt.connection.as_ref().map(Connection::ends);
    let (client, server) = of_connection.or(attempt.opening.ends)?;
    Some(ConnectionEnds { client, server, index })
}

fn application(
    attempt: &Attempt,
    exchange: Option<&Exchange>,
    total: Duration,
) -> ApplicationTimes {
    let between = |start: Option<Duration>, end: Option<Duration>| end?.checked_sub(start?);
    let exchange = exchange.cloned().unwrap_or_default();
    ApplicationTimes {
        dns: attempt.opening.dns,
        connect: attempt.opening.connect,
        tls: attempt.opening.tls,
        upload: between(exchange.request_first, exchange.request_last),
        wait: between(exchange.request_last, exchange.response_first),
        download: between(exchange.response_first, exchange.response_last),
        total: Some(total),
    }
}

/// A split by the agent's own times.
fn by_application(attempt: &Attempt, exchange: &Exchange, complete: bool) -> Split {
    let times = application(attempt, Some(exchange), Duration::ZERO);
    let parts = times.upload.zip(times.wait).zip(times.download);
    let mut flags = SplitFlags::empty();
    if times.wait.is_none() {
        flags |= SplitFlags::EARLY_RESPONSE;
    }
    if !complete {
        flags |= SplitFlags::TRUNCATED;
    }
    let length = |range: &std::ops::Range<u64>| range.end.saturating_sub(range.start);
    Split {
        method: SplitMethod::Application,
        times: parts.and_then(|((upload, wait), download)| {
            SplitTimes::new(upload, wait, download, None).ok()
        }),
        request_first: exchange
            .request_first
            .map(|first| attempt.started_at.plus(first.saturating_sub(attempt.started))),
        connect: times.connect,
        tls: times.tls,
        rtt: None,
        request_bytes: length(&exchange.request),
        response_bytes: length(&exchange.response),
        retransmissions: 0,
        flags,
    }
}
