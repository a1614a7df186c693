//! What is learned of small problems whose best policy is known.

use armol_analysis::{
    detection::Detection,
    label_groups::{GroupId, GroupedBox},
    merge::{Candidates, Merger, Method, Vote},
    metrics::image_value::ValueRule,
};
use armol_collector::store::StoredAnswer;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    dataset::Dataset,
    ground_truth::TrueImage,
    objective::Objective,
    policy::Observation,
    problem::{Latencies, Values},
    rewards::{Rewards, ScoredImage, Valuation},
    state::States,
    subset::Subset,
    testing::{LEFT, RIGHT, answer, bbox, dataset, detection, image, object, truth_of},
};

/// What three providers say of an image, and what the best policy asks.
struct Case {
    kind: &'static str,
    truth: &'static [(&'static str, [f64; 4])],
    answers: [&'static [(&'static str, [f64; 4])]; 3],
    after_first: Option<usize>,
}

/// The first provider sees the left of every image, and what it sees tells who sees the right; of a
/// bird there is nothing more to see.
const CASES: [Case; 3] = [
    Case {
        kind: "cat",
        truth: &[("cat", LEFT), ("dog", RIGHT)],
        answers: [&[("cat", LEFT)], &[("dog", RIGHT)], &[]],
        after_first: Some(1),
    },
    Case {
        kind: "person",
        truth: &[("person", LEFT), ("car", RIGHT)],
        answers: [&[("person", LEFT)], &[], &[("car", RIGHT)]],
        after_first: Some(2),
    },
    Case {
        kind: "bird",
        truth: &[("bird", LEFT)],
        answers: [&[("bird", LEFT)], &[], &[]],
        after_first: None,
    },
];

/// Of each case so many images.
fn known(times: usize) -> Dataset {
    let (mut answers, mut images) = (Vec::new(), Vec::new());
    for number in 0..times {
        for case in &CASES {
            let name = format!("{}-{number}.jpg", case.kind);
            for (provider, seen) in ["a", "b", "c"].into_iter().zip(case.answers) {
                answers.push(answer(&name, provider, &detections(seen)));
            }
            let truth: Vec<_> =
                case.truth.iter().map(|(word, place)| object(word, *place)).collect();
            images.push(image(&name, &truth));
        }
    }
    dataset(&answers, truth_of(images))
}

fn detections(seen: &[(&str, [f64; 4])]) -> Vec<Detection> {
    seen.iter().map(|(word, place)| detection(word, 0.9, *place)).collect()
}

/// Images of which so many providers see something at random.
fn random(providers: usize, images: usize) -> Dataset {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let words = ["cat", "dog", "person"];
    let (mut answers, mut truth): (Vec<StoredAnswer>, Vec<TrueImage>) = (Vec::new(), Vec::new());
    for number in 0..images {
        let name = format!("{number}.jpg");
        let seen = generator.random_range(0..words.len());
        for provider in 0..providers {
            let word = words[(seen + usize::from(generator.random_bool(0.3))) % words.len()];
            let place = if generator.random_bool(0.7) { LEFT } else { RIGHT };
            let boxes = if generator.random_bool(0.8) { vec![(word, place)] } else { Vec::new() };
            answers.push(answer(&name, &format!("p{provider:02}"), &detections(&boxes)));
        }
        truth.push(image(&name, &[object(words[seen], LEFT)]));
    }
    dataset(&answers, truth_of(truth))
}

fn small() -> SequentialOptions {
    let trees = TreesOptions {
        trees: 30,
        rate: 0.3,
        least_rows: 3,
        ridge: 0.1,
        row_share: 1.0,
        column_share: 1.0,
        ..TreesOptions::default()
    };
    SequentialOptions { folds: 3, trees, ..SequentialOptions::default() }
}

/// Changes to a problem that a test makes.
struct Setting {
    states: States,
    latencies: Option<Latencies>,
    objective: Objective,
}

impl Default for Setting {
    fn default() -> Self {
        let objective = Objective { beta: 0.0, latency_weight: 0.0, published: false };
        Self { states: States::new(0, Vec::new()), latencies: None, objective }
    }
}

fn merger() -> Merger {
    Merger::new(Vote::Affirmative, Method::MeanWbf).unwrap()
}

/// What is learned of a data set at a price.
fn learned(
    dataset: &Dataset,
    setting: &Setting,
    options: &SequentialOptions,
    beta: f64,
) -> Result<SequentialChooser, SequentialError> {
    let merger = merger();
    let images: Vec<ScoredImage<'_>> =
        dataset.images.iter().map(|image| ScoredImage::new(image, &dataset.providers)).collect();
    let providers = dataset.providers.len();
    let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
    let threads = NonZero::<usize>::MIN;
    let rewards = Rewards::new(&images, providers, valuation, threads, &|_| ()).unwrap();
    let problem = Problem {
        images: &images,
        states: &setting.states,
        providers,
        values: Values::Table(&rewards),
        latencies: setting.latencies.as_ref(),
        objective: setting.objective,
    };
    let evidence = Evidence::new(&images, providers, &merger);
    SequentialModel::fit(&problem, &evidence, options, 1)?.at(beta)
}

/// Whom a policy asks about an image, call after call.
fn calls(chooser: &SequentialChooser, candidates: &Candidates, state: &[f32]) -> Vec<Subset> {
    let answered = Subset::all(chooser.providers());
    let (mut asked, mut calls) = (Subset::default(), Vec::new());
    loop {
        let next = chooser.choose(&Observation { state, candidates, asked, answered });
        if next.is_empty() {
            return calls;
        }
        assert!(next.within(asked).is_empty(), "{next:?} was asked in {asked:?}");
        assert!(next.beyond(answered).is_empty(), "{next:?} is nobody it knows");
        asked = asked.and(next);
        calls.push(next);
    }
}

/// The answers of a case.
fn candidates(dataset: &Dataset, place: usize) -> Candidates {
    ScoredImage::new(&dataset.images[place], &dataset.providers).candidates().clone()
}

fn case_of(dataset: &Dataset, place: usize) -> &'static Case {
    let name = &dataset.images[place].name;
    CASES.iter().find(|case| name.starts_with(case.kind)).unwrap()
}

#[test]
fn the_first_answer_tells_who_is_asked_next() {
    let dataset = known(12);
    for form in [Form::Sequential, Form::Cascade] {
        let options = SequentialOptions { form, ..small() };
        let chooser = learned(&dataset, &Setting::default(), &options, -0.1).unwrap();
        for place in 0..dataset.images.len() {
            let second = case_of(&dataset, place).after_first.map(Subset::single);
            let expected: Vec<Subset> = std::iter::once(Subset::single(0)).chain(second).collect();
            let calls = calls(&chooser, &candidates(&dataset, place), &[]);
            assert_eq!(calls, expected, "{form:?} {place}");
        }
    }
}

#[test]
fn nobody_is_asked_again_where_that_costs_more_than_it_brings() {
    let dataset = known(12);
    let chooser = learned(&dataset, &Setting::default(), &small(), -0.6).unwrap();
    for place in 0..dataset.images.len() {
        let calls = calls(&chooser, &candidates(&dataset, place), &[]);
        assert_eq!(calls, [Subset::single(0)]);
    }
}

#[test]
fn waiting_that_costs_more_than_money_asks_all_at_once() {
    let dataset = known(12);
    let setting = Setting {
        latencies: Some(Latencies::new(3, vec![1.0; 3 * dataset.images.len()])),
        objective: Objective { beta: -0.01, latency_weight: 0.2, published: false },
        ..Setting::default()
    };
    let chooser = learned(&dataset, &setting, &small(), -0.01).unwrap();
    assert_eq!(calls(&chooser, &candidates(&dataset, 0), &[]), [Subset::all(3)]);
}

#[test]
fn the_state_decides_the_first_call_where_that_brings_more() {
    // Two providers, of which the state tells which one sees anything.
    let (mut answers, mut images, mut states) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..40_u8 {
        let name = format!("{number:02}.jpg");
        let sees = [number % 2 == 0, number % 2 == 1];
        for (provider, sees) in ["a", "b"].into_iter().zip(sees) {
            let found: &[_] = if sees { &[("cat", LEFT)] } else { &[] };
            answers.push(answer(&name, provider, &detections(found)));
        }
        images.push(image(&name, &[object("cat", LEFT)]));
        states.push(f32::from(number % 2));
    }
    let dataset = dataset(&answers, truth_of(images));
    let setting = Setting { states: States::new(1, states.clone()), ..Setting::default() };
    let chooser = learned(&dataset, &setting, &small(), -0.1).unwrap();
    for (place, state) in states.iter().enumerate() {
        let sees = usize::from(*state > 0.5);
        let calls = calls(&chooser, &candidates(&dataset, place), &[*state]);
        assert_eq!(calls, [Subset::single(sees)], "{place}");
    }
}

#[test]
fn the_same_seed_gives_the_same_policy_on_any_number_of_threads() {
    let dataset = random(5, 40);
    let on = |threads| {
        let threads = NonZero::new(threads).unwrap();
        let options = SequentialOptions { threads, ..small() };
        learned(&dataset, &Setting::default(), &options, -0.05).unwrap()
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_stored_policy_reads_back_and_what_is_none_is_refused() {
    let dataset = known(6);
    let chooser = learned(&dataset, &Setting::default(), &small(), -0.1).unwrap();
    let stored = serde_json::to_string(&chooser).unwrap();
    assert_eq!(serde_json::from_str::<SequentialChooser>(&stored).unwrap(), chooser);
    for (from, to) in [
        ("\"beta\":-0.1", "\"beta\":0.1"),
        ("\"beta\":-0.1", "\"beta\":null"),
        ("\"prices\":[1.0,", "\"prices\":["),
        ("\"latency_weight\":0.0", "\"latency_weight\":-1.0"),
        ("\"always\":1", "\"always\":0"),
        ("\"always\":1", "\"always\":8"),
        ("\"state_numbers\":0", "\"state_numbers\":1"),
        ("\"these\":2", "\"these\":16"),
        ("\"these\":2", "\"these\":0"),
    ] {
        let changed = stored.replace(from, to);
        assert!(changed != stored, "{from} is not there");
        assert!(serde_json::from_str::<SequentialChooser>(&changed).is_err(), "{to}");
    }
}

#[test]
fn what_no_policy_can_be_learned_from_is_refused() {
    let dataset = known(2);
    let refused = |setting: &Setting, options: &SequentialOptions, beta| {
        learned(&dataset, setting, options, beta).unwrap_err()
    };
    let plain = Setting::default();
    assert_eq!(refused(&plain, &small(), 0.1), SequentialError::Beta(0.1));
    assert!(matches!(refused(&plain, &small(), f64::NAN), SequentialError::Beta(_)));
    let options = SequentialOptions { folds: 1, ..small() };
    assert_eq!(refused(&plain, &options, 0.0), SequentialError::Folds(1));
    let few = Setting { states: States::new(1, vec![0.0; 3]), ..Setting::default() };
    assert_eq!(refused(&few, &small(), 0.0), SequentialError::States { states: 3, images: 6 });
    let odd = Setting { states: States::new(1, vec![f32::NAN; 6]), ..Setting::default() };
    assert!(matches!(refused(&odd, &small(), 0.0), SequentialError::Trees(_)));
    let mut published = Setting::default();
    published.objective.published = true;
    assert_eq!(
        refused(&published, &small(), 0.0),
        SequentialError::Tariff(crate::tariff::TariffError::Published)
    );
}

#[test]
fn one_provider_is_asked_once() {
    let dataset = random(1, 12);
    for form in [Form::Sequential, Form::Cascade] {
        let options = SequentialOptions { form, ..small() };
        let chooser = learned(&dataset, &Setting::default(), &options, -0.1).unwrap();
        assert_eq!(calls(&chooser, &candidates(&dataset, 0), &[]), [Subset::single(0)]);
    }
}

/// Policies of many providers, learned once.
fn policies() -> &'static [SequentialChooser] {
    static POLICIES: std::sync::OnceLock<Vec<SequentialChooser>> = std::sync::OnceLock::new();
    POLICIES.get_or_init(|| {
        let mut policies = Vec::new();
        for (providers, form) in [(3, Form::Sequential), (8, Form::Sequential), (12, Form::Cascade)]
        {
            let dataset = random(providers, 24);
            let trees = TreesOptions { trees: 8, ..small().trees };
            let options = SequentialOptions { form, trees, folds: 2, ..small() };
            policies.push(learned(&dataset, &Setting::default(), &options, 0.0).unwrap());
        }
        policies
    })
}

proptest! {
    #[test]
    fn nobody_is_asked_twice_and_every_policy_ends(
        answers in proptest::collection::vec(
            proptest::collection::vec((0..4_u16, 0.0..=1.0_f64, 0..3_u8), 0..4), 12
        )
    ) {
        let seen = |&(group, score, place): &(u16, f64, u8)| {
            let left = 100.0 * f64::from(place);
            let bbox = bbox([left, 0.0, left + 120.0, 100.0]);
            GroupedBox { group: GroupId::new(group), score, bbox }
        };
        let answers: Vec<Vec<GroupedBox>> =
            answers.iter().map(|answer| answer.iter().map(seen).collect()).collect();
        for policy in policies() {
            let own = answers.iter().take(policy.providers()).map(Vec::as_slice);
            let calls = calls(policy, &Candidates::new(own), &[]);
            prop_assert!(!calls.is_empty() && calls.len() <= policy.providers());
        }
    }

    #[test]
    fn a_policy_looks_at_nobody_who_was_not_asked(
        place in 0..3_usize, group in 0..4_u16, score in 0.0..=1.0_f64
    ) {
        let own = [GroupedBox { group: GroupId::new(0), score: 0.5, bbox: bbox(LEFT) }];
        let others = [GroupedBox { group: GroupId::new(group), score, bbox: bbox(RIGHT) }];
        let next = |other: &[GroupedBox]| {
            let answers: Vec<&[GroupedBox]> =
                (0..3).map(|one| if one == place { &own[..] } else { other }).collect();
            let candidates = Candidates::new(answers);
            let (asked, answered) = (Subset::single(place), Subset::all(3));
            policies()[0].choose(&Observation { state: &[], candidates: &candidates, asked, answered })
        };
        prop_assert_eq!(next(&others), next(&[]));
    }
}
