//! Calls for tests of summaries and reports.

use std::time::Duration;

use uuid::Uuid;

use super::CallRow;
use crate::{
    outcome::Outcome,
    split::{SplitFlags, SplitMethod},
    time::Timestamp,
    truth::TruthRecord,
};

/// A simulated call that ended ok: 3 ms up, 100 ms there, 1 ms down.
pub(crate) fn row(uid: u128) -> CallRow {
    CallRow {
        uid: Uuid::from_u128(uid),
        agent: "us-1".to_owned(),
        region: "us".to_owned(),
        provider: "aws".to_owned(),
        provider_region: "sg".to_owned(),
        planned_at: Timestamp::from_unix_ns(1_620_435_661_000_000_000),
        started_at: Some(Timestamp::from_unix_ns(1_620_435_662_000_000_000)),
        outcome: Outcome::Ok,
        method: Some(SplitMethod::Packets),
        flags: SplitFlags::empty(),
        upload: Some(Duration::from_millis(3)),
        inference: Some(Duration::from_millis(100)),
        download: Some(Duration::from_millis(1)),
        cost_microusd: 1000,
        simulated: true,
        server_ip: Some("127.0.0.1".to_owned()),
    }
}

/// The same call with another outcome and nothing measured.
pub(crate) fn failed(uid: u128, outcome: Outcome) -> CallRow {
    CallRow {
        outcome,
        method: None,
        upload: None,
        inference: None,
        download: None,
        cost_microusd: 0,
        ..row(uid)
    }
}

/// The line that the simulator writes of a call that it worked on for this long.
pub(crate) fn truth(uid: u128, inference: Duration) -> TruthRecord {
    let request_last = Timestamp::from_unix_ns(1_620_435_662_003_000_000);
    TruthRecord {
        uid: Some(Uuid::from_u128(uid)),
        provider: "aws".to_owned(),
        client: ([127, 0, 0, 1], 40_000).into(),
        image_sha256: None,
        request_last_ns: request_last,
        response_first_ns: Some(request_last.plus(inference)),
        status: Some(200),
        fault: None,
    }
}
