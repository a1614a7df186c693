//! AWS Rekognition's `DetectLabels`, as its API reference describes it.
//!
//! `POST /` with JSON 1.1 and a signature of version 4, which is verified. A label stands for one word:
//! its instances have places, its parents are labels of their own without any.

mod signature;

use std::collections::BTreeMap;

use armol_analysis::{detection::Detection, time::Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    credentials::Credentials,
    vendor::{
        Question, Refusal, Seen, Vendor, add_header, header_text, json_response, single,
        size_within,
    },
};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: &str = "RekognitionService.DetectLabels";

/// The largest image that comes in the request itself, in bytes.
const LARGEST_IMAGE: usize = 5 * 1024 * 1024;
/// The shortest and the longest side of an image, in pixels.
const SIDES: (u32, u32) = (80, 10_000);
/// What is held back where the request does not say, in per cent.
const LEAST_CONFIDENCE: f64 = 55.0;

/// The service.
#[derive(Debug)]
pub(super) struct Rekognition {
    credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetectLabels {
    image: Image,
    min_confidence: Option<f64>,
    max_labels: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    bytes: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Labels {
    labels: Vec<Label>,
    label_model_version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Label {
    name: String,
    confidence: f32,
    instances: Vec<Instance>,
    parents: Vec<Parent>,
    aliases: [(); 0],
    categories: Vec<Parent>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    bounding_box: Place,
    confidence: f32,
}

/// In shares of the image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Place {
    width: f32,
    height: f32,
    left: f32,
    top: f32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parent {
    name: &'static str,
}

impl Rekognition {
    /// The service with one account.
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }
}

impl Vendor for Rekognition {
    fn call_uid(&self, headers: &HeaderMap) -> Option<Uuid> {
        header_text(headers, "amz-sdk-invocation-id")?.parse().ok()
    }

    fn question(&self, head: &Parts, body: &Bytes, now: Timestamp) -> Result<Question, Refusal> {
        if head.method != Method::POST || head.uri.path() != "/" {
            return Err(bad_request("UnknownOperationException", "use POST /"));
        }
        if header_text(&head.headers, "x-amz-target") != Some(TARGET) {
            return Err(bad_request("UnknownOperationException", "X-Amz-Target is unknown"));
        }
        signature::verify(&self.credentials, head, body, now)?;
        let asked: DetectLabels = serde_json::from_slice(body)
            .map_err(|error| bad_request("SerializationException", error.to_string()))?;
        let Some(encoded) = asked.image.bytes else {
            return Err(bad_request("InvalidParameterException", "Image.Bytes is missing"));
        };
        let image = STANDARD
            .decode(encoded)
            .map_err(|_| bad_request("SerializationException", "Image.Bytes is not in base64"))?;
        if image.len() > LARGEST_IMAGE {
            let message = format!("Image.Bytes is larger than {LARGEST_IMAGE} bytes");
            return Err(bad_request("ImageTooLargeException", message));
        }
        let size = size_within(&image, SIDES.0, SIDES.1).ok_or_else(|| {
            bad_request("InvalidImageFormatException", "Request has invalid image format")
        })?;
        let least = asked.min_confidence.unwrap_or(LEAST_CONFIDENCE);
        if !(0.0..=100.0).contains(&least) {
            let message = "MinConfidence must be from 0 to 100";
            return Err(bad_request("InvalidParameterException", message));
        }
        Ok(Question {
            image: image.into(),
            size,
            least_score: least / 100.0,
            most: asked.max_labels.unwrap_or(usize::MAX),
            objects: true,
            tags: true,
        })
    }

    fn answer(&self, question: &Question, seen: &Seen) -> Response<Bytes> {
        let mut labels = labels(question, &seen.detections);
        labels.truncate(question.most);
        let body = Labels { labels, label_model_version: "3.0" };
        let mut response = json_response(StatusCode::OK, CONTENT_TYPE, &body);
        add_header(&mut response, "x-amzn-requestid", &seen.request_id.to_string());
        response
    }

    fn refuse(&self, refusal: &Refusal, request_id: Uuid) -> Response<Bytes> {
        let body = json!({"__type": refusal.code, "message": refusal.message});
        let mut response = json_response(refusal.status, CONTENT_TYPE, &body);
        add_header(&mut response, "x-amzn-requestid", &request_id.to_string());
        response
    }

    fn throttled(&self) -> Refusal {
        bad_request("ThrottlingException", "Rate exceeded")
    }

    fn failed(&self) -> Refusal {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal::new(status, "InternalServerError", "Internal server error")
    }
}

fn bad_request(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}

/// One label a word with all its instances, the surest first, and the words above them.
fn labels(question: &Question, detections: &[Detection]) -> Vec<Label> {
    let mut by_word: BTreeMap<&str, Label> = BTreeMap::new();
    let sure = detections.iter().filter(|detection| detection.score >= question.least_score);
    for detection in sure {
        let confidence = single(detection.score * 100.0);
        let above = parents(&detection.label);
        for parent in above {
            let label = by_word.entry(parent).or_insert_with(|| label(parent, &[]));
            label.confidence = label.confidence.max(confidence);
        }
        let label =
            by_word.entry(&detection.label).or_insert_with(|| label(&detection.label, above));
        label.confidence = label.confidence.max(confidence);
        label.instances.extend(instance(question, detection));
    }
    let mut labels = by_word.into_values().collect::<Vec<_>>();
    labels.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    labels
}

fn label(name: &str, above: &[&'static str]) -> Label {
    let parents = above.iter().map(|name| Parent { name }).collect();
    let categories = vec![Parent { name: "Everyday Objects" }];
    let name = name.to_owned();
    Label { name, confidence: 0.0, instances: Vec::new(), parents, aliases: [], categories }
}

fn instance(question: &Question, detection: &Detection) -> Option<Instance> {
    let (width, height) = (f64::from(question.size.0), f64::from(question.size.1));
    let [left, top, right, bottom] = detection.bbox?.corners();
    let bounding_box = Place {
        width: single((right - left) / width),
        height: single((bottom - top) / height),
        left: single(left / width),
        top: single(top / height),
    };
    Some(Instance { bounding_box, confidence: single(detection.score * 100.0) })
}

/// The more general labels that come with a word.
fn parents(word: &str) -> &'static [&'static str] {
    match word {
        "Car" | "Bicycle" | "Motorcycle" | "Bus" | "Truck" | "Boat" => {
            &["Transportation", "Vehicle"]
        }
        "Dog" | "Cat" | "Bird" => &["Animal"],
        "Chair" | "Couch" | "Dining Table" => &["Furniture"],
        "Potted Plant" => &["Plant"],
        "Cell Phone" => &["Electronics", "Phone"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::BoundingBox;

    use super::*;

    #[test]
    fn instances_of_a_word_share_a_label_and_parents_have_none() {
        let bbox = BoundingBox::from_corners([64.0, 48.0, 128.0, 96.0]).unwrap();
        let detection = |word, score| Detection::new(word, score, Some(bbox)).unwrap();
        let seen = [detection("Car", 0.9), detection("Car", 0.8), detection("Dog", 0.51)];
        let question = Question {
            image: Bytes::new(),
            size: (640, 480),
            least_score: 0.55,
            most: usize::MAX,
            objects: true,
            tags: true,
        };
        let labels = labels(&question, &seen);
        let names = labels
            .iter()
            .map(|label| (label.name.as_str(), label.instances.len()))
            .collect::<Vec<_>>();
        assert_eq!(names, [("Car", 2), ("Transportation", 0), ("Vehicle", 0)]);
        let place = &labels[0].instances[0].bounding_box;
        assert!((place.left - 0.1).abs() < 1e-6 && (place.height - 0.1).abs() < 1e-6);
    }
}
