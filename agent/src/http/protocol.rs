//! Which version of HTTP a provider is spoken to in.

use std::fmt;

/// A version of HTTP, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1 {
        /// Whether a request's body waits until the provider has seen the head and says that it
        /// wants it.
        expect_continue: bool,
    },
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl Protocol {
    /// Its name in the TLS handshake (RFC 7301).
    pub(super) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 { .. } => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// What `http` is set to for the other version.
    pub(super) const fn other_setting(self) -> &'static str {
        match self {
            Self::Http1 { .. } => "2",
            Self::Http2 => "1.1",
        }
    }
}

impl Default for Protocol {
    fn default() -> Self {
        Self::Http1 { expect_continue: false }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http1 { .. } => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}
