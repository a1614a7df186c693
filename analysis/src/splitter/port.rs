//! The connections of one watched local port, of which there should be one.
//!
//! A port may be shared: its connection is replaced, the kernel gives it to several servers, strays
//! of an old connection arrive, somebody floods it. All of them are kept while there is room; when
//! there is none, what has the least claim to be the agent's own goes, and nothing goes for a stray.
//! Connections that nothing is heard of expire.

use std::net::SocketAddr;

use crate::{flow::Flow, segment::Segment};

/// The most connections of one local port that are kept.
pub(super) const MOST_FLOWS: usize = 16;
/// How many rounds a connection may be silent, and one that is over. It is over when both sides
/// have closed it, so that no more than the agent's last question can come.
const MOST_SILENT: u8 = 60;
const MOST_SILENT_WHEN_OVER: u8 = 2;

/// The flows of one port, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Port {
    /// How often it is watched: sockets of several addresses may have the same port.
    pub(super) watches: u32,
    flows: Vec<Kept>,
    segments: u64,
}

#[derive(Debug)]
struct Kept {
    flow: Flow,
    /// Which of the port's segments was its last.
    last_segment: u64,
    /// The rounds that ended since then.
    silent: u8,
    client_closed: bool,
    server_closed: bool,
}

/// How much a flow looks like a connection of the agent's own that is in use, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// The client was not seen to open it.
    Stray,
    /// Nothing came of its opening.
    HalfOpen,
    /// Both sides have closed it, or another was opened between its ends.
    Over,
    Open,
}

impl Port {
    /// Its flows, in the order in which they began.
    pub(super) fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.iter().map(|kept| &kept.flow)
    }

    /// One of them.
    pub(super) fn flow(&self, index: usize) -> Option<&Flow> {
        self.flows.get(index).map(|kept| &kept.flow)
    }

    /// The same, to change it.
    pub(super) fn flow_mut(&mut self, index: usize) -> Option<&mut Flow> {
        self.flows.get_mut(index).map(|kept| &mut kept.flow)
    }

    /// The memory that its flows take beside themselves, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.flows().map(Flow::held_bytes).sum()
    }

    /// Takes a segment that the client sent, or the server.
    pub(super) fn take(&mut self, segment: &Segment<'_>, by_client: bool) {
        let (source, destination) = (segment.source, segment.destination);
        let (client, server) =
            if by_client { (source, destination) } else { (destination, source) };
        let begins = |flow: &Flow| {
            if by_client { flow.is_opened_by(segment) } else { flow.is_accepted_by(segment) }
        };
        let known = self.flows.iter().rposition(|kept| {
            kept.flow.connects(client, server) && (!segment.syn || begins(&kept.flow))
        });
        let Some(kept) = self.known_or_begun(known, segment, (client, server)) else { return };
        if by_client {
            kept.flow.send(segment);
        } else {
            kept.flow.receive(segment);
        }
        kept.client_closed |= segment.resets || (segment.closes && by_client);
        kept.server_closed |= segment.resets || (segment.closes && !by_client);
    }

    /// Ends a round: what was silent for too many of them expires.
    pub(super) fn end_round(&mut self) {
        self.flows.retain_mut(|kept| {
            kept.silent = kept.silent.saturating_add(1);
            let over = kept.client_closed && kept.server_closed;
            kept.silent <= if over { MOST_SILENT_WHEN_OVER } else { MOST_SILENT }
        });
    }

    /// A segment begins a flow where it opens or accepts one, or carries bytes; what else is seen
    /// of an unknown connection is the end of one that is over.
    fn known_or_begun(
        &mut self,
        known: Option<usize>,
        segment: &Segment<'_>,
        (client, server): (SocketAddr, SocketAddr),
    ) -> Option<&mut Kept> {
        self.segments += 1;
        let index = match known {
            Some(index) => index,
            None if !segment.syn && segment.payload == 0 => return None,
            None => {
                let opens = segment.syn && segment.source == client;
                if !self.makes_room(opens) {
                    return None;
                }
                self.flows.push(Kept {
                    flow: Flow::new(client, server, segment.timestamp),
                    last_segment: 0,
                    silent: 0,
                    client_closed: false,
                    server_closed: false,
                });
                self.flows.len() - 1
            }
        };
        let kept = self.flows.get_mut(index)?;
        kept.last_segment = self.segments;
        kept.silent = 0;
        Some(kept)
    }

    /// Whether there is room for another flow, if need be instead of the one that has the least
    /// claim and was silent for longest. Only a stray goes for a stray.
    fn makes_room(&mut self, opens: bool) -> bool {
        if self.flows.len() < MOST_FLOWS {
            return true;
        }
        let claims = (0..self.flows.len()).filter_map(|index| {
            Some((self.claim(index)?, self.flows.get(index)?.last_segment, index))
        });
        let Some((claim, _, index)) = claims.min() else { return false };
        let goes = opens || claim == Claim::Stray;
        if goes {
            self.flows.remove(index);
        }
        goes
    }

    fn claim(&self, index: usize) -> Option<Claim> {
        let kept = self.flows.get(index)?;
        let opening = kept.flow.opening();
        if opening.began().is_none() {
            return Some(Claim::Stray);
        }
        if !opening.was_seen() && kept.flow.reached() == (0, 0) {
            return Some(Claim::HalfOpen);
        }
        let replaced = self
            .flows
            .iter()
            .skip(index + 1)
            .any(|later| later.flow.has_ends_of(&kept.flow) && later.flow.opening().was_seen());
        let over = replaced || (kept.client_closed && kept.server_closed);
        Some(if over { Claim::Over } else { Claim::Open })
    }
}
