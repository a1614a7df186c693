//! The spool on a real disk: what it keeps, what it refuses, and what it makes of a crash.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, io::Write, path::Path, process::Command};

use armol_agent::{
    recovery::{Resume, recover},
    spool::{Spool, SpoolError, SpoolTask},
};
use armol_analysis::{
    measurement::{Answer, Call, Measurement},
    outcome::Outcome,
    time::Timestamp,
};
use armol_proto::batch::unpack;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use support::{call, name, not_tested};

const MEBIBYTE: u64 = 1 << 20;
const NOW: Timestamp = Timestamp::from_unix_ns(1_700_000_001_000_000_000);

async fn open(folder: &Path) -> (Spool, SpoolTask) {
    Spool::open(folder, &name("us-1"), 64 * MEBIBYTE, NOW).await.unwrap()
}

async fn close((spool, task): (Spool, SpoolTask)) {
    drop(spool);
    task.join().await;
}

fn ended(key: &str) -> Measurement {
    Measurement::unsent(call(key), Outcome::Missed)
}

/// All measurements in the outbox, in order.
async fn outbox(spool: &Spool) -> Vec<Measurement> {
    let mut found = Vec::new();
    for batch in spool.batches_after(0, 1000).await.unwrap() {
        found.extend(unpack(&batch).unwrap());
    }
    found
}

#[tokio::test]
async fn a_measurement_takes_the_place_of_its_plan_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let (first, second) = (call("1.jpg"), call("2.jpg"));
    spool.0.plan(vec![first.clone(), second.clone()]).await.unwrap();
    spool.0.start(first.uid, NOW).await.unwrap();
    let measurement = Measurement::unsent(first, Outcome::Ok);
    spool.0.finish(measurement.clone()).await.unwrap();
    let before = spool.0.contents().await.unwrap();
    close(spool).await;

    let spool = open(folder.path()).await;
    assert_eq!(spool.0.contents().await.unwrap(), before);
    assert_eq!((before.planned, before.batches, before.rows), (1, 1, 1));
    assert_eq!(outbox(&spool.0).await, [measurement]);
    assert_eq!(spool.0.leftovers().await.unwrap()[0].call, second);
}

#[tokio::test]
async fn sequence_numbers_go_on_after_everything_was_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    spool.0.finish(ended("1.jpg")).await.unwrap();
    spool.0.finish(ended("2.jpg")).await.unwrap();
    spool.0.acknowledge(2).await.unwrap();
    spool.0.delivered().await.unwrap();
    close(spool).await;
    let spool = open(folder.path()).await;
    spool.0.finish(ended("3.jpg")).await.unwrap();
    let batches = spool.0.batches_after(0, 10).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.sequence).collect::<Vec<_>>(), [3]);
}

#[tokio::test]
async fn what_is_refused_for_good_is_set_aside_and_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, _task) = open(folder.path()).await;
    spool.finish(ended("1.jpg")).await.unwrap();
    spool.finish(ended("2.jpg")).await.unwrap();
    spool.set_aside(1, "nonsense".to_owned()).await.unwrap();
    let contents = spool.contents().await.unwrap();
    assert_eq!((contents.batches, contents.dead, contents.oldest_sequence), (1, 1, 2));
}

#[tokio::test]
async fn many_that_wait_share_a_batch_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, _task) = open(folder.path()).await;
    let keys = (0..200).map(|index| format!("{index}.jpg")).collect::<Vec<_>>();
    let finishing = keys.iter().map(|key| spool.finish(ended(key)));
    futures::future::try_join_all(finishing).await.unwrap();
    let contents = spool.contents().await.unwrap();
    assert_eq!(contents.rows, 200);
    assert!(contents.batches < 200, "{contents:?}");
    let mut found = outbox(&spool).await.into_iter().map(|row| row.call.image.key);
    assert!(keys.iter().all(|key| found.any(|found| found == *key)));
}

#[tokio::test]
async fn a_full_spool_stops_new_calls_but_keeps_answers_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 8 * MEBIBYTE;
    let (spool, task) = Spool::open(folder.path(), &name("us-1"), limit, NOW).await.unwrap();
    // Bytes without a pattern, so that compression does not make room.
    let mut state = 1_u64;
    let raw = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let raw = raw.take(64 * 1024).flatten().collect::<Vec<_>>();
    let answered = |key: &str| {
        let answer = Answer { raw: raw.clone(), model_version: None, detections: Vec::new() };
        Measurement { answer: Some(answer), ..Measurement::unsent(call(key), Outcome::Ok) }
    };
    let waiting = call("waiting.jpg");
    spool.plan(vec![waiting.clone()]).await.unwrap();
    let mut kept = 0;
    while spool.start(waiting.uid, NOW).await.is_ok() {
        spool.finish(answered(&format!("{kept}.jpg"))).await.unwrap();
        kept += 1;
    }
    let refusal = spool.start(waiting.uid, NOW).await.unwrap_err();
    assert!(matches!(refusal, SpoolError::Full { .. }), "{refusal}");
    // The reserve takes what was under way; after that nothing, and what is there stays.
    while spool.finish(answered(&format!("{kept}.jpg"))).await.is_ok() {
        kept += 1;
    }
    let size = fs::metadata(folder.path().join("spool.sqlite")).unwrap().len();
    assert!(size <= limit, "{size} > {limit}");
    assert_eq!(outbox(&spool).await.len(), kept);
    // What is refused for good finds room too.
    spool.set_aside(1, "nonsense".to_owned()).await.unwrap();
    assert_eq!(spool.contents().await.unwrap().dead, 1);
    // Delivery makes room again, and gives the disk its space back.
    spool.acknowledge(spool.contents().await.unwrap().next_sequence - 1).await.unwrap();
    spool.start(waiting.uid, NOW).await.unwrap();
    spool.finish(answered("after.jpg")).await.unwrap();
    let before = spool.contents().await.unwrap();
    close((spool, task)).await;
    let reopened = open(folder.path()).await;
    assert_eq!(reopened.0.contents().await.unwrap(), before);
    close(reopened).await;
    let size = fs::metadata(folder.path().join("spool.sqlite")).unwrap().len();
    assert!(size < limit / 2, "{size} of {limit} bytes are still taken");
}

/// A disk of one mebibyte.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts it; `None` where this process may not.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    /// Fills it, but for some bytes.
    fn fill(&self, rest: u64) {
        let mut file = fs::File::create(self.0.path().join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        file.set_len(file.metadata().unwrap().len() - rest).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

#[tokio::test]
async fn what_is_kept_after_the_disk_was_full_survives_reopening() {
    let Some(disk) = SmallDisk::mount() else {
        not_tested("full disk: mounting a small one needs root");
        return;
    };
    let (spool, task) = open(disk.0.path()).await;
    spool.finish(ended("before.jpg")).await.unwrap();
    disk.fill(40 * 1024);
    let (mut kept, mut refused) = (0, 0);
    while refused < 3 {
        match spool.finish(ended(&format!("{kept}.jpg"))).await {
            Ok(()) => kept += 1,
            Err(SpoolError::Full { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    fs::remove_file(disk.0.path().join("filler")).unwrap();
    spool.plan(vec![call("planned.jpg")]).await.unwrap();
    spool.finish(ended("after.jpg")).await.unwrap();
    let before = spool.contents().await.unwrap();
    assert_eq!((before.planned, before.rows), (1, kept + 2));
    close((spool, task)).await;
    let spool = open(disk.0.path()).await;
    assert_eq!(spool.0.contents().await.unwrap(), before);
    close(spool).await;
}

#[tokio::test]
async fn two_agents_cannot_share_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await;
    let second = Spool::open(folder.path(), &name("us-1"), 64 * MEBIBYTE, NOW).await;
    assert!(matches!(second, Err(SpoolError::InUse { .. })), "{second:?}");
    close(first).await;
    let other = Spool::open(folder.path(), &name("us-2"), 64 * MEBIBYTE, NOW).await;
    let Err(SpoolError::Foreign { owner, .. }) = other else { panic!("{other:?}") };
    assert_eq!(owner, "us-1");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_for_a_fresh_spool_with_another_id() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let id = spool.0.contents().await.unwrap().spool;
    close(spool).await;
    let damage = b"this is no database, whatever its name says".repeat(100);
    fs::write(folder.path().join("spool.sqlite"), &damage).unwrap();
    let (spool, _task) = open(folder.path()).await;
    assert_ne!(spool.contents().await.unwrap().spool, id);
    let aside = fs::read_dir(folder.path())
        .unwrap()
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with("spool.damaged-"));
    assert_eq!(fs::read(aside.unwrap().path()).unwrap(), damage);
}

#[tokio::test]
async fn leftovers_end_as_unknown_or_missed_or_are_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, _task) = open(folder.path()).await;
    let (started, old, fresh) = (call("started.jpg"), call("old.jpg"), call("fresh.jpg"));
    let fresh = Call { planned_at: NOW, ..fresh };
    let mut moved = Call { planned_at: NOW, ..call("moved.jpg") };
    moved.provider.simulated = false;
    let calls = [&started, &old, &fresh, &moved].map(Call::clone);
    spool.plan(calls.to_vec()).await.unwrap();
    spool.start(started.uid, NOW).await.unwrap();
    let is_current = |call: &Call| call.provider == fresh.provider;
    let recovered = recover(&spool, Resume::Since(NOW), |_| 1000, is_current).await;
    let resumed = recovered.unwrap();
    assert_eq!(resumed, std::slice::from_ref(&fresh));
    let ended = outbox(&spool).await;
    let fates = ended.iter().map(|row| (row.call.uid, row.outcome, row.cost_microusd));
    assert_eq!(
        fates.collect::<Vec<_>>(),
        [
            (started.uid, Outcome::Unknown, 1000),
            (old.uid, Outcome::Missed, 0),
            (moved.uid, Outcome::Missed, 0)
        ]
    );
    assert_eq!(spool.contents().await.unwrap().planned, 1);
}

#[tokio::test]
async fn one_unreadable_batch_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    for key in ["1.jpg", "2.jpg", "3.jpg"] {
        spool.0.finish(ended(key)).await.unwrap();
    }
    close(spool).await;
    let file = SqliteConnectOptions::new().filename(folder.path().join("spool.sqlite"));
    let mut connection = file.connect().await.unwrap();
    let damage = "update outbox set batch = x'ffff' where sequence = 2";
    sqlx::query(damage).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let (spool, _task) = open(folder.path()).await;
    let keys = outbox(&spool).await.into_iter().map(|row| row.call.image.key);
    assert_eq!(keys.collect::<Vec<_>>(), ["1.jpg", "3.jpg"]);
    let contents = spool.contents().await.unwrap();
    assert_eq!((contents.batches, contents.dead), (2, 1));
}
