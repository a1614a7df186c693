//! Calls in each version of HTTP, over real sockets and TLS, packets included where this process
//! may capture them.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "probe/caller.rs"]
mod caller;
mod support;

use std::{future, sync::Arc, time::Duration};

use armol_agent::{config::ProviderConfig, http::Protocol};
use armol_analysis::{
    measurement::Measurement,
    outcome::{Outcome, Phase},
    provider::Api,
    split::{SplitFlags, SplitMethod},
};
use caller::{AWS, Manner, answering, ask, config, image, loopback, one, probe, served};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{Faults, Providers};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};
use tokio_rustls::server::TlsStream;

const EXPECTING: Protocol = Protocol::Http1 { expect_continue: true };
const EACH: [Protocol; 3] =
    [Protocol::Http1 { expect_continue: false }, EXPECTING, Protocol::Http2];

/// A provider of the simulation, called in this version.
fn configured(providers: &Providers, protocol: Protocol) -> ProviderConfig {
    let endpoint = providers.variable(AWS).unwrap();
    ProviderConfig { protocol, ..config(providers, Api::Rekognition, &endpoint) }
}

#[tokio::test]
async fn every_version_reaches_every_vendor_and_shares_a_connection() {
    let mut providers = Providers::start(1, 0.0, Faults::default()).await;
    for protocol in EACH {
        for (api, variable) in [
            (Api::Rekognition, AWS),
            (Api::AzureVision, "AZURE_VISION_ENDPOINT"),
            (Api::GoogleVision, "GOOGLE_VISION_ENDPOINT"),
        ] {
            let mut config = config(&providers, api, &providers.variable(variable).unwrap());
            config.protocol = protocol;
            let mut probe = probe(&providers, &config, None);
            for index in 0..3 {
                let measured = ask(&providers, &mut probe).await;
                assert_eq!(measured.outcome, Outcome::Ok, "{protocol:?}: {measured:?}");
                let timing = measured.timing.unwrap();
                assert_eq!(timing.ends.unwrap().index, index);
                let split = timing.split.unwrap();
                let cut = SplitFlags::EARLY_RESPONSE | SplitFlags::TRUNCATED;
                assert!(!split.flags.intersects(cut), "{protocol:?}: {split:?}");
                assert!(split.request_bytes > image(&providers).content.bytes, "{split:?}");
            }
        }
    }
    providers.stop().await;
    let truth = providers.truth();
    assert_eq!(truth.len(), 3 * 3 * 3);
    assert!(truth.iter().all(|record| record.uid.is_some() && record.status == Some(200)));
}

#[tokio::test]
async fn http_2_fails_as_http_1_does() {
    let in_frames = |config: &mut ProviderConfig| config.protocol = Protocol::Http2;
    let providers = Providers::start(1, 0.0, Faults { reset: 1.0, ..Faults::default() }).await;
    let reset = one(&providers, in_frames).await;
    assert_eq!((reset.outcome, reset.cost_microusd), (Outcome::Reset, 1000));
    assert!(reset.timing.unwrap().split.is_none());
    let providers = Providers::start(1, 0.0, Faults { throttle: 1.0, ..Faults::default() }).await;
    let throttled = one(&providers, in_frames).await;
    assert_eq!((throttled.outcome, throttled.cost_microusd), (Outcome::Throttled, 0));
}

#[tokio::test]
async fn a_connection_of_frames_that_timed_out_is_not_used_again() {
    let providers = Providers::start(1, 0.0, Faults { stall: 1.0, ..Faults::default() }).await;
    let mut config = configured(&providers, Protocol::Http2);
    config.timeout = Duration::from_millis(300);
    let mut probe = probe(&providers, &config, None);
    for _ in 0..2 {
        let stalled = ask(&providers, &mut probe).await;
        assert_eq!(stalled.outcome, Outcome::Timeout(Phase::Wait), "{stalled:?}");
        assert_eq!(stalled.cost_microusd, 1000);
        assert_eq!(stalled.timing.unwrap().ends.unwrap().index, 0);
    }
}

#[tokio::test]
async fn a_provider_without_http_2_is_refused_before_the_request() {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("lines.pem");
    for versions in [&[][..], &[&b"http/1.1"[..]]] {
        let url = served(&ca, versions, |_stream| future::pending()).await;
        let refused = one(&providers, |config| {
            config.endpoint = Some(url);
            config.ca = Some(ca.clone());
            config.protocol = Protocol::Http2;
        })
        .await;
        assert_eq!((refused.outcome, refused.cost_microusd), (Outcome::Tls, 0), "{versions:?}");
        let failure = refused.failure.unwrap();
        assert_eq!(failure.code, "http_version");
        assert_eq!(failure.message, "localhost does not speak HTTP/2; set http = \"1.1\"");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced_before_the_request() {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("leaving.pem");
    let (left, mut has_left) = mpsc::channel(1);
    let url = served(&ca, &[b"h2"], move |stream| answer_once(stream, left.clone())).await;
    let endpoint = url.as_str();
    let mut config = config(&providers, Api::AzureVision, endpoint);
    config.ca = Some(ca);
    config.protocol = Protocol::Http2;
    let mut probe = probe(&providers, &config, None);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let measured = ask(&providers, &mut probe).await;
        assert_eq!(measured.outcome, Outcome::Ok, "{measured:?}");
        let ends = measured.timing.unwrap().ends.unwrap();
        assert_eq!(ends.index, 0);
        clients.push(ends.client);
        has_left.recv().await.unwrap();
    }
    clients.dedup();
    assert_eq!(clients.len(), 3);
}

/// Answers one request, says that there will be no other (GOAWAY), and says when it has ended.
async fn answer_once(stream: TlsStream<TcpStream>, left: mpsc::Sender<()>) {
    let answered = Arc::new(Notify::new());
    let notifying = Arc::clone(&answered);
    let exchange = service_fn(move |request: Request<Incoming>| {
        let answered = Arc::clone(&notifying);
        async move {
            request.into_body().collect().await?;
            answered.notify_one();
            Ok::<_, hyper::Error>(Response::new("{\"objects\": []}".to_owned()))
        }
    });
    let conversation =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), exchange);
    tokio::pin!(conversation);
    tokio::select! {
        ended = conversation.as_mut() => panic!("ended early: {ended:?}"),
        () = answered.notified() => conversation.as_mut().graceful_shutdown(),
    }
    // Either end may close first; the other one's close then fails.
    drop(conversation.await);
    left.send(()).await.unwrap();
}

/// A call to a provider that behaves like this, with a body that waits until it is wanted.
async fn expecting(manner: Manner) -> (Measurement, u64) {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("expected.pem");
    let url = answering(&ca, manner).await;
    let mut config = config(&providers, Api::AzureVision, url.as_str());
    config.ca = Some(ca);
    config.protocol = EXPECTING;
    let measured = ask(&providers, &mut probe(&providers, &config, None)).await;
    (measured, image(&providers).content.bytes)
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"objects\": []}";

/// What TLS 1.3 adds to a record: a header, the content's type and a tag.
const RECORD_OVERHEAD: u64 = 5 + 1 + 16;

#[tokio::test]
async fn what_is_said_before_the_answer_is_no_part_of_it() {
    const HINTS: &str =
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let manner = Manner { first: HINTS, ..Manner::usual(GOOD) };
    let (measured, image_bytes) = expecting(manner).await;
    assert_eq!(measured.outcome, Outcome::Ok, "{measured:?}");
    let split = measured.timing.unwrap().split.unwrap();
    assert_eq!(split.response_bytes, u64::try_from(GOOD.len()).unwrap() + RECORD_OVERHEAD);
    assert!(split.request_bytes > image_bytes && split.times.is_some(), "{split:?}");
}

#[tokio::test]
async fn a_body_that_nobody_asks_for_is_sent_after_a_while() {
    let (measured, image_bytes) = expecting(Manner::usual(GOOD)).await;
    assert_eq!(measured.outcome, Outcome::Ok, "{measured:?}");
    let split = measured.timing.unwrap().split.unwrap();
    assert!(split.request_bytes > image_bytes && split.times.is_some(), "{split:?}");
}

#[tokio::test]
async fn a_body_that_is_not_wanted_is_not_sent() {
    for (answer, outcome) in [
        ("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n", Outcome::ImageRejected),
        ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", Outcome::Auth),
        ("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n", Outcome::ServerError),
    ] {
        let manner = Manner { first: "", reads_body: false, answer };
        let (measured, image_bytes) = expecting(manner).await;
        assert_eq!((measured.outcome, measured.cost_microusd), (outcome, 0), "{measured:?}");
        let split = measured.timing.unwrap().split.unwrap();
        assert!(split.request_bytes < image_bytes, "{split:?}");
        assert!(split.flags.contains(SplitFlags::EARLY_RESPONSE) && split.times.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_on_loopback_give_the_providers_own_time() {
    for protocol in EACH {
        hold_against_truth(protocol).await;
    }
}

async fn hold_against_truth(protocol: Protocol) {
    const CALLS: usize = 20;
    let mut providers = Providers::start(1, 0.05, Faults::default()).await;
    let Some(capture) = loopback(&providers) else { return };
    let config = configured(&providers, protocol);
    let mut probe = probe(&providers, &config, Some(capture));
    let mut measured = Vec::new();
    for _ in 0..CALLS {
        measured.push(ask(&providers, &mut probe).await);
    }
    providers.stop().await;
    let truth = providers.truth();
    assert_eq!(truth.len(), CALLS);
    let mut within = 0;
    for (index, (measurement, record)) in measured.iter().zip(&truth).enumerate() {
        assert_eq!(Some(measurement.call.uid), record.uid);
        let split = measurement.timing.as_ref().unwrap().split.as_ref().unwrap();
        assert_eq!(split.method, SplitMethod::Packets, "{split:?}");
        assert_eq!(split.connect.is_some(), index == 0);
        assert_eq!(split.tls.is_some(), index == 0);
        let unexpected = SplitFlags::CAPTURE_GAP
            | SplitFlags::TRUNCATED
            | SplitFlags::EARLY_RESPONSE
            | SplitFlags::NO_HANDSHAKE;
        assert!(!split.flags.intersects(unexpected), "{split:?}");
        assert!(split.times.is_some(), "{protocol:?}: {split:?}");
        let times = split.times.unwrap();
        let bounds = times.bounds().unwrap();
        // The provider reads the last byte after it arrives and answers before the answer does.
        let true_inference = record.inference().unwrap();
        within += usize::from(bounds.high >= true_inference);
        assert!(times.inference() >= true_inference.mul_f64(0.5), "{times:?} {true_inference:?}");
    }
    assert!(within > CALLS / 2, "{protocol:?}: the upper bound held in {within} of {CALLS} calls");
}
