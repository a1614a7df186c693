//! Scores as one JSON object, figures as fractions of 1; what is not defined is null.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use armol_analysis::metrics::{coco::Figures, f1::Counts};
use serde::Serialize;

use super::{CategoryScores, ImageScores, Intervals, ScoredImage, Scores};

/// Writes scores as JSON.
///
/// # Errors
/// Where `output` fails.
pub fn json(scores: &Scores<'_>, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, &Document::from(scores))?;
    writeln!(output)
}

#[derive(Serialize)]
struct Document<'a> {
    objects: usize,
    detections: usize,
    #[serde(flatten)]
    figures: Figures,
    voc_all_points: Option<f64>,
    voc_eleven_points: Option<f64>,
    seed_map: Option<f64>,
    mean_v: Option<f64>,
    mean_v_one_object: Option<f64>,
    at_threshold: AtThreshold,
    intervals: Option<Intervals>,
    categories: Vec<CategoryScores<'a>>,
    images: Vec<ImageObject<'a>>,
    left_out: &'a BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct AtThreshold {
    score: f64,
    iou: f64,
    #[serde(flatten)]
    counts: Counts,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
}

#[derive(Serialize)]
struct ImageObject<'a> {
    id: u64,
    file_name: &'a str,
    #[serde(flatten)]
    worth: ImageScores,
}

impl<'a> From<&Scores<'a>> for Document<'a> {
    fn from(scores: &Scores<'a>) -> Self {
        let images = &scores.set.images;
        let object = |(image, &worth): (&'a ScoredImage, &ImageScores)| ImageObject {
            id: image.id,
            file_name: &image.file_name,
            worth,
        };
        let (thresholds, counts) = (scores.thresholds, scores.counts);
        Self {
            objects: scores.objects(),
            detections: images.iter().map(|image| image.detected.len()).sum(),
            figures: scores.coco.all,
            voc_all_points: scores.voc_all_points.mean,
            voc_eleven_points: scores.voc_eleven_points.mean,
            seed_map: scores.seed_map.mean,
            mean_v: scores.mean(|image| image.v),
            mean_v_one_object: scores.mean(|image| image.v_one_object),
            at_threshold: AtThreshold {
                score: thresholds.score,
                iou: thresholds.overlap,
                counts,
                precision: counts.precision(),
                recall: counts.recall(),
                f1: counts.f1(),
            },
            intervals: scores.intervals,
            categories: scores.categories().collect(),
            images: images.iter().zip(&scores.images).map(object).collect(),
            left_out: &scores.set.left_out,
        }
    }
}
