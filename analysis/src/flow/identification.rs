//! Packets of the server that did not arrive, as the identifications of its others tell.
//!
//! A lost response of one segment leaves no hole in the stream: it comes again later as if for the
//! first time. But many hosts count a connection's IPv4 packets in their identification field (RFC
//! 6864 leaves them free to), and there it leaves a number that is missing.

use crate::segment::Segment;

/// A larger step is no count.
const LARGEST_STEP: u16 = 64;

/// The fewest steps of one after which a sender is taken to count.
const FEWEST_STEPS: u32 = 2;

/// Larger payloads may be several segments that a network card put together, each with a number.
const MOST_PAYLOAD: u32 = 1460;

/// The identifications of one sender's packets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identifications {
    /// The furthest one, and whether it surely is of one packet.
    furthest: Option<(u16, bool)>,
    /// How often the next packet had the next number.
    in_order: u32,
    /// How often numbers were missing, or were no count at all.
    others: u32,
}

/// What a packet's identification says of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Usual,
    /// So many have not arrived.
    Missing(u16),
    /// It is one that was missing.
    Overtaken,
}

impl Identifications {
    /// Takes the next packet as it arrives.
    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Step {
        // Some hosts begin to count after the SYN-ACK.
        let Some(number) = segment.identification.filter(|_| !segment.syn) else {
            return Step::Usual;
        };
        let single = segment.payload <= MOST_PAYLOAD;
        let Some((furthest, after_single)) = self.furthest else {
            self.furthest = Some((number, single));
            return Step::Usual;
        };
        let ahead = number.wrapping_sub(furthest);
        let behind = furthest.wrapping_sub(number);
        if (1..=LARGEST_STEP).contains(&behind) {
            return if self.counts() { Step::Overtaken } else { Step::Usual };
        }
        if ahead == 0 {
            return Step::Usual;
        }
        self.furthest = Some((number, single));
        match ahead {
            1 => self.in_order = self.in_order.saturating_add(1),
            2..=LARGEST_STEP if !after_single => {}
            2..=LARGEST_STEP => {
                self.others = self.others.saturating_add(1);
                if self.counts() {
                    return Step::Missing(ahead - 1);
                }
            }
            _ => self.others = self.others.saturating_add(1),
        }
        Step::Usual
    }

    /// Whether the sender seems to count.
    const fn counts(self) -> bool {
        self.in_order >= FEWEST_STEPS && self.in_order >= self.others
    }
}
