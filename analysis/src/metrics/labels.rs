//! How good sets of labels are, where nothing has a place.
//!
//! Services that name what is in an image without saying where are scored by the set of what they
//! named.

use std::collections::BTreeSet;

use super::{f1::Counts, number};
use crate::label_groups::GroupId;

/// How many labels two sets share, as a share of all that either has; 1 where both are empty.
pub fn jaccard(answered: &BTreeSet<GroupId>, truth: &BTreeSet<GroupId>) -> f64 {
    let shared = answered.intersection(truth).count();
    let all = answered.len() + truth.len() - shared;
    if all == 0 { 1.0 } else { number(shared) / number(all) }
}

/// How many labels are right, wrong and missed; sums of them have an F1.
pub fn counts(answered: &BTreeSet<GroupId>, truth: &BTreeSet<GroupId>) -> Counts {
    let right = answered.intersection(truth).count();
    Counts { right, wrong: answered.len() - right, missed: truth.len() - right }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::assert_near;

    fn labels(numbers: &[u16]) -> BTreeSet<GroupId> {
        numbers.iter().copied().map(GroupId::new).collect()
    }

    #[test]
    fn the_jaccard_index_is_what_is_shared_of_what_there_is() {
        assert_near(jaccard(&labels(&[1, 2]), &labels(&[2, 3, 4])), 0.25);
        assert_near(jaccard(&labels(&[1]), &labels(&[1])), 1.0);
        assert_near(jaccard(&labels(&[]), &labels(&[1])), 0.0);
        assert_near(jaccard(&labels(&[]), &labels(&[])), 1.0);
    }

    #[test]
    fn each_label_is_right_wrong_or_missed() {
        let expected = Counts { right: 1, wrong: 2, missed: 1 };
        assert_eq!(counts(&labels(&[1, 2, 3]), &labels(&[3, 4])), expected);
    }
}
