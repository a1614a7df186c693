//! Daily quotas: how much dearer a provider is made so that it is asked about no more images than it
//! may be.
//!
//! A quota of a provider is a share of the images of a day. The surcharge at which the share is kept
//! on the images that are kept apart is sought by halving, provider by provider: what one is spared
//! may go to another, so that they are gone through again until all are kept.

use std::str::FromStr;

use super::TrainingError;
use crate::dataset::Provider;

/// How many calls a provider may get, of how many images.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// The provider's name.
    pub provider: String,
    /// How many calls a day.
    pub calls_a_day: f64,
}

impl FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (provider, calls) = text.split_once('=').ok_or("write it as NAME=CALLS")?;
        let calls = calls.parse().ok().filter(|calls: &f64| calls.is_finite() && *calls >= 0.0);
        let calls_a_day = calls.ok_or("what follows = must be a number that is not below 0")?;
        Ok(Self { provider: provider.to_owned(), calls_a_day })
    }
}

/// How often providers are gone through.
const ROUNDS: usize = 4;

/// How often a range of surcharges is halved.
const HALVINGS: u32 = 8;

/// The most that a call is made dearer, in values: values are from -1 to 1.
const MOST: f64 = 4.0;

/// The share of images that each provider may be asked about; `None` for all.
pub(super) fn shares(
    quotas: &[Quota],
    images_a_day: f64,
    providers: &[Provider],
) -> Result<Vec<Option<f64>>, TrainingError> {
    let mut shares = vec![None; providers.len()];
    for Quota { provider, calls_a_day } in quotas {
        let place = providers.iter().position(|known| known.name == *provider);
        let share = place.and_then(|place| shares.get_mut(place));
        let share = share.ok_or_else(|| TrainingError::QuotaOfNobody(provider.clone()))?;
        *share = Some(calls_a_day / images_a_day).filter(|share| *share < 1.0);
    }
    Ok(shares)
}

/// Says which share of images each provider is asked about, at surcharges in values.
type Shares<'a> = dyn FnMut(&[f64]) -> Result<Vec<f64>, TrainingError> + 'a;

/// The surcharges in values, one for each provider, at which no share is above its limit.
pub(super) fn keep(
    limits: &[Option<f64>],
    shares: &mut Shares<'_>,
) -> Result<Vec<f64>, TrainingError> {
    let mut surcharges = vec![0.0; limits.len()];
    for _ in 0..ROUNDS {
        let before = shares(&surcharges)?;
        let Some(place) = most_above(limits, &before) else { return Ok(surcharges) };
        for (place, limit) in (place..limits.len())
            .chain(0..place)
            .filter_map(|place| limits.get(place).copied().flatten().map(|limit| (place, limit)))
        {
            let mut share_at = |surcharge: f64| {
                let mut changed = surcharges.clone();
                if let Some(entry) = changed.get_mut(place) {
                    *entry = surcharge;
                }
                Ok::<_, TrainingError>(shares(&changed)?.get(place).copied().unwrap_or(0.0))
            };
            let surcharge = least_surcharge(limit, &mut share_at)?;
            let surcharge = surcharge.ok_or(TrainingError::Quota(place))?;
            if let Some(entry) = surcharges.get_mut(place) {
                *entry = surcharge;
            }
        }
    }
    let after = shares(&surcharges)?;
    match most_above(limits, &after) {
        None => Ok(surcharges),
        Some(place) => Err(TrainingError::Quota(place)),
    }
}

/// The provider that is furthest above its limit; `None` where nobody is above it.
fn most_above(limits: &[Option<f64>], shares: &[f64]) -> Option<usize> {
    let above = limits.iter().zip(shares).enumerate().filter_map(|(place, (limit, share))| {
        limit.map(|limit| (place, share - limit)).filter(|(_, above)| *above > 0.0)
    });
    above.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
}

/// The least surcharge that was found to keep a limit; `None` where the most does not.
fn least_surcharge(
    limit: f64,
    share_at: &mut dyn FnMut(f64) -> Result<f64, TrainingError>,
) -> Result<Option<f64>, TrainingError> {
    if share_at(0.0)? <= limit {
        return Ok(Some(0.0));
    }
    if share_at(MOST)? > limit {
        return Ok(None);
    }
    let (mut low, mut high) = (0.0, MOST);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if share_at(middle)? <= limit {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each image goes to whoever is worth most there, beside what it is made dearer.
    fn shares(surcharges: &[f64]) -> Vec<f64> {
        let mut counts = [0.0, 0.0];
        for image in 0..100 {
            let worths = [0.5 + f64::from(image) / 100.0, 0.75];
            let first = worths[0] - surcharges[0] >= worths[1] - surcharges[1];
            counts[usize::from(!first)] += 0.01;
        }
        counts.to_vec()
    }

    #[test]
    fn a_provider_is_made_as_much_dearer_as_its_quota_needs() {
        let found = keep(&[Some(0.3), None], &mut |surcharges| Ok(shares(surcharges))).unwrap();
        assert!((0.445..=0.475).contains(&found[0]), "{found:?}");
        let kept = shares(&found)[0];
        assert!((0.25..=0.3).contains(&kept), "{kept}");
    }

    #[test]
    fn quotas_that_are_kept_cost_nothing_and_those_that_cannot_be_are_named() {
        let roomy = keep(&[Some(0.9), Some(0.9)], &mut |surcharges| Ok(shares(surcharges)));
        assert_eq!(roomy.unwrap(), [0.0, 0.0]);
        let tight = keep(&[Some(0.3), Some(0.3)], &mut |surcharges| Ok(shares(surcharges)));
        assert!(matches!(tight, Err(TrainingError::Quota(_))), "{tight:?}");
    }
}
