//! Accepts measurements from agents, stores them, and answers questions about them.
//!
//! Without the feature `server` only [`store`] is built, so that programs that read what is stored
//! need no gRPC.

#[cfg(feature = "server")]
pub mod clock;
#[cfg(feature = "server")]
mod ingest;
#[cfg(feature = "server")]
pub mod query;
#[cfg(feature = "server")]
pub mod report;
#[cfg(feature = "server")]
pub mod serve;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod session;
#[cfg(feature = "server")]
mod status;
pub mod store;
#[cfg(feature = "server")]
pub mod wrong_use;
