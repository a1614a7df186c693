//! What is known of images before the call: the state from which a policy decides whom to ask.
//!
//! With a model, [`preprocessing`] makes of an image what models that were trained on ImageNet expect;
//! [`image_model`] runs such a model, in the ONNX format, in pure Rust, so that nothing has to be
//! installed for it. Without, [`answers`] makes numbers of what one provider said. [`feature_file`]
//! writes either, array by array as `npy` has them. Threads belong to the command.

pub mod answers;
pub mod feature_file;
pub mod image_model;
pub(crate) mod npy;
pub mod preprocessing;

/// The nearest number of single precision: what networks calculate in.
#[expect(clippy::cast_possible_truncation, reason = "features need no more than single precision")]
pub(crate) const fn single(value: f64) -> f32 {
    value as f32
}
