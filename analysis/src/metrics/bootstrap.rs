//! How far a figure could be off by the choice of images: percentile bootstrap intervals.
//!
//! The images of a set are drawn again, with replacement, as many as there are; the figure of each
//! such set is taken, and the interval holds the middle of those figures. A figure is asked for by
//! how often each image was drawn, so that what was found in an image is found out once.

use serde::Serialize;
use thiserror::Error;

use super::number;

/// How many sets of images are drawn, and how sure an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bootstrap {
    resamples: u32,
    level: f64,
}

/// A range that holds a figure with the probability that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Numbers that make no [`Bootstrap`].
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BootstrapError {
    /// No set of images would be drawn.
    #[error("an interval takes at least 1 resample; 1000 are usual")]
    NoResamples,
    /// The level is no probability.
    #[error("the level of an interval is {0}; it must be above 0 and below 1, such as 0.95")]
    Level(f64),
}

impl Bootstrap {
    /// Draws so many sets of images for an interval that holds the figure with the probability
    /// `level`.
    ///
    /// # Errors
    /// Where there is nothing to draw, or `level` is not between 0 and 1.
    pub fn new(resamples: u32, level: f64) -> Result<Self, BootstrapError> {
        if resamples == 0 {
            return Err(BootstrapError::NoResamples);
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(BootstrapError::Level(level));
        }
        Ok(Self { resamples, level })
    }

    /// How many sets of images are drawn.
    pub const fn resamples(self) -> u32 {
        self.resamples
    }

    /// The probability with which an interval holds its figure.
    pub const fn level(self) -> f64 {
        self.level
    }

    /// The interval of a figure of a set of so many images.
    ///
    /// `draw` draws a number below the one that it is given, each as likely as the others, from a
    /// seeded generator: one with the same seed draws the same sets of images for another figure.
    /// `figure` is given how often each image was drawn. Sets that have no figure are left out;
    /// `None` where no set has one.
    ///
    /// # Examples
    /// ```
    /// use armol_analysis::metrics::{bootstrap::Bootstrap, coco::Matches};
    /// use rand::{Rng, SeedableRng};
    /// use rand_chacha::ChaCha8Rng;
    ///
    /// # fn main() -> Result<(), armol_analysis::metrics::bootstrap::BootstrapError> {
    /// let images: [(&[_], &[_]); 2] = [(&[], &[]), (&[], &[])];
    /// let matches = Matches::new(images);
    /// let bootstrap = Bootstrap::new(1000, 0.95)?;
    /// let mut generator = ChaCha8Rng::seed_from_u64(1);
    /// let draw = |below| generator.random_range(0..below);
    /// let interval = bootstrap.interval(images.len(), draw, |times| matches.resampled_ap50(times));
    /// assert_eq!(interval, None, "there is no object to find");
    /// # Ok(())
    /// # }
    /// ```
    pub fn interval(
        self,
        images: usize,
        mut draw: impl FnMut(u32) -> u32,
        mut figure: impl FnMut(&[u32]) -> Option<f64>,
    ) -> Option<Interval> {
        // Drawn as u32, so that the draws are the same on every machine.
        let count = u32::try_from(images).ok().filter(|&count| count > 0)?;
        let mut times = vec![0_u32; images];
        let mut figures = Vec::with_capacity(self.resamples as usize);
        for _ in 0..self.resamples {
            times.fill(0);
            for _ in 0..count {
                if let Some(times) = times.get_mut(draw(count) as usize) {
                    *times += 1;
                }
            }
            figures.extend(figure(&times));
        }
        figures.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Interval { low: quantile(&figures, tail)?, high: quantile(&figures, 1.0 - tail)? })
    }

    /// The interval of the mean of a value that each image has.
    pub fn interval_of_mean(
        self,
        values: &[f64],
        draw: impl FnMut(u32) -> u32,
    ) -> Option<Interval> {
        let mean = |times: &[u32]| {
            let sum: f64 =
                values.iter().zip(times).map(|(value, &times)| value * f64::from(times)).sum();
            Some(sum / number(values.len()))
        };
        self.interval(values.len(), draw, mean)
    }
}

/// The value below which a share of the sorted values lies, between the two nearest of them.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * number(sorted.len().checked_sub(1)?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share from 0 to 1 of a length"
    )]
    let below = place as usize;
    let low = *sorted.get(below)?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some((high - low).mul_add(place - number(below), low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::{
        coco::{Matches, average_precision},
        testing::{any_images, assert_near, pairs, without_ties},
    };

    fn drawn(seed: u64) -> impl FnMut(u32) -> u32 {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        move |below| generator.random_range(0..below)
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_standard_errors_wide_on_each_side() {
        let values: Vec<f64> = (0..1000).map(|n| f64::from(n % 100) / 100.0).collect();
        let bootstrap = Bootstrap::new(2000, 0.95).unwrap();
        let interval = bootstrap.interval_of_mean(&values, drawn(7)).unwrap();
        // Uniform on 100 steps: a deviation of 0.28866, of the mean of 1,000 0.00913.
        assert!((interval.low - (0.495 - 1.96 * 0.00913)).abs() < 0.0015, "{interval:?}");
        assert!((interval.high - (0.495 + 1.96 * 0.00913)).abs() < 0.0015, "{interval:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_another_another() {
        let values = [0.0, 0.1, 0.5, 0.9, 0.2, 0.4, 0.3];
        let interval = |seed| {
            Bootstrap::new(101, 0.9).unwrap().interval_of_mean(&values, drawn(seed)).unwrap()
        };
        assert_eq!(interval(1), interval(1));
        assert_ne!(interval(1), interval(2));
    }

    #[test]
    fn every_image_drawn_again_counts_as_often_as_it_was_drawn() {
        let mut draws = 0;
        let bootstrap = Bootstrap::new(5, 0.95).unwrap();
        bootstrap.interval(7, drawn(1), |times| {
            draws += times.iter().sum::<u32>();
            None
        });
        assert_eq!(draws, 35);
    }

    #[test]
    fn a_set_without_a_figure_has_no_interval() {
        let bootstrap = Bootstrap::new(10, 0.95).unwrap();
        assert_eq!(bootstrap.interval(4, drawn(1), |_| None), None);
        assert_eq!(bootstrap.interval_of_mean(&[], drawn(1)), None);
    }

    #[test]
    fn nothing_to_draw_and_levels_that_are_no_probability_are_refused() {
        assert_eq!(Bootstrap::new(0, 0.95), Err(BootstrapError::NoResamples));
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(Bootstrap::new(10, level).is_err());
        }
    }

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        assert_near(quantile(&[1.0, 2.0, 4.0], 0.5).unwrap(), 2.0);
        assert_near(quantile(&[1.0, 2.0, 4.0], 0.75).unwrap(), 3.0);
        assert_near(quantile(&[1.0, 2.0, 4.0], 1.0).unwrap(), 4.0);
        assert_eq!(quantile(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn images_drawn_again_count_like_a_set_that_holds_them_so_often(
            (images, times) in any_images().prop_map(without_ties).prop_flat_map(|images| {
                let times = proptest::collection::vec(0..4_u32, images.len());
                (Just(images), times)
            })
        ) {
            let mut repeated = Vec::new();
            for (image, &times) in images.iter().zip(&times) {
                repeated.extend(std::iter::repeat_n(image.clone(), times as usize));
            }
            let matches = Matches::new(pairs(&images));
            let expected = average_precision(pairs(&repeated));
            prop_assert_eq!(matches.resampled_ap50(&times), expected.map(|figures| figures.ap50));
            prop_assert_eq!(matches.resampled_average_precision(&times), expected);
        }
    }
}
