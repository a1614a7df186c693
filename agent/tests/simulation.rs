//! The simulated providers over real sockets and TLS, and the image sets that they know.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "simulation/client.rs"]
mod client;

use std::{
    collections::BTreeMap, error::Error, fs, io, os::unix::fs::PermissionsExt, path::Path,
    time::Duration,
};

use armol_agent::{
    event::Event,
    simulation::{ImageSet, SimulatedProvider, SimulationError, TlsVersion},
};
use client::{Served, analyze, annotate, make_images};
use futures::FutureExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use uuid::Uuid;

const UID: Uuid = Uuid::from_u128(0x0190_a1b2_c3d4_7e8f_9a0b_1c2d_3e4f_5a6b);

const AWS: SimulatedProvider = SimulatedProvider::Aws;
const AZURE: SimulatedProvider = SimulatedProvider::Azure;
const GOOGLE: SimulatedProvider = SimulatedProvider::Google;

/// Nothing goes wrong.
const WELL: [f64; 4] = [0.0; 4];

#[tokio::test]
async fn rekognition_answers_in_its_own_form() {
    let served = Served::start(WELL, 0.0).await;
    let answered = served.ask(AWS, served.request(AWS, &served.image(), UID)).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.headers["content-type"], "application/x-amz-json-1.1");
    assert!(answered.headers.contains_key("x-amzn-requestid"));
    let body = answered.json();
    assert_eq!(body["LabelModelVersion"], "3.0");
    let labels = body["Labels"].as_array().unwrap();
    let instances = labels.iter().flat_map(|label| label["Instances"].as_array().unwrap());
    let mut count = 0;
    for instance in instances {
        for side in ["Left", "Top", "Width", "Height"] {
            let share = instance["BoundingBox"][side].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&share));
        }
        assert!((50.0..=100.0).contains(&instance["Confidence"].as_f64().unwrap()));
        count += 1;
    }
    assert!(count > 0, "{body}");
    assert!(labels.iter().all(|label| label["Parents"].is_array()));
}

#[tokio::test]
async fn azure_answers_in_its_own_form() {
    let served = Served::start(WELL, 0.0).await;
    let answered = served.ask(AZURE, served.request(AZURE, &served.image(), UID)).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.headers["x-envoy-upstream-service-time"], "0");
    let body = answered.json();
    assert_eq!(body["modelVersion"], "2021-05-01");
    assert_eq!(body["metadata"]["format"], "Jpeg");
    let width = body["metadata"]["width"].as_u64().unwrap();
    let objects = body["objects"].as_array().unwrap();
    assert!(!objects.is_empty());
    for object in objects {
        let rectangle = &object["rectangle"];
        assert!(rectangle["x"].as_u64().unwrap() + rectangle["w"].as_u64().unwrap() <= width);
        assert!(object["object"].is_string() && object["confidence"].is_f64());
    }
    assert!(body["tags"].as_array().unwrap().len() > 1);
    body["requestId"].as_str().unwrap().parse::<Uuid>().unwrap();
}

#[tokio::test]
async fn google_answers_in_its_own_form() {
    let served = Served::start(WELL, 0.0).await;
    let answered = served.ask(GOOGLE, served.request(GOOGLE, &served.image(), UID)).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(answered.headers["server-timing"], "gfet4t7; dur=0");
    let body = answered.json();
    let objects = body["responses"][0]["localizedObjectAnnotations"].as_array().unwrap();
    assert!(!objects.is_empty());
    for object in objects {
        let corners = object["boundingPoly"]["normalizedVertices"].as_array().unwrap();
        assert_eq!(corners.len(), 4);
        assert!(object["mid"].is_string() && object["name"].is_string());
        assert!((0.5..=1.0).contains(&object["score"].as_f64().unwrap()));
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_as_each_vendor_does() {
    let served = Served::start(WELL, 0.0).await;
    let image = served.image();
    let answered = served.ask(AWS, served.detect_labels(&image, UID, "wrong")).await;
    assert_eq!(answered.status, 400);
    assert_eq!(answered.json()["__type"], "InvalidSignatureException");

    let mut stranger = served.request(AWS, &image, UID);
    let authorization = stranger.headers()["authorization"].to_str().unwrap().to_owned();
    let id = &served.variables()["AWS_ACCESS_KEY_ID"];
    let authorization = authorization.replace(id.as_str(), "AKIASTRANGER").parse().unwrap();
    stranger.headers_mut().insert("authorization", authorization);
    let answered = served.ask(AWS, stranger).await;
    assert_eq!(answered.json()["__type"], "UnrecognizedClientException");

    let answered = served.ask(AZURE, analyze(&image, UID, "wrong")).await;
    assert_eq!(answered.status, 401);
    assert_eq!(answered.json()["error"]["code"], "401");

    let answered = served.ask(GOOGLE, annotate(&image, UID, "wrong")).await;
    assert_eq!(answered.status, 400);
    assert_eq!(answered.json()["error"]["status"], "INVALID_ARGUMENT");

    for provider in SimulatedProvider::ALL {
        let truth = served.truth(provider);
        assert!(truth.iter().all(|record| record.fault.as_deref() == Some("refused")));
    }
}

#[tokio::test]
async fn a_signature_does_not_cover_another_body() {
    let served = Served::start(WELL, 0.0).await;
    let (head, _) = served.request(AWS, &served.image(), UID).into_parts();
    let (_, other) = served.request(AWS, b"another", UID).into_parts();
    let answered = served.ask(AWS, http::Request::from_parts(head, other)).await;
    assert_eq!(answered.json()["__type"], "InvalidSignatureException");
}

#[tokio::test]
async fn google_takes_its_key_as_header_and_as_bearer_token() {
    let served = Served::start(WELL, 0.0).await;
    let key = &served.variables()["GOOGLE_API_KEY"];
    for (header, value, status) in [
        ("x-goog-api-key", key.clone(), 200),
        ("authorization", format!("Bearer {key}"), 200),
        ("authorization", "Bearer wrong".to_owned(), 401),
        ("x-nothing", key.clone(), 403),
    ] {
        let mut request = annotate(&served.image(), UID, "");
        *request.uri_mut() = "/v1/images:annotate".parse().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        assert_eq!(served.ask(GOOGLE, request).await.status, status, "{header}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_image_are_refused_as_each_vendor_does() {
    let served = Served::start(WELL, 0.0).await;
    let answer = async |provider| {
        let answered = served.ask(provider, served.request(provider, b"no image", UID)).await;
        (answered.status.as_u16(), answered.json())
    };
    let (status, body) = answer(AWS).await;
    assert_eq!((status, &body["__type"]), (400, &json!("InvalidImageFormatException")));
    let (status, body) = answer(AZURE).await;
    assert_eq!((status, &body["error"]["innererror"]["code"]), (400, &json!("InvalidImageFormat")));
    let (status, body) = answer(GOOGLE).await;
    assert_eq!((status, &body["responses"][0]["error"]["code"]), (200, &json!(3)));
}

#[tokio::test]
async fn images_above_the_vendors_limits_are_refused() {
    let served = Served::start(WELL, 0.0).await;
    let large = vec![0; 8 * 1024 * 1024];
    let answered = served.ask(AWS, served.request(AWS, &large, UID)).await;
    assert_eq!(answered.json()["__type"], "ImageTooLargeException");
    let answered = served.ask(AZURE, served.request(AZURE, &large, UID)).await;
    assert_eq!(answered.json()["error"]["innererror"]["code"], "InvalidImageSize");
    let answered = served.ask(GOOGLE, served.request(GOOGLE, &large, UID)).await;
    assert_eq!(answered.status, 400);
    assert!(answered.json()["error"]["message"].as_str().unwrap().contains("10485760"));
}

#[tokio::test]
async fn an_unknown_image_holds_nothing() {
    let served = Served::start(WELL, 0.0).await;
    let mut png = io::Cursor::new(Vec::new());
    image::RgbImage::new(100, 100).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let answered = served.ask(AWS, served.request(AWS, &png, UID)).await;
    assert_eq!(answered.json()["Labels"], json!([]));
    let answered = served.ask(AZURE, served.request(AZURE, &png, UID)).await;
    assert_eq!(answered.json()["objects"], json!([]));
    assert_eq!(answered.json()["metadata"]["format"], "Png");
    let answered = served.ask(GOOGLE, served.request(GOOGLE, &png, UID)).await;
    assert_eq!(answered.json(), json!({"responses": [{}]}));
}

#[tokio::test]
async fn one_connection_serves_many_requests_with_a_truth_line_each() {
    let served = Served::start(WELL, 0.05).await;
    for provider in SimulatedProvider::ALL {
        let mut connection = served.connect(provider).await;
        let mut answers = Vec::new();
        for number in 0..4_u128 {
            let request = served.request(provider, &served.image(), Uuid::from_u128(number));
            let answered = connection.ask(request).await.unwrap();
            assert_eq!(answered.status, 200);
            answers.push(without_request_id(answered.json()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let truth = served.truth(provider);
        let uids = truth.iter().map(|record| record.uid.unwrap().as_u128()).collect::<Vec<_>>();
        assert_eq!(uids, [0, 1, 2, 3]);
        let client = truth[0].client;
        for record in &truth {
            assert_eq!(record.client, client);
            assert_eq!(record.provider, provider.name());
            assert_eq!((record.status, &record.fault), (Some(200), &None));
            assert_eq!(record.image_sha256.as_ref().unwrap().len(), 64);
        }
        for (one, next) in truth.iter().zip(&truth[1..]) {
            assert!(one.response_first_ns.unwrap() <= next.request_last_ns);
        }
    }
}

fn without_request_id(mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("requestId");
    }
    answer
}

#[tokio::test]
async fn the_response_begins_no_earlier_than_the_drawn_time_says() {
    let served = Served::start(WELL, 0.2).await;
    let answered = served.ask(AZURE, served.request(AZURE, &served.image(), UID)).await;
    let drawn = answered.headers["x-envoy-upstream-service-time"].to_str().unwrap();
    let drawn = drawn.parse::<u128>().unwrap();
    let truth = served.truth(AZURE);
    assert!(drawn > 0);
    assert!(truth[0].inference().unwrap().as_millis() >= drawn);
}

#[tokio::test]
async fn providers_speak_the_version_of_tls_that_is_asked_for() {
    for (version, spoken) in [
        (TlsVersion::Tls12, rustls::ProtocolVersion::TLSv1_2),
        (TlsVersion::Tls13, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let served = Served::start_as(|settings| settings.tls_version = version).await;
        let stream = served.open(AWS).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
    }
}

#[tokio::test]
async fn a_body_waits_where_a_pause_is_asked_for_and_its_head_does_not() {
    let pause = Duration::from_hours(1);
    let served = Served::start_as(|settings| settings.body_pause = pause).await;
    let mut connection = served.connect(AZURE).await;
    let request = served.request(AZURE, &served.image(), UID);
    let mut answered = connection.sender.send_request(request).await.unwrap();
    assert_eq!(answered.status(), 200);
    assert!(answered.body_mut().frame().now_or_never().is_none());
    // The truth of the request is complete with its first byte.
    assert!(served.truth(AZURE)[0].response_first_ns.is_some());
}

#[tokio::test]
async fn a_rate_of_one_throttles_and_fails_every_request() {
    for (shares, fault, statuses) in [
        ([1.0, 0.0, 0.0, 0.0], "throttle", [400, 429, 429]),
        ([0.0, 1.0, 0.0, 0.0], "error", [500, 500, 503]),
    ] {
        let served = Served::start(shares, 0.0).await;
        for (provider, status) in SimulatedProvider::ALL.into_iter().zip(statuses) {
            let mut connection = served.connect(provider).await;
            for _ in 0..3 {
                let request = served.request(provider, &served.image(), UID);
                assert_eq!(connection.ask(request).await.unwrap().status, status);
            }
            let truth = served.truth(provider);
            assert_eq!(truth.len(), 3);
            assert!(truth.iter().all(|record| record.fault.as_deref() == Some(fault)));
            assert!(truth.iter().all(|record| record.status == Some(status)));
        }
    }
}

#[tokio::test]
async fn a_reset_reaches_the_client_as_one() {
    let served = Served::start([0.0, 0.0, 1.0, 0.0], 0.0).await;
    let mut connection = served.connect(AZURE).await;
    let request = served.request(AZURE, &served.image(), UID);
    let error = connection.ask(request).await.unwrap_err();
    let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
    let truth = served.truth(AZURE);
    assert_eq!(truth.len(), 1);
    assert_eq!(truth[0].fault.as_deref(), Some("reset"));
    assert_eq!((truth[0].response_first_ns, truth[0].status), (None, None));
}

#[tokio::test]
async fn a_stall_ends_with_the_shutdown_and_is_written_before() {
    let mut served = Served::start([0.0, 0.0, 0.0, 1.0], 0.0).await;
    let mut stalled = served.connect(GOOGLE).await;
    let mut left = served.connect(GOOGLE).await;
    let request = |uid| served.request(GOOGLE, &served.image(), Uuid::from_u128(uid));
    let waiting = stalled.sender.send_request(request(1));
    let leaving = left.sender.send_request(request(2));
    tokio::pin!(waiting, leaving);
    // Both requests are under way until the truth log has them.
    while served.truth(GOOGLE).len() < 2 {
        tokio::select! {
            biased;
            answered = &mut waiting => panic!("answered: {answered:?}"),
            answered = &mut leaving => panic!("answered: {answered:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    left.driver.abort();
    served.shutdown.cancel();
    waiting.await.unwrap_err();
    (&mut served.running).await.unwrap();
    let truth = served.truth(GOOGLE);
    assert_eq!(truth.len(), 2);
    assert!(truth.iter().all(|record| record.fault.as_deref() == Some("stall")));
}

#[tokio::test]
async fn endpoints_are_for_the_owner_alone() {
    let served = Served::start(WELL, 0.0).await;
    let path = served.folder.path().join("out/endpoints.env");
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut names = served.variables().into_keys().collect::<Vec<_>>();
    names.sort();
    let expected = [
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
        "AZURE_VISION_ENDPOINT",
        "AZURE_VISION_KEY",
        "GOOGLE_API_KEY",
        "GOOGLE_VISION_ENDPOINT",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_same_seed_makes_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str, count, seed| {
        let folder = folder.path().join(name);
        ImageSet { folder: folder.clone(), count, seed }.make(|_| true).unwrap();
        contents(&folder)
    };
    let three = files("a", 3, 7);
    assert_eq!(three, files("b", 3, 7));
    // Made again, larger: begins with the same images.
    let four = files("a", 4, 7);
    assert_eq!(four.len(), three.len() + 1);
    assert_eq!(three["000000000003.jpg"], four["000000000003.jpg"]);
    assert_ne!(three["000000000001.jpg"], files("c", 1, 8)["000000000001.jpg"]);
}

#[test]
fn making_a_set_again_leaves_other_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    make_images(folder.path(), 2);
    let others = ["000000000139.jpg", "notes.txt"].map(|name| folder.path().join(name));
    for path in &others {
        fs::write(path, "somebody's own").unwrap();
    }
    make_images(folder.path(), 1);
    assert!(others.iter().all(|path| path.exists()));
    assert!(!folder.path().join("000000000002.jpg").exists());
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

#[test]
fn an_image_set_is_what_the_agent_and_coco_tools_read() {
    let folder = tempfile::tempdir().unwrap();
    make_images(folder.path(), 6);
    let event = Event::read(&folder.path().join("event.json"), folder.path()).unwrap();
    assert_eq!(event.len(), 6);
    let text = fs::read_to_string(folder.path().join("ground_truth.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let images = truth["images"].as_array().unwrap();
    for image in images {
        let name = image["file_name"].as_str().unwrap();
        let bytes = fs::read(folder.path().join(name)).unwrap();
        assert!((30_000..150_000).contains(&bytes.len()), "{name}: {} bytes", bytes.len());
        let size = armol_agent::image_file::dimensions(&bytes).unwrap();
        let wanted = (image["width"].as_u64().unwrap(), image["height"].as_u64().unwrap());
        assert_eq!((u64::from(size.0), u64::from(size.1)), wanted);
    }
    let annotations = truth["annotations"].as_array().unwrap();
    assert!(annotations.len() >= images.len());
    for annotation in annotations {
        assert_eq!(annotation["bbox"].as_array().unwrap().len(), 4);
        assert_eq!(annotation["iscrowd"], 0);
        let id = &annotation["category_id"];
        let categories = truth["categories"].as_array().unwrap();
        assert!(categories.iter().any(|category| category["id"] == *id));
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "irreplaceable").unwrap();
    let set = ImageSet { folder: folder.path().to_owned(), count: 1, seed: 7 };
    let error = set.make(|_| true).unwrap_err();
    assert!(matches!(error, SimulationError::ForeignFolder { .. }));
    assert!(error.to_string().contains("choose another folder for --out"));
    assert_eq!(contents(folder.path()).len(), 1);
}

#[test]
fn an_interrupted_set_has_no_ground_truth() {
    let folder = tempfile::tempdir().unwrap();
    make_images(folder.path(), 2);
    let set = ImageSet { folder: folder.path().to_owned(), count: 3, seed: 7 };
    let error = set.make(|made| made < 1).unwrap_err();
    assert!(matches!(error, SimulationError::Interrupted));
    assert!(!folder.path().join("ground_truth.json").exists());
    assert_eq!(set.make(|_| true).unwrap(), set.make(|_| true).unwrap());
}
