//! The images as an environment in Gym's words: an observation is an image, an action a subset of
//! providers, the next observation another image, whatever was done.
//!
//! So it is a contextual bandit: a step is an episode, which ends with it (`terminated`), and the
//! next observation begins another. In the published form nothing terminates: the images follow one
//! another in their order, and after so many steps the episode is broken off (`truncated`) and goes
//! on with the first image. In both, a step that ends an episode has the next one's first image for
//! its observation; [`reset`](Environment::reset) is for another seed.

use std::fmt;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    state::States,
    subset::{MOST_SOUGHT, Subset},
};

/// After how many steps the published training begins again with the first image.
const PUBLISHED_CYCLE: usize = 4952;

/// Images to act on.
pub struct Environment<'a> {
    states: &'a States,
    prices: Vec<f64>,
    reward: Box<dyn Fn(usize, Subset) -> f64 + 'a>,
    form: Form,
    place: Place,
    order: Vec<usize>,
}

/// What an episode is, and in which order images come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Every step is an episode; all images come once, in an order drawn anew, then once again.
    Bandit,
    /// So many images in the order of the data set are an episode that is broken off.
    Published { cycle: usize },
}

/// How far an environment has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    seed: u64,
    cycle: u64,
    step: usize,
}

/// What an action led to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The image that is to be acted on next, by its place in the data set.
    pub observation: usize,
    /// What the action was worth.
    pub reward: f64,
    /// The episode is over, and nothing comes after it.
    pub terminated: bool,
    /// The episode was broken off, and would have gone on with the observation.
    pub truncated: bool,
}

/// Why there is nothing to act on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvironmentError {
    /// There is no image with a state.
    #[error("there is no image to learn from; name a data set that has some, with states")]
    Empty,
    /// There are no providers, or too many.
    #[error("{0} providers cannot be chosen from; name 1 to {MOST_SOUGHT} (--providers)")]
    Providers(usize),
    /// A state holds something that is no finite number.
    #[error("the state of image {0} (counted from 0) is not finite; make the features again")]
    State(usize),
}

impl<'a> Environment<'a> {
    /// The bandit of images with these states, of providers with these prices in thousandths of a
    /// US dollar; `reward` says what asking a subset is worth on an image by its place.
    ///
    /// # Errors
    /// Where there is no image, no provider, or more than [`MOST_SOUGHT`], or a state is not finite.
    pub fn new(
        states: &'a States,
        prices: Vec<f64>,
        reward: impl Fn(usize, Subset) -> f64 + 'a,
    ) -> Result<Self, EnvironmentError> {
        if !(1..=MOST_SOUGHT).contains(&prices.len()) {
            return Err(EnvironmentError::Providers(prices.len()));
        }
        if states.images() == 0 {
            return Err(EnvironmentError::Empty);
        }
        let finite = |image: &usize| states.row(*image).iter().all(|number| number.is_finite());
        if let Some(image) = (0..states.images()).find(|image| !finite(image)) {
            return Err(EnvironmentError::State(image));
        }
        let reward = Box::new(reward);
        let place = Place::default();
        let mut environment =
            Self { states, prices, reward, form: Form::Bandit, place, order: Vec::new() };
        environment.draw_order();
        Ok(environment)
    }

    /// The same images in the published form.
    #[must_use]
    pub fn published(mut self) -> Self {
        self.form = Form::Published { cycle: self.states.images().min(PUBLISHED_CYCLE) };
        self.draw_order();
        self
    }

    /// Begins anew with a seed, and gives the first observation.
    pub fn reset(&mut self, seed: u64) -> usize {
        self.place = Place { seed, ..Place::default() };
        self.draw_order();
        self.observation()
    }

    /// Goes on from a place, and gives the observation there; `None` where the place is beyond the
    /// end of an episode.
    pub fn resume(&mut self, place: Place) -> Option<usize> {
        self.place = place;
        self.draw_order();
        self.order.get(place.step).copied()
    }

    /// How far it has come.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The image that is to be acted on.
    pub fn observation(&self) -> usize {
        self.order.get(self.place.step).copied().unwrap_or(0)
    }

    /// Asks these providers about the image that is observed.
    pub fn step(&mut self, action: Subset) -> Step {
        let reward = (self.reward)(self.observation(), action);
        self.place.step += 1;
        let over = self.place.step >= self.order.len();
        if over {
            self.place = Place { cycle: self.place.cycle + 1, step: 0, ..self.place };
            self.draw_order();
        }
        let bandit = self.form == Form::Bandit;
        let observation = self.observation();
        Step { observation, reward, terminated: bandit, truncated: over && !bandit }
    }

    /// The states of the images.
    pub const fn states(&self) -> &'a States {
        self.states
    }

    /// How many providers there are to choose from.
    pub const fn providers(&self) -> usize {
        self.prices.len()
    }

    /// How many numbers a state has, and how many providers there are.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.states.dimension(), self.prices.len()]
    }

    /// What asking a subset costs, in thousandths of a US dollar.
    pub fn cost(&self, subset: Subset) -> f64 {
        let asked = self.prices.iter().enumerate().filter(|(place, _)| subset.contains(*place));
        asked.map(|(_, price)| price).sum()
    }

    /// Puts the images in the order of this cycle, which depends on nothing but seed and cycle.
    fn draw_order(&mut self) {
        let count = match self.form {
            Form::Bandit => self.states.images(),
            Form::Published { cycle } => cycle,
        };
        self.order.clear();
        self.order.extend(0..count);
        if self.form == Form::Bandit {
            let mut generator = ChaCha8Rng::seed_from_u64(self.place.seed);
            generator.set_stream(self.place.cycle);
            self.order.shuffle(&mut generator);
        }
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("images", &self.states.images())
            .field("prices", &self.prices)
            .field("form", &self.form)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(images: usize) -> States {
        States::new(1, (0..images).map(|_| 1.0).collect())
    }

    fn environment(states: &States) -> Environment<'_> {
        let reward = |image: usize, subset: Subset| {
            crate::baseline::number(image as u64) - f64::from(subset.count())
        };
        Environment::new(states, vec![1.0, 0.5], reward).unwrap()
    }

    #[test]
    fn a_step_of_the_bandit_is_an_episode_and_every_image_comes_once_a_cycle() {
        let states = states(5);
        let mut environment = environment(&states);
        let mut observed = environment.reset(3);
        for _ in 0..3 {
            let mut seen = [0; 5];
            for _ in 0..5 {
                seen[observed] += 1;
                let step = environment.step(Subset::single(0));
                assert!(step.terminated && !step.truncated);
                assert!(
                    (step.reward - (crate::baseline::number(observed as u64) - 1.0)).abs() < 1e-9
                );
                observed = step.observation;
            }
            assert_eq!(seen, [1; 5]);
        }
    }

    #[test]
    fn the_published_form_is_broken_off_after_a_cycle_in_the_order_of_images() {
        let states = states(5000);
        let mut environment = environment(&states).published();
        assert_eq!(environment.reset(3), 0);
        for place in 1..=4952 {
            let step = environment.step(Subset::all(2));
            assert_eq!(step.observation, place % 4952);
            assert_eq!((step.terminated, step.truncated), (false, place == 4952));
        }
    }

    #[test]
    fn the_same_seed_and_place_give_the_same_images() {
        let states = states(7);
        let mut once = environment(&states);
        let mut again = environment(&states);
        once.reset(8);
        for _ in 0..10 {
            once.step(Subset::single(1));
        }
        assert_eq!(again.resume(once.place()), Some(once.observation()));
        for _ in 0..10 {
            assert_eq!(once.step(Subset::single(1)), again.step(Subset::single(1)));
        }
        let first: Vec<usize> = (0..20).map(|seed| once.reset(seed)).collect();
        assert!(first.iter().any(|image| *image != first[0]));
    }

    #[test]
    fn what_cannot_be_acted_on_is_refused() {
        let refused = |states: &States, providers: usize| {
            Environment::new(states, vec![1.0; providers], |_, _| 0.0).unwrap_err()
        };
        let good = states(1);
        assert_eq!(refused(&good, 0), EnvironmentError::Providers(0));
        assert_eq!(refused(&good, 21), EnvironmentError::Providers(21));
        assert_eq!(refused(&states(0), 1), EnvironmentError::Empty);
        let bad = States::new(2, vec![0.0, 1.0, f32::NAN, 1.0]);
        assert_eq!(refused(&bad, 1), EnvironmentError::State(1));
    }

    #[test]
    fn a_subset_costs_what_its_providers_do() {
        let states = states(1);
        let environment = environment(&states);
        assert!((environment.cost(Subset::all(2)) - 1.5).abs() < 1e-12);
    }
}
