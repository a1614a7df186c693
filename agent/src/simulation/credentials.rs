//! The throw-away credentials that the simulated providers ask for.
//!
//! They are drawn from the seed, so they protect nothing; they are there so that signing and
//! authorising are exercised for real.

use std::fmt;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEXADECIMAL: &[u8] = b"0123456789abcdef";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The credentials of one simulation.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) aws_access_key_id: String,
    pub(super) aws_secret_access_key: String,
    pub(super) azure_vision_key: String,
    /// Serves as a bearer token too.
    pub(super) google_api_key: String,
}

impl Credentials {
    /// Draws credentials of the vendors' own forms.
    pub(super) fn draw(seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        Self {
            aws_access_key_id: format!("AKIA{}", word(&mut generator, UPPER, 16)),
            aws_secret_access_key: word(&mut generator, MIXED, 40),
            azure_vision_key: word(&mut generator, HEXADECIMAL, 32),
            google_api_key: format!("AIza{}", word(&mut generator, MIXED, 35)),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(..)")
    }
}

fn word(generator: &mut impl Rng, letters: &[u8], length: usize) -> String {
    let letter = |_| letters.choose(generator).map(|letter| char::from(*letter));
    (0..length).filter_map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_debug_hides_them() {
        let credentials = Credentials::draw(7);
        assert_eq!(credentials.aws_secret_access_key, Credentials::draw(7).aws_secret_access_key);
        assert_ne!(credentials.google_api_key, Credentials::draw(8).google_api_key);
        assert_eq!(format!("{credentials:?}"), "Credentials(..)");
    }
}
