//! AWS Rekognition `DetectLabels`, signed with Signature Version 4.
//!
//! <https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectLabels.html>

use std::time::{Duration, UNIX_EPOCH};

use armol_analysis::{detection::Detection, identity::Name, outcome::Outcome, time::Timestamp};
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
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
};
use crate::image_file::LoadedImage;

const TARGET: &str = "RekognitionService.DetectLabels";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Rekognition in one region.
#[derive(Debug)]
pub(super) struct Rekognition {
    url: Url,
    region: String,
    credentials: Credentials,
}

impl Rekognition {
    pub(super) fn new(url: Url, region: &Name, credentials: Credentials) -> Self {
        Self { url, region: region.to_string(), credentials }
    }

    /// Signs a request by adding the headers that the signature consists of.
    fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), RequestError> {
        let since_epoch = now.since(Timestamp::from_unix_ns(0)).unwrap_or(Duration::ZERO);
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rekognition")
            .time(UNIX_EPOCH + since_epoch)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| RequestError::Parameters(Box::new(error)))?;
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = request.uri().to_string();
        let body = SignableBody::Bytes(body);
        let signable =
            SignableRequest::new("POST", uri, headers, body).map_err(RequestError::Signing)?;
        let (instructions, _signature) =
            sign(signable, &parameters.into()).map_err(RequestError::Signing)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

impl Provider for Rekognition {
    fn url(&self) -> &Url {
        &self.url
    }

    fn request(
        &self,
        uid: Uuid,
        image: &LoadedImage,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let content = STANDARD.encode(&image.bytes);
        let body =
            Bytes::from(serde_json::to_vec(&DetectLabels { image: Image { bytes: content } })?);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(HeaderName::from_static("x-amz-target"), TARGET)
            // The SDKs' own header for a client's id of a request.
            .header(HeaderName::from_static("amz-sdk-invocation-id"), uid.to_string())
            .body(Full::new(body.clone()))?;
        self.sign(&mut request, &body, now)?;
        Ok(request)
    }

    fn read(&self, response: &Response<'_>, image: &LoadedImage) -> Reading {
        if !response.status.is_success() {
            return refusal(response);
        }
        match serde_json::from_slice::<Labels>(response.body) {
            Ok(answer) => {
                Reading::ok(answer.label_model_version, detections(&answer.labels, image))
            }
            Err(error) => Reading::unreadable(&error),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DetectLabels {
    image: Image,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    bytes: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Labels {
    labels: Vec<Label>,
    label_model_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Label {
    name: String,
    /// Per cent.
    confidence: f64,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    bounding_box: Shares,
    confidence: f64,
}

/// A box in shares of the image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shares {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// A label's places, each as a detection; a label without a place as one without.
fn detections(labels: &[Label], image: &LoadedImage) -> Vec<Detection> {
    const PER_CENT: f64 = 100.0;
    let mut found = Vec::new();
    for label in labels {
        if label.instances.is_empty() {
            found.extend(detection(label.name.as_str(), label.confidence / PER_CENT, None));
        }
        for instance in &label.instances {
            let Shares { left, top, width, height } = instance.bounding_box;
            if let Some(bbox) = shares(image, [left, top, left + width, top + height]) {
                let score = instance.confidence / PER_CENT;
                found.extend(detection(label.name.as_str(), score, Some(bbox)));
            }
        }
    }
    found
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

fn refusal(response: &Response<'_>) -> Reading {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(response.body) else {
        return Reading::status_only(response.status);
    };
    // The type may come with a namespace before '#' and an address behind ':'.
    let kind = refusal.kind.rsplit('#').next().unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default();
    let outcome = match kind {
        "ThrottlingException" | "ProvisionedThroughputExceededException" => Outcome::Throttled,
        "LimitExceededException" | "ServiceQuotaExceededException" => Outcome::Quota,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "OptInRequired" => Outcome::Auth,
        "ImageTooLargeException" | "InvalidImageFormatException" => Outcome::ImageRejected,
        _ => super::outcome_of_status(response.status),
    };
    Reading::failed(outcome, kind, refusal.message)
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::BoundingBox;

    use super::*;
    use crate::provider::testing::{self, image};

    fn rekognition() -> Rekognition {
        let url = Url::parse("https://rekognition.us-east-1.amazonaws.com/").unwrap();
        let keys = Credentials::from_keys("AKIDEXAMPLE", "very-secret", None);
        Rekognition::new(url, &Name::new("us-east-1").unwrap(), keys)
    }

    fn read(status: u16, body: &str) -> Reading {
        testing::read(&rekognition(), status, body)
    }

    #[test]
    fn signs_for_the_region_and_hides_the_key() {
        let now = Timestamp::from_unix_ns(1_440_938_160_000_000_000);
        let uid = Uuid::from_u128(7);
        let request = rekognition().request(uid, &image(), now).unwrap();
        let value = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let authorization = value("authorization");
        let scope = "Credential=AKIDEXAMPLE/20150830/us-east-1/rekognition/aws4_request";
        assert!(authorization.contains(scope), "{authorization}");
        assert!(authorization.contains("amz-sdk-invocation-id"), "{authorization}");
        assert_eq!(value("x-amz-date"), "20150830T123600Z");
        assert_eq!(value("amz-sdk-invocation-id"), uid.to_string());
        assert!(!format!("{:?}", rekognition()).contains("very-secret"));
        assert!(!format!("{request:?}").contains("very-secret"));
    }

    #[test]
    fn instances_become_boxes_in_pixels_and_labels_without_become_tags() {
        let body = r#"{"LabelModelVersion": "3.0", "Labels": [
            {"Name": "Car", "Confidence": 98.5, "Parents": [{"Name": "Vehicle"}], "Instances": [
                {"BoundingBox": {"Left": 0.1, "Top": 0.2, "Width": 0.5, "Height": 0.9}, "Confidence": 90.0}]},
            {"Name": "Street", "Confidence": 70.0, "Instances": []}]}"#;
        let reading = read(200, body);
        assert_eq!(reading.outcome, Outcome::Ok);
        assert_eq!(reading.model_version.as_deref(), Some("3.0"));
        let [car, street] = reading.detections.as_slice() else { panic!("{reading:?}") };
        assert_eq!(car.bbox, BoundingBox::from_corners([20.0, 20.0, 120.0, 100.0]).ok());
        assert!((car.score - 0.9).abs() < 1e-12);
        assert_eq!((street.label.as_str(), street.bbox), ("Street", None));
    }

    #[test]
    fn refusals_are_told_apart() {
        for (kind, outcome) in [
            ("ThrottlingException", Outcome::Throttled),
            ("com.amazonaws.rekognition#ImageTooLargeException", Outcome::ImageRejected),
            ("UnrecognizedClientException", Outcome::Auth),
            ("LimitExceededException", Outcome::Quota),
            ("InternalServerError", Outcome::ServerError),
            ("InvalidParameterException", Outcome::ServerError),
        ] {
            let reading = read(400, &format!(r#"{{"__type": "{kind}", "message": "why"}}"#));
            assert_eq!(reading.outcome, outcome, "{kind}");
            assert_eq!(reading.failure.unwrap().message, "why");
        }
        assert_eq!(read(503, "<html>").outcome, Outcome::ServerError);
        assert_eq!(read(200, "<html>").failure.unwrap().code, "unreadable_answer");
    }
}
