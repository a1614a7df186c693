//! The packet engine's face: frames in, splits out.

use std::{net::SocketAddr, ops::Range};

use crate::{
    frame::{Frame, LinkType},
    split::Split,
    time::Timestamp,
};

/// What the agent noted about one exchange of its own: exact boundaries, so that nothing about
/// TLS records has to be guessed.
///
/// Stream positions count TCP payload bytes from the first byte after the SYN, TLS included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markers {
    /// This machine's end of the connection.
    pub client: SocketAddr,
    /// The provider's end.
    pub server: SocketAddr,
    /// When the agent began to open the connection; tells streams on a reused port apart.
    pub opened_at: Timestamp,
    /// Whether this is the connection's first exchange, to which the handshakes belong.
    pub first: bool,
    /// Client bytes of the TLS handshake, ClientHello to Finished; empty on plain TCP.
    pub handshake: Range<u64>,
    /// The request's bytes in the client's stream.
    pub request: Range<u64>,
    /// The response's bytes in the server's stream; its end is as far as the agent read.
    pub response: Range<u64>,
    /// Whether the agent read the response to its end.
    pub complete: bool,
}

/// Turns frames of live connections into splits; a push state machine without I/O.
#[derive(Debug)]
pub struct Splitter {
    link_type: LinkType,
}

impl Splitter {
    /// A splitter for frames of this link type, watching no connection yet.
    pub fn new(link_type: LinkType) -> Self {
        Self { link_type }
    }

    /// Keeps what it sees of connections from this local port; call it before connecting.
    pub fn watch(&mut self, local_port: u16) {
        let _ = local_port;
    }

    /// Forgets the connections of this local port; call it after closing.
    pub fn unwatch(&mut self, local_port: u16) {
        let _ = local_port;
    }

    /// Takes one frame; frames of connections that are not watched leave no trace.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let _ = (frame, self.link_type);
    }

    /// Whether every byte that the markers name has been seen, with the request acknowledged.
    pub fn has_seen(&self, markers: &Markers) -> bool {
        let _ = markers;
        false
    }

    /// The split of a finished exchange, forgetting all of its connection up to its end; `None`
    /// where no frame of the connection was seen.
    pub fn resolve(&mut self, markers: &Markers) -> Option<Split> {
        let _ = markers;
        None
    }
}
