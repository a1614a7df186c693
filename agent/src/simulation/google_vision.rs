//! Google Cloud Vision's `images:annotate` with `OBJECT_LOCALIZATION`, as its reference describes
//! it.
//!
//! `POST /v1/images:annotate` with JSON; the account's key comes in the query or a header, or as a
//! bearer token. Corners are shares of the image, and numbers that are zero are left out, as
//! protocol buffers do in JSON. An image that cannot be read is an error inside a response of 200.

use armol_analysis::{detection::Detection, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    credentials::Credentials,
    vendor::{
        Question, Refusal, Seen, Vendor, add_header, header_text, json_response, single,
        size_within,
    },
};

const CONTENT_TYPE: &str = "application/json; charset=UTF-8";
const PATH: &str = "/v1/images:annotate";
const FEATURE: &str = "OBJECT_LOCALIZATION";

/// The largest request, in bytes.
const LARGEST_REQUEST: usize = 10 * 1024 * 1024;
/// The shortest and the longest side of an image, in pixels.
const SIDES: (u32, u32) = (1, 30_000);
/// How many objects an image has at most where the request does not say.
const MOST_OBJECTS: usize = 10;

/// The service.
#[derive(Debug)]
pub(super) struct GoogleVision {
    credentials: Credentials,
}

#[derive(Deserialize)]
struct AnnotateImages {
    requests: Vec<AnnotateImage>,
}

#[derive(Deserialize)]
struct AnnotateImage {
    image: Image,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Image {
    content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    #[serde(rename = "type")]
    kind: String,
    max_results: Option<usize>,
}

#[derive(Serialize)]
struct Responses {
    responses: [Annotations; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    localized_object_annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    mid: String,
    name: String,
    score: f32,
    bounding_poly: Polygon,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Polygon {
    normalized_vertices: [Vertex; 4],
}

/// In shares of the image.
#[derive(Serialize)]
struct Vertex {
    #[serde(skip_serializing_if = "is_zero")]
    x: f32,
    #[serde(skip_serializing_if = "is_zero")]
    y: f32,
}

impl GoogleVision {
    /// The service with one account.
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }

    fn authorize(&self, head: &Parts) -> Result<(), Refusal> {
        let wanted = self.credentials.google_api_key.as_str();
        let bearer = header_text(&head.headers, "authorization");
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
            if token == wanted {
                return Ok(());
            }
            let message = "Request had invalid authentication credentials. Expected OAuth 2 \
                           access token.";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message));
        }
        let query = head.uri.query().unwrap_or_default();
        let from_query = form_urlencoded::parse(query.as_bytes())
            .find_map(|(name, value)| (name == "key").then(|| value.into_owned()));
        let from_header = header_text(&head.headers, "x-goog-api-key").map(str::to_owned);
        match from_header.or(from_query) {
            Some(key) if key == wanted => Ok(()),
            Some(_) => Err(bad_request("API key not valid. Please pass a valid API key.")),
            None => {
                let message = "Method doesn't allow unregistered callers. Please use API Key or \
                               other form of API consumer identity to call this API.";
                Err(Refusal::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message))
            }
        }
    }
}

impl Vendor for GoogleVision {
    fn call_uid(&self, headers: &HeaderMap) -> Option<Uuid> {
        let context = header_text(headers, "x-cloud-trace-context")?;
        let (trace, _) = context.split_once('/').unwrap_or((context, ""));
        trace.parse().ok()
    }

    fn question(&self, head: &Parts, body: &Bytes, _now: Timestamp) -> Result<Question, Refusal> {
        if head.method != Method::POST || head.uri.path() != PATH {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Method not found."));
        }
        self.authorize(head)?;
        if body.len() > LARGEST_REQUEST {
            let message =
                format!("Request payload size exceeds the limit: {LARGEST_REQUEST} bytes.");
            return Err(bad_request(message));
        }
        let asked: AnnotateImages = serde_json::from_slice(body)
            .map_err(|error| bad_request(format!("Invalid JSON payload received. {error}")))?;
        let [AnnotateImage { image, features }] = <[_; 1]>::try_from(asked.requests)
            .map_err(|_| bad_request("The simulation takes one image a request."))?;
        let Some(feature) = features.iter().find(|feature| feature.kind == FEATURE) else {
            return Err(bad_request(format!("The simulation has the feature {FEATURE} only.")));
        };
        let Some(content) = image.content else {
            return Err(bad_request("No image present."));
        };
        let image = STANDARD.decode(content).map_err(|_| {
            let field = "requests[0].image.content";
            bad_request(format!("Invalid value at '{field}' (TYPE_BYTES), Base64 decoding failed"))
        })?;
        let size = size_within(&image, SIDES.0, SIDES.1)
            .ok_or_else(|| Refusal::new(StatusCode::OK, "INVALID_ARGUMENT", "Bad image data."))?;
        Ok(Question {
            image: image.into(),
            size,
            least_score: 0.0,
            most: feature.max_results.unwrap_or(MOST_OBJECTS),
            objects: true,
            tags: false,
        })
    }

    fn answer(&self, question: &Question, seen: &Seen) -> Response<Bytes> {
        let annotations = seen
            .detections
            .iter()
            .take(question.most)
            .filter_map(|detection| annotation(detection, question.size));
        let annotations = Annotations { localized_object_annotations: annotations.collect() };
        let body = Responses { responses: [annotations] };
        let mut response = json_response(StatusCode::OK, CONTENT_TYPE, &body);
        let timing = format!("gfet4t7; dur={}", seen.inference.as_millis());
        add_header(&mut response, "server-timing", &timing);
        response
    }

    fn refuse(&self, refusal: &Refusal, _request_id: Uuid) -> Response<Bytes> {
        let Refusal { status, code, message } = refusal;
        let body = if status.is_success() {
            json!({"responses": [{"error": {"code": grpc_code(code), "message": message}}]})
        } else {
            json!({"error": {"code": status.as_u16(), "message": message, "status": code}})
        };
        json_response(*status, CONTENT_TYPE, &body)
    }

    fn throttled(&self) -> Refusal {
        let message = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'.";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", message)
    }

    fn failed(&self) -> Refusal {
        let message = "The service is currently unavailable.";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }
}

fn bad_request(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
}

/// The number of a code of `google.rpc.Code`; 2 is UNKNOWN.
fn grpc_code(code: &str) -> u8 {
    if code == "INVALID_ARGUMENT" { 3 } else { 2 }
}

fn annotation(detection: &Detection, (width, height): (u32, u32)) -> Option<Annotation> {
    let [left, top, right, bottom] = detection.bbox?.corners();
    let across = |x: f64| single(x / f64::from(width));
    let down = |y: f64| single(y / f64::from(height));
    let (left, right, top, bottom) = (across(left), across(right), down(top), down(bottom));
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    Some(Annotation {
        mid: machine_identity(&detection.label),
        name: detection.label.clone(),
        score: single(detection.score),
        bounding_poly: Polygon { normalized_vertices: corners.map(|(x, y)| Vertex { x, y }) },
    })
}

/// A stable identity for a word, in the form of the knowledge graph's.
fn machine_identity(word: &str) -> String {
    let [first, second, third, ..] = <[u8; 32]>::from(Sha256::digest(word));
    format!("/j/{first:02x}{second:02x}{third:02x}")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &f32) -> bool {
    *number == 0.0
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::BoundingBox;

    use super::*;

    #[test]
    fn numbers_that_are_zero_are_left_out() {
        let bbox = BoundingBox::from_corners([0.0, 12.0, 32.0, 48.0]).unwrap();
        let detection = Detection::new("Cat", 0.75, Some(bbox)).unwrap();
        let annotation = serde_json::to_value(annotation(&detection, (64, 48))).unwrap();
        assert_eq!(
            annotation["boundingPoly"]["normalizedVertices"],
            json!([{"y": 0.25}, {"x": 0.5, "y": 0.25}, {"x": 0.5, "y": 1.0}, {"y": 1.0}])
        );
    }

    #[test]
    fn the_trace_names_the_call() {
        let google = GoogleVision::new(Credentials::draw(7));
        let mut headers = HeaderMap::new();
        let trace = "0190a1b2c3d47e8f9a0b1c2d3e4f5a6b/0;o=0".parse().unwrap();
        headers.insert("x-cloud-trace-context", trace);
        let uid = google.call_uid(&headers).unwrap();
        assert_eq!(uid.simple().to_string(), "0190a1b2c3d47e8f9a0b1c2d3e4f5a6b");
    }
}
