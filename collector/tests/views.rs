//! The views say what docs/views.md says.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use armol_analysis::{split::SplitFlags, time::Timestamp};
use sqlx::{Column, Executor, QueryBuilder, Row, Sqlite, Statement};
use support::{Place, fill, sample};

/// The columns that the document describes, by view: the first cells of the tables below a heading
/// that names the view.
fn described() -> BTreeMap<String, Vec<String>> {
    let document = include_str!("../../docs/views.md");
    let mut views = BTreeMap::<String, Vec<String>>::new();
    let mut view = String::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## `") {
            heading.trim_end_matches('`').clone_into(&mut view);
        } else if let Some((column, _)) =
            line.strip_prefix("| `").and_then(|row| row.split_once('`'))
        {
            views.entry(view.clone()).or_default().push(column.to_owned());
        }
    }
    views
}

#[tokio::test]
async fn the_document_names_exactly_the_columns() {
    let place = Place::new();
    fill(&place, &[]).await;
    let mut connection = place.connect().await;
    let mut found = BTreeMap::new();
    for (view, sql) in
        [("v_request", "select * from v_request"), ("v_answer", "select * from v_answer")]
    {
        let statement = connection.prepare(sqlx::SqlSafeStr::into_sql_str(sql)).await.unwrap();
        let columns = statement.columns().iter().map(|column| column.name().to_owned());
        found.insert(view.to_owned(), columns.collect::<Vec<_>>());
    }
    assert_eq!(described(), found);
}

/// The questions that the document shows.
fn examples() -> Vec<String> {
    let document = include_str!("../../docs/views.md");
    let blocks = document.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let questions = blocks.flat_map(|block| block.split(";\n"));
    questions.filter(|question| !question.trim().is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_documents_questions_are_answered_without_reading_a_table_for_each_row_of_another() {
    let place = Place::new();
    fill(&place, &[sample::good(1, 1, "aws", 1)]).await;
    let mut connection = place.connect().await;
    assert_eq!(examples().len(), 4);
    for question in examples() {
        let rows = QueryBuilder::<Sqlite>::new(&question).build().fetch_all(&mut connection).await;
        rows.unwrap();
        let mut plan = QueryBuilder::<Sqlite>::new("explain query plan ");
        let steps = plan.push(&question).build().fetch_all(&mut connection).await.unwrap();
        let steps = steps.iter().map(|step| step.get("detail")).collect::<Vec<String>>();
        let scans = steps.iter().filter(|step| step.starts_with("SCAN")).collect::<Vec<_>>();
        assert!(scans.len() <= 1 && scans != ["SCAN raw_answer"], "{steps:?}");
    }
}

#[tokio::test]
async fn times_of_day_are_spelled_out_to_the_nanosecond() {
    let place = Place::new();
    let times = [-1, 0, 1_620_435_661_000_000_007, -9_000_000_000_000_000_001];
    let measurements = (0_u64..).zip(times).map(|(number, time)| {
        let mut measurement = sample::good(number, 1, "aws", time);
        measurement.call.planned_at = Timestamp::from_unix_ns(time);
        measurement
    });
    fill(&place, &measurements.collect::<Vec<_>>()).await;
    let rows = sqlx::query("select planned_at, started_at from v_request order by uid");
    let rows = rows.fetch_all(&mut place.connect().await).await.unwrap();
    for (row, time) in rows.iter().zip(times) {
        let expected = Timestamp::from_unix_ns(time).to_string();
        assert_eq!((row.get("planned_at"), row.get("started_at")), (&*expected, &*expected));
    }
}

#[tokio::test]
async fn every_flag_has_its_word() {
    let place = Place::new();
    let flags = SplitFlags::all().iter().collect::<Vec<_>>();
    let measurements = (0_u64..).zip(&flags).map(|(number, flag)| {
        let mut measurement = sample::good(number, 1, "aws", 1);
        let timing = measurement.timing.as_mut().unwrap();
        timing.split.as_mut().unwrap().flags = *flag;
        timing.socket.clone_from(&timing.split);
        measurement
    });
    fill(&place, &measurements.collect::<Vec<_>>()).await;
    let expected = flags.iter().map(|flag| flag.words().join(" ")).collect::<Vec<_>>();
    for question in [
        "select flags from v_request order by uid",
        "select socket_flags from v_request order by uid",
    ] {
        let words = sqlx::query_scalar(question);
        let words: Vec<String> = words.fetch_all(&mut place.connect().await).await.unwrap();
        assert_eq!(words, expected, "{question}");
    }
}
