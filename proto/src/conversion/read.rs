//! Message to measurement, refusing what no measurement can hold.

use std::{net::SocketAddr, time::Duration};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    measurement::{
        Answer, ApplicationTimes, Call, ConnectionEnds, Failure, ImageContent, ImageKey,
        Measurement, ProviderIdentity, Timing,
    },
    split::{InferenceBounds, Split, SplitFlags, SplitTimes},
    time::{Timestamp, duration_from_ns},
};
use uuid::Uuid;

use super::enumeration::{api_from_wire, method_from_wire, outcome_from_wire};
use crate::{refusal::Refusal, v1};

/// Reads a measurement from the message that carried it.
///
/// # Errors
/// Names the first field that is missing or holds what no measurement can hold.
pub fn from_wire(message: v1::Measurement) -> Result<Measurement, Refusal> {
    let outcome = outcome_from_wire(&message)?;
    let http_status = match message.http_status {
        Some(status) => Some(
            u16::try_from(status)
                .map_err(|_| Refusal::invalid("Measurement.http_status", &status))?,
        ),
        None => None,
    };
    Ok(Measurement {
        call: call(message.call.ok_or(Refusal::Missing("Measurement.call"))?)?,
        outcome,
        content: message.content.map(content).transpose()?,
        timing: message.timing.as_ref().map(timing).transpose()?,
        http_status,
        failure: message
            .failure
            .map(|failure| Failure { code: failure.code, message: failure.message }),
        answer: message.answer.map(answer).transpose()?,
        cost_microusd: message.cost_microusd,
        simulated: message.simulated,
    })
}

fn call(message: v1::Call) -> Result<Call, Refusal> {
    if message.attempt == 0 {
        return Err(Refusal::invalid("Call.attempt", &"attempts count from 1"));
    }
    if message.image_key.is_empty() {
        return Err(Refusal::Missing("Call.image_key"));
    }
    Ok(Call {
        uid: uuid("Call.uid", &message.uid)?,
        slice: uuid("Call.slice", &message.slice)?,
        planned_at: Timestamp::from_unix_ns(message.planned_at_ns),
        agent: name("Call.agent", message.agent)?,
        region: name("Call.region", message.region)?,
        provider: ProviderIdentity {
            name: name("Call.provider", message.provider)?,
            api: api_from_wire(message.api)?,
            region: name("Call.provider_region", message.provider_region)?,
            endpoint: message.endpoint,
            simulated: message.simulated_provider,
        },
        image: ImageKey { bucket: message.image_bucket, key: message.image_key },
        attempt: message.attempt,
    })
}

fn content(message: v1::ImageContent) -> Result<ImageContent, Refusal> {
    let sha256 = message
        .sha256
        .try_into()
        .map_err(|_| Refusal::invalid("ImageContent.sha256", &"not 32 bytes"))?;
    let v1::ImageContent { bytes, width, height, .. } = message;
    Ok(ImageContent { sha256, bytes, width, height })
}

fn timing(message: &v1::Timing) -> Result<Timing, Refusal> {
    let application = message.application.as_ref().ok_or(Refusal::Missing("Timing.application"))?;
    Ok(Timing {
        started_at: Timestamp::from_unix_ns(message.started_at_ns),
        ends: message.ends.as_ref().map(connection_ends).transpose()?,
        application: application_times(application)?,
        split: message.split.as_ref().map(split).transpose()?,
        socket: message.socket.as_ref().map(split).transpose()?,
    })
}

fn connection_ends(message: &v1::ConnectionEnds) -> Result<ConnectionEnds, Refusal> {
    Ok(ConnectionEnds {
        client: address("ConnectionEnds.client", &message.client)?,
        server: address("ConnectionEnds.server", &message.server)?,
        index: message.index,
    })
}

fn application_times(message: &v1::ApplicationTimes) -> Result<ApplicationTimes, Refusal> {
    Ok(ApplicationTimes {
        dns: length("ApplicationTimes.dns_ns", message.dns_ns)?,
        connect: length("ApplicationTimes.connect_ns", message.connect_ns)?,
        tls: length("ApplicationTimes.tls_ns", message.tls_ns)?,
        upload: length("ApplicationTimes.upload_ns", message.upload_ns)?,
        wait: length("ApplicationTimes.wait_ns", message.wait_ns)?,
        download: length("ApplicationTimes.download_ns", message.download_ns)?,
        total: length("ApplicationTimes.total_ns", message.total_ns)?,
    })
}

fn split(message: &v1::Split) -> Result<Split, Refusal> {
    let flags = SplitFlags::from_bits(message.flags)
        .ok_or_else(|| Refusal::unknown("Split.flags", &format!("{:#x}", message.flags)))?;
    Ok(Split {
        method: method_from_wire(message.method)?,
        times: message.times.as_ref().map(split_times).transpose()?,
        request_first: message.request_first_ns.map(Timestamp::from_unix_ns),
        connect: length("Split.connect_ns", message.connect_ns)?,
        tls: length("Split.tls_ns", message.tls_ns)?,
        rtt: length("Split.rtt_ns", message.rtt_ns)?,
        request_bytes: message.request_bytes,
        response_bytes: message.response_bytes,
        retransmissions: message.retransmissions,
        flags,
    })
}

fn split_times(message: &v1::SplitTimes) -> Result<SplitTimes, Refusal> {
    let low = length("SplitTimes.inference_low_ns", message.inference_low_ns)?;
    let high = length("SplitTimes.inference_high_ns", message.inference_high_ns)?;
    let bounds = match (low, high) {
        (Some(low), Some(high)) => Some(InferenceBounds { low, high }),
        (None, None) => None,
        (Some(_), None) => return Err(Refusal::Missing("SplitTimes.inference_high_ns")),
        (None, Some(_)) => return Err(Refusal::Missing("SplitTimes.inference_low_ns")),
    };
    let upload = some_length("SplitTimes.upload_ns", message.upload_ns)?;
    let inference = some_length("SplitTimes.inference_ns", message.inference_ns)?;
    let download = some_length("SplitTimes.download_ns", message.download_ns)?;
    SplitTimes::new(upload, inference, download, bounds)
        .map_err(|outside| Refusal::invalid("SplitTimes.inference_ns", &outside))
}

fn answer(message: v1::Answer) -> Result<Answer, Refusal> {
    let mut detections = Vec::with_capacity(message.detections.len());
    for detected in message.detections {
        detections.push(detection(detected)?);
    }
    Ok(Answer { raw: message.raw, model_version: message.model_version, detections })
}

fn detection(message: v1::Detection) -> Result<Detection, Refusal> {
    let bbox = match message.bbox {
        Some(v1::BoundingBox { left, top, right, bottom }) => Some(
            BoundingBox::from_corners([left, top, right, bottom])
                .map_err(|reason| Refusal::invalid("Detection.bbox", &reason))?,
        ),
        None => None,
    };
    Detection::new(message.label, message.score, bbox)
        .map_err(|reason| Refusal::invalid("Detection.score", &reason))
}

fn uuid(field: &'static str, bytes: &[u8]) -> Result<Uuid, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Missing(field));
    }
    Uuid::from_slice(bytes).map_err(|reason| Refusal::invalid(field, &reason))
}

fn name(field: &'static str, text: String) -> Result<Name, Refusal> {
    if text.is_empty() {
        return Err(Refusal::Missing(field));
    }
    Name::new(text).map_err(|reason| Refusal::invalid(field, &reason))
}

fn address(field: &'static str, text: &str) -> Result<SocketAddr, Refusal> {
    text.parse().map_err(|_| Refusal::invalid(field, &format!("{text:?} is no address:port")))
}

fn length(field: &'static str, nanoseconds: Option<i64>) -> Result<Option<Duration>, Refusal> {
    nanoseconds.map(|nanoseconds| some_length(field, nanoseconds)).transpose()
}

fn some_length(field: &'static str, nanoseconds: i64) -> Result<Duration, Refusal> {
    duration_from_ns(nanoseconds)
        .ok_or_else(|| Refusal::invalid(field, &format!("{nanoseconds} is negative")))
}
