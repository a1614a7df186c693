//! What is read from the agent's packets without its help: no markers, only a capture file.
//!
//! One pass over the file feeds the offline path of `armol-analysis` and the rule of the scripts
//! published with Armol. Each row names the client's end and a time; whose call it is, `matching`
//! tells.

use std::{
    fs::File,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use armol_analysis::{
    capture_file::{CaptureFileError, CaptureReader, Damage},
    fragments::Fragments,
    offline::{ExchangeFinder, Finding, FoundExchange, PublishedLag, PublishedRule, StreamFilter},
    split::SplitFlags,
    time::Timestamp,
};
use thiserror::Error;

use crate::method::Estimate;

/// What each way of reading the capture found.
#[derive(Clone, Debug, Default)]
pub(crate) struct CaptureRows {
    /// What the offline path found, those exchanges that it gives times.
    pub(crate) offline: Vec<Row>,
    /// What the published rule found.
    pub(crate) published: Vec<Row>,
}

/// A request that a capture is said to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The client's end.
    pub(crate) client: SocketAddr,
    /// When the request is said to begin.
    pub(crate) began: Timestamp,
    /// When the response is said to begin.
    pub(crate) responded: Timestamp,
    /// How the time between is split.
    pub(crate) estimate: Estimate,
}

/// Why a recording tells nothing.
#[derive(Debug, Error)]
pub(crate) enum CaptureRowsError {
    /// It cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no capture.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: CaptureFileError,
    },
    /// A part of it is missing.
    #[error("{} is not whole, check the disk's space: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
}

impl CaptureRows {
    /// Reads a recording of the connections to a server's port.
    ///
    /// # Errors
    /// Where the file is not there or not whole.
    pub(crate) fn read(path: &Path, port: u16) -> Result<Self, CaptureRowsError> {
        let file = File::open(path)
            .map_err(|source| CaptureRowsError::Open { path: path.to_owned(), source })?;
        let mut reader = CaptureReader::new(file)
            .map_err(|source| CaptureRowsError::Read { path: path.to_owned(), source })?;
        let filter = StreamFilter { server_ports: vec![port], servers: Vec::new() };
        let mut finder = ExchangeFinder::new(filter);
        let mut rule = PublishedRule::new();
        let mut fragments = Fragments::new();
        let mut rows = Self::default();
        let mut sink = |finding| {
            if let Finding::Exchange(found) = finding {
                rows.offline.extend(Row::of_exchange(&found));
            }
        };
        while let Some(captured) = reader.next_frame() {
            if let Some(whole) = fragments.whole(captured) {
                finder.push(whole.link_type, &whole.frame, &mut sink);
                rule.push(whole.link_type, &whole.frame);
            }
        }
        finder.finish(&mut sink);
        rows.published = rule.finish().iter().map(Row::of_lag).collect();
        match reader.into_damage() {
            Some(damage) => Err(CaptureRowsError::Damaged { path: path.to_owned(), damage }),
            None => Ok(rows),
        }
    }
}

impl Row {
    /// The row of an exchange; `None` where its split has no times and so says nothing.
    fn of_exchange(found: &FoundExchange) -> Option<Self> {
        let times = found.split.times?;
        let began = found.split.request_first?;
        Some(Self {
            client: found.client,
            began,
            responded: began.plus(times.upload()).plus(times.inference()),
            estimate: Estimate {
                inference: times.inference(),
                transmission: times.transmission(),
                bounds: times.bounds(),
                flags: found.split.flags,
            },
        })
    }

    /// The row of the published rule, whose network time is upload and round trip.
    fn of_lag(lag: &PublishedLag) -> Self {
        Self {
            client: lag.client,
            began: lag.began,
            responded: lag.responded,
            estimate: Estimate {
                inference: lag.inference,
                transmission: lag.upload.saturating_add(lag.round_trip),
                bounds: None,
                flags: SplitFlags::empty(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use armol_analysis::testing::{
        CaptureFormat, CaptureWriter, CapturedFrame, Connection, client, moment, server,
    };

    use super::*;

    const fn us(microseconds: u64) -> Duration {
        Duration::from_micros(microseconds)
    }

    /// The beginning of a packet that is one TLS record of application data.
    fn record(length: u16) -> Vec<u8> {
        let [high, low] = (length - 5).to_be_bytes();
        vec![23, 3, 3, high, low]
    }

    /// An exchange of plain HTTP and one of TLS whose handshake was not seen.
    fn frames() -> Vec<CapturedFrame> {
        let connection = Connection::ipv4();
        let request = b"GET / HTTP/1.1\r\n\r\n";
        let end = request.len() as u64;
        let plain = connection.frames(&[
            client(0).syn(),
            server(40_000).syn().acknowledges(0),
            client(40_100).acknowledges(0),
            client(41_000).bytes(0, request).acknowledges(0),
            server(81_000).acknowledges(end),
            server(131_000).bytes(0, b"HTTP/1.1 204 No Content\r\n\r\n").acknowledges(end),
        ]);
        let mut other = Connection::ipv4();
        other.client.set_port(50_001);
        let sealed = other.frames(&[
            client(200_000).acknowledges(0),
            client(200_100).bytes(0, &record(1000)).acknowledges(0),
            server(240_000).acknowledges(1000),
            server(300_000).bytes(0, &record(800)).acknowledges(1000),
        ]);
        [plain, sealed].concat()
    }

    fn read(bytes: &[u8]) -> Result<CaptureRows, CaptureRowsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.pcap");
        fs::write(&path, bytes).unwrap();
        CaptureRows::read(&path, 443)
    }

    #[test]
    fn both_ways_of_reading_see_their_requests() {
        let mut writer = CaptureWriter::new(CaptureFormat::PcapNanoseconds, false, 1);
        writer.frames(&frames());
        let rows = read(writer.bytes()).unwrap();
        let found = rows.offline.iter().find(|row| row.client.port() == 50_000).unwrap();
        assert_eq!((found.began, found.responded), (moment(41_000), moment(131_000)));
        assert_eq!(found.estimate.inference, us(50_000));
        let [published] = rows.published[..] else { panic!("{rows:?}") };
        assert_eq!(published.client.port(), 50_001);
        assert_eq!((published.began, published.responded), (moment(200_000), moment(300_000)));
        assert_eq!(published.estimate.inference, us(60_000));
        assert_eq!(published.estimate.transmission, us(40_000));
    }

    #[test]
    fn a_recording_that_is_cut_or_none_is_refused() {
        let mut writer = CaptureWriter::new(CaptureFormat::PcapNanoseconds, false, 1);
        writer.frames(&frames());
        let (_, cut) = writer.bytes().split_last().unwrap();
        assert!(matches!(read(cut), Err(CaptureRowsError::Damaged { .. })));
        assert!(matches!(read(b"text"), Err(CaptureRowsError::Read { .. })));
        let missing = CaptureRows::read(Path::new("/nowhere/run.pcap"), 443);
        assert!(matches!(missing, Err(CaptureRowsError::Open { .. })));
    }
}
