//! What asking several providers would bring: stored answers against ground truth.
//!
//! [`ground_truth`] reads what is truly in the images, [`dataset`] joins it with the newest stored
//! answers, [`baseline`] scores ways to choose whom to ask, [`rendering`] writes the result.

pub mod baseline;
pub mod command;
pub mod dataset;
pub mod direct;
pub mod evaluation;
pub mod evidence;
pub mod explanation;
pub mod features;
pub mod format;
pub mod ground_truth;
pub mod image_index;
pub mod latency;
pub mod linear;
pub mod network;
pub mod objective;
pub mod policy;
pub mod problem;
pub mod reinforcement;
pub mod rendering;
pub mod rewards;
pub mod scoring;
pub mod sequential;
pub mod state;
pub mod subset;
pub mod tariff;
pub mod training;
pub mod trees;

#[cfg(test)]
mod testing;
