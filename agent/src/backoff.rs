//! How long to wait before trying again: exponential with full jitter.
//!
//! After Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a random part
//! of a bound that doubles, so that many agents do not come back at once.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

const SHORTEST_BOUND: Duration = Duration::from_millis(500);
const LONGEST_BOUND: Duration = Duration::from_mins(1);

/// Yields the waits between one try and the next.
#[derive(Clone, Debug)]
pub struct Backoff {
    bound: Duration,
    random: ChaCha8Rng,
}

impl Backoff {
    /// Starts from the shortest bound.
    pub const fn new(random: ChaCha8Rng) -> Self {
        Self { bound: SHORTEST_BOUND, random }
    }

    /// How long to wait after a failure.
    pub fn after_failure(&mut self) -> Duration {
        let wait = self.bound.mul_f64(self.random.random::<f64>());
        self.bound = (self.bound * 2).min(LONGEST_BOUND);
        wait
    }

    /// Starts over from the shortest bound.
    pub const fn succeeded(&mut self) {
        self.bound = SHORTEST_BOUND;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn grows_to_a_minute_and_starts_over() {
        let mut backoff = Backoff::new(ChaCha8Rng::seed_from_u64(1));
        let waits = (0..40).map(|_| backoff.after_failure()).collect::<Vec<_>>();
        assert!(waits[0] <= SHORTEST_BOUND);
        assert!(waits.iter().all(|wait| *wait <= LONGEST_BOUND));
        assert!(waits.iter().any(|wait| *wait > LONGEST_BOUND / 2));
        backoff.succeeded();
        assert!(backoff.after_failure() <= SHORTEST_BOUND);
    }
}
