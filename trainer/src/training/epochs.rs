//! The published learners, which learn step by step by asking: epochs, each told, judged and kept.
//!
//! After each epoch what was learned is judged on the images that are kept apart, a line goes to the
//! log, and a checkpoint to the disk now and then. The best epoch is kept, or the last.

mod learner;
mod options;

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::{Options, TrainingError, checkpoint::Files, stage::Stage};
use crate::{
    evaluation::{Choice, Figures, mean},
    objective::{Expense, Objective},
    policy::Chooser,
    reinforcement::{Environment, EpochFigures},
};
use learner::{EpochLearner, LearnerState};

pub use options::{EpochOptions, Keep};

/// Where epochs are kept, and what ends them.
#[derive(Clone, Debug)]
pub(super) struct Session<'a> {
    /// The files beside the policy; `None` where nothing is kept.
    pub(super) files: Option<Files>,
    /// Marks the data and the options that a checkpoint is of.
    pub(super) mark: String,
    /// Whether to go on from the checkpoint that is there.
    pub(super) resume: bool,
    /// Ends training after the epoch that is under way.
    pub(super) stop: &'a AtomicBool,
}

/// What was learned, and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Learned {
    pub(super) chooser: Chooser,
    pub(super) figures: Option<Figures>,
    /// The mean reward on the images that are kept apart.
    score: Option<f64>,
}

/// All that is needed to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    epoch: u64,
    kept: Option<Learned>,
    learner: LearnerState,
}

/// A line of the log.
#[derive(Serialize)]
struct LogLine<'a> {
    epoch: u64,
    #[serde(flatten)]
    training: &'a EpochFigures,
    validation: Option<&'a Figures>,
    validation_reward: Option<f64>,
}

/// Judges a chooser on the images that are kept apart; `None` where there are none.
pub(super) type Judge<'a> = &'a dyn Fn(&Chooser) -> Option<(Vec<Choice>, Figures)>;

/// Learns for as many epochs as are asked for.
pub(super) fn learn(
    stage: &Stage<'_>,
    options: &Options,
    judge: Judge<'_>,
    session: &Session<'_>,
    told: &mut dyn FnMut(&str),
) -> Result<Learned, TrainingError> {
    let environment = environment(stage, options)?;
    let (mut epoch, mut kept, mut learner) = match session.progress()? {
        Some(Progress { epoch, kept, learner }) => {
            (epoch, kept, EpochLearner::resume(learner, environment)?)
        }
        None => (0, None, EpochLearner::new(options, environment)?),
    };
    let plan = options.epochs.plan(options.learner);
    while let Some(steps) = plan.steps_of(epoch) {
        let training = learner.advance(steps)?;
        epoch += 1;
        let judged = judged(learner.chooser()?, options.objective(), judge);
        told(&described(epoch, &training, &judged));
        session.log(&LogLine {
            epoch,
            training: &training,
            validation: judged.figures.as_ref(),
            validation_reward: judged.score,
        })?;
        if options.epochs.keep() == Keep::Last || is_better(&judged, kept.as_ref()) {
            kept = Some(judged);
        }
        let is_last = plan.steps_of(epoch).is_none();
        let stopped = session.stop.load(Ordering::Relaxed) && !is_last;
        if stopped || (!is_last && epoch.is_multiple_of(options.epochs.checkpoint_every)) {
            session.keep(&Progress { epoch, kept: kept.clone(), learner: learner.state() })?;
        }
        if stopped {
            return Err(TrainingError::StoppedAfter(epoch));
        }
    }
    kept.ok_or(TrainingError::Stopped)
}

impl Session<'_> {
    /// What there is to go on from, where that is asked for; else begins anew.
    fn progress(&self) -> Result<Option<Progress>, TrainingError> {
        let Some(files) = &self.files else { return Ok(None) };
        if !self.resume {
            files.begin()?;
            return Ok(None);
        }
        let progress: Progress = files.read(&self.mark)?;
        files.shorten_log(progress.epoch)?;
        Ok(Some(progress))
    }

    fn log(&self, line: &LogLine<'_>) -> Result<(), TrainingError> {
        Ok(self.files.as_ref().map_or(Ok(()), |files| files.log(line))?)
    }

    fn keep(&self, progress: &Progress) -> Result<(), TrainingError> {
        Ok(self.files.as_ref().map_or(Ok(()), |files| files.write(&self.mark, progress))?)
    }
}

/// The images as what a learner acts on.
fn environment<'a>(
    stage: &'a Stage<'_>,
    options: &Options,
) -> Result<Environment<'a>, TrainingError> {
    let problem = stage.problem(options);
    let first = stage.first();
    let reward = move |image, set| problem.reward(image, first.and(set));
    let environment = Environment::new(problem.states, stage.prices(), reward)?;
    Ok(if options.epochs.published { environment.published() } else { environment })
}

fn judged(chooser: Chooser, objective: Objective, judge: Judge<'_>) -> Learned {
    let Some((choices, figures)) = judge(&chooser) else {
        return Learned { chooser, figures: None, score: None };
    };
    let reward = |choice: &Choice| {
        let latency_s = choice.latency_s.unwrap_or(0.0);
        let expense = Expense { calls: choice.asked.count(), cost: choice.cost, latency_s };
        Some(objective.reward(choice.value?, expense))
    };
    let score = mean(choices.iter().filter_map(reward));
    Learned { chooser, figures: Some(figures), score }
}

/// Whether what was learned is better than what was kept; the later, where nothing can be said.
fn is_better(learned: &Learned, kept: Option<&Learned>) -> bool {
    match (learned.score, kept.and_then(|kept| kept.score)) {
        (Some(score), Some(kept)) => score > kept,
        _ => true,
    }
}

/// An epoch in one line.
fn described(epoch: u64, training: &EpochFigures, learned: &Learned) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let mut parts = vec![format!(
        "epoch {epoch}, step {}: reward {}, cost {}",
        training.steps,
        number(training.mean_reward),
        number(training.mean_cost)
    )];
    if let Some(figures) = &learned.figures {
        let calls: Vec<String> =
            figures.calls.iter().map(|(name, calls)| format!("{name} {calls}")).collect();
        parts.push(format!(
            "kept apart: v {}, AP50 {}, cost {:.3}, {}",
            number(figures.mean_v),
            number(figures.ap50),
            figures.mean_cost,
            calls.join(", ")
        ));
    }
    parts.extend(training.losses.iter().map(|loss| format!("{} {:.4}", loss.name, loss.mean)));
    parts.join("; ")
}
