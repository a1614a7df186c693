//! Azure Computer Vision 3.2 `analyze` with the features Objects and Tags.
//!
//! <https://learn.microsoft.com/rest/api/computervision/analyze-image/analyze-image?view=rest-computervision-v3.2>

use armol_analysis::{detection::Detection, outcome::Outcome, time::Timestamp};
use bytes::Bytes;
use http::{HeaderName, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::{
    Provider, Reading, RequestError, Response,
    pixels::{detection, pixels},
    sensitive,
};
use crate::{image_file::LoadedImage, secret::Secret};

/// One Computer Vision resource.
#[derive(Debug)]
pub(super) struct AzureVision {
    url: Url,
    key: Secret,
}

impl AzureVision {
    pub(super) const fn new(url: Url, key: Secret) -> Self {
        Self { url, key }
    }
}

impl Provider for AzureVision {
    fn url(&self) -> &Url {
        &self.url
    }

    fn request(
        &self,
        uid: Uuid,
        image: &LoadedImage,
        _now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(HeaderName::from_static("ocp-apim-subscription-key"), sensitive(&self.key)?)
            .header(HeaderName::from_static("x-ms-client-request-id"), uid.to_string())
            .body(Full::new(image.bytes.clone()))?;
        Ok(request)
    }

    fn read(&self, response: &Response<'_>, image: &LoadedImage) -> Reading {
        if !response.status.is_success() {
            return refusal(response);
        }
        match serde_json::from_slice::<Analysis>(response.body) {
            Ok(analysis) => {
                let detections = detections(&analysis, image);
                Reading::ok(analysis.model_version, detections)
            }
            Err(error) => Reading::unreadable(&error),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    objects: Vec<Object>,
    #[serde(default)]
    tags: Vec<Tag>,
    model_version: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    rectangle: Rectangle,
    #[serde(rename = "object")]
    name: String,
    confidence: f64,
}

#[derive(Deserialize)]
struct Rectangle {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    confidence: f64,
}

/// The objects with their places, then the tags, which have none.
fn detections(analysis: &Analysis, image: &LoadedImage) -> Vec<Detection> {
    let mut found = Vec::new();
    for object in &analysis.objects {
        let Rectangle { x, y, w, h } = object.rectangle;
        if let Some(bbox) = pixels(image, [x, y, x + w, y + h]) {
            found.extend(detection(object.name.as_str(), object.confidence, Some(bbox)));
        }
    }
    for tag in &analysis.tags {
        found.extend(detection(tag.name.as_str(), tag.confidence, None));
    }
    found
}

#[derive(Deserialize)]
struct Refusal {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    #[serde(default)]
    message: String,
    innererror: Option<Box<Self>>,
}

fn refusal(response: &Response<'_>) -> Reading {
    let Ok(Refusal { error }) = serde_json::from_slice(response.body) else {
        return Reading::status_only(response.status);
    };
    // The inner error, where there is one, is the more exact.
    let ErrorBody { code, message, .. } = error.innererror.map_or(
        ErrorBody { code: error.code, message: error.message, innererror: None },
        |inner| *inner,
    );
    let outcome = match code.as_str() {
        "InvalidImageFormat"
        | "InvalidImageSize"
        | "InvalidImageDimension"
        | "NotSupportedImage"
        | "InvalidImageUrl" => Outcome::ImageRejected,
        // The resource's allowance for the month is used up: "Out of call volume quota".
        _ if response.status == StatusCode::FORBIDDEN && message.contains("quota") => {
            Outcome::Quota
        }
        _ => super::outcome_of_status(response.status),
    };
    Reading::failed(outcome, code, message)
}

#[cfg(test)]
mod tests {
    use armol_analysis::detection::BoundingBox;

    use super::*;
    use crate::provider::testing::{self, image};

    fn azure() -> AzureVision {
        let url = Url::parse(
            "https://a.cognitiveservices.azure.com/vision/v3.2/analyze?visualFeatures=Objects,Tags",
        );
        AzureVision::new(url.unwrap(), Secret::new("very-secret".to_owned()))
    }

    fn read(status: u16, body: &str) -> Reading {
        testing::read(&azure(), status, body)
    }

    #[test]
    fn sends_the_image_as_it_is_and_hides_the_key() {
        let request = azure().request(Uuid::nil(), &image(), Timestamp::from_unix_ns(0)).unwrap();
        assert_eq!(request.uri().query(), Some("visualFeatures=Objects,Tags"));
        assert_eq!(request.headers()["content-type"], "application/octet-stream");
        assert_eq!(request.headers()["ocp-apim-subscription-key"], "very-secret");
        assert!(!format!("{request:?}").contains("very-secret"));
    }

    #[test]
    fn objects_have_places_and_tags_have_none() {
        let body = r#"{"objects": [{"rectangle": {"x": 10, "y": 20, "w": 30, "h": 40},
              "object": "motorbike", "confidence": 0.7, "parent": {"object": "vehicle", "confidence": 0.8}}],
            "tags": [{"name": "outdoor", "confidence": 0.99}], "requestId": "r",
            "metadata": {"width": 200, "height": 100, "format": "Jpeg"}, "modelVersion": "2021-05-01"}"#;
        let reading = read(200, body);
        assert_eq!(reading.model_version.as_deref(), Some("2021-05-01"));
        let [motorbike, outdoor] = reading.detections.as_slice() else { panic!("{reading:?}") };
        assert_eq!(motorbike.bbox, BoundingBox::from_corners([10.0, 20.0, 40.0, 60.0]).ok());
        assert_eq!((outdoor.label.as_str(), outdoor.bbox), ("outdoor", None));
    }

    #[test]
    fn refusals_are_told_apart() {
        let error =
            |code, message| format!(r#"{{"error": {{"code": "{code}", "message": "{message}"}}}}"#);
        let inner = r#"{"error": {"code": "InvalidRequest", "message": "outer",
            "innererror": {"code": "InvalidImageSize", "message": "too large"}}}"#;
        for (status, body, outcome) in [
            (429, error("429", "slow down"), Outcome::Throttled),
            (401, error("401", "wrong key"), Outcome::Auth),
            (403, error("403", "Out of call volume quota."), Outcome::Quota),
            (400, inner.to_owned(), Outcome::ImageRejected),
            (500, error("InternalServerError", ""), Outcome::ServerError),
            (415, "<html>".to_owned(), Outcome::ImageRejected),
        ] {
            assert_eq!(read(status, &body).outcome, outcome, "{body}");
        }
        assert_eq!(read(400, inner).failure.unwrap().message, "too large");
    }
}
