//! What goes wrong at a simulated provider, and how often.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::SimulationError;

/// A way in which a request is not answered as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The provider asks to slow down.
    Throttle,
    /// The provider fails.
    Error,
    /// The connection is reset once the request has been read.
    Reset,
    /// The provider never answers.
    Stall,
}

/// How often each fault comes, as shares of all requests that together are at most 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultRates([f64; 4]);

impl Fault {
    /// Every fault, in the order of [`FaultRates::new`].
    pub const ALL: [Self; 4] = [Self::Throttle, Self::Error, Self::Reset, Self::Stall];

    /// The word in truth logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::Reset => "reset",
            Self::Stall => "stall",
        }
    }
}

impl FaultRates {
    /// Takes a share for each of [`Fault::ALL`].
    ///
    /// # Errors
    /// Returns the shares where one is not from 0 to 1, or their sum is above 1.
    pub fn new(shares: [f64; 4]) -> Result<Self, SimulationError> {
        let each = shares.iter().all(|share| (0.0..=1.0).contains(share));
        if each && shares.iter().sum::<f64>() <= 1.0 {
            Ok(Self(shares))
        } else {
            Err(SimulationError::FaultRates(shares))
        }
    }

    /// Decides on one request.
    pub(super) fn draw(&self, generator: &mut ChaCha8Rng) -> Option<Fault> {
        let mut drawn: f64 = generator.random();
        for (fault, share) in Fault::ALL.into_iter().zip(self.0) {
            if drawn < share {
                return Some(fault);
            }
            drawn -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn refuses_shares_that_are_none_or_too_many() {
        for shares in [[-0.1, 0.0, 0.0, 0.0], [f64::NAN, 0.0, 0.0, 0.0], [0.5, 0.3, 0.2, 0.1]] {
            assert!(FaultRates::new(shares).is_err(), "{shares:?}");
        }
    }

    #[test]
    fn faults_come_as_often_as_asked() {
        let rates = FaultRates::new([0.1, 0.2, 0.3, 0.0]).unwrap();
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let drawn = (0..10_000).map(|_| rates.draw(&mut generator)).collect::<Vec<_>>();
        let count = |fault| drawn.iter().filter(|drawn| **drawn == fault).count();
        assert!((900..1100).contains(&count(Some(Fault::Throttle))));
        assert!((1850..2150).contains(&count(Some(Fault::Error))));
        assert!((2800..3200).contains(&count(Some(Fault::Reset))));
        assert_eq!(count(Some(Fault::Stall)), 0);
    }
}
