use std::num::NonZero;

use armol_analysis::{
    label_groups::{GroupId, GroupedBox},
    merge::{Candidates, Merger, Method, Vote},
    metrics::{TrueBox, image_value::ValueRule},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    dataset::{Answer, Image, Provider},
    objective::Objective,
    policy::Observation,
    problem::{Latencies, Values},
    rewards::{Reward, Rewards, ScoredImage, Valuation},
    state::States,
    subset::{MOST_PROVIDERS, Subset},
    testing::{LEFT, bbox},
};

/// Images of which each provider sees some, and what is known of them.
struct World {
    providers: Vec<Provider>,
    images: Vec<Image>,
    states: States,
    latencies: Option<Latencies>,
    objective: Objective,
}

impl World {
    /// So many images of kinds that states name, the object of each seen by the provider of its kind
    /// only; a call costs a thousandth of a dollar.
    fn of_kinds(providers: usize, images: usize) -> Self {
        let kinds = |image: usize| image % providers;
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let mut state = |image: usize| {
            let kind = (0..providers).map(move |kind| if kind == kinds(image) { 1.0 } else { 0.0 });
            let mut state: Vec<f32> = kind.collect();
            state.push(generator.random_range(-1.0..1.0));
            state
        };
        let values = (0..images).flat_map(&mut state).collect();
        let states = States::new(providers + 1, values);
        Self::new(providers, states, |image, provider| provider == kinds(image))
    }

    fn new(providers: usize, states: States, sees: impl Fn(usize, usize) -> bool) -> Self {
        let provider = |place: usize| Provider {
            name: format!("provider-{place}"),
            simulated: false,
            price_microusd: 1000,
        };
        let object = bbox(LEFT);
        let group = GroupId::new(0);
        let image = |place: usize| Image {
            name: format!("{place}.jpg"),
            id: u64::try_from(place).unwrap(),
            size: None,
            truth: vec![TrueBox { group, bbox: object, crowd: false, area: None }],
            labels: Vec::new(),
            answers: (0..providers)
                .map(|provider| {
                    let found = GroupedBox { group, score: 0.9, bbox: object };
                    let boxes = if sees(place, provider) { vec![found] } else { Vec::new() };
                    Some(Answer { boxes, cost_microusd: 1000, ..Answer::default() })
                })
                .collect(),
        };
        Self {
            providers: (0..providers).map(provider).collect(),
            images: (0..states.images()).map(image).collect(),
            states,
            latencies: None,
            objective: Objective { beta: -0.1, latency_weight: 0.0, published: false },
        }
    }

    fn model(&self, options: &DirectOptions, seed: u64) -> Result<DirectModel, DirectError> {
        let merger = Merger::new(Vote::Affirmative, Method::Wbf).unwrap();
        let valuation = Valuation { merger: &merger, rule: ValueRule::Seed };
        let images = self.images.iter();
        let images: Vec<ScoredImage<'_>> =
            images.map(|image| ScoredImage::new(image, &self.providers)).collect();
        let providers = self.providers.len();
        let table = (providers <= MOST_PROVIDERS).then(|| {
            Rewards::new(&images, providers, valuation, NonZero::<usize>::MIN, &|_| ()).unwrap()
        });
        let judged = Valuation { merger: &merger, rule: Reward::Value(ValueRule::Seed) };
        let problem = Problem {
            images: &images,
            states: &self.states,
            providers,
            values: table.as_ref().map_or(Values::Judged(judged), Values::Table),
            latencies: self.latencies.as_ref(),
            objective: self.objective,
        };
        DirectModel::fit(&problem, options, seed)
    }

    fn chooser(&self, options: &DirectOptions) -> DirectChooser {
        self.model(options, 7).unwrap().at(self.objective.beta).unwrap()
    }
}

fn choice(chooser: &DirectChooser, state: &[f32], asked: Subset) -> Subset {
    let candidates = Candidates::new(vec![&[][..]; chooser.providers()]);
    chooser.choose(&Observation { state, candidates: &candidates, asked, answered: asked })
}

fn network(hidden: &[usize]) -> DirectOptions {
    let options = NetworkOptions { hidden: hidden.to_vec(), ..NetworkOptions::default() };
    let options = NetworkOptions { rate: 1e-2, batch: 16, ..options };
    DirectOptions { regression: Regression::Network(options), first: None }
}

#[test]
fn a_linear_bandit_is_solved_exactly_whatever_the_number_of_providers() {
    for providers in [1, 2, 5, 13, 16] {
        let world = World::of_kinds(providers, 6 * providers.max(2));
        let chooser = world.chooser(&DirectOptions::default());
        for image in 0..world.images.len() {
            let chosen = choice(&chooser, world.states.row(image), Subset::default());
            assert_eq!(chosen, Subset::single(image % providers), "{providers} {image}");
            assert_eq!(choice(&chooser, world.states.row(image), chosen), Subset::default());
        }
    }
}

#[test]
fn a_network_solves_what_no_weighted_sum_does() {
    // Who sees the object goes by whether two marks are alike.
    let marks = |image: usize| [image & 1, image >> 1 & 1].map(|mark| mark == 1);
    let state = |image| marks(image).map(|mark| if mark { 1.0 } else { 0.0 });
    let states = States::new(2, (0..80).flat_map(state).collect());
    let world = World::new(2, states, |image, provider| {
        let [one, other] = marks(image);
        (one == other) == (provider == 0)
    });
    let chooser = world.chooser(&network(&[16]));
    for image in 0..4 {
        let [one, other] = marks(image);
        let expected = Subset::single(usize::from(one != other));
        assert_eq!(choice(&chooser, &state(image), Subset::default()), expected, "{image}");
    }
}

#[test]
fn dearer_money_asks_fewer() {
    let world =
        World::new(2, States::new(1, vec![1.0; 20]), |image, provider| image % 2 == provider);
    let model = world.model(&DirectOptions::default(), 1).unwrap();
    // Both are worth 1, one alone 0 at the mean.
    let chosen = |beta: f64| choice(&model.at(beta).unwrap(), &[1.0], Subset::default()).count();
    assert_eq!((chosen(-0.9), chosen(-1.1)), (2, 1));
    assert!(matches!(model.at(0.1), Err(DirectError::Beta(_))));
    assert!(matches!(model.at(f64::NAN), Err(DirectError::Beta(_))));
}

#[test]
fn a_slow_provider_is_left_out_where_waiting_counts() {
    let mut world =
        World::new(2, States::new(1, vec![1.0; 20]), |image, provider| image % 2 == provider);
    world.objective.latency_weight = 0.5;
    let chosen = |world: &World| {
        choice(&world.chooser(&DirectOptions::default()), &[1.0], Subset::default())
    };
    let seconds = |slow: f32| [0.5, slow].into_iter().cycle().take(40).collect();
    world.latencies = Some(Latencies::new(2, seconds(1.0)));
    assert_eq!(chosen(&world), Subset::all(2));
    world.latencies = Some(Latencies::new(2, seconds(3.0)));
    assert_eq!(chosen(&world), Subset::single(0));
}

#[test]
fn the_published_reward_which_goes_by_no_price_is_refused() {
    let mut world = World::of_kinds(3, 18);
    world.objective.published = true;
    let refusal = world.model(&DirectOptions::default(), 1).unwrap_err();
    assert_eq!(refusal, DirectError::Tariff(TariffError::Published));
}

#[test]
fn who_is_asked_first_is_paid_for_in_any_case() {
    for providers in [3, 13] {
        let mut world = World::of_kinds(providers, 6 * providers);
        // Nothing is so dear that the first would not be asked.
        world.objective.beta = -1.0;
        let chooser = world.chooser(&DirectOptions { first: Some(2), ..DirectOptions::default() });
        let first = Subset::single(2);
        let row = |kind: usize| world.states.row(kind);
        assert_eq!(choice(&chooser, row(0), Subset::default()), first.with(0));
        assert_eq!(choice(&chooser, row(0), first), Subset::single(0));
        assert_eq!(choice(&chooser, row(2), first), Subset::default());
        assert_eq!(choice(&chooser, row(1), first.with(1)), Subset::default());
    }
}

#[test]
fn the_same_seed_gives_the_same_model() {
    for (providers, options) in
        [(3, DirectOptions::default()), (13, DirectOptions::default()), (3, network(&[8]))]
    {
        let world = World::of_kinds(providers, 4 * providers);
        let one = world.model(&options, 3).unwrap();
        assert_eq!(one, world.model(&options, 3).unwrap());
    }
    let world = World::of_kinds(3, 12);
    let models = [3, 4].map(|seed| world.model(&network(&[8]), seed).unwrap());
    assert_ne!(models[0], models[1]);
}

#[test]
fn a_stored_chooser_comes_back_and_a_damaged_one_is_refused() {
    for (providers, options) in
        [(3, DirectOptions::default()), (13, DirectOptions::default()), (3, network(&[8]))]
    {
        let chooser = World::of_kinds(providers, 4 * providers).chooser(&options);
        let value = serde_json::to_value(&chooser).unwrap();
        assert_eq!(serde_json::from_value::<DirectChooser>(value.clone()).unwrap(), chooser);
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut damaged = value.clone();
            change(&mut damaged);
            serde_json::from_value::<DirectChooser>(damaged).unwrap_err().to_string()
        };
        let fewer = refused(&|value| {
            value["tariff"]["prices"] = serde_json::json!([1.0, 1.0]);
            value["tariff"]["seconds"] = serde_json::json!([0.0, 0.0]);
        });
        assert!(fewer.contains("predictions for other providers"), "{fewer}");
        let dear = refused(&|value| value["beta"] = serde_json::json!(1.0));
        assert!(dear.contains("beta 1 must"), "{dear}");
        let price = refused(&|value| value["tariff"]["prices"][1] = serde_json::json!(-1.0));
        assert!(price.contains("the price of provider 1"), "{price}");
        // AADAfw== is no number.
        let no_number = refused(&|value| {
            let estimator = &mut value["estimator"];
            if let Some(ridge) = estimator.get_mut("ridge") {
                ridge["weights"] = serde_json::json!("AADAfw==");
            } else {
                estimator["network"]["means"] = serde_json::json!("AADAfw==");
            }
        });
        assert!(no_number.contains("infinite or none"), "{no_number}");
    }
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let world = World::of_kinds(2, 8);
    let refused = |options: &DirectOptions| world.model(options, 1).unwrap_err();
    let first = refused(&DirectOptions { first: Some(2), ..DirectOptions::default() });
    assert_eq!(first, DirectError::First(2));
    let lambda = Regression::Ridge { lambda: Some(-1.0) };
    let lambda = refused(&DirectOptions { regression: lambda, first: None });
    assert_eq!(lambda, DirectError::Linear(LinearError::Lambda(-1.0)));
    assert!(matches!(refused(&network(&[0])), DirectError::Network(_)));
    let mut fewer = World::of_kinds(2, 8);
    fewer.images.truncate(7);
    let fewer = fewer.model(&DirectOptions::default(), 1).unwrap_err();
    assert_eq!(fewer, DirectError::States { states: 8, images: 7 });
    let one = World::new(1, States::new(1, vec![1.0]), |_, _| true);
    let one = one.model(&DirectOptions::default(), 1).unwrap_err();
    assert_eq!(one, DirectError::Linear(LinearError::Rows(1)));
}
