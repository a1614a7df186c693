//! Verifies AWS Signature Version 4 by signing the request again and comparing.

use std::time::SystemTime;

use armol_analysis::time::Timestamp;
use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta};
use http::{StatusCode, request::Parts};

use super::{Credentials, Refusal, header_text};

/// How far a request's time may lie from the service's.
const LONGEST_AGE: TimeDelta = TimeDelta::minutes(5);

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// Accepts a request that the account's key has signed for this service.
///
/// # Errors
/// Refuses as the service does: by an exception that says whether the key or the signature is
/// wrong.
pub(super) fn verify(
    credentials: &Credentials,
    head: &Parts,
    body: &Bytes,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(header) = header_text(&head.headers, "authorization") else {
        return Err(refusal("MissingAuthenticationTokenException", "Authorization is missing"));
    };
    let authorization = Authorization::parse(header)
        .ok_or_else(|| refusal("IncompleteSignatureException", "Authorization is not of SigV4"))?;
    if authorization.access_key_id != credentials.aws_access_key_id {
        let message = "The security token included in the request is invalid.";
        return Err(refusal("UnrecognizedClientException", message));
    }
    let date = header_text(&head.headers, "x-amz-date").unwrap_or_default();
    let Ok(signed_at) = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ") else {
        return Err(wrong_signature("X-Amz-Date is missing or not of the form 20210508T010101Z"));
    };
    let signed_at = signed_at.and_utc();
    if (now.to_utc() - signed_at).abs() > LONGEST_AGE {
        return Err(wrong_signature("Signature expired: X-Amz-Date is over 5 minutes off"));
    }
    if !date.starts_with(authorization.day) || authorization.service != "rekognition" {
        return Err(wrong_signature("Credential should be scoped to the day and to rekognition"));
    }
    let expected = sign_again(credentials, head, body, &authorization, signed_at.into());
    if expected.as_deref() == Some(authorization.signature) {
        Ok(())
    } else {
        let message = "The request signature we calculated does not match the signature you \
                       provided. Check your AWS Secret Access Key and signing method.";
        Err(wrong_signature(message))
    }
}

/// The signature that the request should have; `None` where it cannot be signed.
fn sign_again(
    credentials: &Credentials,
    head: &Parts,
    body: &Bytes,
    authorization: &Authorization<'_>,
    signed_at: SystemTime,
) -> Option<String> {
    let identity = AwsCredentials::new(
        &credentials.aws_access_key_id,
        &credentials.aws_secret_access_key,
        None,
        None,
        "simulation",
    )
    .into();
    let mut settings = SigningSettings::default();
    // The client says which headers it signed, so none is left out by default.
    settings.excluded_headers = None;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(authorization.service)
        .time(signed_at)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let mut headers = Vec::new();
    for name in authorization.signed_headers.split(';') {
        for value in head.headers.get_all(name) {
            headers.push((name, value.to_str().ok()?));
        }
    }
    let host = header_text(&head.headers, "host")?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = SignableRequest::new(
        head.method.as_str(),
        format!("https://{host}{path}"),
        headers.into_iter(),
        SignableBody::Bytes(body),
    )
    .ok()?;
    let (_, signature) = sign(request, &parameters).ok()?.into_parts();
    Some(signature)
}

impl<'a> Authorization<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
    fn parse(header: &'a str) -> Option<Self> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in header.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed_headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        let scope = credential?.split('/').collect::<Vec<_>>();
        let [access_key_id, day, region, service, "aws4_request"] = *scope else {
            return None;
        };
        let (signed_headers, signature) = (signed_headers?, signature?);
        Some(Self { access_key_id, day, region, service, signed_headers, signature })
    }
}

fn wrong_signature(message: &str) -> Refusal {
    refusal("InvalidSignatureException", message)
}

fn refusal(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}
