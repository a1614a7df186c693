//! The messages of package `armol.v1`, as generated.
#![expect(
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

include!("v1/armol.v1.rs");
