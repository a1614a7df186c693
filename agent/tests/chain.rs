//! The whole chain as a user runs it: programs, real sockets, real databases, kill -9.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Output, Stdio},
};

use armol_agent::http::method_without_packets;
use armol_analysis::split::SplitMethod;
use support::{Collector, Faults, Providers, agent_program, count, not_tested, query, said};

const FAST: f64 = 0.02;

/// Runs the agent's program to its end, without holding up the providers in this process.
async fn agent(providers: &Providers, arguments: &[&str]) -> Output {
    let mut command = agent_program(providers, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Starts the agent's program and leaves it running.
fn start(providers: &Providers, arguments: &[&str]) -> Child {
    let mut command = agent_program(providers, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until a question to the database has an answer of at least this size.
async fn wait_for_rows(folder: &Path, rows: i64) {
    let folder = folder.to_owned();
    let waiting = move || while count(&folder, "select count(*) from v_request") < rows {};
    tokio::task::spawn_blocking(waiting).await.unwrap();
}

/// Every planned call is one row, and every request that a provider logged is one of them.
fn assert_one_row_a_call(providers: &Providers, planned: i64) {
    let folder = providers.folder.path();
    assert_eq!(count(folder, "select count(*) from v_request"), planned);
    assert_eq!(count(folder, "select count(distinct uid) from v_request"), planned);
    let rows = query(folder, "select uid, outcome from v_request");
    let outcome_of = |uid: &str| {
        let mut rows = rows.iter().filter(|row| row["uid"] == *uid);
        let row = rows.next().expect("a row of each logged request");
        row["outcome"].as_str().unwrap().to_owned()
    };
    let truth = providers.truth();
    let mut logged = truth.iter().map(|record| record.uid.unwrap().to_string()).collect::<Vec<_>>();
    for uid in &logged {
        assert!(!["missed", "skipped"].contains(&outcome_of(uid).as_str()));
    }
    let sent = rows.iter().filter(|row| row["outcome"] == "ok").count();
    logged.sort_unstable();
    logged.dedup();
    assert_eq!(logged.len(), truth.len(), "a request was sent twice");
    assert!(sent <= logged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slice_reaches_the_database_with_splits_answers_and_costs() {
    let mut providers = Providers::start(4, FAST, Faults::default()).await;
    let collector = Collector::start(providers.folder.path(), "127.0.0.1:0");
    let config = providers.write_config("us-1", &collector.address, "");
    let output = agent(&providers, &["once", "--json", "--config", config.to_str().unwrap()]).await;
    assert!(output.status.success(), "{}", said(&output));
    let summary = serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    assert_eq!(summary["aws"]["outcomes"]["ok"], 4);
    providers.stop().await;
    assert_one_row_a_call(&providers, 12);
    let folder = providers.folder.path();
    let complete = "select count(*) from v_request where outcome = 'ok' and simulated
        and total_ns = upload_ns + inference_ns + download_ns and cost_microusd = 1000
        and http_status = 200 and server_address = '127.0.0.1'";
    assert_eq!(count(folder, complete), 12);
    assert!(count(folder, "select count(*) from v_answer where left is not null") > 12);
    let methods = query(folder, "select distinct method from v_request");
    let [method] = methods.as_slice() else { panic!("{methods:?}") };
    if said(&output).contains("not capturing") {
        not_tested("live capture: no CAP_NET_RAW");
        assert_eq!(method["method"], method_without_packets().as_str());
    } else {
        assert_eq!(method["method"], "packets");
    }
    // No secret is anywhere on the agent's or the collector's disk, or in the log.
    let secret = providers.variable("AZURE_VISION_KEY").unwrap();
    assert!(!said(&output).contains(&secret));
    for file in ["armol.sqlite", "armol.sqlite-wal", "state-us-1/spool.sqlite"] {
        let bytes = fs::read(folder.join(file)).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{file} holds a secret");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_either_side_is_killed() {
    let faults = Faults { throttle: 0.05, error: 0.05, reset: 0.05, stall: 0.0 };
    let mut providers = Providers::start(30, 0.1, faults).await;
    let folder = providers.folder.path().to_owned();
    let collector = Collector::start(&folder, "127.0.0.1:0");
    let config = providers.write_config("us-1", &collector.address, "");
    let config = config.to_str().unwrap();
    let mut running = start(&providers, &["once", "--config", config]);
    wait_for_rows(&folder, 10).await;
    let address = collector.kill();
    let collector = Collector::start(&folder, &address);
    wait_for_rows(&folder, 20).await;
    running.kill().unwrap();
    running.wait().unwrap();
    drop(collector.kill());
    // Without a collector the rest is measured and kept.
    let arguments = ["once", "--resume", "--wait", "0", "--config", config];
    let output = agent(&providers, &arguments).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("measurements are not delivered"), "{}", said(&output));
    let _collector = Collector::start(&folder, &address);
    let output = agent(&providers, &["once", "--resume", "--config", config]).await;
    assert!(output.status.success(), "{}", said(&output));
    providers.stop().await;
    assert_one_row_a_call(&providers, 90);
    let unfinished = "select count(*) from v_request where outcome in ('missed', 'skipped')";
    assert_eq!(count(&folder, unfinished), 0);
    assert!(count(&folder, "select count(*) from v_request where outcome = 'unknown'") <= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_stops_the_agent_and_leaves_the_rest_planned() {
    let mut providers = Providers::start(20, 0.8, Faults::default()).await;
    let folder = providers.folder.path().to_owned();
    let collector = Collector::start(&folder, "127.0.0.1:0");
    let config = providers.write_config("us-1", &collector.address, "");
    let config = config.to_str().unwrap();
    let running = start(&providers, &["once", "--config", config]);
    wait_for_rows(&folder, 3).await;
    let pid = running.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let stopped = tokio::task::spawn_blocking(move || running.wait_with_output()).await.unwrap();
    assert_eq!(stopped.unwrap().status.code(), Some(130));
    let stored = count(&folder, "select count(*) from v_request");
    assert!((3..60).contains(&stored), "{stored}");
    assert_eq!(count(&folder, "select count(*) from v_request where outcome = 'cancelled'"), 0);
    let output = agent(&providers, &["once", "--resume", "--config", config]).await;
    assert!(output.status.success(), "{}", said(&output));
    providers.stop().await;
    assert_one_row_a_call(&providers, 60);
    assert_eq!(count(&folder, "select count(*) from v_request where outcome = 'ok'"), 60);
}

/// The user without privileges that every Unix has.
const NOBODY: u32 = 65_534;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_privilege_stamps_of_the_sockets_stand_in_labelled() {
    let mut providers = Providers::start(1, FAST, Faults::default()).await;
    let collector = Collector::start(providers.folder.path(), "127.0.0.1:0");
    let config = providers.write_config("us-1", &collector.address, "");
    let folder = providers.folder.path().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = agent_program(&providers, &["once", "--config", config.to_str().unwrap()]);
    // Only root may change its user; anybody else has no privileges to lose.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    providers.stop().await;
    if !said(&output).contains("not capturing") {
        not_tested("running without CAP_NET_RAW: this user may capture");
        return;
    }
    let labelled = match method_without_packets() {
        SplitMethod::Application => {
            not_tested("stamps of sockets: this kernel gives none");
            "select count(*) from v_request where method = 'application' and rtt_ns is null
                and inference_low_ns is null and inference_ns > 0"
        }
        _ => {
            "select count(*) from v_request where method = 'socket' and rtt_ns > 0
                and inference_low_ns <= inference_ns and inference_ns <= inference_high_ns
                and socket_inference_ns = inference_ns and socket_flags = flags"
        }
    };
    assert_eq!(count(&folder, labelled), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_what_a_run_would_do_and_what_is_missing() {
    let providers = Providers::start(2, FAST, Faults::default()).await;
    let config = providers.write_config("us-1", "127.0.0.1:9", "");
    let arguments = ["check", "--json", "--config", config.to_str().unwrap()];
    let ready = agent(&providers, &arguments).await;
    assert!(ready.status.success(), "{}", said(&ready));
    let found = serde_json::from_slice::<serde_json::Value>(&ready.stdout).unwrap();
    assert_eq!(
        (&found["calls_per_run"], &found["cost_per_run_microusd"]),
        (&6.into(), &6000.into())
    );
    let collector = found["collector"].as_str().unwrap();
    assert!(collector.starts_with("out of reach, measurements would be kept"), "{collector}");
    let mut command = agent_program(&providers, &arguments);
    command.env_remove("AZURE_VISION_KEY");
    let missing = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(said(&missing).contains("provider azure: azure_vision needs AZURE_VISION_KEY"));
    assert_eq!(providers.truth(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_named_with_exit_code_2_and_nothing_is_written() {
    let providers = Providers::start(1, FAST, Faults::default()).await;
    let folder = providers.folder.path();
    let config = providers.write_config("us-1", "127.0.0.1:9", "");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(folder.join("images/text.jpg"), "no image").unwrap();
    let event = |name: &str, keys: &str| {
        let text = format!(r#"{{"bucket": "set", "key": [{keys}]}}"#);
        fs::write(folder.join("images").join(name), text).unwrap();
    };
    event("repeated.json", r#""000000000001.jpg", "000000000001.jpg""#);
    event("escaping.json", r#""../x""#);
    event("unreadable.json", r#""text.jpg""#);
    let list = "event = \"images/event.json\"";
    for (from, to, named) in [
        ("name = \"us-1\"", "nmae = \"us-1\"", "unknown field `nmae`"),
        ("slice = \"all\"", "cron = \"61 * * * *\"", "schedule.cron"),
        (list, "event = \"none.json\"", "none.json; name the list of images in schedule.event"),
        (list, "event = \"images/repeated.json\"", "repeats key[0]; remove one"),
        (list, "event = \"images/escaping.json\"", "\"../x\" leads out of the images' folder"),
        (list, "event = \"images/unreadable.json\"", "not a readable JPEG or PNG image"),
        ("simulator/ca.pem", "none.pem", "none.pem; ca names a PEM file"),
        ("http://127.0.0.1:9", "http://10.0.0.1:9", "collector.url"),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = folder.join("bad.toml");
        fs::write(&bad, good.replace(from, to)).unwrap();
        for command in ["once", "check"] {
            let output = agent(&providers, &[command, "--config", bad.to_str().unwrap()]).await;
            assert_eq!(output.status.code(), Some(2), "{to}: {}", said(&output));
            assert!(said(&output).contains(named), "{to}: {}", said(&output));
        }
    }
    assert!(!folder.join("state-us-1").exists());
    let output = agent(&providers, &["once", "--config", "nowhere.toml"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("nowhere.toml"));
}
