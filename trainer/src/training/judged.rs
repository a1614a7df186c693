//! What every choice is worth on images that are learned from, judged by ways to merge that were
//! fitted without them.
//!
//! A model that is fitted on an image knows its truth, and scores on it promise more than they hold
//! elsewhere: who learns from them learns to trust too much. So images are dealt into folds, and
//! each fold is judged by a way that was fitted on the others.

use armol_analysis::merge::Merger;

use super::{Merging, Options, TrainingError, split, worth::Rule};
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
    rule: Rule,
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
        let rule = Rule::new(options.reward, options.alignment, images, &merger)?;
        let mut judged = Self { merger, rule, table: None };
        if providers_of(images) <= MOST_PROVIDERS {
            let fitted = matches!(options.merging, Merging::Calibrated { .. });
            judged.table = Some(if fitted && options.folds > 1 {
                judged.cross_fitted(images, names, options)?
            } else {
                judged.table(images, &judged.merger, options)?
            });
        }
        Ok(judged)
    }

    /// What choices are worth.
    pub fn values(&self) -> Values<'_> {
        match &self.table {
            Some(table) => Values::Table(table),
            None => Values::Judged(Valuation { merger: &self.merger, rule: self.rule.reward() }),
        }
    }

    /// Judges each fold by a way that was fitted on the others.
    fn cross_fitted(
        &self,
        images: &[ScoredImage<'_>],
        names: &[&str],
        options: &Options,
    ) -> Result<Rewards, TrainingError> {
        let providers = providers_of(images);
        let subsets = Subset::each(providers).count();
        let mut values = vec![0.0_f32; images.len() * subsets];
        let mut rows: Vec<&mut [f32]> = values.chunks_mut(subsets).collect();
        for fold in 0..options.folds {
            let is_in = |place: &usize| {
                names.get(*place).is_some_and(|name| split::fold(name, options.folds) == fold)
            };
            let (own, others): (Vec<usize>, Vec<usize>) = (0..images.len()).partition(is_in);
            let others: Vec<_> = others.iter().filter_map(|&place| images.get(place)).collect();
            if own.is_empty() {
                continue;
            }
            // Where one fold is all that there is, no other way is to be had.
            let fitted = match others.as_slice() {
                [] => self.merger.clone(),
                others => options.merging.merger(others)?,
            };
            let own_images = own.iter().filter_map(|&place| images.get(place).cloned());
            let table = self.table(&own_images.collect::<Vec<_>>(), &fitted, options)?;
            for (place, judged) in own.iter().zip(table.rows()) {
                if let Some(row) = rows.get_mut(*place) {
                    row.copy_from_slice(judged);
                }
            }
        }
        Ok(Rewards::from_values(providers, values))
    }

    fn table(
        &self,
        images: &[ScoredImage<'_>],
        merger: &Merger,
        options: &Options,
    ) -> Result<Rewards, TrainingError> {
        let valuation = Valuation { merger, rule: self.rule.reward() };
        let providers = providers_of(images);
        Ok(Rewards::new(images, providers, valuation, options.threads, &|_| ())?)
    }
}

fn providers_of(images: &[ScoredImage<'_>]) -> usize {
    images.first().map_or(0, |image| image.candidates().answers())
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use armol_analysis::merge::{Method, Vote};

    use super::*;
    use crate::{
        policy::Learner,
        testing::{cat_and_dog, dataset},
        training::RewardKind,
    };

    fn options(reward: RewardKind) -> Options {
        let merger = Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap();
        Options {
            reward,
            threads: NonZero::<usize>::MIN,
            ..Options::new(Learner::Fixed, Merging::Given(merger))
        }
    }

    fn table(reward: RewardKind) -> Judged {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let part = crate::dataset::Part::whole(&dataset);
        Judged::new(&part.scored(), &["cat.jpg", "dog.jpg"], &options(reward)).unwrap()
    }

    fn rows(judged: &Judged) -> Vec<Vec<f32>> {
        judged.table.as_ref().unwrap().rows().map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn the_aligned_reward_adds_what_an_answer_adds_to_ap50() {
        let plain = rows(&table(RewardKind::V));
        let aligned = rows(&table(RewardKind::Aligned));
        assert!(aligned[0][0] > plain[0][0]);
        assert!(aligned[0][1] <= plain[0][1], "nothing was seen, and adds nothing");
    }
}
