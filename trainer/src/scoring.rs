//! How good one list of detections is: every measure of a ground truth and a COCO result list.
//!
//! [`ScoredSet`] is what was read from the two files; its categories are the groups. [`scores`]
//! takes every measure of it, and [`table()`], [`json()`] and [`csv()`] write them.

mod csv;
mod files;
mod json;
mod table;

use armol_analysis::{
    label_groups::{GroupId, GroupedBox},
    metrics::{
        TrueBox,
        bootstrap::{Bootstrap, Interval},
        coco::{self, Figures, Matches},
        f1::{self, Counts, Thresholds},
        image_value::{ValueRule, image_value},
        voc,
    },
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use self::{
    csv::csv,
    files::{ScoredImage, ScoredSet, ScoringError},
    json::json,
    table::table,
};

/// What the rows of a table or of CSV are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rows {
    /// A row a category of the ground truth.
    Category,
    /// A row an image.
    Image,
}

/// Everything that is measured of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores<'a> {
    /// What was measured.
    pub set: &'a ScoredSet,
    /// COCO's figures, of the set and of each category.
    pub coco: coco::Evaluation,
    /// Pascal VOC's average precision since 2010.
    pub voc_all_points: voc::Evaluation,
    /// Pascal VOC's average precision of 2007.
    pub voc_eleven_points: voc::Evaluation,
    /// The mAP of Armol's own script.
    pub seed_map: voc::Evaluation,
    /// What makes a detection count for [`counts`](Self::counts).
    pub thresholds: Thresholds,
    /// What is right, wrong and missed at those thresholds, over all categories.
    pub counts: Counts,
    /// What each image is worth, in the order of the set.
    pub images: Vec<ImageScores>,
    /// How far the figures could be off by the choice of images, where that was asked for.
    pub intervals: Option<Intervals>,
}

/// What the detections of one image are worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ImageScores {
    /// COCO's AP50 of the image alone; `None` where it has no object.
    pub ap50: Option<f64>,
    /// Its value where a detection may find several objects.
    pub v: f64,
    /// Its value where a detection finds one object at most.
    pub v_one_object: f64,
}

/// The figures of one category; `None` where it has no object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CategoryScores<'a> {
    /// Its name in the ground truth.
    pub name: &'a str,
    /// How many objects there are to find.
    pub objects: usize,
    /// COCO's figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Pascal VOC's average precision since 2010.
    pub voc_all_points: Option<f64>,
    /// Pascal VOC's average precision of 2007.
    pub voc_eleven_points: Option<f64>,
    /// The average precision of Armol's own script.
    pub seed_ap: Option<f64>,
}

/// How images are drawn again, and by which seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Resampling {
    /// How often, and how sure an interval is.
    #[serde(flatten)]
    pub bootstrap: Bootstrap,
    /// The same seed draws the same images.
    pub seed: u64,
}

/// Bootstrap intervals over images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// How they were drawn.
    #[serde(flatten)]
    pub resampling: Resampling,
    /// Of mAP.
    pub ap: Option<Interval>,
    /// Of AP50.
    pub ap50: Option<Interval>,
    /// Of the mean value where a detection may find several objects.
    pub mean_v: Option<Interval>,
    /// Of the mean value where a detection finds one object at most.
    pub mean_v_one_object: Option<Interval>,
}

/// Takes every measure of a set of images.
pub fn scores(
    set: &ScoredSet,
    thresholds: Thresholds,
    resampling: Option<Resampling>,
) -> Scores<'_> {
    let matches = Matches::new(pairs(set));
    let images: Vec<ImageScores> = set.images.iter().map(image_scores).collect();
    let intervals = resampling.map(|resampling| intervals(&matches, &images, resampling));
    Scores {
        set,
        coco: matches.evaluation(),
        voc_all_points: voc::evaluate(pairs(set), voc::Rule::ALL_POINTS),
        voc_eleven_points: voc::evaluate(pairs(set), voc::Rule::ELEVEN_POINTS),
        seed_map: voc::evaluate(pairs(set), voc::Rule::SEED),
        thresholds,
        counts: f1::counts(pairs(set), thresholds).into_values().sum(),
        images,
        intervals,
    }
}

fn pairs(set: &ScoredSet) -> impl Iterator<Item = (&[GroupedBox], &[TrueBox])> {
    set.images.iter().map(|image| (image.detected.as_slice(), image.truth.as_slice()))
}

fn image_scores(image: &ScoredImage) -> ImageScores {
    let (detected, truth) = (image.detected.as_slice(), image.truth.as_slice());
    ImageScores {
        ap50: coco::average_precision([(detected, truth)]).map(|precision| precision.ap50),
        v: image_value(detected, truth, ValueRule::Seed),
        v_one_object: image_value(detected, truth, ValueRule::OneObject),
    }
}

fn intervals(matches: &Matches, images: &[ImageScores], resampling: Resampling) -> Intervals {
    let bootstrap = resampling.bootstrap;
    // The same images for every figure.
    let draw = || {
        let mut generator = ChaCha8Rng::seed_from_u64(resampling.seed);
        move |below: u32| generator.random_range(0..below)
    };
    let ap = |times: &[u32]| Some(matches.resampled_average_precision(times)?.ap);
    let values = |value: fn(&ImageScores) -> f64| images.iter().map(value).collect::<Vec<_>>();
    Intervals {
        resampling,
        ap: bootstrap.interval(images.len(), draw(), ap),
        ap50: bootstrap.interval(images.len(), draw(), |times| matches.resampled_ap50(times)),
        mean_v: bootstrap.interval_of_mean(&values(|image| image.v), draw()),
        mean_v_one_object: bootstrap.interval_of_mean(&values(|image| image.v_one_object), draw()),
    }
}

impl<'a> Scores<'a> {
    /// The mean of a value over the images; `None` without images.
    pub fn mean(&self, value: impl Fn(&ImageScores) -> f64) -> Option<f64> {
        let count = u32::try_from(self.images.len()).ok().filter(|&count| count > 0)?;
        Some(self.images.iter().map(value).sum::<f64>() / f64::from(count))
    }

    /// How many objects there are to find.
    pub fn objects(&self) -> usize {
        self.coco.groups.values().map(|group| group.objects).sum()
    }

    /// The figures of every category of the ground truth, in its order.
    pub fn categories(&self) -> impl Iterator<Item = CategoryScores<'a>> {
        (0..=u16::MAX).map(GroupId::new).zip(&self.set.categories).map(|(group, name)| {
            let coco = self.coco.groups.get(&group);
            let of = |evaluation: &voc::Evaluation| evaluation.groups.get(&group).copied();
            CategoryScores {
                name,
                objects: coco.map_or(0, |coco| coco.objects),
                figures: coco.map_or_else(Figures::default, |coco| coco.figures),
                voc_all_points: of(&self.voc_all_points),
                voc_eleven_points: of(&self.voc_eleven_points),
                seed_ap: of(&self.seed_map),
            }
        })
    }
}
