//! Baselines as one JSON object, figures as fractions and thousandths of a US dollar.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::Baselines;
use crate::{
    baseline::{LabelFigures, Row},
    dataset::Provider,
    rewards::Measure,
};

/// Writes baselines as JSON.
///
/// # Errors
/// Where `output` fails.
pub fn json(baselines: &Baselines<'_>, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, &Document::from(baselines))?;
    writeln!(output)
}

#[derive(Serialize)]
struct Document<'a> {
    simulated: bool,
    region: Option<&'a str>,
    dataset: &'a str,
    measure: &'static str,
    merge: &'static str,
    vote: &'static str,
    value: &'static str,
    seed: u64,
    images: usize,
    providers: Vec<ProviderObject<'a>>,
    rows: Vec<RowObject<'a>>,
    images_without_answer: usize,
    answers_without_ground_truth: usize,
    answers_of_other_size: usize,
    answers_of_other_content: usize,
    dropped_words: Vec<WordObject<'a>>,
}

#[derive(Serialize)]
struct ProviderObject<'a> {
    name: &'a str,
    simulated: bool,
    answered: usize,
}

#[derive(Serialize)]
struct RowObject<'a> {
    method: &'a str,
    ap: Option<f64>,
    ap50: Option<f64>,
    /// Of labels; boxes have no such figures.
    #[serde(flatten)]
    labels: Option<LabelObject>,
    mean_cost: f64,
    mean_v: f64,
    calls: BTreeMap<&'a str, usize>,
    /// The set of a method that asks the same providers about every image and chose them.
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<&'a str>>,
    /// What `mean_v` could be at most at that cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_v_bound: Option<f64>,
}

#[derive(Serialize)]
struct LabelObject {
    jaccard: f64,
    f1: Option<f64>,
}

#[derive(Serialize)]
struct WordObject<'a> {
    word: &'a str,
    count: usize,
}

impl<'a> From<&Baselines<'a>> for Document<'a> {
    fn from(baselines: &Baselines<'a>) -> Self {
        let dataset = baselines.dataset;
        let provider = |(provider, answered): (&'a Provider, &usize)| ProviderObject {
            name: &provider.name,
            simulated: provider.simulated,
            answered: *answered,
        };
        let names = || dataset.providers.iter().map(|provider| provider.name.as_str());
        let row = |row: &'a Row| RowObject {
            method: &row.method,
            ap: row.precision.map(|precision| precision.ap),
            ap50: row.precision.map(|precision| precision.ap50),
            labels: row.labels.map(|LabelFigures { jaccard, f1 }| LabelObject { jaccard, f1 }),
            mean_cost: row.mean_cost,
            mean_v: row.mean_value,
            calls: names().zip(row.calls.iter().copied()).collect(),
            providers: row.kind.chosen_set().map(|subset| subset.names(&dataset.providers)),
            mean_v_bound: row.kind.bound(),
        };
        let word = |(word, count): &'a (String, usize)| WordObject { word, count: *count };
        let left_out = &dataset.left_out;
        Self {
            simulated: dataset.simulated(),
            region: baselines.region,
            dataset: &dataset.name,
            measure: baselines.measure.as_str(),
            merge: baselines.merger.method().as_str(),
            vote: baselines.merger.vote().as_str(),
            value: match baselines.measure {
                Measure::Boxes => baselines.rule.as_str(),
                Measure::Labels => "jaccard",
            },
            seed: baselines.seed,
            images: dataset.images.len(),
            providers: dataset.providers.iter().zip(&dataset.answered).map(provider).collect(),
            rows: baselines.rows.iter().map(row).collect(),
            images_without_answer: left_out.images_without_answer,
            answers_without_ground_truth: left_out.answers_without_truth,
            answers_of_other_size: left_out.answers_of_other_size,
            answers_of_other_content: left_out.answers_of_other_content,
            dropped_words: dataset.dropped_words.iter().map(word).collect(),
        }
    }
}
