//! What every choice is worth on images that are learned from, judged by ways to merge that were
//! fitted without them.
//!
//! A model that is fitted on an image knows its truth, and scores on it promise more than they hold
//! elsewhere: who learns from them learns to trust too much. So images are dealt into folds, and
//! each fold is judged by a way that was fitted on the others.

use armol_analysis::{merge::Merger, metrics::image_value::ValueRule};

use super::{Merging, Options, TrainingError, split};
use crate::{
    problem::Values,
    rewards::{Rewards, ScoredImage, Valuation},
    subset::{MOST_PROVIDERS, Subset},
};

/// A way to merge, and what choices are worth by ways like it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The way that is fitted on all of the images.
    pub merger: Merger,
    /// The worth of all subsets; `None` where there are too many.
    table: Option<Rewards>,
}

impl Judged {
    /// Fits and judges.
    ///
    /// # Errors
    /// Where no way to merge can be fitted.
    pub fn new(
        images: &[ScoredImage<'_>],
        names: &[&str],
        options: &Options,
    ) -> Result<Self, TrainingError> {
        let all: Vec<&ScoredImage<'_>> = images.iter().collect();
        let merger = options.merging.merger(&all)?;
        let providers = images.first().map_or(0, |image| image.candidates().answers());
        if providers > MOST_PROVIDERS {
            return Ok(Self { merger, table: None });
        }
        let table = match options.merging {
            Merging::Calibrated { .. } if options.folds > 1 => {
                cross_fitted(images, names, options, &merger)?
            }
            _ => judge(images, providers, &merger, options)?,
        };
        Ok(Self { merger, table: Some(table) })
    }

    /// What choices are worth.
    pub fn values(&self) -> Values<'_> {
        match &self.table {
            Some(table) => Values::Table(table),
            None => Values::Judged(Valuation { merger: &self.merger, rule: ValueRule::Seed }),
        }
    }
}

/// Judges each fold by a way that was fitted on the others; `merger` is that of all.
fn cross_fitted(
    images: &[ScoredImage<'_>],
    names: &[&str],
    options: &Options,
    merger: &Merger,
) -> Result<Rewards, TrainingError> {
    let providers = images.first().map_or(0, |image| image.candidates().answers());
    let subsets = Subset::each(providers).count();
    let mut values = vec![0.0_f32; images.len() * subsets];
    for fold in 0..options.folds {
        let is_in = |place: &usize| {
            names.get(*place).is_some_and(|name| split::fold(name, options.folds) == fold)
        };
        let (own, others): (Vec<usize>, Vec<usize>) = (0..images.len()).partition(is_in);
        if own.is_empty() {
            continue;
        }
        let others: Vec<_> = others.iter().filter_map(|&place| images.get(place)).collect();
        // Where one fold is all that there is, no other way is to be had.
        let fitted = if others.is_empty() { None } else { Some(options.merging.merger(&others)?) };
        let own_images: Vec<_> =
            own.iter().filter_map(|&place| images.get(place).cloned()).collect();
        let table = judge(&own_images, providers, fitted.as_ref().unwrap_or(merger), options)?;
        for (place, row) in own.iter().zip(table.rows()) {
            if let Some(target) = values.chunks_mut(subsets).nth(*place) {
                target.copy_from_slice(row);
            }
        }
    }
    Ok(Rewards::from_values(providers, values))
}

fn judge(
    images: &[ScoredImage<'_>],
    providers: usize,
    merger: &Merger,
    options: &Options,
) -> Result<Rewards, TrainingError> {
    let valuation = Valuation { merger, rule: ValueRule::Seed };
    Ok(Rewards::new(images, providers, valuation, options.threads, &|_| ())?)
}
