//! Policies: ways to choose, image by image, whom to ask.

mod observation;

pub use observation::Observation;
