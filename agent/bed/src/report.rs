//! Everything that was found: by scenario and method, and by method over all scenarios.
//!
//! As JSON it has every call; `tables` and `charts` show it to people.

mod charts;
mod tables;

use serde::Serialize;

use crate::{bars, bed::Run, line::LineCounts, method::Method, scenario::Scenario, score::Score};

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    circumstances: Circumstances,
    /// Each method over all scenarios.
    summary: Vec<SummaryRow>,
    scenarios: Vec<ScenarioOutcome>,
}

/// How and where it was found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Circumstances {
    /// How many requests each scenario was to have.
    pub(crate) requests: usize,
    /// What everything random was drawn from.
    pub(crate) seed: u64,
    /// How many processors there are.
    pub(crate) processors: usize,
    /// The load averages of the kernel before and after.
    pub(crate) load: [String; 2],
    /// What else is to be known, such as what could not be run.
    pub(crate) remarks: Vec<String>,
}

/// One scenario's outcome.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ScenarioOutcome {
    /// Which one.
    scenario: &'static str,
    /// Whether no frame was lost, by chance or in a full queue.
    lossless: bool,
    /// Frames to the provider and from it; `None` where they were not counted.
    frames: Option<[LineCounts; 2]>,
    /// Each method's outcome, in the order of [`Method::ALL`].
    methods: Vec<MethodOutcome>,
}

/// How a method did.
#[derive(Clone, Debug, Serialize)]
struct MethodOutcome {
    /// Its name.
    #[serde(serialize_with = "by_name")]
    method: Method,
    /// The bars that it missed; `None` where it is held against none.
    missed_bars: Option<Vec<&'static str>>,
    /// Its score.
    #[serde(flatten)]
    score: Score,
}

/// How a method did over several scenarios.
#[derive(Clone, Debug, Serialize)]
struct SummaryRow {
    /// Over which.
    scenarios: ScenarioGroup,
    #[serde(flatten)]
    outcome: MethodOutcome,
}

/// Scenarios that are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ScenarioGroup {
    All,
    LossFree,
    Lossy,
}

impl Report {
    /// The report of these outcomes.
    pub(crate) fn new(circumstances: Circumstances, scenarios: Vec<ScenarioOutcome>) -> Self {
        let groups = ScenarioGroup::worth_telling(&scenarios);
        let row = |method, group| SummaryRow::new(method, group, &scenarios);
        let methods = Method::ALL.into_iter();
        let summary =
            methods.flat_map(|method| groups.iter().map(move |group| row(method, *group)));
        let summary = summary.collect();
        Self { circumstances, summary, scenarios }
    }

    /// Whether any bar was missed.
    pub(crate) fn misses_bars(&self) -> bool {
        let all = self.scenarios.iter().flat_map(|outcome| &outcome.methods);
        all.filter_map(|outcome| outcome.missed_bars.as_ref()).any(|missed| !missed.is_empty())
    }
}

impl ScenarioOutcome {
    /// Scores every method on a run of a scenario.
    pub(crate) fn new(scenario: &Scenario, run: &Run) -> Self {
        let overflowed =
            run.frames.is_some_and(|lines| lines.iter().any(|line| line.overflowed > 0));
        let lossless = scenario.network.loss == 0.0 && !overflowed;
        let methods = Method::ALL.map(|method| {
            MethodOutcome::new(method, Score::of(&method.estimates(run), run), lossless)
        });
        let methods = methods.to_vec();
        Self { scenario: scenario.name, lossless, frames: run.frames, methods }
    }

    fn of(&self, method: Method) -> Option<&MethodOutcome> {
        self.methods.iter().find(|outcome| outcome.method == method)
    }
}

impl MethodOutcome {
    fn new(method: Method, score: Score, lossless: bool) -> Self {
        Self { method, missed_bars: bars::missed(method, &score, lossless), score }
    }
}

impl SummaryRow {
    fn new(method: Method, group: ScenarioGroup, scenarios: &[ScenarioOutcome]) -> Self {
        let outcomes = scenarios.iter().filter(|outcome| group.holds(outcome));
        let scores = outcomes.filter_map(|outcome| Some(&outcome.of(method)?.score));
        let score = Score::together(scores);
        let lossless = group == ScenarioGroup::LossFree;
        Self { scenarios: group, outcome: MethodOutcome::new(method, score, lossless) }
    }
}

impl ScenarioGroup {
    /// The groups that are not empty; all together only where that is another group.
    fn worth_telling(scenarios: &[ScenarioOutcome]) -> Vec<Self> {
        let mut groups = vec![Self::LossFree, Self::Lossy];
        groups.retain(|group| scenarios.iter().any(|outcome| group.holds(outcome)));
        if groups.len() > 1 {
            groups.insert(0, Self::All);
        }
        groups
    }

    const fn holds(self, outcome: &ScenarioOutcome) -> bool {
        match self {
            Self::All => true,
            Self::LossFree => outcome.lossless,
            Self::Lossy => !outcome.lossless,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::LossFree => "loss-free",
            Self::Lossy => "lossy",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn by_name<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.name())
}
