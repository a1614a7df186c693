//! Asking about one image as a strategy says, until it has enough; stored answers stand for calls.

use super::{Observation, Strategy};
use crate::{rewards::ScoredImage, subset::Subset};

/// Who was asked about an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// Who was asked at once, one step after another.
    pub steps: Vec<Subset>,
    /// Everyone who was asked.
    pub asked: Subset,
}

/// Asks about an image until the strategy has enough; nobody is asked twice, so that it ends.
pub fn rollout(strategy: &Strategy, state: &[f32], image: &ScoredImage<'_>) -> Rollout {
    let mut done = Rollout::default();
    loop {
        let next = strategy.choose(&observation(state, image, done.asked));
        if next.is_empty() {
            return done;
        }
        done.steps.push(next);
        done.asked = done.asked.and(next);
    }
}

/// What is known of an image when these providers have been asked.
pub fn observation<'a>(
    state: &'a [f32],
    image: &'a ScoredImage<'_>,
    asked: Subset,
) -> Observation<'a> {
    let candidates = image.candidates();
    Observation { state, candidates, asked, answered: asked.within(image.answered()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::Chooser,
        testing::{cat_and_dog, dataset},
    };

    #[test]
    fn steps_are_who_was_asked_one_after_another() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let image = ScoredImage::new(&dataset.images[0], &dataset.providers);
        let both = Subset::all(2);
        let strategy = Strategy { first: Some(1), ..Strategy::of(Chooser::Fixed(both)) };
        let done = rollout(&strategy, &[], &image);
        assert_eq!(
            done,
            Rollout { steps: vec![Subset::single(1), Subset::single(0)], asked: both }
        );
    }

    #[test]
    fn who_was_asked_and_did_not_answer_is_known_to_have_been_asked() {
        let (mut answers, truth) = cat_and_dog();
        answers.retain(|answer| answer.image != "cat.jpg" || answer.provider == "aws");
        let dataset = dataset(&answers, truth);
        let image = ScoredImage::new(&dataset.images[0], &dataset.providers);
        let seen = observation(&[], &image, Subset::all(2));
        assert_eq!((seen.asked, seen.answered), (Subset::all(2), Subset::single(0)));
    }
}
