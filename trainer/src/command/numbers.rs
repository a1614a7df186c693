//! Numbers as the command line gives them, refused where they mean nothing.

use std::time::Duration;

/// What a thousandth of a US dollar adds to a value.
pub(super) fn beta(text: &str) -> Result<f64, &'static str> {
    let beta = text.parse().ok().filter(|beta: &f64| beta.is_finite() && *beta <= 0.0);
    beta.ok_or("it must be a number that is not above 0, for costs lower what an answer is worth")
}

/// A number that is not below 0.
pub(super) fn not_negative(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or("it must be a number that is not below 0")
}

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or("it must be a number above 0")
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("it must be a number from 0 to 1")
}

/// A length of time above 0, in seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    Duration::try_from_secs_f64(positive(text)?).map_err(|_| "it is too long")
}
