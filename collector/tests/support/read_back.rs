//! Measurements made from what the views say, so that a test can compare every field.

use std::time::Duration;

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    measurement::{
        Answer, ApplicationTimes, Call, ConnectionEnds, Failure, ImageContent, ImageKey,
        Measurement, ProviderIdentity, Timing,
    },
    outcome::Outcome,
    split::{InferenceBounds, Split, SplitFlags, SplitMethod, SplitTimes},
    summary::CallRow,
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// All measurements, in the order of their uids.
pub(crate) async fn measurements(connection: &mut SqliteConnection) -> Vec<Measurement> {
    let rows = sqlx::query(
        "select v_request.*, raw_answer.body from v_request
        left join raw_answer on lower(hex(raw_answer.sha256)) = raw_answer_sha256
        order by v_request.uid",
    );
    let mut measurements = Vec::new();
    for row in rows.fetch_all(&mut *connection).await.unwrap() {
        let detections = detections(connection, row.get("uid")).await;
        measurements.push(measurement(&row, detections));
    }
    measurements
}

async fn detections(connection: &mut SqliteConnection, uid: String) -> Vec<Detection> {
    let rows = sqlx::query("select * from v_answer where uid = ? order by ord").bind(uid);
    let rows = rows.fetch_all(connection).await.unwrap();
    let detection = |row: &SqliteRow| {
        let corner = |name| row.get::<Option<f64>, &str>(name);
        let bbox = corner("left").map(|left| {
            let [top, right, bottom] = ["top", "right", "bottom"].map(|name| corner(name).unwrap());
            BoundingBox::from_corners([left, top, right, bottom]).unwrap()
        });
        Detection::new(row.get::<String, _>("label"), row.get("score"), bbox).unwrap()
    };
    rows.iter().map(detection).collect()
}

fn measurement(row: &SqliteRow, detections: Vec<Detection>) -> Measurement {
    let content = row.get::<Option<String>, _>("image_sha256").map(|sha256| ImageContent {
        sha256: [u8::from_str_radix(&sha256[..2], 16).unwrap(); 32],
        bytes: row.get("image_bytes"),
        width: row.get("image_width"),
        height: row.get("image_height"),
    });
    let failure = row.get::<Option<String>, _>("failure_code");
    let raw = row.get::<Option<Vec<u8>>, _>("body");
    Measurement {
        call: call(row),
        outcome: Outcome::from_words(row.get("outcome"), row.get("outcome_detail")).unwrap(),
        content,
        timing: row.get::<Option<i64>, _>("started_at_ns").map(|started_at| Timing {
            started_at: Timestamp::from_unix_ns(started_at),
            ends: ends(row),
            application: ApplicationTimes {
                dns: length(row, "application_dns_ns"),
                connect: length(row, "application_connect_ns"),
                tls: length(row, "application_tls_ns"),
                upload: length(row, "application_upload_ns"),
                wait: length(row, "application_wait_ns"),
                download: length(row, "application_download_ns"),
                total: length(row, "application_total_ns"),
            },
            split: split(row),
            socket: socket(row),
        }),
        http_status: row.get("http_status"),
        failure: failure.map(|code| Failure { code, message: row.get("failure_message") }),
        answer: raw.map(|raw| Answer { raw, model_version: row.get("model_version"), detections }),
        cost_microusd: row.get("cost_microusd"),
        simulated: row.get("simulated"),
    }
}

fn call(row: &SqliteRow) -> Call {
    let name = |column| Name::new(row.get::<String, &str>(column)).unwrap();
    Call {
        uid: row.get::<String, _>("uid").parse().unwrap(),
        slice: row.get::<String, _>("slice").parse().unwrap(),
        planned_at: Timestamp::from_unix_ns(row.get("planned_at_ns")),
        agent: name("agent"),
        region: name("region"),
        provider: ProviderIdentity {
            name: name("provider"),
            api: row.get::<String, _>("api").parse().unwrap(),
            region: name("provider_region"),
            endpoint: row.get("endpoint"),
            simulated: row.get("simulated_provider"),
        },
        image: ImageKey { bucket: row.get("image_bucket"), key: row.get("image_key") },
        attempt: row.get("attempt"),
    }
}

fn ends(row: &SqliteRow) -> Option<ConnectionEnds> {
    let end = |address, port| {
        let ip = row.get::<Option<String>, &str>(address)?;
        Some((ip.parse::<std::net::IpAddr>().unwrap(), row.get::<u16, &str>(port)).into())
    };
    Some(ConnectionEnds {
        client: end("client_address", "client_port")?,
        server: end("server_address", "server_port")?,
        index: row.get("connection_index"),
    })
}

fn split(row: &SqliteRow) -> Option<Split> {
    let method = row.get::<Option<String>, _>("method")?;
    let times = times(
        row,
        ["upload_ns", "inference_ns", "download_ns", "inference_low_ns", "inference_high_ns"],
    );
    if let Some(times) = times {
        assert_eq!(length(row, "transmission_ns"), Some(times.transmission()));
        assert_eq!(length(row, "total_ns"), Some(times.total()));
    }
    Some(Split {
        method: method.parse().unwrap(),
        times,
        request_first: row.get::<Option<i64>, _>("request_first_ns").map(Timestamp::from_unix_ns),
        connect: length(row, "connect_ns"),
        tls: length(row, "tls_ns"),
        rtt: length(row, "rtt_ns"),
        request_bytes: row.get("request_bytes"),
        response_bytes: row.get("response_bytes"),
        retransmissions: row.get("retransmissions"),
        flags: flags(&row.get::<String, _>("flags")),
    })
}

fn socket(row: &SqliteRow) -> Option<Split> {
    let flags = flags(&row.get::<Option<String>, _>("socket_flags")?);
    let times = times(
        row,
        [
            "socket_upload_ns",
            "socket_inference_ns",
            "socket_download_ns",
            "socket_inference_low_ns",
            "socket_inference_high_ns",
        ],
    );
    Some(Split {
        method: SplitMethod::Socket,
        times,
        request_first: None,
        connect: None,
        tls: None,
        rtt: length(row, "socket_rtt_ns"),
        request_bytes: 0,
        response_bytes: 0,
        retransmissions: 0,
        flags,
    })
}

/// Upload, inference, download and the bounds of inference, from the columns of these names.
fn times(row: &SqliteRow, names: [&'static str; 5]) -> Option<SplitTimes> {
    let [upload, inference, download, low, high] = names.map(|name| length(row, name));
    let bounds = low.map(|low| InferenceBounds { low, high: high.unwrap() });
    inference.map(|inference| {
        SplitTimes::new(upload.unwrap(), inference, download.unwrap(), bounds).unwrap()
    })
}

fn flags(words: &str) -> SplitFlags {
    let words = words.split_whitespace().map(|word| SplitFlags::from_name(&word.to_uppercase()));
    words.map(Option::unwrap).collect()
}

fn length(row: &SqliteRow, column: &'static str) -> Option<Duration> {
    let nanoseconds = row.get::<Option<i64>, _>(column)?;
    Some(Duration::from_nanos(nanoseconds.try_into().unwrap()))
}

/// A measurement as the reader is to hand it on.
pub(crate) fn call_row(measurement: &Measurement) -> CallRow {
    let timing = measurement.timing.as_ref();
    let split = timing.and_then(|timing| timing.split.as_ref());
    let times = split.and_then(|split| split.times);
    let call = &measurement.call;
    CallRow {
        uid: call.uid,
        agent: call.agent.to_string(),
        region: call.region.to_string(),
        provider: call.provider.name.to_string(),
        provider_region: call.provider.region.to_string(),
        planned_at: call.planned_at,
        started_at: timing.map(|timing| timing.started_at),
        outcome: measurement.outcome,
        method: split.map(|split| split.method),
        flags: split.map(|split| split.flags).unwrap_or_default(),
        upload: times.map(SplitTimes::upload),
        inference: times.map(SplitTimes::inference),
        download: times.map(SplitTimes::download),
        cost_microusd: measurement.cost_microusd,
        simulated: measurement.simulated,
        server_ip: timing.and_then(|timing| timing.ends).map(|ends| ends.server.ip().to_string()),
    }
}
