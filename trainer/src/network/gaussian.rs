//! The squashed Gaussian: the hyperbolic tangent of normal draws, as soft actor-critic acts by.
//!
//! Of each number of an action a network gives a mean and the logarithm of a deviation. With
//! u = mean + deviation * noise, the action is tanh(u), and its log-probability that of the noise
//! less ln(1 - tanh²(u)) = 2 (ln 2 - u - softplus(-2u)), which holds where tanh(u) rounds to 1
//! (Haarnoja et al. 2018, appendix C).

use std::f32::consts::{LN_2, PI};

/// Between which bounds the logarithm of a deviation is held.
pub const LOG_DEVIATION: [f32; 2] = [-20.0, 2.0];

/// A squashed draw and how likely it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The action, from -1 to 1.
    pub action: f32,
    /// The logarithm of the density of the action.
    pub log_probability: f32,
}

/// The gradients of what depends on a draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawGradient {
    /// With respect to the mean.
    pub mean: f32,
    /// With respect to the logarithm of the deviation; 0 where that is beyond its bounds.
    pub log_deviation: f32,
}

/// Squashes the draw that a standard normal number gives.
pub fn squash(mean: f32, log_deviation: f32, noise: f32) -> Draw {
    let [low, high] = LOG_DEVIATION;
    let log_deviation = log_deviation.clamp(low, high);
    let drawn = mean + log_deviation.exp() * noise;
    let normal = -0.5 * (noise * noise + (2.0 * PI).ln()) - log_deviation;
    let correction = 2.0 * (LN_2 - drawn - softplus(-2.0 * drawn));
    Draw { action: drawn.tanh(), log_probability: normal - correction }
}

/// The gradients of a loss, given those with respect to the action and its log-probability.
pub fn squash_gradient(
    mean: f32,
    log_deviation: f32,
    noise: f32,
    [action_gradient, log_gradient]: [f32; 2],
) -> DrawGradient {
    let [low, high] = LOG_DEVIATION;
    let deviation = log_deviation.clamp(low, high).exp();
    let action = (mean + deviation * noise).tanh();
    // The noise is given, so that its density has no gradient; that of the correction is -2 tanh(u).
    let drawn = action_gradient * (1.0 - action * action) + log_gradient * 2.0 * action;
    let free = (low..=high).contains(&log_deviation);
    let log_deviation = if free { drawn * deviation * noise - log_gradient } else { 0.0 };
    DrawGradient { mean: drawn, log_deviation }
}

/// ln(1 + exp(x)), also where exp(x) is beyond numbers.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same in double precision, by the formula that is not stable.
    fn exact(mean: f64, log_deviation: f64, noise: f64) -> [f64; 2] {
        let drawn = mean + log_deviation.exp() * noise;
        let action = drawn.tanh();
        let normal = -0.5 * (noise * noise + std::f64::consts::TAU.ln()) - log_deviation;
        [action, normal - (1.0 - action * action).ln()]
    }

    proptest! {
        #[test]
        fn draws_and_gradients_are_those_of_finite_differences(
            mean in -2.0..2.0_f32,
            log_deviation in -3.0..0.5_f32,
            noise in -2.0..2.0_f32,
            factors in [-1.0..1.0_f32, -1.0..1.0_f32],
        ) {
            let draw = squash(mean, log_deviation, noise);
            let wide = [mean, log_deviation, noise].map(f64::from);
            let [action, log_probability] = exact(wide[0], wide[1], wide[2]);
            prop_assert!((f64::from(draw.action) - action).abs() < 1e-6);
            prop_assert!((f64::from(draw.log_probability) - log_probability).abs() < 1e-4);
            let loss = |mean: f64, log_deviation: f64| {
                let [action, log_probability] = exact(mean, log_deviation, wide[2]);
                f64::from(factors[0]) * action + f64::from(factors[1]) * log_probability
            };
            let gradient = squash_gradient(mean, log_deviation, noise, factors);
            let step = 1e-5;
            let slope = |above: f64, below: f64| (above - below) / (2.0 * step);
            let by_mean = slope(loss(wide[0] + step, wide[1]), loss(wide[0] - step, wide[1]));
            let by_log = slope(loss(wide[0], wide[1] + step), loss(wide[0], wide[1] - step));
            prop_assert!((f64::from(gradient.mean) - by_mean).abs() < 1e-3);
            prop_assert!((f64::from(gradient.log_deviation) - by_log).abs() < 1e-3);
        }
    }

    #[test]
    fn far_draws_have_a_finite_log_probability() {
        for mean in [-100.0, 100.0] {
            let draw = squash(mean, 5.0, 1.0);
            assert!(draw.action.abs() <= 1.0 && draw.log_probability.is_finite(), "{draw:?}");
        }
    }

    #[test]
    fn a_deviation_beyond_its_bounds_has_no_gradient() {
        let gradient = squash_gradient(0.1, 2.5, 0.3, [1.0, 1.0]);
        assert_eq!(gradient.log_deviation.to_bits(), 0);
    }
}
