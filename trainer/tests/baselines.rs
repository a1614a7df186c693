//! The program scores what a collector stored.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command, time::Duration};

use armol_analysis::{
    detection::{BoundingBox, Detection},
    identity::Name,
    measurement::{
        Answer, ApplicationTimes, Call, ImageContent, ImageKey, Measurement, ProviderIdentity,
        Timing,
    },
    outcome::Outcome,
    provider::Api,
    time::Timestamp,
};
use armol_collector::store::{Batch, Resumption, SpoolKey, Store, Work};
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const STARTED_AT: Timestamp = Timestamp::from_unix_ns(1_620_435_661_000_000_000);
const CAT: [f64; 4] = [10.0, 10.0, 110.0, 90.0];

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A simulator's good answer about the one image, begun at a second of the run.
///
/// The second is what tells calls apart, too.
fn measurement(region: &str, provider: &str, second: u32, seen: &[(&str, f64)]) -> Measurement {
    let place = BoundingBox::from_corners(CAT).unwrap();
    let detection = |&(label, score)| Detection::new(label, score, Some(place)).unwrap();
    let call = Call {
        uid: Uuid::from_u128(second.into()),
        slice: Uuid::nil(),
        planned_at: STARTED_AT,
        agent: name("agent"),
        region: name(region),
        provider: ProviderIdentity {
            name: name(provider),
            api: Api::Rekognition,
            region: name("sg"),
            endpoint: "https://localhost".to_owned(),
            simulated: true,
        },
        image: ImageKey { bucket: "images".to_owned(), key: "cat.jpg".to_owned() },
        attempt: 1,
    };
    Measurement {
        content: Some(ImageContent { sha256: [7; 32], bytes: 9, width: 200, height: 100 }),
        timing: Some(Timing {
            started_at: STARTED_AT.plus(Duration::from_secs(second.into())),
            ends: None,
            application: ApplicationTimes::default(),
            split: None,
        }),
        http_status: Some(200),
        answer: Some(Answer {
            raw: b"{}".to_vec(),
            model_version: None,
            detections: seen.iter().map(detection).collect(),
        }),
        cost_microusd: 1000,
        ..Measurement::unsent(call, Outcome::Ok)
    }
}

fn store(database: &Path, measurements: &[Measurement]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, writer) = Store::open(database).await.unwrap();
        let running = tokio::spawn(store.run(CancellationToken::new()));
        let key = SpoolKey { agent: name("agent"), spool: Uuid::nil() };
        let batch = Batch::new(key.clone(), 1, STARTED_AT, measurements).unwrap();
        let build = "test".to_owned();
        let greeting = Resumption { key, oldest_sequence: 1, build, received_at: STARTED_AT };
        for work in [Work::Resume(greeting), Work::Store(batch)] {
            writer.submit(work).await.unwrap().await.unwrap();
        }
        drop(writer);
        running.await.unwrap().unwrap();
    });
}

fn write_ground_truth(path: &Path) {
    let [left, top, right, bottom] = CAT;
    let truth = json!({
        "images": [{"id": 1, "file_name": "cat.jpg", "width": 200, "height": 100}],
        "annotations": [{
            "id": 1, "image_id": 1, "category_id": 17, "iscrowd": 0,
            "bbox": [left, top, right - left, bottom - top],
        }],
        "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
    });
    fs::write(path, truth.to_string()).unwrap();
}

/// What the program says of measurements, as JSON.
fn baselines(measurements: &[Measurement], flags: &[&str]) -> Value {
    let folder = tempdir().unwrap();
    store(&folder.path().join("armol.sqlite"), measurements);
    write_ground_truth(&folder.path().join("gt.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .args(["baselines", "--db", "armol.sqlite", "--ground-truth", "gt.json", "--json"])
        .args(flags)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn scores_what_a_collector_stored() {
    let aws = measurement("us", "aws", 0, &[("Cat", 0.9), ("Mammal", 0.9)]);
    let azure = measurement("us", "azure", 1, &[("dog", 0.8)]);
    let scored = baselines(&[aws, azure], &[]);
    assert_eq!(scored["simulated"], json!(true));
    assert_eq!(scored["dropped_words"], json!([{"word": "Mammal", "count": 1}]));
    let ensemble = json!({
        "method": "Ensemble-N", "ap": 1.0, "ap50": 1.0, "mean_cost": 0.002, "mean_v": 1.0,
        "calls": {"aws": 1, "azure": 1},
    });
    let rows = scored["rows"].as_array().unwrap();
    assert!(rows.contains(&ensemble), "{scored}");
    let bound = json!({
        "method": "Upper Bound", "ap": 1.0, "ap50": 1.0, "mean_cost": 0.001, "mean_v": 1.0,
        "calls": {"aws": 1, "azure": 0},
    });
    assert!(rows.contains(&bound), "{scored}");
}

#[test]
fn the_newest_good_answer_of_the_region_counts() {
    let measurements = [
        measurement("us", "aws", 0, &[("Cat", 0.9)]),
        measurement("us", "aws", 1, &[]),
        measurement("hk", "aws", 2, &[("Cat", 0.9)]),
    ];
    for (flags, value) in [(&["--region", "us"][..], -1.0), (&["--region", "hk"], 1.0), (&[], 1.0)]
    {
        assert_eq!(baselines(&measurements, flags)["rows"][0]["mean_v"], json!(value), "{flags:?}");
    }
}
