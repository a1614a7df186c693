//! The Jaccard index of label sets is the reward that a data set of real services stores.
//!
//! Runs where `shared/data` is beside the repository or one of its parents.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "support/shared.rs"]
mod shared;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader},
};

use armol_analysis::{label_groups::GroupId, metrics::labels::jaccard};
use flate2::read::GzDecoder;
use serde::Deserialize;

#[derive(Deserialize)]
struct Image {
    id: String,
    r#true: Vec<u16>,
    pred: BTreeMap<String, Vec<(u16, f64)>>,
    reward: BTreeMap<String, f64>,
}

fn labels(numbers: impl IntoIterator<Item = u16>) -> BTreeSet<GroupId> {
    numbers.into_iter().map(GroupId::new).collect()
}

#[test]
fn stored_rewards_of_real_services_are_jaccard_indices() {
    let Some(folder) = shared::shared_data("frugalmct-pascal") else {
        println!("skipped: shared/data/frugalmct-pascal is not beside the repository");
        return;
    };
    let file = File::open(folder.join("pascal_mlaas.jsonl.gz")).expect("the joined records");
    let mut compared = 0;
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let image: Image = serde_json::from_str(&line.unwrap()).unwrap();
        let truth = labels(image.r#true);
        for (service, answer) in &image.pred {
            let index = jaccard(&labels(answer.iter().map(|(label, _)| *label)), &truth);
            let stored = image.reward[service];
            assert!((index - stored).abs() < 1e-9, "{} {service}: {index}, {stored}", image.id);
            compared += 1;
        }
    }
    println!("{compared} stored rewards agree");
    assert_eq!(compared, 3 * 11_540);
}
