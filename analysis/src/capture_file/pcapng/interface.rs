//! One interface of a section: its link type, how much is kept of packets, and its clock.

use crate::{
    capture_file::{byte_order::ByteOrder, link::Link},
    time::Timestamp,
};

/// Where the options of an interface description begin.
const OPTIONS: usize = 8;
const END_OF_OPTIONS: u16 = 0;
const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;

/// What a section says about one of its interfaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    /// What its packets begin with.
    pub(super) link: Link,
    /// The most bytes of a packet that are kept; 0 where all are.
    pub(super) snapshot: u32,
    /// What its stamps mean.
    pub(super) clock: Clock,
}

/// What the stamps of an interface count, and from when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    unit: Unit,
    /// The seconds to add to every stamp.
    offset_seconds: i64,
}

/// The length of one tick.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// One nanosecond divided by this.
    PartOfNanosecond(u128),
    /// One second divided by this power of two.
    PowerOfTwo(u32),
}

impl Interface {
    /// Reads the body of an interface description; `None` where it is too short.
    pub(super) fn read(order: ByteOrder, body: &[u8]) -> Option<Self> {
        let link = Link::new(u32::from(order.u16_at(body, 0)?));
        let snapshot = order.u32_at(body, 4)?;
        let clock = Clock::read(order, body.get(OPTIONS..)?);
        Some(Self { link, snapshot, clock })
    }
}

impl Clock {
    /// Reads a clock from options, as far as they can be read.
    fn read(order: ByteOrder, options: &[u8]) -> Self {
        let mut clock = Self { unit: Unit::Nanoseconds(1000), offset_seconds: 0 };
        let mut rest = options;
        while let (Some(code), Some(length)) = (order.u16_at(rest, 0), order.u16_at(rest, 2)) {
            let length = usize::from(length);
            let Some(value) = rest.get(4..4 + length) else { break };
            match (code, value) {
                (END_OF_OPTIONS, _) => break,
                (TIME_RESOLUTION, [resolution]) => clock.unit = Unit::new(*resolution),
                (TIME_OFFSET, [_, _, _, _, _, _, _, _]) => {
                    clock.offset_seconds = order.i64_at(value, 0).unwrap_or(0);
                }
                _ => {}
            }
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        clock
    }

    /// The moment of a stamp; `None` where it lies outside the years that can be expressed.
    #[inline]
    pub(super) fn timestamp(self, ticks: u64) -> Option<Timestamp> {
        let since_offset = match self.unit {
            Unit::Nanoseconds(unit) => u128::from(ticks) * u128::from(unit),
            Unit::PartOfNanosecond(parts) => u128::from(ticks) / parts,
            Unit::PowerOfTwo(power) => (u128::from(ticks) * 1_000_000_000) >> power,
        };
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        let nanoseconds = i128::try_from(since_offset).ok()?.checked_add(offset)?;
        i64::try_from(nanoseconds).ok().map(Timestamp::from_unix_ns)
    }
}

impl Unit {
    /// The unit that a resolution names: a negative power of ten, or of two with the first bit set.
    fn new(resolution: u8) -> Self {
        const POWER_OF_TWO: u8 = 0x80;
        let power = u32::from(resolution & !POWER_OF_TWO);
        if resolution & POWER_OF_TWO != 0 {
            return Self::PowerOfTwo(power);
        }
        match 9_u32.checked_sub(power) {
            Some(longer) => Self::Nanoseconds(10_u64.pow(longer)),
            None => Self::PartOfNanosecond(10_u128.saturating_pow(power - 9)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(options: &[u8], ticks: u64) -> Option<i64> {
        Clock::read(ByteOrder::Big, options).timestamp(ticks).map(Timestamp::unix_ns)
    }

    fn resolution(resolution: u8) -> Vec<u8> {
        vec![0, 2, 0, 3, b'e', b't', b'h', 0, 0, 9, 0, 1, resolution, 0, 0, 0, 0, 0, 0, 0]
    }

    #[test]
    fn a_tick_is_what_the_resolution_says() {
        assert_eq!(moment(&[], 5), Some(5000));
        assert_eq!(moment(&resolution(0), 5), Some(5_000_000_000));
        assert_eq!(moment(&resolution(9), 5), Some(5));
        assert_eq!(moment(&resolution(12), 5999), Some(5));
        assert_eq!(moment(&resolution(0x7f), u64::MAX), Some(0));
        assert_eq!(moment(&resolution(0x8a), 512), Some(500_000_000));
        assert_eq!(moment(&resolution(0xa0), (5 << 32) | (1 << 31)), Some(5_500_000_000));
        assert_eq!(moment(&resolution(0xff), u64::MAX), Some(0));
    }

    #[test]
    fn the_offset_is_added_in_seconds() {
        let before = [&[0, 14, 0, 8][..], &(-2_i64).to_be_bytes()].concat();
        assert_eq!(moment(&before, 2_000_001), Some(1000));
        assert_eq!(moment(&before, 0), Some(-2_000_000_000));
    }

    #[test]
    fn a_time_that_cannot_be_expressed_is_absent() {
        assert_eq!(moment(&resolution(0), u64::MAX), None);
        let far = [&[0, 14, 0, 8][..], &i64::MIN.to_be_bytes()].concat();
        assert_eq!(moment(&far, 0), None);
    }

    #[test]
    fn options_that_end_early_leave_what_was_read() {
        let cut = [&resolution(9)[..16], &[0, 14, 0, 8, 1]].concat();
        assert_eq!(moment(&cut, 5), Some(5));
    }
}
