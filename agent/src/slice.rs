//! Which images of the list one run of the schedule sends.

use std::{num::NonZeroUsize, ops::Range};

/// How a run picks its share of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceRule {
    /// One day covers the list once: hour `h` sends `floor(n / 24)` keys from `h` times that on,
    /// and the last hour takes the rest.
    Hourly,
    /// Every run sends all.
    All,
    /// Every run sends this many, going on where the run before ended and starting over at the
    /// end of the list.
    Fixed(NonZeroUsize),
}

/// Hours of a day.
const HOURS: usize = 24;

impl SliceRule {
    /// The places in a list of `count` images that a run sends, in order.
    ///
    /// `hour` is the local hour of the run, 0 to 23; `cursor` is where the run before ended.
    pub fn places(self, count: usize, hour: usize, cursor: usize) -> Vec<usize> {
        match self {
            Self::Hourly => hourly(count, hour).collect(),
            Self::All => (0..count).collect(),
            Self::Fixed(length) => {
                (cursor..cursor + length.get().min(count)).map(|place| place % count).collect()
            }
        }
    }
}

fn hourly(count: usize, hour: usize) -> Range<usize> {
    let share = count / HOURS;
    let end = if hour + 1 >= HOURS { count } else { share * (hour + 1) };
    share * hour..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_split_the_published_list_as_published() {
        let hour = |hour| SliceRule::Hourly.places(4952, hour, 0);
        assert_eq!(hour(0), (0..206).collect::<Vec<_>>());
        assert_eq!(hour(22), (4532..4738).collect::<Vec<_>>());
        assert_eq!(hour(23), (4738..4952).collect::<Vec<_>>());
    }

    #[test]
    fn a_day_covers_every_list_once() {
        for count in [1, 23, 24, 25, 200, 4952] {
            let day = (0..HOURS).flat_map(|hour| SliceRule::Hourly.places(count, hour, 0));
            assert_eq!(day.collect::<Vec<_>>(), (0..count).collect::<Vec<_>>(), "{count}");
        }
    }

    #[test]
    fn a_fixed_number_goes_on_and_starts_over() {
        let rule = SliceRule::Fixed(NonZeroUsize::new(3).unwrap());
        assert_eq!(rule.places(5, 0, 3), [3, 4, 0]);
        assert_eq!(rule.places(2, 0, 1), [1, 0]);
    }
}
