//! What was stored is read back unchanged, through the views and through the reader.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use armol_analysis::{identity::Name, time::Timestamp};
use armol_collector::store::{CallFilter, Reader};
use proptest::{
    collection::btree_set, prelude::any, prop_assert_eq, proptest, test_runner::Config,
};
use support::{Place, fill, read_back, sample};

proptest! {
    #![proptest_config(Config::with_cases(32))]

    #[test]
    fn every_field_reads_back(numbers in btree_set(any::<u64>(), 0..300)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut written = numbers.into_iter().map(sample::measurement).collect::<Vec<_>>();
        let (read, calls) = runtime.block_on(async {
            let place = Place::new();
            fill(&place, &written).await;
            let read = read_back::measurements(&mut place.connect().await).await;
            let reader = Reader::open(&place.db).await.unwrap();
            let mut calls = Vec::new();
            let filter = CallFilter::default();
            reader.for_each_call(&filter, |call| calls.push(call)).await.unwrap();
            (read, calls)
        });
        prop_assert_eq!(&read, &written);
        written.sort_by_key(|measurement| (measurement.call.planned_at, measurement.call.uid));
        let expected = written.iter().map(read_back::call_row).collect::<Vec<_>>();
        prop_assert_eq!(calls, expected);
    }
}

#[tokio::test]
async fn calls_are_filtered_by_region_and_time() {
    let place = Place::new();
    let written = (0..200).map(sample::measurement).collect::<Vec<_>>();
    fill(&place, &written).await;
    let reader = Reader::open(&place.db).await.unwrap();
    let since = Timestamp::from_unix_ns(-1_000_000_000_000_000_000);
    let until = Timestamp::from_unix_ns(1_000_000_000_000_000_000);
    let region = Name::new("sg").unwrap();
    let filter = CallFilter { region: Some(region), since: Some(since), until: Some(until) };
    let mut found = Vec::new();
    let count = reader.for_each_call(&filter, |call| found.push(call.uid)).await.unwrap();
    let expected = written.iter().filter(|measurement| {
        let call = &measurement.call;
        call.region.as_str() == "sg" && call.planned_at >= since && call.planned_at < until
    });
    assert_eq!(count, u64::try_from(expected.clone().count()).unwrap());
    found.sort();
    assert_eq!(found, expected.map(|measurement| measurement.call.uid).collect::<Vec<_>>());
    assert!(!found.is_empty());
}

#[tokio::test]
async fn the_newest_good_answer_of_each_image_and_provider_is_read() {
    let place = Place::new();
    let mut failed = sample::good(9, 1, "aws", 900);
    failed.outcome = armol_analysis::outcome::Outcome::ServerError;
    let mut elsewhere = sample::good(5, 1, "aws", 500);
    elsewhere.call.region = Name::new("hk").unwrap();
    let mut empty = sample::good(6, 2, "aws", 100);
    empty.answer.as_mut().unwrap().detections.clear();
    let newest = sample::good(2, 1, "aws", 300);
    let other = sample::good(3, 1, "azure", 50);
    let older = sample::good(4, 1, "aws", 200);
    let written = [older, other.clone(), newest.clone(), elsewhere.clone(), empty, failed];
    fill(&place, &written).await;

    let reader = Reader::open(&place.db).await.unwrap();
    let us = CallFilter { region: Some(Name::new("us").unwrap()), ..CallFilter::default() };
    let answers = reader.newest_answers(&us).await.unwrap();
    let found = answers.iter().map(|answer| {
        (&*answer.image, &*answer.provider, answer.started_at.unix_ns(), answer.detections.len())
    });
    let expected = [("1.jpg", "aws", 300, 2), ("1.jpg", "azure", 50, 2), ("2.jpg", "aws", 100, 0)];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let first = answers.first().unwrap();
    assert_eq!(first.detections, newest.answer.unwrap().detections);
    assert_eq!((first.width, first.height, first.cost_microusd), (640, 481, 1000));
    assert_eq!(first.transmission, Some(std::time::Duration::from_millis(7)));
    assert!(first.simulated);

    let anywhere = reader.newest_answers(&CallFilter::default()).await.unwrap();
    let first = anywhere.first().unwrap();
    assert_eq!((&*first.region, first.started_at.unix_ns()), ("hk", 500));

    let until = Some(Timestamp::from_unix_ns(295));
    let before = reader.newest_answers(&CallFilter { until, ..us }).await.unwrap();
    assert_eq!(before.first().unwrap().started_at.unix_ns(), 200);
}

#[tokio::test]
async fn answers_about_two_contents_of_one_key_are_kept_apart() {
    let place = Place::new();
    let mut changed = sample::good(2, 7, "aws", 300);
    changed.call.image.key = "1.jpg".to_owned();
    let mut other_bucket = sample::good(3, 1, "aws", 400);
    other_bucket.call.image.bucket = "copies".to_owned();
    fill(&place, &[sample::good(1, 1, "aws", 200), changed, other_bucket]).await;

    let reader = Reader::open(&place.db).await.unwrap();
    let answers = reader.newest_answers(&CallFilter::default()).await.unwrap();
    let mut found: Vec<_> =
        answers.iter().map(|answer| (answer.started_at.unix_ns(), &*answer.image)).collect();
    found.sort_unstable();
    assert_eq!(found, [(300, "1.jpg"), (400, "1.jpg")]);
    let [one, other] = &*answers else { panic!("two contents") };
    assert_ne!(one.sha256, other.sha256);

    let mut images = Vec::new();
    let filter = CallFilter::default();
    reader.for_each_call_with_image(&filter, |_, image| images.push(image)).await.unwrap();
    let contents: Vec<_> = images.iter().map(|image| image.unwrap().sha256).collect();
    assert_eq!(contents, [contents[0], contents[1], contents[0]]);
    assert!(contents[0] != contents[1] && images[0].unwrap().bytes > 0);
}

#[tokio::test]
async fn images_and_raw_answers_are_stored_once() {
    let place = Place::new();
    let written = (0..10).map(|number| sample::good(number, 1, "aws", 100)).collect::<Vec<_>>();
    fill(&place, &written).await;
    let more = (10..20).map(|number| sample::good(number, 1, "aws", 100)).collect::<Vec<_>>();
    fill(&place, &more).await;
    assert_eq!(place.count("request").await, 20);
    assert_eq!((place.count("image").await, place.count("raw_answer").await), (1, 1));
}
