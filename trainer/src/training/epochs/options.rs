//! How long the published learners learn, and what of it is kept.

use crate::policy::Learner;

/// How the published learners learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochOptions {
    /// As the published code learns, with its reward and its faults.
    pub published: bool,
    /// How many steps there are in all; `None` for what is usual.
    pub steps: Option<u64>,
    /// What is kept; `None` for the best epoch, and the last of the published form.
    pub keep: Option<Keep>,
    /// After how many epochs a checkpoint is written each time.
    pub checkpoint_every: u64,
}

/// Which epoch's choice is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Keep {
    /// The one with the highest mean reward on the images that are kept apart
    Best,
    /// The last one
    Last,
}

/// How many steps each epoch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    epoch: u64,
    steps: u64,
}

/// How many steps are usual where a learner learns as a bandit.
const USUAL_STEPS: u64 = 20_000;

impl Default for EpochOptions {
    fn default() -> Self {
        Self { published: false, steps: None, keep: None, checkpoint_every: 1 }
    }
}

impl EpochOptions {
    /// What is kept.
    pub fn keep(&self) -> Keep {
        let usual = if self.published { Keep::Last } else { Keep::Best };
        self.keep.unwrap_or(usual)
    }

    /// How many steps there are in all.
    pub fn steps(&self, learner: Learner) -> u64 {
        let epochs = match learner {
            Learner::Sac => 20,
            Learner::Td3 => 100,
            _ => 50,
        };
        let usual = if self.published { epochs * epoch(learner) } else { USUAL_STEPS };
        self.steps.unwrap_or(usual)
    }

    /// How the steps are dealt into epochs.
    pub(super) fn plan(&self, learner: Learner) -> Plan {
        Plan { epoch: epoch(learner), steps: self.steps(learner) }
    }
}

impl Plan {
    /// How many steps there are in the epoch after so many; `None` where there is none.
    pub(super) fn steps_of(self, epochs: u64) -> Option<u64> {
        let left = self.steps.checked_sub(epochs.checked_mul(self.epoch)?)?;
        (left > 0).then(|| left.min(self.epoch))
    }
}

impl Keep {
    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
        }
    }
}

/// How many steps the published epochs have.
const fn epoch(learner: Learner) -> u64 {
    match learner {
        Learner::Sac => 2_500,
        _ => 4_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_epoch_has_what_is_left() {
        let options = EpochOptions { steps: Some(6_000), ..EpochOptions::default() };
        let plan = options.plan(Learner::Sac);
        let epochs: Vec<_> = (0..4).map(|epoch| plan.steps_of(epoch)).collect();
        assert_eq!(epochs, [Some(2_500), Some(2_500), Some(1_000), None]);
    }

    #[test]
    fn the_published_form_has_the_published_length_and_keeps_the_last() {
        let published = EpochOptions { published: true, ..EpochOptions::default() };
        let steps = [Learner::Sac, Learner::Td3, Learner::Ppo].map(|one| published.steps(one));
        assert_eq!(steps, [50_000, 400_000, 200_000]);
        assert_eq!((published.keep(), EpochOptions::default().keep()), (Keep::Last, Keep::Best));
    }
}
