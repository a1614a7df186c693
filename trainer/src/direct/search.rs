//! The best set of many providers, sought by adding, dropping and changing one at a time.
//!
//! Sets are too many to be tried. From each of a few beginnings the best single step is made as long
//! as one leads up; the best of the ends is taken. Nothing says that there is no better set, but no
//! set that one step leads to is.

use super::pairs::Terms;
use crate::subset::Subset;

/// What a step must bring, so that rounding leads nowhere.
const LEAST_GAIN: f64 = 1e-9;

/// The set that promises most with what `charge` says that it adds, which holds whoever is asked first.
pub(super) fn best(
    terms: &Terms,
    providers: usize,
    first: Subset,
    charge: impl Fn(Subset) -> f64,
) -> Subset {
    let promise = |set: Subset| {
        let members: Vec<usize> = (0..providers).filter(|place| set.contains(*place)).collect();
        terms.worth(&members) + charge(set)
    };
    let better =
        |one: (Subset, f64), other: (Subset, f64)| if other.1 > one.1 { other } else { one };
    let with_promise = |set: Subset| (set, promise(set));
    let alone = (0..providers).map(|place| with_promise(first.with(place)));
    let all = with_promise(Subset::all(providers));
    let beginnings = [alone.reduce(better).unwrap_or(all), all];
    let climbed = beginnings.map(|beginning| {
        let mut at = beginning;
        loop {
            let next = steps(at.0, first, providers).map(with_promise).fold(at, better);
            if next.1 <= at.1 + LEAST_GAIN {
                return at;
            }
            at = next;
        }
    });
    climbed.into_iter().reduce(better).unwrap_or(all).0
}

/// The sets that adding, dropping or changing one provider leads to, but for those without anybody or
/// without who is asked first.
fn steps(set: Subset, first: Subset, providers: usize) -> impl Iterator<Item = Subset> {
    let inside = move |place: &usize| set.contains(*place) && !first.contains(*place);
    let outside = move |place: &usize| !set.contains(*place);
    let added = (0..providers).filter(outside).map(move |place| set.with(place));
    let dropped = (0..providers).filter(inside).map(move |place| set.without(place));
    let changed = (0..providers).filter(inside).flat_map(move |gone| {
        (0..providers).filter(outside).map(move |come| set.without(gone).with(come))
    });
    added.chain(dropped).chain(changed).filter(|set| !set.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_to_neighbours_and_keep_who_is_first() {
        let set = Subset::single(0).with(2);
        let found: Vec<Subset> = steps(set, Subset::single(2), 3).collect();
        let expected = [Subset::all(3), Subset::single(2), Subset::single(2).with(1)];
        assert_eq!(found, expected);
        assert!(steps(Subset::single(0), Subset::default(), 1).next().is_none());
    }
}
