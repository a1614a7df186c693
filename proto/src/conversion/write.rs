//! Measurement to message.

use std::time::Duration;

use armol_analysis::{
    detection::Detection,
    measurement::{Answer, ApplicationTimes, Call, ImageContent, Measurement, Timing},
    outcome::Outcome,
    split::{Split, SplitTimes},
    time::nanoseconds,
};

use super::enumeration::{
    api_to_wire, method_to_wire, outcome_to_wire, phase_to_wire, skip_to_wire,
};
use crate::v1;

/// Writes a measurement as the message that carries it.
pub fn to_wire(measurement: &Measurement) -> v1::Measurement {
    let timeout_phase = match measurement.outcome {
        Outcome::Timeout(phase) => phase_to_wire(phase),
        _ => v1::Phase::Unspecified,
    };
    let skip_reason = match measurement.outcome {
        Outcome::Skipped(reason) => skip_to_wire(reason),
        _ => v1::SkipReason::Unspecified,
    };
    v1::Measurement {
        call: Some(call(&measurement.call)),
        outcome: outcome_to_wire(measurement.outcome).into(),
        timeout_phase: timeout_phase.into(),
        skip_reason: skip_reason.into(),
        content: measurement.content.as_ref().map(content),
        timing: measurement.timing.as_ref().map(timing),
        http_status: measurement.http_status.map(u32::from),
        failure: measurement.failure.as_ref().map(|failure| v1::Failure {
            code: failure.code.clone(),
            message: failure.message.clone(),
        }),
        answer: measurement.answer.as_ref().map(answer),
        cost_microusd: measurement.cost_microusd,
        simulated: measurement.simulated,
    }
}

fn call(call: &Call) -> v1::Call {
    v1::Call {
        uid: call.uid.as_bytes().to_vec(),
        slice: call.slice.as_bytes().to_vec(),
        planned_at_ns: call.planned_at.unix_ns(),
        agent: call.agent.to_string(),
        region: call.region.to_string(),
        provider: call.provider.name.to_string(),
        api: api_to_wire(call.provider.api).into(),
        provider_region: call.provider.region.to_string(),
        endpoint: call.provider.endpoint.clone(),
        image_bucket: call.image.bucket.clone(),
        image_key: call.image.key.clone(),
        attempt: call.attempt,
        simulated_provider: call.provider.simulated,
    }
}

fn content(content: &ImageContent) -> v1::ImageContent {
    v1::ImageContent {
        sha256: content.sha256.to_vec(),
        bytes: content.bytes,
        width: content.width,
        height: content.height,
    }
}

fn timing(timing: &Timing) -> v1::Timing {
    v1::Timing {
        started_at_ns: timing.started_at.unix_ns(),
        ends: timing.ends.map(|ends| v1::ConnectionEnds {
            client: ends.client.to_string(),
            server: ends.server.to_string(),
            index: ends.index,
        }),
        application: Some(application(&timing.application)),
        split: timing.split.as_ref().map(split),
        socket: timing.socket.as_ref().map(split),
    }
}

fn application(times: &ApplicationTimes) -> v1::ApplicationTimes {
    v1::ApplicationTimes {
        dns_ns: length(times.dns),
        connect_ns: length(times.connect),
        tls_ns: length(times.tls),
        upload_ns: length(times.upload),
        wait_ns: length(times.wait),
        download_ns: length(times.download),
        total_ns: length(times.total),
    }
}

fn split(split: &Split) -> v1::Split {
    v1::Split {
        method: method_to_wire(split.method).into(),
        times: split.times.map(split_times),
        request_first_ns: split.request_first.map(armol_analysis::time::Timestamp::unix_ns),
        connect_ns: length(split.connect),
        tls_ns: length(split.tls),
        rtt_ns: length(split.rtt),
        request_bytes: split.request_bytes,
        response_bytes: split.response_bytes,
        retransmissions: split.retransmissions,
        flags: split.flags.bits(),
    }
}

fn split_times(times: SplitTimes) -> v1::SplitTimes {
    v1::SplitTimes {
        upload_ns: nanoseconds(times.upload()),
        inference_ns: nanoseconds(times.inference()),
        download_ns: nanoseconds(times.download()),
        inference_low_ns: times.bounds().map(|bounds| nanoseconds(bounds.low)),
        inference_high_ns: times.bounds().map(|bounds| nanoseconds(bounds.high)),
    }
}

fn answer(answer: &Answer) -> v1::Answer {
    v1::Answer {
        raw: answer.raw.clone(),
        model_version: answer.model_version.clone(),
        detections: answer.detections.iter().map(detection).collect(),
    }
}

fn detection(detection: &Detection) -> v1::Detection {
    v1::Detection {
        label: detection.label.clone(),
        score: detection.score,
        bbox: detection.bbox.map(|bbox| {
            let [left, top, right, bottom] = bbox.corners();
            v1::BoundingBox { left, top, right, bottom }
        }),
    }
}

fn length(length: Option<Duration>) -> Option<i64> {
    length.map(nanoseconds)
}
