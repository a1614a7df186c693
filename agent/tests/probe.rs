//! One call at a time to simulated providers, over real sockets and TLS, packets included where
//! this process may capture them.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "probe/caller.rs"]
mod caller;
mod support;

use std::{path::PathBuf, time::Duration};

use armol_agent::{image_file::LoadedImage, probe::Probe};
use armol_analysis::{
    measurement::Measurement,
    outcome::{Outcome, Phase},
    provider::Api,
    split::{Split, SplitFlags, SplitMethod},
    truth::TruthRecord,
};
use caller::{AWS, Manner, answering, ask, config, image, one, probe};
use support::{Faults, Providers, call, not_tested};
use tokio::time;
use tokio_util::sync::CancellationToken;
use url::Url;

#[tokio::test]
async fn every_vendor_answers_and_connections_are_shared() {
    let mut providers = Providers::start(3, 0.0, Faults::default()).await;
    for (api, variable) in [
        (Api::Rekognition, AWS),
        (Api::AzureVision, "AZURE_VISION_ENDPOINT"),
        (Api::GoogleVision, "GOOGLE_VISION_ENDPOINT"),
    ] {
        let config = config(&providers, api, &providers.variable(variable).unwrap());
        let mut probe = probe(&providers, &config, None);
        let first = ask(&providers, &mut probe).await;
        let second = ask(&providers, &mut probe).await;
        assert_eq!(first.outcome, Outcome::Ok, "{first:?}");
        assert_eq!(first.http_status, Some(200));
        assert_eq!(first.cost_microusd, 1000);
        let answer = first.answer.as_ref().unwrap();
        assert!(!answer.raw.is_empty());
        assert!(answer.detections.iter().any(|detection| detection.bbox.is_some()), "{answer:?}");
        let (first, second) = (first.timing.unwrap(), second.timing.unwrap());
        let (one, other) = (first.ends.unwrap(), second.ends.unwrap());
        assert_eq!((one.client, one.index), (other.client, 0));
        assert_eq!(other.index, 1);
        assert!(first.application.tls.is_some() && second.application.tls.is_none());
        let split = first.split.unwrap();
        assert_eq!(split.method, best_without_packets(first.socket.as_ref()));
        assert!(split.times.is_some(), "{split:?}");
        assert!(split.request_bytes > image(&providers).content.bytes);
    }
    providers.stop().await;
    assert_eq!(providers.truth().len(), 6);
    assert!(providers.truth().iter().all(|record| record.uid.is_some()));
}

#[tokio::test]
async fn new_connections_are_opened_where_configured() {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let mut config = config(&providers, Api::Rekognition, &providers.variable(AWS).unwrap());
    config.reuse_connection = false;
    let mut probe = probe(&providers, &config, None);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let ends = ask(&providers, &mut probe).await.timing.unwrap().ends.unwrap();
        assert_eq!(ends.index, 0);
        clients.push(ends.client);
    }
    assert_ne!(clients.first(), clients.last());
}

#[tokio::test]
async fn throttling_and_server_errors_cost_nothing_and_keep_the_vendors_words() {
    let providers = Providers::start(1, 0.0, Faults { throttle: 1.0, ..Faults::default() }).await;
    let throttled = one(&providers, |_| {}).await;
    assert_eq!((throttled.outcome, throttled.cost_microusd), (Outcome::Throttled, 0));
    assert_eq!(throttled.failure.unwrap().code, "ThrottlingException");
    let providers = Providers::start(1, 0.0, Faults { error: 1.0, ..Faults::default() }).await;
    let failed = one(&providers, |_| {}).await;
    assert_eq!(failed.outcome, Outcome::ServerError);
    assert!(failed.answer.is_some() && failed.http_status.is_some());
}

#[tokio::test]
async fn a_reset_and_a_stall_may_have_cost_money() {
    let providers = Providers::start(1, 0.0, Faults { reset: 1.0, ..Faults::default() }).await;
    let reset = one(&providers, |_| {}).await;
    assert_eq!((reset.outcome, reset.cost_microusd), (Outcome::Reset, 1000));
    assert!(reset.timing.unwrap().split.is_none());
    let providers = Providers::start(1, 0.0, Faults { stall: 1.0, ..Faults::default() }).await;
    let stalled = one(&providers, |config| config.timeout = Duration::from_millis(300)).await;
    assert_eq!(stalled.outcome, Outcome::Timeout(Phase::Wait), "{stalled:?}");
    assert_eq!(stalled.cost_microusd, 1000);
}

#[tokio::test]
async fn a_call_under_way_is_cancelled_at_shutdown() {
    let providers = Providers::start(1, 0.0, Faults { stall: 1.0, ..Faults::default() }).await;
    let config = config(&providers, Api::Rekognition, &providers.variable(AWS).unwrap());
    let mut probe = probe(&providers, &config, None);
    let shutdown = CancellationToken::new();
    let image = image(&providers);
    let calling = probe.call(call("000000000001.jpg"), &image, &shutdown);
    let stopping = async {
        // The provider logs the request at its last byte.
        while providers.truth().is_empty() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
    };
    let (cancelled, ()) = tokio::join!(calling, stopping);
    assert_eq!((cancelled.outcome, cancelled.cost_microusd), (Outcome::Cancelled, 1000));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_was_answered_and_costs_its_price() {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("nonsense.pem");
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nnonsense",
        "nonsense, not of HTTP at all\r\n\r\n",
    ] {
        let url = answering(&ca, Manner::usual(answer)).await;
        let mut config = config(&providers, Api::AzureVision, url.as_str());
        config.ca = Some(ca.clone());
        let measured = ask(&providers, &mut probe(&providers, &config, None)).await;
        let ended = (measured.outcome, measured.cost_microusd);
        assert_eq!(ended, (Outcome::ServerError, 1000), "{answer}: {measured:?}");
    }
}

#[tokio::test]
async fn closing_the_connection_is_no_part_of_the_request() {
    const CLOSING: &str =
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 15\r\n\r\n{\"objects\": []}";
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("closing.pem");
    let url = answering(&ca, Manner::usual(CLOSING)).await;
    let mut config = config(&providers, Api::AzureVision, url.as_str());
    config.ca = Some(ca);
    let mut probe = probe(&providers, &config, None);
    for _ in 0..3 {
        let measured = ask(&providers, &mut probe).await;
        assert_eq!(measured.outcome, Outcome::Ok, "{measured:?}");
        let timing = measured.timing.unwrap();
        assert!(timing.application.wait.is_some(), "{timing:?}");
        assert_eq!(timing.split.unwrap().flags, SplitFlags::empty());
    }
}

#[tokio::test]
async fn a_connection_that_still_carries_a_refused_request_is_replaced() {
    const REFUSAL: &str = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n";
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let ca = providers.path("refusing.pem");
    let refusing = Manner { first: REFUSAL, reads_body: false, answer: "" };
    let url = answering(&ca, refusing).await;
    let mut config = config(&providers, Api::AzureVision, url.as_str());
    config.ca = Some(ca);
    let mut probe = probe(&providers, &config, None);
    // More than the sockets' buffers take.
    let image = LoadedImage { bytes: vec![0; 32 << 20].into(), ..image(&providers) };
    for _ in 0..2 {
        let shutdown = CancellationToken::new();
        let calling = probe.call(call("000000000001.jpg"), &image, &shutdown);
        let refused = time::timeout(config.timeout, calling).await.unwrap();
        assert_eq!(refused.outcome, Outcome::ImageRejected, "{:?}", refused.failure);
        assert_eq!(refused.timing.unwrap().ends.unwrap().index, 0);
    }
}

#[tokio::test]
async fn what_fails_before_the_request_is_named_and_free() {
    let providers = Providers::start(1, 0.0, Faults::default()).await;
    let distrusted = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_ca: PathBuf = providers.path("other.pem");
    std::fs::write(&other_ca, distrusted.cert.pem()).unwrap();
    let untrusted = one(&providers, |config| config.ca = Some(other_ca)).await;
    assert_eq!((untrusted.outcome, untrusted.cost_microusd), (Outcome::Tls, 0));
    let message = untrusted.failure.unwrap().message;
    assert!(message.contains("127.0.0.1") && message.contains("certificate"), "{message}");

    // A port that was free a moment ago refuses connections.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("https://{closed}")).unwrap();
    let refused = one(&providers, |config| config.endpoint = Some(url)).await;
    assert_eq!((refused.outcome, refused.cost_microusd), (Outcome::Reset, 0));
    assert_eq!(refused.failure.unwrap().code, "connect");

    let nowhere = Url::parse("https://nowhere.invalid").unwrap();
    let unresolved = one(&providers, |config| config.endpoint = Some(nowhere)).await;
    assert_eq!((unresolved.outcome, unresolved.cost_microusd), (Outcome::Dns, 0));
    assert_eq!(providers.truth(), []);
}

/// Where a split comes from that no packets are captured for.
fn best_without_packets(socket: Option<&Split>) -> SplitMethod {
    if socket.is_some() {
        return SplitMethod::Socket;
    }
    not_tested("stamps of sockets: this kernel gives none");
    SplitMethod::Application
}

/// What no split of a call that went well should say.
const UNEXPECTED: SplitFlags = SplitFlags::CAPTURE_GAP
    .union(SplitFlags::TRUNCATED)
    .union(SplitFlags::EARLY_RESPONSE)
    .union(SplitFlags::NO_HANDSHAKE);

/// What came of so many calls, and what the providers, which end with them, say of each.
async fn ask_often(
    providers: &mut Providers,
    probe: &mut Probe,
    calls: usize,
) -> (Vec<Measurement>, Vec<TruthRecord>) {
    let mut measured = Vec::new();
    for _ in 0..calls {
        measured.push(ask(providers, probe).await);
    }
    providers.stop().await;
    let truth = providers.truth();
    assert_eq!(truth.len(), calls);
    (measured, truth)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stamps_of_the_socket_give_the_providers_own_time() {
    const CALLS: usize = 20;
    /// A busy machine may hold up either side between its kernel and its program.
    const SLACK: Duration = Duration::from_millis(5);
    let mut providers = Providers::start(1, 0.05, Faults::default()).await;
    let config = config(&providers, Api::Rekognition, &providers.variable(AWS).unwrap());
    let mut probe = probe(&providers, &config, None);
    let (measured, truth) = ask_often(&mut providers, &mut probe, CALLS).await;
    let mut within = 0;
    for (index, (measurement, record)) in measured.iter().zip(&truth).enumerate() {
        assert_eq!(Some(measurement.call.uid), record.uid);
        let timing = measurement.timing.as_ref().unwrap();
        let split = timing.split.as_ref().unwrap();
        if best_without_packets(timing.socket.as_ref()) != SplitMethod::Socket {
            return;
        }
        assert_eq!((split.method, timing.socket.as_ref()), (SplitMethod::Socket, Some(split)));
        assert_eq!((split.connect.is_some(), split.tls.is_some()), (index == 0, index == 0));
        assert!(!split.flags.intersects(UNEXPECTED), "{split:?}");
        let times = split.times.unwrap();
        let bounds = times.bounds().unwrap();
        let inference = record.inference().unwrap();
        within += usize::from(bounds.low <= inference + SLACK && inference <= bounds.high + SLACK);
        assert!(times.inference() >= inference.mul_f64(0.5), "{times:?} {inference:?}");
    }
    assert!(within > CALLS / 2, "the bounds held in {within} of {CALLS} calls");
}
