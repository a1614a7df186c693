//! Google Cloud Vision `images:annotate` with `OBJECT_LOCALIZATION`.
//!
//! <https://cloud.google.com/vision/docs/reference/rest/v1/images/annotate>

use armol_analysis::{detection::Detection, outcome::Outcome, time::Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, Method, Request, header};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::{
    Provider, Reading, RequestError, Response,
    pixels::{detection, shares},
    sensitive,
};
use crate::{image_file::LoadedImage, secret::Secret};

/// The most objects to ask for; the service's own limit.
const MAX_RESULTS: u32 = 50;

/// Google Cloud Vision with one way of saying who asks.
#[derive(Debug)]
pub(super) struct GoogleVision {
    url: Url,
    /// The header that the secret goes into.
    header: HeaderName,
    secret: Secret,
}

impl GoogleVision {
    pub(super) const fn new(url: Url, header: HeaderName, secret: Secret) -> Self {
        Self { url, header, secret }
    }
}

impl Provider for GoogleVision {
    fn url(&self) -> &Url {
        &self.url
    }

    fn request(
        &self,
        uid: Uuid,
        image: &LoadedImage,
        _now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let image = Image { content: STANDARD.encode(&image.bytes) };
        let features = [Feature { kind: "OBJECT_LOCALIZATION", max_results: MAX_RESULTS }];
        let body = serde_json::to_vec(&Annotate { requests: [AnnotateImage { image, features }] })?;
        // Google has no header for a client's own id but that of its tracing.
        let trace = format!("{}/0;o=0", uid.simple());
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(&self.header, sensitive(&self.secret)?)
            .header(HeaderName::from_static("x-cloud-trace-context"), trace)
            .body(Full::new(Bytes::from(body)))?;
        Ok(request)
    }

    fn read(&self, response: &Response<'_>, image: &LoadedImage) -> Reading {
        if !response.status.is_success() {
            return refusal(response);
        }
        let answer = match serde_json::from_slice::<Answer>(response.body) {
            Ok(answer) => answer,
            Err(error) => return Reading::unreadable(&error),
        };
        let [answer] = answer.responses;
        match answer.error {
            Some(error) => image_refusal(&error),
            None => Reading::ok(None, detections(&answer.objects, image)),
        }
    }
}

#[derive(Serialize)]
struct Annotate {
    requests: [AnnotateImage; 1],
}

#[derive(Serialize)]
struct AnnotateImage {
    image: Image,
    features: [Feature; 1],
}

#[derive(Serialize)]
struct Image {
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    #[serde(rename = "type")]
    kind: &'static str,
    max_results: u32,
}

#[derive(Deserialize)]
struct Answer {
    responses: [ImageAnswer; 1],
}

#[derive(Deserialize)]
struct ImageAnswer {
    #[serde(default, rename = "localizedObjectAnnotations")]
    objects: Vec<Object>,
    error: Option<ImageError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    name: String,
    score: f64,
    bounding_poly: Polygon,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Polygon {
    normalized_vertices: Vec<Vertex>,
}

/// A point in shares of the image; a coordinate of zero is left out.
#[derive(Clone, Copy, Deserialize)]
struct Vertex {
    #[serde(default)]
    x: f64,
    #[serde(default)]
    y: f64,
}

/// The objects, each with the rectangle around its polygon.
fn detections(objects: &[Object], image: &LoadedImage) -> Vec<Detection> {
    let mut found = Vec::new();
    for object in objects {
        let mut corners = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for Vertex { x, y } in object.bounding_poly.normalized_vertices.iter().copied() {
            let [left, top, right, bottom] = corners;
            corners = [left.min(x), top.min(y), right.max(x), bottom.max(y)];
        }
        if let Some(bbox) = shares(image, corners) {
            found.extend(detection(object.name.as_str(), object.score, Some(bbox)));
        }
    }
    found
}

/// An error of one image inside a success, by its number of `google.rpc.Code`.
#[derive(Deserialize)]
struct ImageError {
    code: i32,
    #[serde(default)]
    message: String,
}

fn image_refusal(error: &ImageError) -> Reading {
    let outcome = match error.code {
        3 => Outcome::ImageRejected,
        7 | 16 => Outcome::Auth,
        8 => Outcome::Throttled,
        _ => Outcome::ServerError,
    };
    Reading::failed(outcome, format!("rpc_{}", error.code), error.message.as_str())
}

#[derive(Deserialize)]
struct Refusal {
    error: RpcError,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    reason: Option<String>,
}

fn refusal(response: &Response<'_>) -> Reading {
    let Ok(Refusal { error }) = serde_json::from_slice(response.body) else {
        return Reading::status_only(response.status);
    };
    let reason = error.details.iter().find_map(|detail| detail.reason.as_deref());
    let outcome = match error.status.as_str() {
        // Both limits share a code; the text tells a rate from an allowance.
        "RESOURCE_EXHAUSTED" if error.message.contains("per day") => Outcome::Quota,
        "RESOURCE_EXHAUSTED" => Outcome::Throttled,
        "UNAUTHENTICATED" | "PERMISSION_DENIED" => Outcome::Auth,
        "INVALID_ARGUMENT" if reason == Some("API_KEY_INVALID") => Outcome::Auth,
        "INVALID_ARGUMENT" if error.message.contains("payload size") => Outcome::ImageRejected,
        _ => super::outcome_of_status(response.status),
    };
    Reading::failed(outcome, error.status, error.message)
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::BoundingBox;

    use super::*;
    use crate::provider::testing::{self, image};

    fn google() -> GoogleVision {
        let url = Url::parse("https://vision.googleapis.com/v1/images:annotate").unwrap();
        let header = HeaderName::from_static("x-goog-api-key");
        GoogleVision::new(url, header, Secret::new("very-secret".to_owned()))
    }

    fn read(status: u16, body: &str) -> Reading {
        testing::read(&google(), status, body)
    }

    #[test]
    fn names_the_call_and_hides_the_key() {
        let uid = Uuid::from_u128(0x0123_4567_89ab_cdef);
        let request = google().request(uid, &image(), Timestamp::from_unix_ns(0)).unwrap();
        let trace = request.headers()["x-cloud-trace-context"].to_str().unwrap();
        assert_eq!(trace, "00000000000000000123456789abcdef/0;o=0");
        assert!(!format!("{request:?}").contains("very-secret"));
        assert!(!request.uri().to_string().contains("very-secret"));
    }

    #[test]
    fn coordinates_left_out_are_zero() {
        let body = r#"{"responses": [{"localizedObjectAnnotations": [{"mid": "/m/0k4j", "name": "Car",
            "score": 0.8, "boundingPoly": {"normalizedVertices":
            [{}, {"x": 0.5}, {"x": 0.5, "y": 0.25}, {"y": 0.25}]}}]}]}"#;
        let reading = read(200, body);
        let [car] = reading.detections.as_slice() else { panic!("{reading:?}") };
        assert_eq!(car.bbox, BoundingBox::from_corners([0.0, 0.0, 100.0, 25.0]).ok());
        assert_eq!(read(200, r#"{"responses": [{}]}"#).outcome, Outcome::Ok);
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |status, message| {
            format!(r#"{{"error": {{"code": 1, "status": "{status}", "message": "{message}"}}}}"#)
        };
        let key = r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m",
            "details": [{"@type": "t", "reason": "API_KEY_INVALID"}]}}"#;
        for (status, body, outcome) in [
            (429, error("RESOURCE_EXHAUSTED", "requests per minute"), Outcome::Throttled),
            (429, error("RESOURCE_EXHAUSTED", "requests per day"), Outcome::Quota),
            (403, error("PERMISSION_DENIED", ""), Outcome::Auth),
            (400, key.to_owned(), Outcome::Auth),
            (503, error("UNAVAILABLE", ""), Outcome::ServerError),
            (
                200,
                r#"{"responses": [{"error": {"code": 3, "message": "Bad image data."}}]}"#
                    .to_owned(),
                Outcome::ImageRejected,
            ),
            (200, r#"{"responses": []}"#.to_owned(), Outcome::ServerError),
        ] {
            assert_eq!(read(status, &body).outcome, outcome, "{body}");
        }
    }
}
