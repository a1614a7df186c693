//! One simulated provider: takes a request to its end, thinks, answers or fails, and notes what is
//! true of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use armol_analysis::{time::Timestamp, truth::TruthRecord};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    answer::Observation,
    catalogue::Catalogue,
    fault::{Fault, FaultRates},
    inference_time::InferenceTime,
    paused_body::PausedBody,
    provider::SimulatedProvider,
    stamped_stream::Stamps,
    truth_log::{TruthEntry, TruthLog},
    vendor::{Question, Seen, Vendor},
};
use crate::clock::Clock;

/// The largest request that is read, in bytes: above every vendor's own limit, so that it is the
/// vendor's error that a client sees.
const LARGEST_REQUEST: usize = 32 * 1024 * 1024;

/// A simulated provider.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) provider: SimulatedProvider,
    pub(super) vendor: Box<dyn Vendor>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) seed: u64,
    pub(super) draws: Draws,
    /// How long a response's body comes after its head.
    pub(super) body_pause: Duration,
    pub(super) log: Arc<TruthLog>,
    pub(super) clock: Arc<dyn Clock>,
    /// Ends requests that are never answered.
    pub(super) shutdown: CancellationToken,
}

/// What chance decides about the requests to one provider, in the order in which they come.
#[derive(Debug)]
pub(super) struct Draws {
    generator: Mutex<ChaCha8Rng>,
    faults: FaultRates,
    inference: InferenceTime,
}

/// What chance decided about one request.
#[derive(Clone, Copy, Debug)]
struct Draw {
    fault: Option<Fault>,
    inference: Duration,
    request_id: Uuid,
}

/// A question and what identifies its image.
#[derive(Clone, Debug)]
struct Asked {
    question: Question,
    sha256: [u8; 32],
}

/// One connection, as its requests see it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// The client's end.
    pub(super) client: SocketAddr,
    /// When bytes went through it.
    pub(super) stamps: Arc<Stamps>,
}

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the connection ends without an answer")]
pub(super) struct Unanswered;

impl Draws {
    /// The decisions that a seed leads to.
    pub(super) fn new(
        provider: SimulatedProvider,
        seed: u64,
        faults: FaultRates,
        inference: InferenceTime,
    ) -> Self {
        let mut digest = Sha256::new();
        digest.update(seed.to_le_bytes());
        digest.update(provider.name());
        digest.update("draws");
        let generator = ChaCha8Rng::from_seed(digest.finalize().into());
        Self { generator: Mutex::new(generator), faults, inference }
    }

    fn next(&self) -> Draw {
        let mut generator = self.generator.lock().unwrap_or_else(PoisonError::into_inner);
        Draw {
            fault: self.faults.draw(&mut generator),
            inference: self.inference.draw(&mut generator),
            request_id: uuid::Builder::from_random_bytes(generator.random()).into_uuid(),
        }
    }
}

impl Service {
    /// Answers one request, or says that its connection ends.
    ///
    /// # Errors
    /// Where the client left before its request was complete, or the drawn fault leaves the
    /// request without an answer.
    pub(super) async fn exchange(
        &self,
        request: Request<Incoming>,
        connection: Connection,
    ) -> Result<Response<PausedBody>, Unanswered> {
        let (mut head, body) = request.into_parts();
        name_host(&mut head);
        let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::debug!(error, "a request ended before it was complete");
                return Err(Unanswered);
            }
        };
        // All that one read brought is used before the next, so none after it is noted yet.
        let request_last = connection.stamps.request_last();
        let draw = self.draws.next();
        let asked = self.vendor.question(&head, &body, self.clock.now()).map(Asked::new);
        let mut entry = TruthEntry::new(
            TruthRecord {
                uid: self.vendor.call_uid(&head.headers),
                provider: self.provider.name().to_owned(),
                client: connection.client,
                image_sha256: asked.as_ref().ok().map(|asked| hexadecimal(asked.sha256)),
                request_last_ns: request_last,
                response_first_ns: None,
                status: None,
                fault: draw.fault.map(|fault| fault.as_str().to_owned()),
            },
            Arc::clone(&self.log),
        );
        let response = match (draw.fault, asked) {
            (Some(Fault::Reset), _) => {
                connection.stamps.reset_when_closed();
                return Err(Unanswered);
            }
            (Some(Fault::Stall), _) => {
                drop(entry);
                self.shutdown.cancelled().await;
                return Err(Unanswered);
            }
            (Some(Fault::Throttle), _) => {
                self.vendor.refuse(&self.vendor.throttled(), draw.request_id)
            }
            (Some(Fault::Error), _) => {
                self.wait(request_last, draw.inference).await;
                self.vendor.refuse(&self.vendor.failed(), draw.request_id)
            }
            (None, Ok(asked)) => {
                let response = self.answer(&asked, draw);
                self.wait(request_last, draw.inference).await;
                response
            }
            (None, Err(refusal)) => {
                entry.fault("refused");
                self.vendor.refuse(&refusal, draw.request_id)
            }
        };
        entry.status(response.status().as_u16());
        connection.stamps.complete_with_response(entry);
        Ok(response.map(|body| PausedBody::new(body, self.body_pause)))
    }

    fn answer(&self, Asked { question, sha256 }: &Asked, draw: Draw) -> Response<Bytes> {
        let observation = Observation::new(self.provider, self.seed, *sha256, question.size);
        let detections = observation.see(self.catalogue.objects(*sha256));
        let Draw { request_id, inference, .. } = draw;
        self.vendor.answer(question, &Seen { detections, request_id, inference })
    }

    /// Waits until this long after the request's last byte; what was done since counts.
    async fn wait(&self, request_last: Timestamp, inference: Duration) {
        let passed = self.clock.now().since(request_last).unwrap_or_default();
        time::sleep(inference.saturating_sub(passed)).await;
    }
}

/// Names the host in a header, as HTTP/1.1 does, where the request's target names it (RFC 9113,
/// section 8.3.1): the vendors' signatures are over that header.
fn name_host(head: &mut Parts) {
    let authority = head.uri.authority().map(|authority| HeaderValue::try_from(authority.as_str()));
    if let Some(Ok(host)) = authority {
        head.headers.entry(header::HOST).or_insert(host);
    }
}

impl Asked {
    fn new(question: Question) -> Self {
        let sha256 = Sha256::digest(&question.image).into();
        Self { question, sha256 }
    }
}

fn hexadecimal(digest: [u8; 32]) -> String {
    let digits = digest.into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
