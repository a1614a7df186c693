//! One batch of soft actor-critic, beside `PyTorch`'s.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    super::{
        inputs::StateRows,
        off_policy::Agent,
        options::draw_noise,
        peer::{
            Arrays, CRITICS, Layers, Reference, assert_all_near, assert_near, assert_stepped,
            critics_of, gathered, images_of, network_of, said_by_torch, transitions,
        },
        replay::Batch,
    },
    agent::SoftAgent,
    *,
};
use crate::{
    features::single,
    network::{Activation, Adam},
};

const ACTOR: Layers<'_> = &[&["actor.0"], &["actor.1"], &["mu", "log_std"]];

#[test]
fn losses_gradients_and_steps_are_those_of_torch() {
    let given = case();
    if let Some(expected) = said_by_torch("gradients", &given) {
        assert_alike(&given, &expected);
    }
}

#[test]
fn losses_gradients_and_steps_are_those_that_torch_told_of_small_networks() {
    let Reference { given, expected } = Reference::read("sac-reference.json");
    assert_alike(&given, &expected);
}

/// Networks of the published size and transitions among few images.
fn case() -> Arrays {
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let (mut arrays, [dimension, providers, rows]) = transitions(&mut generator);
    arrays.put("gamma", &[], &[0.9]);
    arrays.put("alpha", &[], &[0.2]);
    for name in ["noise", "next_noise"] {
        let mut noise = Vec::new();
        draw_noise(&mut generator, rows * providers, &mut noise);
        arrays.put(name, &[rows, providers], &noise);
    }
    let options = SacOptions::published();
    let mut draw = || SoftAgent::new(&options, [dimension, providers], &mut generator).unwrap();
    let (agent, other) = (draw(), draw());
    arrays.put_network(ACTOR, &agent.actor);
    let networks = agent.critics.networks.iter().chain(&other.critics.networks);
    CRITICS.iter().zip(networks).for_each(|(layers, network)| arrays.put_network(layers, network));
    arrays
}

fn assert_alike(given: &Arrays, expected: &Arrays) {
    let mut options = SacOptions::published();
    options.off_policy.gamma = single(given.number("gamma"));
    options.alpha = single(given.number("alpha"));
    let (states, images) = images_of(given, &["states", "next_states"]);
    let (rows, mut agent) = (StateRows::new(&states), agent(given));
    let mut work = agent.work();
    work.batch = Batch {
        actions: given.get("actions"),
        rewards: given.get("rewards"),
        continues: vec![1.0; images[0].len()],
        ..Batch::default()
    };
    (work.noise, work.next_noise) = (given.get("noise"), given.get("next_noise"));
    work.states = gathered(&rows, &images[0], &images[1]);
    assert_near("loss_q", agent.critic_loss(&options, &rows, &mut work), expected.number("loss_q"));
    for (layers, gradients) in CRITICS.iter().zip(&work.critics.gradients) {
        assert_all_near(layers[0][0], gradients, &expected.vector("grad.", layers));
    }
    let loss = agent.policy_loss(&options, &rows, &mut work);
    assert_near("loss_pi", loss, expected.number("loss_pi"));
    assert_all_near("actor", &work.gradients, &expected.vector("grad.", ACTOR));
    let mut stepped = agent.clone();
    stepped.critics.step(&work.critics);
    stepped.step_policy(&options, &work);
    assert_stepped_to(&stepped, expected, "adam.");

    agent.critic_loss(&options, &rows, &mut work);
    agent.critics.step(&work.critics);
    let loss = agent.policy_loss(&options, &rows, &mut work);
    assert_near("update_loss_pi", loss, expected.number("update_loss_pi"));
    agent.step_policy(&options, &work);
    assert_stepped_to(&agent, expected, "update.");
    for (layers, target) in CRITICS[2..].iter().zip(&agent.critics.targets) {
        let expected = expected.vector("update.", layers);
        assert_all_near(layers[0][0], target.parameters(), &expected);
    }
}

fn assert_stepped_to(agent: &SoftAgent, expected: &Arrays, prefix: &str) {
    let rate = SacOptions::published().rate;
    let networks = CRITICS.iter().zip(&agent.critics.networks);
    for (layers, network) in networks.chain([(&ACTOR, &agent.actor)]) {
        let expected = expected.vector(prefix, layers);
        assert_stepped(layers[0][0], network.parameters(), &expected, rate);
    }
}

/// The networks that are given.
fn agent(given: &Arrays) -> SoftAgent {
    let rate = SacOptions::published().rate;
    let actor = network_of(given, ACTOR, Activation::Relu, Activation::Identity);
    let optimiser = Adam::new(actor.parameters().len(), rate);
    SoftAgent { actor, optimiser, critics: critics_of(given, rate) }
}
