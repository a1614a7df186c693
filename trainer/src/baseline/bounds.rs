//! What choosing for each image could bring at best, with the ground truth in hand.
//!
//! Of an image's subsets only those count that are worth more than every cheaper one: its
//! [`Offer`]s. At a budget, the price of money is sought at which taking each image's best offer
//! costs no more than the budget; the dual of that problem bounds what any choice could be worth.

use super::{BaselineError, Kind, Options, Row, Scoring, Tried, number};
use crate::{
    rewards::{Rewards, ScoredImage},
    subset::Subset,
};

/// A subset of one image that is worth more than every cheaper one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offer {
    pub(super) subset: Subset,
    pub(super) cost_microusd: u64,
    pub(super) value: f64,
}

/// How the best choice at a budget came out.
#[derive(Clone, Debug, PartialEq)]
struct Budgeted {
    offers: Vec<Offer>,
    /// What no choice at that cost exceeds in the sum of values.
    bound: f64,
}

/// A price of a millionth of a US dollar at which every image takes its cheapest offer: offers differ
/// by a millionth at least and by 2 in value at most.
const DEAREST: f64 = 3.0;

/// How often the span of prices is halved; beyond, prices do not differ any more.
const HALVINGS: u32 = 100;

/// The upper bounds that are asked for.
pub(super) fn rows(
    scoring: &Scoring<'_>,
    tried: &Tried,
    options: &Options<'_>,
) -> Result<Vec<Row>, BaselineError> {
    let Tried { offers: frontiers, reach, .. } = tried;
    let kind = Kind::UpperBound { bound: *reach };
    let row = |method: &str, kind, offers: &[Offer]| {
        scoring.row(method, kind, offers.iter().map(|offer| offer.subset))
    };
    let mut rows = vec![row("Upper Bound", kind, &chosen(frontiers, 0.0))];
    if let Some(beta) = options.beta {
        // Beta is by the thousandth of a US dollar, prices are by the millionth.
        rows.push(row("Upper Bound v+bc", kind, &chosen(frontiers, -beta / 1e3)));
    }
    if let Some(cost) = options.budget {
        let budget = scoring.budget_microusd(cost);
        let budgeted = within_budget(frontiers, budget).ok_or_else(|| BaselineError::Budget {
            budget: cost,
            least: scoring.mean_cost(total_cost(&chosen(frontiers, DEAREST))),
        })?;
        // Where not every set was tried, the dual bounds only what was.
        let bound = reach.unwrap_or(budgeted.bound / scoring.image_count());
        let kind = Kind::UpperBound { bound: Some(bound) };
        rows.push(row("Upper Bound at budget", kind, &budgeted.offers));
    }
    Ok(rows)
}

/// The offers of every image, where every set was tried.
pub(super) fn offers(scoring: &Scoring<'_>, rewards: &Rewards) -> Vec<Vec<Offer>> {
    let images = scoring.images.iter().zip(rewards.rows());
    let mut order = Order::default();
    images.map(|(image, values)| order.offers(image, values)).collect()
}

impl Offer {
    /// Of what was tried on an image, what is worth more than all that is cheaper, by rising cost.
    pub(super) fn frontier(mut tried: Vec<Self>) -> Vec<Self> {
        tried.sort_by_key(|offer| (offer.cost_microusd, offer.subset.count()));
        let mut best = f64::NEG_INFINITY;
        tried.retain(|offer| {
            let better = offer.value > best;
            best = best.max(offer.value);
            better
        });
        tried
    }
}

/// Subsets by rising cost, then by count; kept as long as prices stay the same.
#[derive(Debug, Default)]
struct Order {
    prices: Vec<u64>,
    by_cost: Vec<(u64, Subset)>,
}

impl Order {
    /// The offers of an image by rising cost.
    fn offers(&mut self, image: &ScoredImage<'_>, values: &[f32]) -> Vec<Offer> {
        if self.prices != image.prices_microusd() || self.by_cost.is_empty() {
            image.prices_microusd().clone_into(&mut self.prices);
            let subsets = Subset::each(self.prices.len());
            self.by_cost = subsets.map(|subset| (image.cost_microusd(subset), subset)).collect();
            self.by_cost.sort_by_key(|(cost, subset)| (*cost, subset.count()));
        }
        let mut offers: Vec<Offer> = Vec::new();
        for &(cost_microusd, subset) in &self.by_cost {
            let value = subset.place().and_then(|place| values.get(place).copied());
            let Some(value) = value.map(f64::from) else { continue };
            if offers.last().is_none_or(|best| value > best.value) {
                offers.push(Offer { subset, cost_microusd, value });
            }
        }
        offers
    }
}

/// The best offer of each image where a millionth of a US dollar costs so much value; of equals the
/// cheapest.
fn chosen(frontiers: &[Vec<Offer>], price: f64) -> Vec<Offer> {
    let worth = |offer: &Offer| price.mul_add(-number(offer.cost_microusd), offer.value);
    let mut chosen = Vec::with_capacity(frontiers.len());
    for offers in frontiers {
        let mut rest = offers.iter();
        let Some(mut best) = rest.next() else { continue };
        for offer in rest {
            if worth(offer) > worth(best) {
                best = offer;
            }
        }
        chosen.push(*best);
    }
    chosen
}

/// The best choice whose cost is within the budget, as nearly as a price of money finds it; `None`
/// where even the cheapest offers are not.
fn within_budget(frontiers: &[Vec<Offer>], budget_microusd: f64) -> Option<Budgeted> {
    let fits = |offers: &[Offer]| number(total_cost(offers)) <= budget_microusd;
    let free = chosen(frontiers, 0.0);
    if fits(&free) {
        return Some(Budgeted { bound: total_value(&free), offers: free });
    }
    let (mut low, mut high) = (0.0, DEAREST);
    if !fits(&chosen(frontiers, high)) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if fits(&chosen(frontiers, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    let mut offers = chosen(frontiers, high);
    let left = budget_microusd - number(total_cost(&offers));
    let bound = high.mul_add(left, total_value(&offers));
    spend(&mut offers, &chosen(frontiers, low), left);
    Some(Budgeted { offers, bound })
}

/// Takes the dearer of two offers, image by image, as long as there is money for it.
fn spend(offers: &mut [Offer], dearer: &[Offer], mut left_microusd: f64) {
    for (offer, dearer) in offers.iter_mut().zip(dearer) {
        let more = number(dearer.cost_microusd) - number(offer.cost_microusd);
        if dearer.value > offer.value && more <= left_microusd {
            left_microusd -= more;
            *offer = *dearer;
        }
    }
}

fn total_cost(offers: &[Offer]) -> u64 {
    offers.iter().fold(0, |sum: u64, offer| sum.saturating_add(offer.cost_microusd))
}

fn total_value(offers: &[Offer]) -> f64 {
    offers.iter().map(|offer| offer.value).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer(bits: usize, cost_microusd: u64, value: f64) -> Offer {
        Offer { subset: Subset::single(bits), cost_microusd, value }
    }

    #[test]
    fn money_goes_where_it_brings_most() {
        let frontiers = [
            vec![offer(0, 1, 0.0), offer(1, 2, 0.5)],
            vec![offer(0, 1, 0.0), offer(1, 2, 0.75)],
            vec![offer(0, 1, 0.25)],
        ];
        let best = within_budget(&frontiers, 4.0).unwrap();
        assert_eq!(best.offers, [frontiers[0][0], frontiers[1][1], frontiers[2][0]]);
        assert!((best.bound - 1.0).abs() < 1e-9, "{}", best.bound);
        let rich = within_budget(&frontiers, 5.0).unwrap();
        assert_eq!(rich.offers, [frontiers[0][1], frontiers[1][1], frontiers[2][0]]);
        assert_eq!(within_budget(&frontiers, 2.0), None);
    }

    #[test]
    fn what_a_price_cannot_split_is_bounded() {
        // The budget pays for half of the only step.
        let offers = vec![offer(0, 1, 0.0), offer(1, 3, 1.0)];
        let best = within_budget(std::slice::from_ref(&offers), 2.0).unwrap();
        assert_eq!(best.offers, offers[..1]);
        assert!((best.bound - 0.5).abs() < 1e-9, "{}", best.bound);
    }

    fn any_frontiers() -> impl Strategy<Value = Vec<Vec<Offer>>> {
        let steps = proptest::collection::vec((1..5_u64, 1..4_u8), 1..4);
        let frontier = steps.prop_map(|steps| {
            let (mut cost, mut value) = (0, -1.0);
            let mut offers = Vec::new();
            for (more, better) in steps {
                cost += more;
                value += f64::from(better) / 8.0;
                offers.push(offer(offers.len(), cost, value));
            }
            offers
        });
        proptest::collection::vec(frontier, 1..5)
    }

    /// The highest value within a budget, by trying everything.
    fn best_of_all(frontiers: &[Vec<Offer>], budget: u64) -> f64 {
        let Some((first, rest)) = frontiers.split_first() else { return 0.0 };
        let affordable = first.iter().filter(|offer| offer.cost_microusd <= budget);
        let values =
            affordable.map(|offer| offer.value + best_of_all(rest, budget - offer.cost_microusd));
        values.fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #[test]
        fn no_choice_within_the_budget_exceeds_the_bound(
            (frontiers, budget) in (any_frontiers(), 1..30_u32)
        ) {
            let best = best_of_all(&frontiers, budget.into());
            match within_budget(&frontiers, budget.into()) {
                None => prop_assert!(best.is_infinite()),
                Some(found) => {
                    prop_assert!(total_cost(&found.offers) <= budget.into());
                    prop_assert!(total_value(&found.offers) <= best + 1e-9);
                    prop_assert!(best <= found.bound + 1e-9, "{best} {}", found.bound);
                }
            }
        }
    }
}
