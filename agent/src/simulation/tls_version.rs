//! Which version of TLS the simulated providers speak.
//!
//! Real ones speak 1.3 to those who can; 1.2 has another handshake and another first record, which
//! a method of measuring must cope with too.

use clap::ValueEnum;

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TlsVersion {
    /// RFC 5246.
    #[value(name = "1.2")]
    Tls12,
    /// RFC 8446.
    #[default]
    #[value(name = "1.3")]
    Tls13,
}
