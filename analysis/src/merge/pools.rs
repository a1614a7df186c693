//! Which boxes of one group are one object.
//!
//! The first box that is in no pool yet opens one, and every later box that overlaps it enough
//! joins, if it is free. What is first is up to the caller: the best box, or the first provider's.

use std::mem;

use super::candidates::Candidate;

/// Memory for pools, kept from one group to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    remaining: Vec<Candidate>,
    pool: Vec<Candidate>,
}

impl Pools {
    /// Splits the boxes of one group into pools and shows each to `take`; no pool is empty, and
    /// its first box is the one that opened it.
    pub(super) fn split(
        &mut self,
        group: &[Candidate],
        iou_threshold: f64,
        mut take: impl FnMut(Candidate, &[Candidate]),
    ) {
        self.remaining.clear();
        self.remaining.extend(group);
        while let Some(&opener) = self.remaining.first() {
            self.pool.clear();
            // An empty box does not overlap even itself.
            let mut is_opener = true;
            let pool = &mut self.pool;
            self.remaining.retain(|candidate| {
                let overlap = || opener.grouped.bbox.iou(candidate.grouped.bbox);
                let joins = mem::take(&mut is_opener) || overlap() > iou_threshold;
                if joins {
                    pool.push(*candidate);
                }
                !joins
            });
            take(opener, pool);
        }
    }
}

/// How many answers a pool has boxes of: one that reports an object twice has one voice.
pub(super) fn agreeing(pool: &[Candidate]) -> usize {
    let earlier = |place| pool.iter().take(place);
    let numbered = pool.iter().enumerate();
    let first = |&(place, member): &(usize, &Candidate)| {
        earlier(place).all(|other| other.answer != member.answer)
    };
    numbered.filter(first).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detection::BoundingBox,
        label_groups::{GroupId, GroupedBox},
    };

    #[test]
    fn a_provider_that_reports_an_object_twice_has_one_voice() {
        let bbox = BoundingBox::from_corners([0.0, 0.0, 1.0, 1.0]).unwrap();
        let grouped = GroupedBox { group: GroupId::new(0), score: 0.5, bbox };
        let seen_by = |answer| Candidate { answer, position: 0, grouped };
        assert_eq!(agreeing(&[2, 2].map(seen_by)), 1);
        assert_eq!(agreeing(&[0, 1, 0, 3].map(seen_by)), 3);
    }
}
