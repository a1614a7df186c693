//! A measurement as rows of the tables.
//!
//! Each value stands beside its column's name, so that no list of columns can run out of step with
//! a list of values.

use armol_analysis::{
    detection::BoundingBox,
    measurement::{Call, ImageContent, Measurement, Timing},
    split::{InferenceBounds, Split, SplitMethod, SplitTimes},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Value;

/// A value and the column that it is for.
pub(super) type Cell = (&'static str, Value);

/// What of a call goes into which table, without the ids that only the writer knows.
#[derive(Debug)]
pub(super) struct CallRows {
    /// The call.
    pub(super) uid: Uuid,
    /// Its row in `request`.
    pub(super) request: Vec<Cell>,
    /// Its row in `image`; `None` where the image was not read.
    pub(super) image: Option<Addressed>,
    /// Its row in `raw_answer`; `None` where there was no response.
    pub(super) raw_answer: Option<Addressed>,
    /// Its rows in `detection`.
    pub(super) detections: Vec<Vec<Cell>>,
}

/// A row that is found by what it holds.
#[derive(Debug)]
pub(super) struct Addressed {
    /// SHA-256 of what it holds.
    pub(super) sha256: [u8; 32],
    /// The row, with the hash.
    pub(super) cells: Vec<Cell>,
}

/// A number that the database cannot hold.
#[derive(Debug)]
pub(super) struct TooLarge {
    /// The field.
    pub(super) field: &'static str,
    /// What it holds.
    pub(super) value: u64,
}

/// Turns a measurement into rows.
pub(super) fn call_rows(measurement: &Measurement) -> Result<CallRows, TooLarge> {
    let answer = measurement.answer.as_ref();
    let timing = measurement.timing.as_ref();
    let mut request = Vec::new();
    push_call(&mut request, &measurement.call);
    push_outcome(&mut request, measurement)?;
    push_timing(&mut request, timing);
    push_split(&mut request, timing.and_then(|timing| timing.split.as_ref()))?;
    push_socket(&mut request, timing.and_then(|timing| timing.socket.as_ref()));
    let detections = answer.map_or(&[][..], |answer| &answer.detections);
    Ok(CallRows {
        uid: measurement.call.uid,
        request,
        image: measurement.content.map(image).transpose()?,
        raw_answer: answer.map(|answer| raw_answer(&answer.raw)),
        detections: (0_i64..)
            .zip(detections)
            .map(|(ord, detection)| {
                let corner = |place: usize| {
                    let corners = detection.bbox.map(BoundingBox::corners);
                    corners.and_then(|corners| corners.get(place).copied()).into()
                };
                vec![
                    ("ord", ord.into()),
                    ("label", detection.label.as_str().into()),
                    ("score", detection.score.into()),
                    ("left", corner(0)),
                    ("top", corner(1)),
                    ("right", corner(2)),
                    ("bottom", corner(3)),
                ]
            })
            .collect(),
    })
}

fn push_call(cells: &mut Vec<Cell>, call: &Call) {
    let provider = &call.provider;
    cells.extend([
        ("uid", call.uid.into()),
        ("agent", call.agent.as_str().into()),
        ("region", call.region.as_str().into()),
        ("provider", provider.name.as_str().into()),
        ("api", provider.api.as_str().into()),
        ("provider_region", provider.region.as_str().into()),
        ("endpoint", provider.endpoint.as_str().into()),
        ("simulated_provider", provider.simulated.into()),
        ("slice", call.slice.into()),
        ("planned_at_ns", call.planned_at.into()),
        ("attempt", call.attempt.into()),
        ("image_bucket", call.image.bucket.as_str().into()),
        ("image_key", call.image.key.as_str().into()),
    ]);
}

fn push_outcome(cells: &mut Vec<Cell>, measurement: &Measurement) -> Result<(), TooLarge> {
    let failure = measurement.failure.as_ref();
    let answer = measurement.answer.as_ref();
    cells.extend([
        ("outcome", measurement.outcome.as_str().into()),
        ("outcome_detail", measurement.outcome.detail().into()),
        ("http_status", measurement.http_status.into()),
        ("failure_code", failure.map(|failure| failure.code.as_str()).into()),
        ("failure_message", failure.map(|failure| failure.message.as_str()).into()),
        ("cost_microusd", integer("Measurement.cost_microusd", measurement.cost_microusd)?),
        ("simulated", measurement.simulated.into()),
        ("model_version", answer.and_then(|answer| answer.model_version.as_deref()).into()),
    ]);
    Ok(())
}

fn push_timing(cells: &mut Vec<Cell>, timing: Option<&Timing>) {
    let ends = timing.and_then(|timing| timing.ends);
    let application = timing.map(|timing| timing.application).unwrap_or_default();
    cells.extend([
        ("started_at_ns", timing.map(|timing| timing.started_at).into()),
        ("client_address", ends.map(|ends| ends.client.ip()).into()),
        ("client_port", ends.map(|ends| ends.client.port()).into()),
        ("server_address", ends.map(|ends| ends.server.ip()).into()),
        ("server_port", ends.map(|ends| ends.server.port()).into()),
        ("connection_index", ends.map(|ends| ends.index).into()),
        ("application_dns_ns", application.dns.into()),
        ("application_connect_ns", application.connect.into()),
        ("application_tls_ns", application.tls.into()),
        ("application_upload_ns", application.upload.into()),
        ("application_wait_ns", application.wait.into()),
        ("application_download_ns", application.download.into()),
        ("application_total_ns", application.total.into()),
    ]);
}

fn push_split(cells: &mut Vec<Cell>, split: Option<&Split>) -> Result<(), TooLarge> {
    let times = split.and_then(|split| split.times);
    let bounds = times.and_then(SplitTimes::bounds);
    let bytes = |field, count: Option<u64>| count.map(|count| integer(field, count)).transpose();
    let request_bytes = bytes("Split.request_bytes", split.map(|split| split.request_bytes))?;
    let response_bytes = bytes("Split.response_bytes", split.map(|split| split.response_bytes))?;
    cells.extend([
        ("method", split.map(|split| split.method).map(SplitMethod::as_str).into()),
        ("upload_ns", times.map(SplitTimes::upload).into()),
        ("inference_ns", times.map(SplitTimes::inference).into()),
        ("download_ns", times.map(SplitTimes::download).into()),
        ("inference_low_ns", bounds.map(|InferenceBounds { low, .. }| low).into()),
        ("inference_high_ns", bounds.map(|InferenceBounds { high, .. }| high).into()),
        ("request_first_ns", split.and_then(|split| split.request_first).into()),
        ("connect_ns", split.and_then(|split| split.connect).into()),
        ("tls_ns", split.and_then(|split| split.tls).into()),
        ("rtt_ns", split.and_then(|split| split.rtt).into()),
        ("request_bytes", request_bytes.into()),
        ("response_bytes", response_bytes.into()),
        ("retransmissions", split.map(|split| split.retransmissions).into()),
        ("flags", split.map(|split| split.flags.bits()).into()),
    ]);
    Ok(())
}

/// The second opinion: of what a split says only what another one would contradict.
fn push_socket(cells: &mut Vec<Cell>, split: Option<&Split>) {
    let times = split.and_then(|split| split.times);
    let bounds = times.and_then(SplitTimes::bounds);
    cells.extend([
        ("socket_upload_ns", times.map(SplitTimes::upload).into()),
        ("socket_inference_ns", times.map(SplitTimes::inference).into()),
        ("socket_inference_low_ns", bounds.map(|InferenceBounds { low, .. }| low).into()),
        ("socket_inference_high_ns", bounds.map(|InferenceBounds { high, .. }| high).into()),
        ("socket_download_ns", times.map(SplitTimes::download).into()),
        ("socket_rtt_ns", split.and_then(|split| split.rtt).into()),
        ("socket_flags", split.map(|split| split.flags.bits()).into()),
    ]);
}

fn image(content: ImageContent) -> Result<Addressed, TooLarge> {
    let cells = vec![
        ("sha256", content.sha256.as_slice().into()),
        ("bytes", integer("ImageContent.bytes", content.bytes)?),
        ("width", content.width.into()),
        ("height", content.height.into()),
    ];
    Ok(Addressed { sha256: content.sha256, cells })
}

fn raw_answer(raw: &[u8]) -> Addressed {
    let sha256 = <[u8; 32]>::from(Sha256::digest(raw));
    Addressed { sha256, cells: vec![("sha256", sha256.as_slice().into()), ("body", raw.into())] }
}

fn integer(field: &'static str, value: u64) -> Result<Value, TooLarge> {
    i64::try_from(value).map(Value::Integer).map_err(|_| TooLarge { field, value })
}
