//! A request's latency, split into the network's part and the server's part.
//!
//! The definitions: *upload* runs from the first transmission of the request's first byte to its
//! arrival at the server as seen from here, *inference* from there to the first byte of the
//! response, *download* to its last. The three sum to the total exactly; *transmission* is upload
//! plus download. The packet engine makes these from frames; without frames the kernel's stamps of
//! the agent's own socket do, or else the application's own times, and the method says so.

use std::{str::FromStr, time::Duration};

use bitflags::bitflags;
use thiserror::Error;

use crate::{outcome::UnknownWord, time::Timestamp};

/// Where a split's times come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SplitMethod {
    /// The agent's own packets, cut at the byte counts that it noted.
    Packets,
    /// The kernel's own stamps of the agent's socket, without any packet.
    Socket,
    /// Timers around socket calls; upload and a round trip hide in its inference.
    Application,
}

impl SplitMethod {
    /// Every method, best first.
    pub const ALL: [Self; 3] = [Self::Packets, Self::Socket, Self::Application];

    /// The word for reports and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Socket => "socket",
            Self::Application => "application",
        }
    }
}

impl FromStr for SplitMethod {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == word)
            .ok_or_else(|| UnknownWord { what: "split method", word: word.to_owned() })
    }
}

bitflags! {
    /// What a reader should know before trusting a split.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SplitFlags: u32 {
        /// A byte of the request or the response was sent more than once.
        const RETRANSMITTED = 1;
        /// The request's acknowledgement came too late to be its arrival; the round trip stands in.
        const DELAYED_ACK = 1 << 1;
        /// The request's acknowledgement rode on the response; the round trip stands in.
        const PIGGYBACKED_ACK = 1 << 2;
        /// The server reported a duplicate, so a retransmission was spurious (RFC 2883).
        const DSACK = 1 << 3;
        /// The stream was already open when it was first seen.
        const NO_HANDSHAKE = 1 << 4;
        /// Bytes of the exchange are missing from the capture.
        const CAPTURE_GAP = 1 << 5;
        /// The kernel dropped frames while the exchange was under way.
        const KERNEL_DROPS = 1 << 6;
        /// The response began before the request was complete.
        const EARLY_RESPONSE = 1 << 7;
        /// A segment carried bytes of more than one exchange.
        const SHARED_SEGMENT = 1 << 8;
        /// The wall clock was stepped during the exchange.
        const CLOCK_STEPPED = 1 << 9;
        /// The round trip was not measured on this upload, but earlier on the connection.
        const RTT_BORROWED = 1 << 10;
        /// The response was cut before its end.
        const TRUNCATED = 1 << 11;
        /// It paused or took longer than any request would: another protocol on the same port.
        const IMPLAUSIBLE = 1 << 12;
        /// A packet of the server between the request's arrival and the response did not arrive:
        /// the response may have been sent before, and come again after a while.
        const HIDDEN_LOSS = 1 << 13;
    }
}

impl SplitFlags {
    /// The flags' words in lower case, in the order of their bits.
    pub fn words(self) -> Vec<String> {
        self.iter_names().map(|(name, _)| name.to_lowercase()).collect()
    }
}

/// The three parts of an exchange's time, and how far the middle one may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitTimes {
    upload: Duration,
    inference: Duration,
    download: Duration,
    bounds: Option<InferenceBounds>,
}

/// The least and the greatest inference time that the frames allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InferenceBounds {
    /// Not less than this: a delayed acknowledgement only shrinks it.
    pub low: Duration,
    /// Not more than this: queueing only grows it.
    pub high: Duration,
}

/// An inference time outside its own bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("inference {inference:?} lies outside its bounds {:?} to {:?}", bounds.low, bounds.high)]
pub struct OutOfBounds {
    /// The time.
    pub inference: Duration,
    /// The bounds that do not hold it.
    pub bounds: InferenceBounds,
}

impl SplitTimes {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Returns the bounds where they do not hold the inference time.
    pub fn new(
        upload: Duration,
        inference: Duration,
        download: Duration,
        bounds: Option<InferenceBounds>,
    ) -> Result<Self, OutOfBounds> {
        match bounds {
            Some(bounds) if inference < bounds.low || inference > bounds.high => {
                Err(OutOfBounds { inference, bounds })
            }
            _ => Ok(Self { upload, inference, download, bounds }),
        }
    }

    /// First byte of the request sent, until the server had all of it.
    pub const fn upload(self) -> Duration {
        self.upload
    }

    /// The server had the request, until the first byte of its response.
    pub const fn inference(self) -> Duration {
        self.inference
    }

    /// First byte of the response, until its last.
    pub const fn download(self) -> Duration {
        self.download
    }

    /// How far the inference time may be off; `None` where the method cannot tell.
    pub const fn bounds(self) -> Option<InferenceBounds> {
        self.bounds
    }

    /// The network's part: upload plus download.
    pub fn transmission(self) -> Duration {
        self.upload.saturating_add(self.download)
    }

    /// All of it.
    pub fn total(self) -> Duration {
        self.transmission().saturating_add(self.inference)
    }
}

/// What is known of one exchange's latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Where the times come from.
    pub method: SplitMethod,
    /// The parts; `None` where a flag says why they would mean nothing.
    pub times: Option<SplitTimes>,
    /// When the request's first byte was first sent.
    pub request_first: Option<Timestamp>,
    /// First SYN to SYN-ACK; `None` for an exchange on a connection already open.
    pub connect: Option<Duration>,
    /// ClientHello to the end of the TLS handshake; `None` as for `connect`.
    pub tls: Option<Duration>,
    /// The round trip used for this split.
    pub rtt: Option<Duration>,
    /// The request's bytes in the TCP stream, TLS included.
    pub request_bytes: u64,
    /// The response's bytes in the TCP stream, TLS included.
    pub response_bytes: u64,
    /// Segments of this exchange that were sent more than once, both ways.
    pub retransmissions: u32,
    /// What a reader should know before trusting the times.
    pub flags: SplitFlags,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn parts_sum_to_the_total() {
        let times = SplitTimes::new(ms(5), ms(30), ms(2), None).unwrap();
        assert_eq!(times.transmission(), ms(7));
        assert_eq!(times.total(), ms(37));
    }

    #[test]
    fn refuses_an_inference_outside_its_bounds() {
        let bounds = InferenceBounds { low: ms(31), high: ms(40) };
        assert!(SplitTimes::new(ms(5), ms(30), ms(2), Some(bounds)).is_err());
    }

    #[test]
    fn flags_have_words() {
        let flags = SplitFlags::DELAYED_ACK | SplitFlags::TRUNCATED;
        assert_eq!(flags.words(), ["delayed_ack", "truncated"]);
    }
}
