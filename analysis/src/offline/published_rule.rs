//! The split as the scripts published with Armol make it, to be held against ours.
//!
//! It looks at packets, not at bytes: a response is a packet of the server that begins with a TLS
//! record of application data longer than a failed call's (t3); before it come the server's last
//! pure acknowledgement (t2), the client's last packet before that (t1), and the client's last
//! packet before the first record of the upload (t0). There is one server a capture: the one that
//! DNS named, else the one with the most packets. What that gets wrong is what it is kept for.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{roles, server_name};
use crate::{
    datagram,
    frame::{Frame, LinkType},
    segment::Segment,
    split::SplitTimes,
    time::Timestamp,
};

/// The record length of a failed call; a response is longer.
const FAILED_CALL: u16 = 391;
/// The most servers that are counted in one capture; the rest of them are passed over.
const MOST_SERVERS: usize = 4096;

/// One request as the published rule splits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedLag {
    /// The client's end, as the response's packet has it.
    pub client: SocketAddr,
    /// The server's end.
    pub server: SocketAddr,
    /// t0: where the upload is said to begin.
    pub began: Timestamp,
    /// t3: where the response is said to begin.
    pub responded: Timestamp,
    /// t1 - t0.
    pub upload: Duration,
    /// t2 - t1.
    pub round_trip: Duration,
    /// t3 - t2.
    pub inference: Duration,
}

/// Splits the requests of a capture by the published rule.
#[derive(Debug, Default)]
pub struct PublishedRule {
    servers: BTreeMap<IpAddr, Server>,
    named: Vec<IpAddr>,
}

/// What the rule remembers of the packets between the client and one server.
#[derive(Debug, Default)]
struct Server {
    packets: u64,
    /// The client's last packet.
    sent: Option<Timestamp>,
    /// The client's last packet before its first record since the last response.
    began: Option<Timestamp>,
    /// The server's last pure acknowledgement, and the client's last packet before it.
    acknowledged: Option<(Option<Timestamp>, Timestamp)>,
    lags: Vec<PublishedLag>,
}

impl PublishedRule {
    /// The rule before the first packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a frame.
    pub fn push(&mut self, link_type: LinkType, frame: &Frame<'_>) {
        let Some(segment) = Segment::read(link_type, frame) else {
            if let Some(message) = datagram::dns_answer(link_type, frame) {
                let answers = server_name::of_dns_response(message);
                self.named.extend(answers.into_iter().map(|(address, _)| address));
                self.named.truncate(MOST_SERVERS);
            }
            return;
        };
        let (client, server) = roles(&[], &segment);
        if self.servers.len() >= MOST_SERVERS && !self.servers.contains_key(&server.ip()) {
            return;
        }
        let state = self.servers.entry(server.ip()).or_default();
        state.packets += 1;
        if segment.source == client {
            state.send(&segment);
        } else {
            state.receive(&segment);
        }
    }

    /// The lags of the one server that the capture is taken to be about.
    pub fn finish(self) -> Vec<PublishedLag> {
        let Self { mut servers, named } = self;
        let named = named.into_iter().find(|address| servers.contains_key(address));
        let busiest = servers.iter().max_by_key(|(_, server)| server.packets);
        let server = named.or_else(|| busiest.map(|(address, _)| *address));
        server.and_then(|address| servers.remove(&address)).unwrap_or_default().lags
    }
}

impl Server {
    fn send(&mut self, segment: &Segment<'_>) {
        if self.began.is_none() && record_length(segment).is_some() {
            self.began = self.sent.or(Some(segment.timestamp));
        }
        self.sent = Some(segment.timestamp);
    }

    fn receive(&mut self, segment: &Segment<'_>) {
        if segment.payload == 0 && !segment.syn {
            self.acknowledged = Some((self.sent, segment.timestamp));
        }
        if record_length(segment).is_some_and(|length| length > FAILED_CALL) {
            self.lags.extend(self.lag(segment));
            self.began = None;
        }
    }

    /// The split at a response; `None` where a packet that the rule asks for was not there, or
    /// their order makes no sense.
    fn lag(&self, response: &Segment<'_>) -> Option<PublishedLag> {
        let began = self.began?;
        let (sent, acknowledged) = self.acknowledged?;
        let sent = sent?;
        Some(PublishedLag {
            client: response.destination,
            server: response.source,
            began,
            responded: response.timestamp,
            upload: sent.since(began)?,
            round_trip: acknowledged.since(sent)?,
            inference: response.timestamp.since(acknowledged)?,
        })
    }
}

/// The length of the application data record that a packet begins with.
fn record_length(segment: &Segment<'_>) -> Option<u16> {
    match *segment.bytes {
        [23, 3, _, high, low, ..] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// Our own split in the terms of the published rule: there the round trip is no part of the
/// upload. `None` where no round trip is known.
pub fn published_terms(times: SplitTimes, rtt: Option<Duration>) -> Option<[Duration; 3]> {
    let round_trip = rtt?.min(times.upload());
    Some([times.upload().saturating_sub(round_trip), round_trip, times.inference()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Connection, client, moment, server};

    /// The beginning of a record of this length.
    fn record(length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut bytes = vec![23, 3, 3, high, low];
        bytes.resize(1000, 0);
        bytes
    }

    #[test]
    fn splits_as_the_published_scripts_do() {
        let connection = Connection::ipv4();
        let frames = connection.frames(&[
            client(0).syn(),
            server(40_000).syn().acknowledges(0),
            client(40_100).acknowledges(0),
            client(41_000).bytes(0, &record(1995)).acknowledges(0),
            client(41_500).data(1000..2000).acknowledges(0),
            server(82_000).acknowledges(2000),
            // A failed call's answer is none.
            server(90_000).bytes(0, &record(391)).acknowledges(2000),
            server(132_000).bytes(1000, &record(995)).acknowledges(2000),
        ]);
        let mut rule = PublishedRule::new();
        for frame in &frames {
            rule.push(LinkType::Ethernet, &frame.as_frame());
        }
        let expected = PublishedLag {
            client: connection.client,
            server: connection.server,
            began: moment(40_100),
            responded: moment(132_000),
            upload: Duration::from_micros(1400),
            round_trip: Duration::from_micros(40_500),
            inference: Duration::from_millis(50),
        };
        assert_eq!(rule.finish(), [expected]);
    }

    #[test]
    fn our_split_in_its_terms_has_the_same_sum() {
        let ms = Duration::from_millis;
        let times = SplitTimes::new(ms(45), ms(50), ms(1), None).unwrap();
        assert_eq!(published_terms(times, Some(ms(40))), Some([ms(5), ms(40), ms(50)]));
        assert_eq!(published_terms(times, Some(ms(60))), Some([ms(0), ms(45), ms(50)]));
        assert_eq!(published_terms(times, None), None);
    }
}
