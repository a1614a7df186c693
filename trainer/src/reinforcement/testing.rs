//! A bandit whose best choices are known.

use super::{Environment, NetworkChooser, OffPolicyOptions};
use crate::{network::Scratch, state::States, subset::Subset};

/// Whom it is best to ask about each of four kinds of images.
pub(super) fn best_choices() -> [Subset; 4] {
    [Subset::single(0), Subset::single(1).with(2), Subset::all(3), Subset::single(2)]
}

/// Eight images, two of each kind, which their states tell.
pub(super) fn states() -> States {
    let row = |image: usize| (0..4).map(move |kind| if kind == image % 4 { 1.0 } else { 0.0 });
    States::new(4, (0..8).flat_map(row).collect())
}

/// The images, of which each provider that is wrongly asked or left out costs a half.
pub(super) fn environment(states: &States) -> Environment<'_> {
    let reward = |image: usize, subset: Subset| {
        let best = best_choices()[image % 4];
        let wrong = (0..3).filter(|&place| best.contains(place) != subset.contains(place));
        0.5 - 0.5 * wrong.map(|_| 1.0).sum::<f64>()
    };
    Environment::new(states, vec![1.0; 3], reward).unwrap()
}

/// Small networks and few steps.
pub(super) fn small(options: &OffPolicyOptions) -> OffPolicyOptions {
    OffPolicyOptions {
        hidden: vec![16, 16],
        batch: 32,
        random_steps: 120,
        update_after: 100,
        update_every: 20,
        ..options.clone()
    }
}

/// Fails where a chooser does not choose the best for every image.
pub(super) fn assert_solved(chooser: &NetworkChooser) {
    assert_eq!(choices(chooser), best_choices());
}

/// Whether a chooser chooses the best for every image.
pub(super) fn is_solved(chooser: &NetworkChooser) -> bool {
    choices(chooser) == best_choices()
}

fn choices(chooser: &NetworkChooser) -> Vec<Subset> {
    let (states, mut scratch) = (states(), Scratch::default());
    (0..4).map(|image| chooser.choose_for(states.row(image), &mut scratch)).collect()
}
