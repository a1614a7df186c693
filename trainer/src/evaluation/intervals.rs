//! How far the figures of a policy could be off by the choice of images.

use armol_analysis::metrics::bootstrap::Interval;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{Choice, matches};
use crate::{dataset::Part, scoring::Resampling};

/// Bootstrap intervals over images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// How they were drawn.
    #[serde(flatten)]
    pub resampling: Resampling,
    /// Of AP50.
    pub ap50: Option<Interval>,
    /// Of the mean value.
    pub mean_v: Option<Interval>,
    /// Of the mean cost, in thousandths of a US dollar.
    pub mean_cost: Option<Interval>,
}

/// Draws the images again; the same images for every figure.
pub fn intervals(part: &Part<'_>, choices: &[Choice], resampling: Resampling) -> Intervals {
    let bootstrap = resampling.bootstrap;
    let draw = || {
        let mut generator = ChaCha8Rng::seed_from_u64(resampling.seed);
        move |below: u32| generator.random_range(0..below)
    };
    let costs: Vec<f64> = choices.iter().map(|choice| choice.cost).collect();
    let values: Vec<f64> = choices.iter().filter_map(|choice| choice.value).collect();
    let matches = (!values.is_empty()).then(|| matches(part, choices));
    let ap50 = matches.and_then(|matches| {
        bootstrap.interval(choices.len(), draw(), |times| matches.resampled_ap50(times))
    });
    Intervals {
        resampling,
        ap50,
        mean_v: bootstrap.interval_of_mean(&values, draw()),
        mean_cost: bootstrap.interval_of_mean(&costs, draw()),
    }
}
