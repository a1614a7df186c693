//! Azure Computer Vision 3.2's `analyze`, as its REST reference describes it.
//!
//! `POST /vision/v3.2/analyze?visualFeatures=Objects,Tags` with the image as it is and the
//! account's key in a header. Objects are in whole pixels; tags are words for the whole image.

use std::collections::BTreeMap;

use armol_analysis::{detection::Detection, time::Timestamp};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request::Parts};
use image::ImageFormat;
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    credentials::Credentials,
    vendor::{
        Question, Refusal, Seen, Vendor, add_header, header_text, json_response, size_within,
    },
};

const CONTENT_TYPE: &str = "application/json; charset=utf-8";
const PATH: &str = "/vision/v3.2/analyze";
const MODEL_VERSION: &str = "2021-05-01";

/// The largest image, in bytes; it has to be smaller.
const TOO_LARGE: usize = 4 * 1024 * 1024;
/// The shortest and the longest side of an image, in pixels.
const SIDES: (u32, u32) = (50, 16_000);
/// The features that the interface knows.
const FEATURES: [&str; 9] = [
    "adult",
    "brands",
    "categories",
    "color",
    "description",
    "faces",
    "imagetype",
    "objects",
    "tags",
];

/// The service.
#[derive(Debug)]
pub(super) struct AzureVision {
    credentials: Credentials,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Vec<Thing>>,
    request_id: Uuid,
    metadata: Metadata,
    model_version: &'static str,
}

#[derive(Serialize)]
struct Tag {
    name: String,
    confidence: f64,
}

#[derive(Serialize)]
struct Thing {
    rectangle: Rectangle,
    #[serde(rename = "object")]
    word: String,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
}

/// In whole pixels.
#[derive(Serialize)]
struct Rectangle {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

#[derive(Serialize)]
struct Parent {
    object: &'static str,
    confidence: f64,
}

#[derive(Serialize)]
struct Metadata {
    height: u32,
    width: u32,
    format: &'static str,
}

impl AzureVision {
    /// The service with one account.
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let key = header_text(headers, "ocp-apim-subscription-key");
        if key == Some(self.credentials.azure_vision_key.as_str()) {
            return Ok(());
        }
        let message = "Access denied due to invalid subscription key or wrong API endpoint. Make \
                       sure to provide a valid key for an active subscription and use a correct \
                       regional API endpoint for your resource.";
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "401", message))
    }
}

impl Vendor for AzureVision {
    fn call_uid(&self, headers: &HeaderMap) -> Option<Uuid> {
        header_text(headers, "x-ms-client-request-id")?.parse().ok()
    }

    fn question(&self, head: &Parts, body: &Bytes, _now: Timestamp) -> Result<Question, Refusal> {
        if head.method != Method::POST || head.uri.path() != PATH {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "404", "Resource not found"));
        }
        self.authorize(&head.headers)?;
        let content_type = header_text(&head.headers, "content-type").unwrap_or_default();
        if !content_type.starts_with("application/octet-stream") {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let message = "Send the image as application/octet-stream";
            return Err(Refusal::new(status, "UnsupportedMediaType", message));
        }
        let features = features(head.uri.query().unwrap_or_default())?;
        if body.len() >= TOO_LARGE {
            return Err(bad_request("InvalidImageSize", "Input image is too large."));
        }
        let size = size_within(body, SIDES.0, SIDES.1)
            .ok_or_else(|| bad_request("InvalidImageFormat", "Input data is not a valid image."))?;
        Ok(Question {
            image: body.clone(),
            size,
            least_score: 0.0,
            most: usize::MAX,
            objects: features.iter().any(|feature| feature == "objects"),
            tags: features.iter().any(|feature| feature == "tags"),
        })
    }

    fn answer(&self, question: &Question, seen: &Seen) -> Response<Bytes> {
        let is_png = image::guess_format(&question.image).ok() == Some(ImageFormat::Png);
        let (width, height) = question.size;
        let body = Analysis {
            tags: question.tags.then(|| tags(&seen.detections)),
            objects: question.objects.then(|| seen.detections.iter().filter_map(object).collect()),
            request_id: seen.request_id,
            metadata: Metadata { height, width, format: if is_png { "Png" } else { "Jpeg" } },
            model_version: MODEL_VERSION,
        };
        let mut response = json_response(StatusCode::OK, CONTENT_TYPE, &body);
        let inference_ms = seen.inference.as_millis().to_string();
        add_header(&mut response, "x-envoy-upstream-service-time", &inference_ms);
        add_header(&mut response, "apim-request-id", &seen.request_id.to_string());
        response
    }

    fn refuse(&self, refusal: &Refusal, request_id: Uuid) -> Response<Bytes> {
        let Refusal { status, code, message } = refusal;
        let body = if *status == StatusCode::BAD_REQUEST {
            inner_error(code, message)
        } else {
            json!({"error": {"code": code, "message": message}})
        };
        let mut response = json_response(*status, CONTENT_TYPE, &body);
        add_header(&mut response, "apim-request-id", &request_id.to_string());
        if *status == StatusCode::TOO_MANY_REQUESTS {
            add_header(&mut response, "retry-after", "1");
        }
        response
    }

    fn throttled(&self) -> Refusal {
        let message = "Rate limit is exceeded. Try again in 1 seconds.";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "429", message)
    }

    fn failed(&self) -> Refusal {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal::new(status, "InternalServerError", "Internal server error.")
    }
}

fn bad_request(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}

/// What the interface wraps a reason in that lies in the request itself.
fn inner_error(code: &str, message: &str) -> Value {
    let inner = json!({"code": code, "message": message});
    json!({"error": {"code": "InvalidRequest", "message": message, "innererror": inner}})
}

/// The features that a query asks for, in lower case.
fn features(query: &str) -> Result<Vec<String>, Refusal> {
    let mut features = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name.eq_ignore_ascii_case("visualFeatures") {
            features.extend(value.split(',').map(|word| word.trim().to_lowercase()));
        }
    }
    match features.iter().find(|feature| !FEATURES.contains(&feature.as_str())) {
        Some(unknown) => {
            let message = format!("Visual feature {unknown:?} is not supported.");
            Err(bad_request("NotSupportedVisualFeature", message))
        }
        None => Ok(features),
    }
}

fn object(detection: &Detection) -> Option<Thing> {
    let [left, top, right, bottom] = detection.bbox?.corners().map(whole);
    let confidence = thousandths(detection.score);
    let parent = parent(&detection.label).map(|object| Parent { object, confidence });
    Some(Thing {
        rectangle: Rectangle { x: left, y: top, w: right - left, h: bottom - top },
        word: detection.label.clone(),
        confidence,
        parent,
    })
}

/// Every word once, with the score of its surest object, and words that are true of any image.
fn tags(detections: &[Detection]) -> Vec<Tag> {
    let mut by_word = BTreeMap::from([("indoor", 0.5)]);
    for detection in detections {
        for word in [detection.label.as_str()].into_iter().chain(parent(&detection.label)) {
            let score = by_word.entry(word).or_insert(0.0);
            *score = detection.score.max(*score);
        }
    }
    let mut tags = by_word
        .into_iter()
        .map(|(word, score)| Tag { name: word.to_owned(), confidence: thousandths(score) })
        .collect::<Vec<_>>();
    tags.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    tags
}

/// The more general word for a word.
fn parent(word: &str) -> Option<&'static str> {
    match word {
        "car" | "bicycle" | "motorbike" | "bus" | "truck" => Some("vehicle"),
        "boat" => Some("watercraft"),
        "dog" | "cat" => Some("mammal"),
        "chair" | "sofa" => Some("seating"),
        "kitchen table" => Some("table"),
        _ => None,
    }
}

fn thousandths(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

/// The nearest whole pixel of a coordinate inside an image.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates lie inside an image of at most 16000 pixels a side"
)]
fn whole(coordinate: f64) -> u32 {
    coordinate.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_lists_and_repeats() {
        assert_eq!(features("visualFeatures=Objects,Tags").unwrap(), ["objects", "tags"]);
        assert_eq!(features("visualFeatures=Objects%2Ctags&language=en").unwrap().len(), 2);
        assert_eq!(features("visualFeatures=Smell").unwrap_err().code, "NotSupportedVisualFeature");
    }
}
