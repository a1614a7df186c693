//! Which call a row of a capture is about.
//!
//! A row knows its connection and when its request and its response are said to have begun; the
//! provider's log knows when each call's request was in and its response begun. The two can belong
//! together where they are of one connection and their times overlap. Of those that can, the ones
//! whose responses begin closest together do; first come rows whose response is not earlier than
//! the provider's, as what arrives was sent before. What is left over on either side is spurious or
//! missed. Calls of one connection are taken to come one after the other, as the agent makes them.

use std::collections::HashSet;

use armol_analysis::truth::TruthRecord;
use uuid::Uuid;

use crate::{capture_rows::Row, score::TOLERANCE};

/// A row and a call that it may be about.
struct Pair {
    row: usize,
    call: Uuid,
    /// Whether the row's response begins before the provider's.
    early: bool,
    /// How far apart the two begin.
    distance_ns: u64,
}

/// The call of each row; `None` where a row is no call's.
pub(crate) fn calls_of(rows: &[Row], truth: &[TruthRecord]) -> Vec<Option<Uuid>> {
    let mut pairs = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        pairs.extend(truth.iter().filter_map(|record| Pair::new(place, row, record)));
    }
    pairs.sort_by_key(|pair| (pair.early, pair.distance_ns, pair.row));
    let mut calls = vec![None; rows.len()];
    let mut taken = HashSet::new();
    for pair in pairs {
        if let Some(call) = calls.get_mut(pair.row)
            && call.is_none()
            && taken.insert(pair.call)
        {
            *call = Some(pair.call);
        }
    }
    calls
}

impl Pair {
    /// The pair of a row and an answered call; `None` where they cannot belong together.
    fn new(place: usize, row: &Row, record: &TruthRecord) -> Option<Self> {
        let (call, responded) = (record.uid?, record.response_first_ns?);
        let overlap = row.began <= responded.plus(TOLERANCE)
            && row.responded >= record.request_last_ns.minus(TOLERANCE);
        (overlap && row.client == record.client).then(|| Self {
            row: place,
            call,
            early: row.responded < responded.minus(TOLERANCE),
            distance_ns: row.responded.unix_ns().abs_diff(responded.unix_ns()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use armol_analysis::{split::SplitFlags, testing::moment};
    use proptest::prelude::*;

    use super::*;
    use crate::method::Estimate;

    /// A row of this client port and these microseconds.
    fn row(port: u16, began: i64, responded: i64) -> Row {
        Row {
            client: ([10, 0, 0, 1], port).into(),
            began: moment(began),
            responded: moment(responded),
            estimate: Estimate {
                inference: Duration::ZERO,
                transmission: Duration::ZERO,
                bounds: None,
                flags: SplitFlags::empty(),
            },
        }
    }

    /// A call of this client port whose request was in, and its response begun, at these
    /// microseconds.
    fn call(uid: u128, port: u16, received: i64, responded: i64) -> TruthRecord {
        TruthRecord {
            uid: Some(Uuid::from_u128(uid)),
            provider: "aws".to_owned(),
            client: ([10, 0, 0, 1], port).into(),
            image_sha256: None,
            request_last_ns: moment(received),
            response_first_ns: Some(moment(responded)),
            status: Some(200),
            fault: None,
        }
    }

    fn matched(rows: &[Row], truth: &[TruthRecord]) -> Vec<Option<u128>> {
        let calls = calls_of(rows, truth).into_iter();
        calls.map(|call| call.map(|uid| uid.as_u128())).collect()
    }

    #[test]
    fn rows_of_one_connection_are_told_apart_by_their_times() {
        let truth = [call(1, 9, 20_000, 70_000), call(2, 9, 120_000, 170_000)];
        let rows = [row(9, 100_000, 190_000), row(9, 0, 90_000)];
        assert_eq!(matched(&rows, &truth), [Some(2), Some(1)]);
    }

    #[test]
    fn rows_of_connections_at_the_same_time_are_told_apart_by_their_ports() {
        let truth = [call(1, 9, 20_000, 70_000), call(2, 8, 20_000, 70_000)];
        let rows = [row(8, 0, 90_000), row(9, 0, 90_000), row(7, 0, 90_000)];
        assert_eq!(matched(&rows, &truth), [Some(2), Some(1), None]);
    }

    #[test]
    fn a_row_that_ends_before_any_request_was_in_is_no_calls() {
        // A session ticket that arrives during a long upload, taken for the response.
        let truth = [call(1, 9, 90_000, 140_000)];
        let rows = [row(9, 0, 40_000), row(9, 41_000, 160_000)];
        assert_eq!(matched(&rows, &truth), [None, Some(1)]);
    }

    #[test]
    fn a_call_keeps_the_row_that_has_its_response() {
        let truth = [call(1, 9, 20_000, 70_000)];
        // A response taken for two, and one that came late because it was lost at first.
        assert_eq!(matched(&[row(9, 0, 95_000), row(9, 0, 90_000)], &truth), [None, Some(1)]);
        assert_eq!(matched(&[row(9, 0, 60_000), row(9, 61_000, 300_000)], &truth), [None, Some(1)]);
        assert_eq!(matched(&[row(9, 0, 60_000)], &truth), [Some(1)]);
    }

    #[test]
    fn a_row_that_begins_with_an_earlier_call_is_the_later_ones() {
        let truth = [call(1, 9, 20_000, 320_000), call(2, 9, 400_000, 420_000)];
        let rows = [row(9, 60_000, 340_000), row(9, 0, 440_000)];
        assert_eq!(matched(&rows, &truth), [Some(1), Some(2)]);
        assert_eq!(matched(&rows[1..], &truth), [Some(2)]);
    }

    #[test]
    fn an_answer_at_once_is_matched_within_the_tolerance_of_the_log() {
        let truth = [call(1, 9, 20_000, 20_000)];
        assert_eq!(matched(&[row(9, 10_000, 19_701)], &truth), [Some(1)]);
        assert_eq!(matched(&[row(9, 10_000, 19_699)], &truth), [None]);
    }

    #[test]
    fn a_call_that_was_not_answered_has_no_row() {
        let truth = [TruthRecord { response_first_ns: None, ..call(1, 9, 20_000, 70_000) }];
        assert_eq!(matched(&[row(9, 0, 90_000)], &truth), [None]);
    }

    proptest! {
        #[test]
        fn no_call_has_two_rows_and_none_of_another_connection(
            rows in proptest::collection::vec((1_u16..4, 0_i64..1000, 0_i64..500), 0..20),
            calls in proptest::collection::vec((1_u16..4, 0_i64..1000, 0_i64..500), 0..20),
        ) {
            let rows = rows.into_iter().map(|(port, at, length)| row(port, at, at + length));
            let rows = rows.collect::<Vec<_>>();
            let truth = calls.into_iter().zip(0..).map(|((port, at, length), uid)| {
                call(uid, port, at, at + length)
            });
            let truth = truth.collect::<Vec<_>>();
            let mut seen = HashSet::new();
            for (row, found) in rows.iter().zip(calls_of(&rows, &truth)) {
                let Some(found) = found else { continue };
                prop_assert!(seen.insert(found));
                let record = truth.iter().find(|record| record.uid == Some(found)).unwrap();
                prop_assert_eq!(record.client, row.client);
            }
        }
    }
}
