//! The collector's own program, killed as by a power cut while it stores.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use armol_proto::v1::collector_message::Message;
use support::{
    Place,
    agent::{Agent, packed},
    sample::measurement,
};

const KILLS: u64 = 8;
const ROWS: u64 = 20;

/// The program, killed with the test.
struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    async fn start(place: &Place) -> Self {
        let ready: PathBuf = place.folder.path().join("ready");
        fs::remove_file(&ready).ok();
        let mut child = Command::new(env!("CARGO_BIN_EXE_armol-collector"))
            .args(["serve", "--listen", "127.0.0.1:0", "--db"])
            .arg(&place.db)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        loop {
            if let Ok(address) = fs::read_to_string(&ready) {
                return Self { child, address: address.parse().unwrap() };
            }
            assert!(child.try_wait().unwrap().is_none(), "the collector did not start");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends batches from `oldest` on until the collector is killed, after it has acknowledged some;
/// returns the last acknowledged, and the last that was sent.
async fn send_until_killed(mut program: Program, oldest: u64, next: u64, acks: u64) -> (u64, u64) {
    let (mut agent, stored) = Agent::greet(program.address, oldest, next).await;
    assert!(stored + 1 >= oldest, "what was acknowledged is stored");
    let mut acknowledged = stored;
    let last = stored + acks + 8;
    for sequence in stored + 1..=last {
        let first = sequence * ROWS;
        let rows = (first..first + ROWS).map(measurement).collect::<Vec<_>>();
        agent.send_batch(packed(sequence, &rows)).await;
    }
    while let Ok(Some(Message::Ack(ack))) = agent.receive().await {
        acknowledged = ack.sequence;
        if acknowledged >= stored + acks {
            program.child.kill().unwrap();
        }
    }
    (acknowledged, last)
}

#[tokio::test]
async fn killed_while_it_stores_the_collector_loses_and_doubles_nothing() {
    let place = Place::new();
    let (mut acknowledged, mut last) = (0, 0);
    for kill in 1..=KILLS {
        let program = Program::start(&place).await;
        (acknowledged, last) = send_until_killed(program, acknowledged + 1, last + 1, kill).await;
        let rows = place.count("request").await.cast_unsigned();
        assert!(rows >= acknowledged * ROWS, "{rows} rows, {acknowledged} batches acknowledged");
        assert_eq!(rows % ROWS, 0, "a batch is stored whole or not at all");
    }
    let program = Program::start(&place).await;
    let (mut agent, stored) = Agent::greet(program.address, acknowledged + 1, last + 1).await;
    for sequence in stored + 1..=last {
        let first = sequence * ROWS;
        let rows = (first..first + ROWS).map(measurement).collect::<Vec<_>>();
        agent.send_batch(packed(sequence, &rows)).await;
        assert_eq!(agent.acknowledged().await, sequence);
    }
    assert_eq!(place.count("request").await.cast_unsigned(), last * ROWS);
    assert_eq!(place.count("ingest_batch").await, 0);
}
