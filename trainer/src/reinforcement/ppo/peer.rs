//! One epoch of proximal policy optimisation, beside `PyTorch`'s.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    super::{
        environment::Step,
        peer::{
            Arrays, Layers, Reference, assert_all_near, assert_near, assert_stepped, gathered,
            images_of, network_of, said_by_torch, transitions,
        },
    },
    rollout::Discount,
    *,
};
use crate::{
    features::single,
    network::{Activation, Adam},
};

const ACTOR: Layers<'_> = &[&["actor.0"], &["actor.1"], &["actor.2"]];
const VALUE: Layers<'_> = &[&["value.0"], &["value.1"], &["value.2"]];

#[test]
fn losses_gradients_and_steps_are_those_of_torch() {
    let given = case();
    if let Some(expected) = said_by_torch("gradients-ppo", &given) {
        assert_alike(&given, &expected);
    }
}

#[test]
fn losses_gradients_and_steps_are_those_that_torch_told_of_small_networks() {
    let Reference { given, expected } = Reference::read("ppo-reference.json");
    assert_alike(&given, &expected);
}

/// Networks of the published size and steps among few images.
fn case() -> Arrays {
    let mut generator = ChaCha8Rng::seed_from_u64(13);
    let (mut arrays, [dimension, providers, rows]) = transitions(&mut generator);
    for (name, number) in [("gamma", 0.99), ("lambda", 0.97), ("last_value", 0.3)] {
        arrays.put(name, &[], &[number]);
    }
    arrays.put("iterations", &[], &[10.0]);
    let old: Vec<f32> = (0..rows).map(|_| generator.random_range(-1.5..-1.0)).collect();
    arrays.put("old_log_probabilities", &[rows], &old);
    arrays.put("log_std", &[providers], &vec![-0.5; providers]);
    let options = PpoOptions::published();
    let agent = ProximalAgent::new(&options, [dimension, providers], &mut generator).unwrap();
    arrays.put_network(ACTOR, &agent.actor);
    arrays.put_network(VALUE, &agent.value);
    arrays
}

fn assert_alike(given: &Arrays, expected: &Arrays) {
    let options = PpoOptions {
        iterations: count(given.number("iterations")),
        gamma: single(given.number("gamma")),
        lambda: single(given.number("lambda")),
        ..PpoOptions::published()
    };
    let (states, images) = images_of(given, &["states"]);
    let (rows, mut agent) = (StateRows::new(&states), agent(given));
    let mut work = agent.work();
    let (rollout, last) = (rollout(given, &images[0]), single(given.number("last_value")));
    let by = Discount { gamma: options.gamma, lambda: options.lambda };
    [work.advantages, work.returns] = rollout.judge(&expected.get("values"), &[last], by);
    assert_all_near("advantages", &work.advantages, &expected.get("advantages"));
    assert_all_near("returns", &work.returns, &expected.get("returns"));
    work.states = gathered(&rows, &images[0], &[]);
    work.actions = given.get("actions");
    work.old_log_probabilities = given.get("old_log_probabilities");
    let loss = agent.policy_loss(&options, &rows, &mut work);
    assert_near("loss_pi", loss, expected.number("loss_pi"));
    assert_near("kl", work.divergence(), expected.number("kl"));
    assert_all_near("actor", &work.actor_gradients, &expected.vector("grad.", ACTOR));
    assert_all_near("log_std", &work.deviation_gradients, &expected.get("grad.log_std"));
    assert_near("loss_v", agent.value_loss(&rows, &mut work), expected.number("loss_v"));
    assert_all_near("value", &work.value_gradients, &expected.vector("grad.", VALUE));

    let mut tally = Tally::new(agent.log_deviations.len());
    let moved = agent.update(&options, &rows, &mut work, (&mut tally, 0)).unwrap();
    assert_eq!(moved, count(expected.number("policy_steps")));
    let rate = options.value_rate;
    let vector = |layers: Layers<'_>| expected.vector("update.", layers);
    assert_stepped("actor", agent.actor.parameters(), &vector(ACTOR), options.policy_rate);
    assert_stepped("value", agent.value.parameters(), &vector(VALUE), rate);
    let deviations = expected.get("update.log_std");
    assert_stepped("log_std", &agent.log_deviations, &deviations, options.policy_rate);
}

/// The steps that are given, of which the last was cut off.
fn rollout(given: &Arrays, images: &[u32]) -> Rollout {
    let mut rollout = Rollout::default();
    for (image, reward) in images.iter().zip(given.get("rewards")) {
        let reward = f64::from(reward);
        let step = Step { observation: 0, reward, terminated: false, truncated: false };
        rollout.push(*image as usize, &[], step);
    }
    rollout.cut(0);
    rollout
}

/// The networks that are given.
fn agent(given: &Arrays) -> ProximalAgent {
    let options = PpoOptions::published();
    let [actor, value] = [ACTOR, VALUE]
        .map(|layers| network_of(given, layers, Activation::Tanh, Activation::Identity));
    let log_deviations = given.get("log_std");
    ProximalAgent {
        actor_optimiser: Adam::new(actor.parameters().len(), options.policy_rate),
        deviation_optimiser: Adam::new(log_deviations.len(), options.policy_rate),
        value_optimiser: Adam::new(value.parameters().len(), options.value_rate),
        actor,
        log_deviations,
        value,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn count(value: f64) -> usize {
    value as usize
}
