//! What one side writes the other reads back unchanged, and nothing else is accepted.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::SocketAddr, time::Duration};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    measurement::{
        Answer, ApplicationTimes, Call, ConnectionEnds, Failure, ImageContent, ImageKey,
        Measurement, ProviderIdentity, Timing,
    },
    outcome::{Outcome, Phase},
    provider::Api,
    split::{InferenceBounds, Split, SplitFlags, SplitMethod, SplitTimes},
    time::Timestamp,
};
use armol_proto::{Refusal, batch, conversion, v1};
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any},
    prop_assert_eq, proptest,
    sample::select,
};
use prost::Message;
use uuid::Uuid;

const AGENT: &str = "us-1";

fn outcome() -> impl Strategy<Value = Outcome> {
    select(Outcome::all().collect::<Vec<_>>())
}

fn call() -> impl Strategy<Value = Call> {
    let ids = (any::<u128>(), any::<u128>(), any::<i64>());
    let names = ("[a-z][a-z0-9-]{0,8}", "[a-z][a-z0-9-]{0,8}", "[a-z][a-z0-9-]{0,8}");
    let rest =
        (select(Api::ALL.to_vec()), ".{0,20}", ".{0,10}", ".{1,20}", 1_u32..9, any::<bool>());
    (ids, names, rest).prop_map(|(ids, names, (api, endpoint, bucket, key, attempt, simulated))| {
        Call {
            uid: Uuid::from_u128(ids.0),
            slice: Uuid::from_u128(ids.1),
            planned_at: Timestamp::from_unix_ns(ids.2),
            agent: Name::new(AGENT).unwrap(),
            region: Name::new(names.0).unwrap(),
            provider: ProviderIdentity {
                name: Name::new(names.1).unwrap(),
                api,
                region: Name::new(names.2).unwrap(),
                endpoint,
                simulated,
            },
            image: ImageKey { bucket, key },
            attempt,
        }
    })
}

fn length() -> impl Strategy<Value = Duration> {
    (0_u64..1 << 61).prop_map(Duration::from_nanos)
}

fn split_times() -> impl Strategy<Value = SplitTimes> {
    (length(), length(), length(), option::of((length(), length()))).prop_map(
        |(upload, inference, download, spread)| {
            let bounds = spread.map(|(below, above)| InferenceBounds {
                low: inference.saturating_sub(below),
                high: inference + above,
            });
            SplitTimes::new(upload, inference, download, bounds).unwrap()
        },
    )
}

fn split() -> impl Strategy<Value = Split> {
    let lengths = (option::of(length()), option::of(length()), option::of(length()));
    let counts = (any::<u64>(), any::<u64>(), any::<u32>());
    let head = (
        select(SplitMethod::ALL.to_vec()),
        option::of(split_times()),
        option::of(any::<i64>().prop_map(Timestamp::from_unix_ns)),
        any::<u32>().prop_map(SplitFlags::from_bits_truncate),
    );
    (head, lengths, counts).prop_map(|((method, times, request_first, flags), lengths, counts)| {
        Split {
            method,
            times,
            request_first,
            connect: lengths.0,
            tls: lengths.1,
            rtt: lengths.2,
            request_bytes: counts.0,
            response_bytes: counts.1,
            retransmissions: counts.2,
            flags,
        }
    })
}

fn timing() -> impl Strategy<Value = Timing> {
    let application = (option::of(length()), option::of(length()), option::of(length()));
    let ends = option::of((any::<SocketAddr>(), any::<SocketAddr>(), any::<u32>()));
    let splits = (option::of(split()), option::of(split()));
    (any::<i64>(), application, ends, splits).prop_map(
        |(started_at, (dns, wait, total), ends, (split, socket))| Timing {
            started_at: Timestamp::from_unix_ns(started_at),
            ends: ends.map(|(client, server, index)| ConnectionEnds {
                client: plain(client),
                server: plain(server),
                index,
            }),
            application: ApplicationTimes { dns, wait, total, ..ApplicationTimes::default() },
            split,
            socket,
        },
    )
}

/// Flow labels and scopes are no part of an address here.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}

fn detection() -> impl Strategy<Value = Detection> {
    let bbox = (0.0..1e4_f64, 0.0..1e4_f64, 0.0..1e4_f64, 0.0..1e4_f64).prop_map(
        |(left, top, width, height)| {
            BoundingBox::from_corners([left, top, left + width, top + height]).unwrap()
        },
    );
    (".{0,12}", 0.0..=1.0_f64, option::of(bbox))
        .prop_map(|(label, score, bbox)| Detection::new(label, score, bbox).unwrap())
}

fn answer() -> impl Strategy<Value = Answer> {
    (vec(any::<u8>(), 0..64), option::of(".{0,8}"), vec(detection(), 0..5))
        .prop_map(|(raw, model_version, detections)| Answer { raw, model_version, detections })
}

fn measurement() -> impl Strategy<Value = Measurement> {
    let content = (any::<[u8; 32]>(), any::<u64>(), any::<u32>(), any::<u32>())
        .prop_map(|(sha256, bytes, width, height)| ImageContent { sha256, bytes, width, height });
    let failure = (".{0,8}", ".{0,20}").prop_map(|(code, message)| Failure { code, message });
    let head = (call(), outcome(), option::of(content), option::of(timing()));
    let tail = (option::of(any::<u16>()), option::of(failure), option::of(answer()));
    (head, tail, any::<u64>(), any::<bool>()).prop_map(
        |((call, outcome, content, timing), (http_status, failure, answer), cost, simulated)| {
            Measurement {
                call,
                outcome,
                content,
                timing,
                http_status,
                failure,
                answer,
                cost_microusd: cost,
                simulated,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_batch_reads_back_what_was_packed(measurements in vec(measurement(), 0..6)) {
        let agent = Name::new(AGENT).unwrap();
        let packed = batch::pack(&agent, Uuid::from_u128(7), 3, &measurements).unwrap();
        let wire = packed.encode_to_vec();
        let received = v1::Batch::decode(wire.as_slice()).unwrap();
        prop_assert_eq!(batch::unpack(&received).unwrap(), measurements);
    }

    #[test]
    fn any_bytes_are_refused_or_read_without_a_panic(payload in vec(any::<u8>(), 0..256)) {
        let crc32c = crc32c::crc32c(&payload);
        let codec = v1::Codec::Zstd.into();
        let batch = v1::Batch { payload, crc32c, codec, ..v1::Batch::default() };
        accepted_or_refused(batch::unpack(&batch));
        if let Ok(message) = v1::Measurement::decode(batch.payload.as_slice()) {
            accepted_or_refused(conversion::from_wire(message));
        }
    }

    #[test]
    fn a_damaged_payload_is_refused(at in any::<usize>(), bit in 0_u8..8) {
        let mut batch = sample_batch();
        let at = at % batch.payload.len();
        batch.payload[at] ^= 1 << bit;
        let refusal = batch::unpack(&batch).unwrap_err();
        assert!(matches!(refusal, Refusal::Checksum { .. }), "{refusal}");
    }
}

/// A refusal is as good as an acceptance where only a panic would be wrong.
fn accepted_or_refused<T>(result: Result<T, Refusal>) {
    if let Err(refusal) = result {
        assert!(!refusal.to_string().is_empty());
    }
}

fn sample() -> Measurement {
    Measurement {
        call: Call {
            uid: Uuid::from_u128(1),
            slice: Uuid::from_u128(2),
            planned_at: Timestamp::from_unix_ns(3),
            agent: Name::new(AGENT).unwrap(),
            region: Name::new("us").unwrap(),
            provider: ProviderIdentity {
                name: Name::new("aws").unwrap(),
                api: Api::Rekognition,
                region: Name::new("sg").unwrap(),
                endpoint: "https://localhost:1".to_owned(),
                simulated: false,
            },
            image: ImageKey { bucket: "set".to_owned(), key: "1.jpg".to_owned() },
            attempt: 1,
        },
        outcome: Outcome::Timeout(Phase::Wait),
        content: None,
        timing: None,
        http_status: None,
        failure: None,
        answer: None,
        cost_microusd: 1000,
        simulated: true,
    }
}

fn sample_batch() -> v1::Batch {
    batch::pack(&Name::new(AGENT).unwrap(), Uuid::from_u128(7), 1, &[sample()]).unwrap()
}

/// What a refusal says of a sample measurement after `change`.
fn refusal_after(change: impl FnOnce(&mut v1::Measurement)) -> String {
    let mut message = conversion::to_wire(&sample());
    change(&mut message);
    conversion::from_wire(message).unwrap_err().to_string()
}

#[test]
fn missing_and_unknown_fields_are_refused_by_name() {
    assert_eq!(refusal_after(|m| m.call = None), "Measurement.call is missing");
    assert_eq!(refusal_after(|m| m.outcome = 0), "Measurement.outcome is missing");
    let unknown =
        "Measurement.outcome is 99, which is not known here; it was made by a newer version";
    assert_eq!(refusal_after(|m| m.outcome = 99), unknown);
    assert_eq!(refusal_after(|m| m.timeout_phase = 0), "Measurement.timeout_phase is missing");
    assert!(refusal_after(|m| m.http_status = Some(70_000)).contains("http_status"));
    let call = |change: fn(&mut v1::Call)| refusal_after(|m| change(m.call.as_mut().unwrap()));
    assert_eq!(call(|c| c.uid.clear()), "Call.uid is missing");
    assert!(call(|c| c.uid.truncate(3)).starts_with("Call.uid is invalid"));
    assert!(call(|c| c.provider = "../x".to_owned()).starts_with("Call.provider is invalid"));
    assert!(call(|c| c.attempt = 0).starts_with("Call.attempt is invalid"));
}

#[test]
fn negative_lengths_and_unordered_boxes_are_refused() {
    let refusal = refusal_after(|m| {
        let application = v1::ApplicationTimes { dns_ns: Some(-1), ..Default::default() };
        m.timing = Some(v1::Timing { application: Some(application), ..Default::default() });
    });
    assert_eq!(refusal, "ApplicationTimes.dns_ns is invalid: -1 is negative");
    let refusal = refusal_after(|m| {
        let bbox = v1::BoundingBox { left: 2.0, top: 0.0, right: 1.0, bottom: 1.0 };
        let detection = v1::Detection { score: 0.5, bbox: Some(bbox), ..Default::default() };
        m.answer = Some(v1::Answer { detections: vec![detection], ..Default::default() });
    });
    assert!(refusal.starts_with("Detection.bbox is invalid"), "{refusal}");
}

#[test]
fn a_batch_with_another_agents_measurements_is_refused() {
    let mut batch = sample_batch();
    batch.agent = "hk-1".to_owned();
    assert!(matches!(batch::unpack(&batch), Err(Refusal::Measurement { index: 0, .. })));
    let mut batch = sample_batch();
    batch.rows = 2;
    assert!(matches!(batch::unpack(&batch), Err(Refusal::Rows { said: 2, held: 1 })));
}

#[test]
fn a_payload_that_grows_too_large_is_refused() {
    let zeros = vec![0_u8; batch::LARGEST_DECOMPRESSED + 1];
    let payload = zstd::encode_all(zeros.as_slice(), 1).unwrap();
    let crc32c = crc32c::crc32c(&payload);
    let codec = v1::Codec::Zstd.into();
    let batch = v1::Batch { payload, crc32c, codec, ..v1::Batch::default() };
    assert!(matches!(batch::unpack(&batch), Err(Refusal::TooLarge { .. })));
}

/// A batch around measurements that are encoded already.
fn batch_of(encoded: &[u8], rows: usize) -> v1::Batch {
    let payload = zstd::encode_all(encoded, 1).unwrap();
    let crc32c = crc32c::crc32c(&payload);
    v1::Batch { payload, crc32c, rows: u32::try_from(rows).unwrap(), ..sample_batch() }
}

#[test]
fn more_measurements_or_detections_than_memory_should_hold_are_refused() {
    let one = v1::Measurements { measurements: vec![conversion::to_wire(&sample())] };
    let rows = batch::MOST_MEASUREMENTS + 1;
    let refusal = batch::unpack(&batch_of(&one.encode_to_vec().repeat(rows), rows)).unwrap_err();
    assert_eq!(refusal.to_string(), "payload holds more than 65536 measurements");

    let mut crowded = conversion::to_wire(&sample());
    let detections = vec![v1::Detection::default(); batch::MOST_DETECTIONS + 1];
    crowded.answer = Some(v1::Answer { detections, ..v1::Answer::default() });
    let crowded = v1::Measurements { measurements: vec![crowded] }.encode_to_vec();
    let refusal = batch::unpack(&batch_of(&crowded, 1)).unwrap_err();
    assert_eq!(refusal.to_string(), "payload holds more than 1000000 detections");

    let mut large = conversion::to_wire(&sample());
    let raw = vec![0; batch::LARGEST_MEASUREMENT];
    large.answer = Some(v1::Answer { raw, ..v1::Answer::default() });
    let large = v1::Measurements { measurements: vec![large] }.encode_to_vec();
    assert!(matches!(
        batch::unpack(&batch_of(&large, 1)),
        Err(Refusal::Measurement { index: 0, .. })
    ));
}

#[test]
fn fields_that_a_later_version_added_are_skipped_and_cut_measurements_refused() {
    let one = v1::Measurements { measurements: vec![conversion::to_wire(&sample())] };
    let mut encoded = one.encode_to_vec();
    // Field 15, a varint; then field 16, three bytes.
    encoded.extend([0x78, 1, 0x82, 1, 3, 7, 7, 7]);
    assert_eq!(batch::unpack(&batch_of(&encoded, 1)).unwrap(), [sample()]);
    encoded.extend([0x0a, 9]);
    assert!(matches!(batch::unpack(&batch_of(&encoded, 1)), Err(Refusal::CutOff)));
}

/// Messages that agents in the field have spooled must stay readable: these bytes never change.
#[test]
fn bytes_of_the_first_version_stay_readable() {
    const HEX: &str = include_str!("measurement_v1.hex");
    let pairs = HEX.trim().as_bytes().chunks(2);
    let bytes = pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect::<Vec<_>>();
    let message = v1::Measurement::decode(bytes.as_slice()).unwrap();
    assert_eq!(conversion::from_wire(message).unwrap(), sample());
}
