//! Measurements in a collector's database, and a ground truth for them.

use std::{fs, path::Path, time::Duration};

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
use serde_json::json;
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
pub(crate) fn measurement(
    region: &str,
    provider: &str,
    second: u32,
    seen: &[(&str, f64)],
) -> Measurement {
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
            socket: None,
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

pub(crate) fn store(database: &Path, measurements: &[Measurement]) {
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

pub(crate) fn write_ground_truth(path: &Path) {
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
