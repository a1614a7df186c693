//! One group of exchanges while they are added to it.

use std::collections::BTreeMap;

use armol_analysis::{
    split::{Split, SplitFlags},
    summary::Distribution,
    time::nanoseconds,
};

/// The parts of which percentiles are told, in the order of [`GroupTally::distributions`].
pub(super) const PARTS: [&str; 6] =
    ["upload_ns", "inference_ns", "download_ns", "transmission_ns", "total_ns", "rtt_ns"];

/// What is known of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupTally {
    exchanges: u64,
    used: u64,
    excluded: BTreeMap<String, u64>,
    flags: BTreeMap<String, u64>,
    parts: [Vec<i64>; PARTS.len()],
}

impl GroupTally {
    /// Adds an exchange.
    pub(super) fn add(&mut self, split: &Split) {
        self.exchanges += 1;
        let implausible = split.flags.contains(SplitFlags::IMPLAUSIBLE);
        let Some(times) = split.times.filter(|_| !implausible) else {
            *self.excluded.entry(reason(split.flags)).or_default() += 1;
            return;
        };
        self.used += 1;
        for word in split.flags.words() {
            *self.flags.entry(word).or_default() += 1;
        }
        let lengths = [
            Some(times.upload()),
            Some(times.inference()),
            Some(times.download()),
            Some(times.transmission()),
            Some(times.total()),
            split.rtt,
        ];
        for (part, length) in self.parts.iter_mut().zip(lengths) {
            part.extend(length.map(nanoseconds));
        }
    }

    /// All exchanges.
    pub(super) const fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// Those whose times count.
    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    /// How many do not, by the reason.
    pub(super) const fn excluded(&self) -> &BTreeMap<String, u64> {
        &self.excluded
    }

    /// How many of those that count carry which flag.
    pub(super) const fn flags(&self) -> &BTreeMap<String, u64> {
        &self.flags
    }

    /// The times of [`PARTS`], put in order.
    pub(super) fn distributions(self) -> [Distribution; PARTS.len()] {
        self.parts.map(Distribution::new)
    }
}

/// Why an exchange does not count: the first flag that makes its times meaningless.
fn reason(flags: SplitFlags) -> String {
    let reasons = [
        SplitFlags::IMPLAUSIBLE,
        SplitFlags::EARLY_RESPONSE,
        SplitFlags::CLOCK_STEPPED,
        SplitFlags::CAPTURE_GAP,
    ];
    let reason = reasons.into_iter().find(|reason| flags.contains(*reason));
    reason
        .map_or_else(|| "without an acknowledgement".to_owned(), |reason| reason.words().join(" "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use armol_analysis::split::{SplitMethod, SplitTimes};

    use super::*;

    fn split(inference: Option<u64>, flags: SplitFlags) -> Split {
        let times = inference.map(|inference| {
            let ms = Duration::from_millis;
            SplitTimes::new(ms(5), ms(inference), ms(1), None).unwrap()
        });
        Split {
            method: SplitMethod::Packets,
            times,
            request_first: None,
            connect: None,
            tls: None,
            rtt: None,
            request_bytes: 1,
            response_bytes: 1,
            retransmissions: 0,
            flags,
        }
    }

    #[test]
    fn what_means_nothing_is_excluded_and_counted_by_its_reason() {
        let mut tally = GroupTally::default();
        tally.add(&split(Some(30), SplitFlags::DELAYED_ACK));
        tally.add(&split(Some(26_000), SplitFlags::IMPLAUSIBLE));
        tally.add(&split(None, SplitFlags::EARLY_RESPONSE | SplitFlags::CAPTURE_GAP));
        assert_eq!((tally.exchanges(), tally.used()), (3, 1));
        let excluded: Vec<_> = tally.excluded().clone().into_iter().collect();
        assert_eq!(excluded, [("early_response".to_owned(), 1), ("implausible".to_owned(), 1)]);
        assert_eq!(tally.flags().get("delayed_ack"), Some(&1));
        assert_eq!(tally.distributions()[1].values(), [30_000_000]);
    }
}
