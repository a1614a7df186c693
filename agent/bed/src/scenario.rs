//! The networks and the traffic that methods of measuring are tried on, in one table.

use std::{ops::RangeInclusive, time::Duration};

use armol_agent::{http::Protocol, simulation::TlsVersion};

use crate::line::{Bottleneck, LineSettings, Reordering};

/// One network with one kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scenario {
    /// Its name on the command line and in tables.
    pub(crate) name: &'static str,
    /// What the network does to packets.
    pub(crate) network: Network,
    /// What is asked, and how.
    pub(crate) traffic: Traffic,
    /// Only one of so many requests is sent, where each takes long.
    pub(crate) one_in: usize,
}

/// What a network does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Network {
    /// Both delays together, in milliseconds.
    pub(crate) round_trip_ms: u64,
    /// The share of packets that are lost, each way.
    pub(crate) loss: f64,
    /// What slows down packets to the provider.
    pub(crate) bottleneck: Option<Bottleneck>,
    /// Which packets are overtaken, each way.
    pub(crate) reordering: Option<Reordering>,
    /// Whether packets of up to 64 KB cross as one, as network cards that segment have it.
    pub(crate) super_packets: bool,
    /// Whether addresses are of IPv6.
    pub(crate) ipv6: bool,
}

/// What is asked, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Traffic {
    /// The version of HTTP.
    pub(crate) protocol: Protocol,
    /// How connections are used.
    pub(crate) connections: Connections,
    /// How long the body of a request is, in kilobytes.
    pub(crate) body_kb: (usize, usize),
    /// How long the provider thinks, in milliseconds.
    pub(crate) inference_ms: (u64, u64),
    /// How long nothing is asked between two calls.
    pub(crate) idle: Duration,
    /// How long a response's body comes after its head.
    pub(crate) body_pause: Duration,
    /// The version of TLS.
    pub(crate) tls: TlsVersion,
    /// The congestion control of the agent's side, which Linux has a word for.
    pub(crate) congestion_control: &'static str,
}

/// How connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// All calls share one.
    Shared,
    /// Each call opens its own.
    Fresh,
    /// Two are used at the same time, each by every other call.
    Two,
}

const NETWORK: Network = Network {
    round_trip_ms: 40,
    loss: 0.0,
    bottleneck: None,
    reordering: None,
    super_packets: false,
    ipv6: false,
};

const TRAFFIC: Traffic = Traffic {
    protocol: Protocol::Http1 { expect_continue: false },
    connections: Connections::Shared,
    body_kb: (50, 300),
    inference_ms: (5, 300),
    idle: Duration::ZERO,
    body_pause: Duration::ZERO,
    tls: TlsVersion::Tls13,
    congestion_control: "cubic",
};

const FRESH: Traffic = Traffic { connections: Connections::Fresh, ..TRAFFIC };
const TWO: Traffic = Traffic { connections: Connections::Two, ..TRAFFIC };
const SMALL: Traffic = Traffic { body_kb: (1, 4), ..TRAFFIC };
const QUICK: Traffic = Traffic { inference_ms: (0, 39), ..TRAFFIC };
const IDLE: Traffic = Traffic { idle: Duration::from_secs(2), ..TRAFFIC };
const LATE_BODY: Traffic = Traffic { body_pause: Duration::from_millis(60), ..TRAFFIC };
const TLS12: Traffic = Traffic { tls: TlsVersion::Tls12, ..TRAFFIC };

/// The same traffic in HTTP/2.
const fn frames(traffic: Traffic) -> Traffic {
    Traffic { protocol: Protocol::Http2, ..traffic }
}

/// The same traffic with bodies that wait until they are wanted.
const fn continued(traffic: Traffic) -> Traffic {
    Traffic { protocol: Protocol::Http1 { expect_continue: true }, ..traffic }
}

const fn round_trip(milliseconds: u64) -> Network {
    Network { round_trip_ms: milliseconds, ..NETWORK }
}

const fn lossy(milliseconds: u64) -> Network {
    Network { loss: 0.01, ..round_trip(milliseconds) }
}

const fn super_packets(network: Network) -> Network {
    Network { super_packets: true, ..network }
}

/// 20 Mbit/s with a queue that holds so many kilobytes.
const fn slow(milliseconds: u64, queue_kb: u64) -> Network {
    let bottleneck = Some(Bottleneck { rate: 20_000_000, queue_bytes: queue_kb * 1000 });
    Network { bottleneck, ..round_trip(milliseconds) }
}

const fn reordered(milliseconds: u64) -> Network {
    let reordering = Some(Reordering { share: 0.02, held: Duration::from_millis(3) });
    Network { reordering, ..round_trip(milliseconds) }
}

const fn scenario(name: &'static str, network: Network, traffic: Traffic) -> Scenario {
    Scenario { name, network, traffic, one_in: 1 }
}

const fn long(name: &'static str, network: Network, traffic: Traffic) -> Scenario {
    Scenario { one_in: 4, ..scenario(name, network, traffic) }
}

/// Every scenario. `h1` is HTTP/1.1, `h2` HTTP/2.
pub(crate) const SCENARIOS: [Scenario; 50] = [
    scenario("h1-rtt0", round_trip(0), TRAFFIC),
    scenario("h1-rtt5", round_trip(5), TRAFFIC),
    scenario("h1-rtt40", round_trip(40), TRAFFIC),
    scenario("h1-rtt120", round_trip(120), TRAFFIC),
    scenario("h1-rtt0-loss", lossy(0), TRAFFIC),
    scenario("h1-rtt5-loss", lossy(5), TRAFFIC),
    scenario("h1-rtt40-loss", lossy(40), TRAFFIC),
    scenario("h1-rtt120-loss", lossy(120), TRAFFIC),
    scenario("h1-rtt0-gso", super_packets(round_trip(0)), TRAFFIC),
    scenario("h1-rtt40-gso", super_packets(round_trip(40)), TRAFFIC),
    scenario("h1-rtt40-gso-loss", super_packets(lossy(40)), TRAFFIC),
    scenario("h1-rtt5-slow", slow(5, 100), TRAFFIC),
    scenario("h1-rtt40-slow", slow(40, 100), TRAFFIC),
    scenario("h1-rtt40-slow-shallow", slow(40, 30), TRAFFIC),
    scenario("h1-rtt40-slow-bbr", slow(40, 100), Traffic { congestion_control: "bbr", ..TRAFFIC }),
    scenario("h1-rtt40-bbr", round_trip(40), Traffic { congestion_control: "bbr", ..TRAFFIC }),
    scenario("h1-rtt0-newconn", round_trip(0), FRESH),
    scenario("h1-rtt40-newconn", round_trip(40), FRESH),
    scenario("h1-rtt40-newconn-loss", lossy(40), FRESH),
    scenario("h1-rtt0-small", round_trip(0), SMALL),
    scenario("h1-rtt40-small", round_trip(40), SMALL),
    scenario("h1-rtt40-small-loss", lossy(40), SMALL),
    scenario("h1-rtt120-small-newconn", round_trip(120), Traffic { body_kb: (1, 4), ..FRESH }),
    scenario("h1-rtt40-tls12", round_trip(40), TLS12),
    scenario("h1-rtt40-tls12-newconn", round_trip(40), Traffic { tls: TlsVersion::Tls12, ..FRESH }),
    long("h1-rtt40-idle", round_trip(40), IDLE),
    scenario("h1-rtt40-two", round_trip(40), TWO),
    scenario("h1-rtt40-two-loss", lossy(40), TWO),
    long("h1-rtt40-late", round_trip(40), Traffic { inference_ms: (900, 1500), ..TRAFFIC }),
    scenario("h1-rtt40-late-body", round_trip(40), LATE_BODY),
    scenario("h1-rtt0-quick", round_trip(0), QUICK),
    scenario("h1-rtt40-quick", round_trip(40), QUICK),
    scenario("h1-rtt40-quick-small", round_trip(40), Traffic { body_kb: (1, 4), ..QUICK }),
    scenario("h1-rtt40-reorder", reordered(40), TRAFFIC),
    scenario("h1-rtt40-ipv6", Network { ipv6: true, ..NETWORK }, TRAFFIC),
    scenario("h1-rtt40-continue", round_trip(40), continued(TRAFFIC)),
    scenario("h1-rtt40-continue-loss", lossy(40), continued(TRAFFIC)),
    scenario("h2-rtt0", round_trip(0), frames(TRAFFIC)),
    scenario("h2-rtt5", round_trip(5), frames(TRAFFIC)),
    scenario("h2-rtt40", round_trip(40), frames(TRAFFIC)),
    scenario("h2-rtt120", round_trip(120), frames(TRAFFIC)),
    scenario("h2-rtt40-loss", lossy(40), frames(TRAFFIC)),
    scenario("h2-rtt40-gso", super_packets(round_trip(40)), frames(TRAFFIC)),
    scenario("h2-rtt40-slow", slow(40, 100), frames(TRAFFIC)),
    scenario("h2-rtt40-newconn", round_trip(40), frames(FRESH)),
    scenario("h2-rtt40-small", round_trip(40), frames(SMALL)),
    scenario("h2-rtt40-small-loss", lossy(40), frames(SMALL)),
    long("h2-rtt40-idle", round_trip(40), frames(IDLE)),
    scenario("h2-rtt40-quick", round_trip(40), frames(QUICK)),
    scenario("h2-rtt40-late-body", round_trip(40), frames(LATE_BODY)),
];

/// The one that needs no network of its own: the machine's loopback interface.
pub(crate) const LOOPBACK: Scenario = scenario("h1-lo", round_trip(0), TRAFFIC);

impl Scenario {
    /// How many requests to send where a scenario of quick ones sends so many; at least one.
    pub(crate) fn requests(&self, most: usize) -> usize {
        most.div_ceil(self.one_in).max(1)
    }
}

impl Network {
    /// What happens to packets to the provider, and to those from it.
    pub(crate) fn lines(&self) -> [LineSettings; 2] {
        let there = LineSettings {
            delay: Duration::from_millis(self.round_trip_ms) / 2,
            loss: self.loss,
            bottleneck: self.bottleneck,
            reordering: self.reordering,
        };
        [there, LineSettings { bottleneck: None, ..there }]
    }
}

impl Traffic {
    /// How many bytes of a picture make such a body: base64 takes four for three.
    pub(crate) const fn picture_bytes(&self) -> RangeInclusive<usize> {
        self.body_kb.0 * 750..=self.body_kb.1 * 750
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use armol_agent::simulation::TimeRange;

    use super::*;

    #[test]
    fn names_are_unique_and_times_are_ranges() {
        let all = SCENARIOS.iter().chain([&LOOPBACK]).collect::<Vec<_>>();
        let names = all.iter().map(|scenario| scenario.name).collect::<BTreeSet<_>>();
        assert_eq!(names.len(), all.len());
        for scenario in all {
            let (least, most) = scenario.traffic.inference_ms;
            assert!(TimeRange::new(least, most).is_ok(), "{}", scenario.name);
            assert!(!scenario.traffic.picture_bytes().is_empty(), "{}", scenario.name);
            assert!(scenario.requests(1) == 1 && scenario.requests(40) >= 10);
        }
    }
}
