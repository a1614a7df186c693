//! Which batches of which spool are stored, and which were refused.
//!
//! A spool's mark says up to where all is settled: a batch at or below it is a repetition. Stored
//! batches above a refused one are noted one by one until the agent says, with what it holds, that
//! it knows of the refusal. A refused batch never raises the mark by itself, for an agent deletes
//! what is below it, and should set a refused batch aside.

use sqlx::SqliteConnection;

use super::{
    StoreError,
    batch::{Batch, Rejection, Resumption, SpoolKey},
};

/// What the database has of a spool.
struct Spool {
    id: i64,
    acknowledged: i64,
}

/// Notes what the agent holds, and returns the spool's mark.
pub(super) async fn resume(
    connection: &mut SqliteConnection,
    resumption: &Resumption,
) -> Result<i64, StoreError> {
    const DOING: &str = "resuming a spool";
    sqlx::query(
        "insert into spool
            (agent, spool, build, first_seen_at_ns, last_seen_at_ns, acknowledged_sequence)
        values (?1, ?2, ?3, ?4, ?4, ?5)
        on conflict (agent, spool) do update set
            build = excluded.build,
            last_seen_at_ns = excluded.last_seen_at_ns,
            acknowledged_sequence = max(acknowledged_sequence, excluded.acknowledged_sequence)",
    )
    .bind(resumption.key.agent.as_str())
    .bind(&resumption.key.spool.as_bytes()[..])
    .bind(&resumption.build)
    .bind(resumption.received_at.unix_ns())
    .bind(resumption.oldest_sequence.saturating_sub(1))
    .execute(&mut *connection)
    .await
    .map_err(StoreError::while_doing(DOING))?;
    let spool = spool(connection, &resumption.key).await?;
    raise_mark(connection, spool.id, spool.acknowledged).await
}

/// The highest sequence number of a spool that is taken for a repetition.
pub(super) async fn newest(
    connection: &mut SqliteConnection,
    key: &SpoolKey,
) -> Result<i64, StoreError> {
    let spool = spool(connection, key).await?;
    let above: Option<i64> =
        sqlx::query_scalar("select max(sequence) from ingest_batch where spool_id = ?")
            .bind(spool.id)
            .fetch_one(connection)
            .await
            .map_err(StoreError::while_doing("finding the newest batch"))?;
    Ok(above.map_or(spool.acknowledged, |above| above.max(spool.acknowledged)))
}

/// Notes a batch as stored; returns its spool's id, or `None` where it had been stored before.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Option<i64>, StoreError> {
    let spool = spool(connection, &batch.key).await?;
    if batch.sequence <= spool.acknowledged {
        return Ok(None);
    }
    let inserted = sqlx::query(
        "insert into ingest_batch (spool_id, sequence) values (?, ?) on conflict do nothing",
    )
    .bind(spool.id)
    .bind(batch.sequence)
    .execute(&mut *connection)
    .await
    .map_err(StoreError::while_doing("noting a batch"))?;
    if inserted.rows_affected() == 0 {
        return Ok(None);
    }
    if batch.sequence == spool.acknowledged.saturating_add(1) {
        raise_mark(connection, spool.id, spool.acknowledged).await?;
    }
    Ok(Some(spool.id))
}

/// Notes a batch as refused.
pub(super) async fn reject(
    connection: &mut SqliteConnection,
    rejection: &Rejection,
) -> Result<(), StoreError> {
    let spool = spool(connection, &rejection.key).await?;
    sqlx::query(
        "insert into rejected_batch (spool_id, sequence, reason, bytes, times, received_at_ns)
        values (?, ?, ?, ?, 1, ?)
        on conflict (spool_id, sequence) do update set
            reason = excluded.reason,
            bytes = excluded.bytes,
            times = times + 1,
            received_at_ns = excluded.received_at_ns",
    )
    .bind(spool.id)
    .bind(rejection.sequence)
    .bind(&rejection.reason)
    .bind(i64::try_from(rejection.bytes).unwrap_or(i64::MAX))
    .bind(rejection.received_at.unix_ns())
    .execute(connection)
    .await
    .map_err(StoreError::while_doing("noting a refused batch"))?;
    Ok(())
}

async fn spool(connection: &mut SqliteConnection, key: &SpoolKey) -> Result<Spool, StoreError> {
    let (id, acknowledged) =
        sqlx::query_as("select id, acknowledged_sequence from spool where agent = ? and spool = ?")
            .bind(key.agent.as_str())
            .bind(&key.spool.as_bytes()[..])
            .fetch_one(connection)
            .await
            .map_err(StoreError::while_doing("finding a spool; it has to be resumed first"))?;
    Ok(Spool { id, acknowledged })
}

/// Raises the mark over all batches that follow it without a gap, and forgets them one by one.
async fn raise_mark(
    connection: &mut SqliteConnection,
    spool_id: i64,
    acknowledged: i64,
) -> Result<i64, StoreError> {
    let above: Vec<i64> = sqlx::query_scalar(
        "select sequence from ingest_batch where spool_id = ? and sequence > ? order by sequence",
    )
    .bind(spool_id)
    .bind(acknowledged)
    .fetch_all(&mut *connection)
    .await
    .map_err(StoreError::while_doing("reading stored batches"))?;
    let mut mark = acknowledged;
    for sequence in above {
        if sequence != mark.saturating_add(1) {
            break;
        }
        mark = sequence;
    }
    sqlx::query("delete from ingest_batch where spool_id = ? and sequence <= ?")
        .bind(spool_id)
        .bind(mark)
        .execute(&mut *connection)
        .await
        .map_err(StoreError::while_doing("forgetting settled batches"))?;
    sqlx::query("update spool set acknowledged_sequence = ? where id = ?")
        .bind(mark)
        .bind(spool_id)
        .execute(connection)
        .await
        .map_err(StoreError::while_doing("raising a spool's mark"))?;
    Ok(mark)
}
