//! Merging on real and random answers: published figures, a peer, and fitted models.
//!
//! What needs `shared/data` or a package index is skipped without it, with a word about it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "merging/calibrated.rs"]
mod calibrated;
#[path = "merging/detectors.rs"]
mod detectors;
#[path = "merging/ensemble_boxes.rs"]
mod ensemble_boxes;
#[path = "merging/figures.rs"]
mod figures;
#[path = "support/shared.rs"]
mod shared;
