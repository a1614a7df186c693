//! What is stored once, what is refused, and what a failing database leaves behind.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;

use armol_analysis::time::Timestamp;
use armol_collector::store::{Batch, NotStored, Reader, Rejection, Store, StoreError, Work};
use sqlx::{
    Row, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use support::{Place, Running, batch, fill, key, sample::measurement};

#[tokio::test]
async fn a_repeated_batch_is_answered_and_not_stored_again() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    running.store(1, &[measurement(1)]).await;
    running.store(1, &[measurement(2)]).await;
    assert_eq!(place.count("request").await, 1);
    running.stop().await;
}

#[tokio::test]
async fn a_call_that_comes_again_is_stored_once() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    running.store(1, &[measurement(1), measurement(1)]).await;
    running.store(2, &[measurement(1), measurement(2)]).await;
    assert_eq!(place.count("request").await, 2);
    running.stop().await;
}

#[tokio::test]
async fn batches_committed_together_keep_their_order() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    let mut receipts = Vec::new();
    for sequence in 1..=50 {
        let work = Work::Store(batch(sequence, &[measurement(sequence.cast_unsigned())]));
        receipts.push(running.writer.submit(work).await.unwrap());
    }
    for (sequence, receipt) in (1..).zip(receipts) {
        assert_eq!(receipt.await, Ok(sequence));
    }
    assert_eq!(running.resume(1).await, 50);
    assert_eq!(place.count("ingest_batch").await, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_spool_resumes_where_a_new_database_first_hears_of_it() {
    let place = Place::new();
    let running = Running::open(&place).await;
    assert_eq!(running.resume(500).await, 499);
    running.store(500, &[measurement(1)]).await;
    running.stop().await;
    let running = Running::open(&place).await;
    assert_eq!(running.resume(500).await, 500);
    running.stop().await;
}

fn rejection(sequence: i64) -> Work {
    let reason = "nonsense".to_owned();
    let received_at = Timestamp::from_unix_ns(9);
    Work::Reject(Rejection { key: key(), sequence, reason, bytes: 3, received_at })
}

#[tokio::test]
async fn a_refused_batch_is_not_taken_for_stored_until_the_agent_lets_go_of_it() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    running.store(1, &[measurement(1)]).await;
    assert_eq!(running.writer.submit(rejection(2)).await.unwrap().await, Ok(2));
    running.store(3, &[measurement(3)]).await;
    running.store(4, &[measurement(4)]).await;
    assert_eq!(running.resume(2).await, 1);
    assert_eq!(running.writer.submit(rejection(2)).await.unwrap().await, Ok(2));
    assert_eq!(place.count("rejected_batch").await, 1);
    assert_eq!(place.count("ingest_batch").await, 2);
    assert_eq!(running.resume(3).await, 4);
    assert_eq!(place.count("ingest_batch").await, 0);
    running.stop().await;
}

/// `raise(rollback, ..)` is what a full disk looks like: the database rolls back by itself.
#[tokio::test]
async fn nothing_is_acknowledged_while_the_database_fails_and_all_is_well_afterwards() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    let mut connection = place.connect().await;
    let trigger = "create trigger full before insert on request begin
        select raise(rollback, 'database or disk is full'); end";
    sqlx::query(trigger).execute(&mut connection).await.unwrap();
    for _ in 0..2 {
        let work = Work::Store(batch(1, &[measurement(1)]));
        assert_eq!(running.writer.submit(work).await.unwrap().await, Err(NotStored));
    }
    assert_eq!(running.resume(1).await, 0);
    sqlx::query("drop trigger full").execute(&mut connection).await.unwrap();
    running.store(1, &[measurement(1)]).await;
    assert_eq!(place.count("request").await, 1);
    running.stop().await;
}

#[tokio::test]
async fn a_batch_that_the_database_refuses_takes_no_others_with_it() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    let mut connection = place.connect().await;
    let trigger = "create trigger picky before insert on request when new.sequence = 2 begin
        select raise(abort, 'not this one'); end";
    sqlx::query(trigger).execute(&mut connection).await.unwrap();
    let mut receipts = Vec::new();
    for sequence in 1..=3 {
        let work = Work::Store(batch(sequence, &[measurement(sequence.cast_unsigned())]));
        receipts.push(running.writer.submit(work).await.unwrap());
    }
    let mut answers = Vec::new();
    for receipt in receipts {
        answers.push(receipt.await);
    }
    assert_eq!(answers, [Ok(1), Err(NotStored), Ok(3)]);
    assert_eq!(running.resume(1).await, 1);
    running.stop().await;
}

/// Takes as long as the writer waits for a lock.
#[tokio::test]
async fn a_locked_database_is_waited_for_once_for_all_that_wait() {
    let place = Place::new();
    let running = Running::open(&place).await;
    running.resume(1).await;
    let mut other = place.connect().await;
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let mut receipts = Vec::new();
    for sequence in 1..=3 {
        let work = Work::Store(batch(sequence, &[measurement(sequence.cast_unsigned())]));
        receipts.push(running.writer.submit(work).await.unwrap());
    }
    let mut answers = Vec::new();
    for receipt in receipts {
        answers.push(receipt.await);
        sqlx::query("rollback").execute(&mut other).await.ok();
    }
    assert_eq!(answers, [Err(NotStored); 3]);
    running.store(1, &[measurement(1)]).await;
    running.stop().await;
}

#[test]
fn numbers_that_the_database_cannot_hold_are_refused_by_name() {
    let mut large = measurement(1);
    large.cost_microusd = u64::MAX;
    let measurements = [measurement(0), large];
    let refused = Batch::new(key(), 1, Timestamp::from_unix_ns(0), &measurements).unwrap_err();
    let said = "measurement 1 of the batch: Measurement.cost_microusd is 18446744073709551615, \
        more than 9223372036854775807 can be stored";
    assert_eq!(refused.to_string(), said);
}

#[tokio::test]
async fn the_database_is_its_owners_alone() {
    let place = Place::new();
    fill(&place, &[]).await;
    let mode = std::fs::metadata(&place.db).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_second_collector_is_refused_even_by_another_name() {
    let place = Place::new();
    let running = Running::open(&place).await;
    let alias = place.folder.path().join("alias.sqlite");
    std::os::unix::fs::symlink(&place.db, &alias).unwrap();
    assert!(matches!(Store::open(&alias).await, Err(StoreError::Locked(_))));
    running.stop().await;
    drop(Store::open(&alias).await.unwrap());
}

#[tokio::test]
async fn a_newer_or_older_schema_is_refused() {
    let place = Place::new();
    fill(&place, &[]).await;
    let mut connection = place.connect().await;
    let newer = "update _sqlx_migrations set version = 99 where version = 3";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    let refused = Store::open(&place.db).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { found: 99, known: 3, .. }), "{refused}");
    let refused = Reader::open(&place.db).await.unwrap_err();
    assert!(matches!(refused, StoreError::NewerSchema { found: 99, .. }), "{refused}");
    sqlx::query("delete from _sqlx_migrations").execute(&mut connection).await.unwrap();
    let refused = Reader::open(&place.db).await.unwrap_err();
    assert!(matches!(refused, StoreError::OlderSchema { found: 0, known: 3, .. }), "{refused}");
}

/// The tables and the rows of a database that the first schema's collector left.
const FIRST_SCHEMA: &str = include_str!("../migrations/sqlite/0001_measurements.sql");
const FIRST_ROWS: &str = "insert into spool values (1, 'us-1', x'4d', 'old', 1, 1, 1);
    insert into request (uid, spool_id, sequence, received_at_ns, agent, region, provider, api,
        provider_region, endpoint, simulated_provider, slice, planned_at_ns, attempt, image_bucket,
        image_key, outcome, cost_microusd, simulated, method, upload_ns, inference_ns, download_ns,
        flags)
    values (x'00000000000000000000000000000001', 1, 1, 9, 'us-1', 'us', 'aws', 'rekognition', 'us',
        '', 0, x'00000000000000000000000000000002', 5, 1, 'set', '1.jpg', 'ok', 1000, 0, 'packets',
        7, 8, 9, 2);";

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date_with_its_rows() {
    let place = Place::new();
    std::fs::write(&place.db, "").unwrap();
    let first = Migration::new(
        1,
        "measurements".into(),
        MigrationType::Simple,
        FIRST_SCHEMA.into_sql_str(),
        false,
    );
    let mut connection = place.connect().await;
    Migrator::with_migrations(vec![first]).run(&mut connection).await.unwrap();
    sqlx::raw_sql(FIRST_ROWS).execute(&mut connection).await.unwrap();
    let refused = Reader::open(&place.db).await.unwrap_err();
    assert!(matches!(refused, StoreError::OlderSchema { found: 1, known: 3, .. }), "{refused}");

    fill(&place, &[measurement(3)]).await;
    let rows = sqlx::query("select * from v_request order by uid");
    let rows = rows.fetch_all(&mut place.connect().await).await.unwrap();
    assert_eq!(rows.len(), 2);
    let old = rows.first().unwrap();
    assert_eq!((old.get("method"), old.get("total_ns")), ("packets", 24));
    assert_eq!(old.get::<&str, _>("flags"), "delayed_ack");
    assert_eq!(old.get::<Option<i64>, _>("socket_inference_ns"), None);
    assert_eq!(old.get::<Option<&str>, _>("socket_flags"), None);
    Reader::open(&place.db).await.unwrap();
}

#[tokio::test]
async fn files_of_others_are_refused_and_left_alone() {
    let place = Place::new();
    let missing = Reader::open(&place.db).await.unwrap_err();
    assert!(matches!(missing, StoreError::Missing(_)));

    let text = "this is no database, but a text that is longer than a header. ".repeat(4);
    std::fs::write(&place.db, &text).unwrap();
    for refused in [
        Store::open(&place.db).await.map(|_| ()).unwrap_err(),
        Reader::open(&place.db).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::NotADatabase(_)), "{refused:?}");
    }
    assert_eq!(std::fs::read_to_string(&place.db).unwrap(), text);

    let place = Place::new();
    std::fs::write(&place.db, "").unwrap();
    sqlx::query("create table cake (flavour text)")
        .execute(&mut place.connect().await)
        .await
        .unwrap();
    let before = std::fs::read(&place.db).unwrap();
    for refused in [
        Store::open(&place.db).await.map(|_| ()).unwrap_err(),
        Reader::open(&place.db).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::Foreign(_)), "{refused:?}");
    }
    assert_eq!(std::fs::read(&place.db).unwrap(), before);
}
