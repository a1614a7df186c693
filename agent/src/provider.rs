//! The vendors' interfaces: how a request is made and how an answer is read.
//!
//! A [`Provider`] knows one vendor's format and nothing of timing, connections or retries. Each
//! request carries the call's uid in the header that the vendor keeps for its clients' own
//! request ids, so that a call can be found in the vendor's logs.

mod azure_vision;
mod google_vision;
mod pixels;
mod rekognition;

use std::fmt::Debug;

use armol_analysis::{
    detection::Detection, identity::Name, measurement::Failure, outcome::Outcome, provider::Api,
    time::Timestamp,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use thiserror::Error;
use url::Url;
use uuid::Uuid;

use crate::{
    credentials::{Credentials, MissingCredentials},
    image_file::LoadedImage,
    secret::Secret,
};

/// A vendor's format.
pub trait Provider: Debug + Send + Sync {
    /// The URL that is called, without secrets.
    fn url(&self) -> &Url;

    /// Makes the request that sends one image.
    ///
    /// # Errors
    /// Where a secret holds what a header cannot, or the request cannot be signed.
    fn request(
        &self,
        uid: Uuid,
        image: &LoadedImage,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, RequestError>;

    /// Reads a response; boxes become pixels of the image that was sent.
    fn read(&self, response: &Response<'_>, image: &LoadedImage) -> Reading;
}

/// A response, received to its end.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

/// What a response says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// How the call ended.
    pub outcome: Outcome,
    /// What went wrong, in the vendor's words; `None` where nothing did.
    pub failure: Option<Failure>,
    /// The model that answered; `None` where the vendor does not say.
    pub model_version: Option<String>,
    /// The objects reported, in the vendor's order.
    pub detections: Vec<Detection>,
}

/// Why a request could not be made.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The request could not be signed.
    #[error("cannot sign the request")]
    Signing(#[source] aws_sigv4::http_request::SigningError),
    /// The signature's parameters are incomplete.
    #[error("cannot sign the request with these credentials")]
    Parameters(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something does not fit into HTTP.
    #[error("the request does not fit into HTTP; look for control characters in the credentials")]
    Http(#[from] http::Error),
    /// The body could not be written as JSON.
    #[error("cannot write the request as JSON")]
    Json(#[from] serde_json::Error),
}

/// Why a provider cannot be called.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// Secrets are missing.
    #[error(transparent)]
    Credentials(#[from] MissingCredentials),
    /// The vendor's public endpoint has no such region.
    #[error("region {region:?} makes no endpoint; set endpoint")]
    Region {
        /// The region.
        region: Name,
        /// Why.
        #[source]
        source: url::ParseError,
    },
}

/// Makes the provider that speaks a vendor's format.
///
/// # Errors
/// Where credentials are missing from the environment, which `variable` looks up, or there is no
/// endpoint for the region.
pub fn provider(
    api: Api,
    region: &Name,
    endpoint: Option<&Url>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Box<dyn Provider>, ProviderError> {
    let url = url(api, region, endpoint)?;
    Ok(match Credentials::from_environment(api, variable)? {
        Credentials::Aws { access_key_id, secret_access_key, session_token } => {
            let keys = aws_credential_types::Credentials::from_keys(
                access_key_id.expose(),
                secret_access_key.expose(),
                session_token.as_ref().map(|token| token.expose().to_owned()),
            );
            Box::new(rekognition::Rekognition::new(url, region, keys))
        }
        Credentials::AzureKey(key) => Box::new(azure_vision::AzureVision::new(url, key)),
        Credentials::GoogleKey(key) => {
            let header = HeaderName::from_static("x-goog-api-key");
            Box::new(google_vision::GoogleVision::new(url, header, key))
        }
        Credentials::GoogleToken(token) => {
            let bearer = Secret::new(format!("Bearer {}", token.expose()));
            Box::new(google_vision::GoogleVision::new(url, header::AUTHORIZATION, bearer))
        }
    })
}

/// The URL of an interface, at an endpoint of its own or the vendor's public one.
///
/// # Errors
/// Where the region makes no host name.
pub fn url(api: Api, region: &Name, endpoint: Option<&Url>) -> Result<Url, ProviderError> {
    let public = match api {
        Api::Rekognition => format!("https://rekognition.{region}.amazonaws.com"),
        Api::AzureVision => format!("https://{region}.api.cognitive.microsoft.com"),
        Api::GoogleVision => "https://vision.googleapis.com".to_owned(),
    };
    let mut url = match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(&public)
            .map_err(|source| ProviderError::Region { region: region.clone(), source })?,
    };
    let (path, query) = match api {
        Api::Rekognition => ("/", None),
        Api::AzureVision => ("/vision/v3.2/analyze", Some("visualFeatures=Objects,Tags")),
        Api::GoogleVision => ("/v1/images:annotate", None),
    };
    // An endpoint may be a folder of a gateway; the interface's path goes below it.
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{path}"));
    url.set_query(query);
    Ok(url)
}

impl Reading {
    /// An answer that was understood.
    const fn ok(model_version: Option<String>, detections: Vec<Detection>) -> Self {
        Self { outcome: Outcome::Ok, failure: None, model_version, detections }
    }

    /// A refusal.
    fn failed(outcome: Outcome, code: impl Into<String>, message: impl Into<String>) -> Self {
        let failure = Failure { code: code.into(), message: message.into() };
        Self { outcome, failure: Some(failure), model_version: None, detections: Vec::new() }
    }

    /// A success that does not read as one.
    fn unreadable(error: &serde_json::Error) -> Self {
        let message = format!("the answer is not of the documented form: {error}");
        Self::failed(Outcome::ServerError, "unreadable_answer", message)
    }

    /// A refusal whose body does not read as the vendor's.
    fn status_only(status: StatusCode) -> Self {
        let outcome = outcome_of_status(status);
        let message = status.canonical_reason().unwrap_or("no reason given");
        Self::failed(outcome, format!("http_{}", status.as_u16()), message)
    }
}

/// What a status alone says, where the vendor's own code says nothing more.
fn outcome_of_status(status: StatusCode) -> Outcome {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Auth,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Outcome::ImageRejected
        }
        _ => Outcome::ServerError,
    }
}

/// A header value that logs and header tables do not show.
fn sensitive(secret: &Secret) -> Result<HeaderValue, http::Error> {
    let mut value = HeaderValue::from_str(secret.expose())?;
    value.set_sensitive(true);
    Ok(value)
}

/// What the vendors' tests share.
#[cfg(test)]
mod testing {
    use armol_analysis::measurement::ImageContent;

    use super::*;

    /// An image of 200 x 100 pixels, whatever it holds.
    pub(super) fn image() -> LoadedImage {
        let content = ImageContent { sha256: [0; 32], bytes: 3, width: 200, height: 100 };
        LoadedImage { bytes: Bytes::from_static(b"abc"), content }
    }

    pub(super) fn read(provider: &dyn Provider, status: u16, body: &str) -> Reading {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = HeaderMap::new();
        provider.read(&Response { status, headers: &headers, body: body.as_bytes() }, &image())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_endpoints_and_gateways_get_the_interfaces_path() {
        let region = Name::new("eu-west-1").unwrap();
        let gateway = Url::parse("http://127.0.0.1:9/vision/").unwrap();
        let made = |api, endpoint| url(api, &region, endpoint).unwrap().to_string();
        assert_eq!(made(Api::Rekognition, None), "https://rekognition.eu-west-1.amazonaws.com/");
        assert_eq!(
            made(Api::AzureVision, None),
            "https://eu-west-1.api.cognitive.microsoft.com/vision/v3.2/analyze?visualFeatures=Objects,Tags"
        );
        assert_eq!(
            made(Api::GoogleVision, Some(&gateway)),
            "http://127.0.0.1:9/vision/v1/images:annotate"
        );
    }
}
