//! Sessions of agents over real sockets.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use armol_proto::{batch::LARGEST_PAYLOAD, v1};
use support::{
    Place,
    agent::{Agent, Collector, hello, packed},
    sample::measurement,
};
use tonic::Code;

#[tokio::test]
async fn acknowledges_only_after_commit() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, stored) = Agent::greet(collector.address, 1, 1).await;
    assert_eq!(stored, 0);
    for sequence in 1..=20 {
        agent.send_batch(packed(sequence, &[measurement(sequence)])).await;
        assert_eq!(agent.acknowledged().await, sequence);
        assert_eq!(place.count("request").await, sequence.cast_signed());
    }
    assert!(agent.finish().await.unwrap().is_none());
    collector.stop().await;
}

#[tokio::test]
async fn a_session_resumes_after_what_is_stored() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 3).await;
    agent.send_batch(packed(1, &[measurement(1)])).await;
    assert_eq!(agent.acknowledged().await, 1);
    collector.stop().await;

    let collector = Collector::start(&place).await;
    let (mut agent, stored) = Agent::greet(collector.address, 1, 3).await;
    assert_eq!(stored, 1);
    agent.send_batch(packed(1, &[measurement(1)])).await;
    agent.send_batch(packed(2, &[measurement(2)])).await;
    assert_eq!((agent.acknowledged().await, agent.acknowledged().await), (1, 2));
    assert_eq!(place.count("request").await, 2);
    collector.stop().await;
}

#[tokio::test]
async fn refused_batches_are_named_and_noted_while_others_are_stored() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 8).await;
    let damaged = v1::Batch { payload: b"damaged".to_vec(), crc32c: 1, ..packed(2, &[]) };
    let mut foreign = packed(3, &[measurement(3)]);
    foreign.agent = "hk-1".to_owned();
    let mut other_spool = packed(4, &[measurement(4)]);
    other_spool.spool = vec![9; 16];
    let large = v1::Batch { payload: vec![0; LARGEST_PAYLOAD + 1], ..packed(5, &[]) };
    let mut unstorable = measurement(6);
    unstorable.cost_microusd = u64::MAX;
    let batches = [
        packed(1, &[measurement(1)]),
        damaged,
        foreign,
        other_spool,
        large,
        packed(6, &[unstorable]),
    ];
    for batch in batches {
        agent.send_batch(batch).await;
    }
    agent.send_batch(packed(7, &[measurement(7)])).await;

    assert_eq!(agent.acknowledged().await, 1);
    let mut reasons = String::new();
    for expected in 2..=6 {
        let (sequence, reason) = agent.refused().await;
        assert_eq!(sequence, expected);
        reasons.push_str(&reason);
        reasons.push('\n');
    }
    insta::assert_snapshot!(reasons.trim_end(), @r#"
    crc32c is 84c72ed0, the batch says 00000001: the payload was damaged
    Batch.agent is "hk-1", the session's Hello said "us-1"
    Batch.spool is "09090909-0909-0909-0909-090909090909", the session's Hello said "00000000-0000-0000-0000-00000000004d"
    payload of 4128769 bytes is larger than 4128768
    measurement 0 of the batch: Measurement.cost_microusd is 18446744073709551615, more than 9223372036854775807 can be stored
    "#);
    assert_eq!(agent.acknowledged().await, 7);
    assert_eq!(place.count("request").await, 2);
    assert_eq!(place.count("rejected_batch").await, 5);
    collector.stop().await;
}

#[tokio::test]
async fn a_refusal_is_short_whatever_it_quotes() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let long = "ü".repeat(3_000_000);
    let mut agent = Agent::connect(collector.address).await.unwrap();
    agent.send_hello(v1::Hello { agent: long.clone(), ..hello(1, 1) }).await;
    let status = agent.receive().await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().len() < 1100, "{}", status.message().len());

    let (mut agent, _) = Agent::greet(collector.address, 1, 3).await;
    agent.send_batch(v1::Batch { agent: long, ..packed(1, &[]) }).await;
    let (sequence, reason) = agent.refused().await;
    assert!(sequence == 1 && reason.len() < 1100, "{}", reason.len());
    agent.send_batch(packed(2, &[measurement(2)])).await;
    assert_eq!(agent.acknowledged().await, 2);
    collector.stop().await;
}

#[tokio::test]
async fn what_was_accepted_is_acknowledged_before_the_collector_stops() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 9).await;
    for sequence in 1..=8 {
        agent.send_batch(packed(sequence, &[measurement(sequence)])).await;
    }
    let mut acknowledged = agent.acknowledged().await;
    collector.shutdown.cancel();
    let ended = loop {
        match agent.receive().await {
            Ok(Some(v1::collector_message::Message::Ack(ack))) => acknowledged = ack.sequence,
            Ok(other) => panic!("{other:?}"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unavailable);
    collector.stop().await;
    assert_eq!(place.count("request").await, acknowledged.cast_signed());
}

#[tokio::test]
async fn what_a_newer_agent_says_is_left_to_a_newer_collector() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 2).await;
    agent.send_batch(v1::Batch { codec: 99, ..packed(1, &[measurement(1)]) }).await;
    let status = agent.receive().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("run the newer collector first"), "{status}");
    assert_eq!(place.count("rejected_batch").await, 0);
    let (mut agent, stored) = Agent::greet(collector.address, 1, 2).await;
    assert_eq!(stored, 0);
    agent.send_batch(packed(1, &[measurement(1)])).await;
    assert_eq!(agent.acknowledged().await, 1);
    collector.stop().await;
}

#[tokio::test]
async fn a_spool_restored_from_a_copy_is_refused() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 3).await;
    agent.send_batch(packed(1, &[measurement(1)])).await;
    agent.send_batch(packed(2, &[measurement(2)])).await;
    assert_eq!((agent.acknowledged().await, agent.acknowledged().await), (1, 2));
    let mut restored = Agent::connect(collector.address).await.unwrap();
    restored.send_hello(hello(1, 2)).await;
    let status = restored.receive().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("next batch is 2, but 2 is stored"), "{status}");
    collector.stop().await;
}

#[tokio::test]
async fn a_restored_spool_is_refused_also_where_a_batch_below_was_never_stored() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 4).await;
    let mut damaged = packed(1, &[measurement(1)]);
    damaged.crc32c ^= 1;
    for batch in [damaged, packed(2, &[measurement(2)]), packed(3, &[measurement(3)])] {
        agent.send_batch(batch).await;
    }
    assert_eq!(agent.refused().await.0, 1);
    assert_eq!((agent.acknowledged().await, agent.acknowledged().await), (2, 3));
    let mut restored = Agent::connect(collector.address).await.unwrap();
    restored.send_hello(hello(1, 3)).await;
    let status = restored.receive().await.unwrap_err();
    assert!(status.message().contains("next batch is 3, but 3 is stored"), "{status}");
    let (_agent, stored) = Agent::greet(collector.address, 1, 4).await;
    assert_eq!(stored, 0);
    collector.stop().await;
}

#[tokio::test]
async fn a_session_without_a_good_hello_ends_with_the_reason() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let mut said = String::new();
    let bad = [
        v1::Hello { agent: "../x".to_owned(), ..hello(1, 1) },
        v1::Hello { region: String::new(), ..hello(1, 1) },
        v1::Hello { spool: vec![1, 2], ..hello(1, 1) },
        hello(0, 1),
        hello(5, 4),
    ];
    for hello in bad {
        let mut agent = Agent::connect(collector.address).await.unwrap();
        agent.send_hello(hello).await;
        let status = agent.receive().await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        said.push_str(status.message());
        said.push('\n');
    }
    let mut agent = Agent::connect(collector.address).await.unwrap();
    agent.send_batch(packed(1, &[measurement(1)])).await;
    said.push_str(agent.receive().await.unwrap_err().message());
    insta::assert_snapshot!(said, @r#"
    Hello.agent is invalid: name "../x" must be 1 to 128 letters, digits, '.', '_' or '-', the first a letter or digit
    Hello.region is invalid: name "" must be 1 to 128 letters, digits, '.', '_' or '-', the first a letter or digit
    Hello.spool is invalid: invalid length: expected 16 bytes, found 2
    Hello.oldest_sequence is invalid: 0 is not 1 to 9223372036854775807
    Hello.next_sequence is invalid: 4 is below oldest_sequence 5
    the first message of a session must be a Hello, and no other
    "#);
    assert_eq!(place.count("request").await, 0);
    collector.stop().await;
}

#[tokio::test]
async fn a_failing_database_ends_the_session_without_an_acknowledgement() {
    let place = Place::new();
    let collector = Collector::start(&place).await;
    let (mut agent, _) = Agent::greet(collector.address, 1, 2).await;
    let mut connection = place.connect().await;
    let trigger = "create trigger full before insert on request begin
        select raise(rollback, 'database or disk is full'); end";
    sqlx::query(trigger).execute(&mut connection).await.unwrap();
    agent.send_batch(packed(1, &[measurement(1)])).await;
    let status = agent.receive().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(!status.message().contains("disk"), "causes are logged, not sent");
    collector.stop().await;
}
