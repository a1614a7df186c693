//! What the simulation needs of a vendor's wire format.
//!
//! A [`Vendor`] reads requests and writes responses exactly as its service does; what is seen in
//! an image, how long that takes and what goes wrong is decided elsewhere.

use std::{fmt::Debug, time::Duration};

use armol_analysis::{detection::Detection, time::Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header, request::Parts};
use serde::Serialize;
use uuid::Uuid;

use crate::image_file;

/// A vendor's wire format.
pub(super) trait Vendor: Debug + Send + Sync {
    /// The call's own name, from the header that the vendor has for it.
    fn call_uid(&self, headers: &HeaderMap) -> Option<Uuid>;

    /// Reads a request as the vendor does: credentials first, then what is asked.
    ///
    /// # Errors
    /// Says what the vendor refuses.
    fn question(&self, head: &Parts, body: &Bytes, now: Timestamp) -> Result<Question, Refusal>;

    /// The response to a question.
    fn answer(&self, question: &Question, seen: &Seen) -> Response<Bytes>;

    /// The response to what is refused.
    fn refuse(&self, refusal: &Refusal, request_id: Uuid) -> Response<Bytes>;

    /// The vendor's way of asking to slow down.
    fn throttled(&self) -> Refusal;

    /// The vendor's way of failing.
    fn failed(&self) -> Refusal;
}

/// What a request asks.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// The image, a JPEG or PNG file.
    pub(super) image: Bytes,
    /// Its width and height in pixels.
    pub(super) size: (u32, u32),
    /// The least score that is wanted.
    pub(super) least_score: f64,
    /// The most objects that are wanted.
    pub(super) most: usize,
    /// Whether objects with their places are wanted.
    pub(super) objects: bool,
    /// Whether words for the whole image are wanted.
    pub(super) tags: bool,
}

/// What is seen in an image.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The surest first, each with its place.
    pub(super) detections: Vec<Detection>,
    /// The request's identity.
    pub(super) request_id: Uuid,
    /// How long it took.
    pub(super) inference: Duration,
}

/// Why a request is not answered, in the vendor's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The vendor's code.
    pub(super) code: &'static str,
    /// One sentence.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// An image's width and height where it is one that the vendor reads, and not smaller or larger on
/// either side than these many pixels.
pub(super) fn size_within(image: &[u8], least: u32, most: u32) -> Option<(u32, u32)> {
    let (width, height) = image_file::dimensions(image).ok()?;
    let fits = |side| (least..=most).contains(&side);
    (fits(width) && fits(height)).then_some((width, height))
}

/// A header's text; `None` where it is not there or no text.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A response of JSON.
pub(super) fn json_response(
    status: StatusCode,
    content_type: &'static str,
    body: &impl Serialize,
) -> Response<Bytes> {
    // Every body is of maps with text keys, which JSON has a form for.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let value = header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// Adds a header whose value is made of plain letters and digits.
pub(super) fn add_header(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = header::HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A share as the single-precision number that vendors send.
#[expect(clippy::cast_possible_truncation, reason = "fewer digits are what is wanted")]
pub(super) const fn single(share: f64) -> f32 {
    share as f32
}
