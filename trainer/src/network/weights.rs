//! Numbers of a network as text: base64 of their four bytes each, the lowest first.
//!
//! So they are exact, and small within a JSON file that can still be read. For `#[serde(with)]`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes numbers as one text.
///
/// # Errors
/// Where the serializer fails.
pub fn serialize<S: Serializer>(numbers: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Reads numbers, none of which may be infinite or no number.
///
/// # Errors
/// Where the text is not base64 of whole, finite numbers.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(|error| {
        D::Error::custom(format!(
            "numbers are not base64 ({error}); the file is damaged, make it again"
        ))
    })?;
    let (numbers, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(D::Error::custom("numbers are cut short; the file is damaged, make it again"));
    }
    let numbers: Vec<f32> = numbers.iter().copied().map(f32::from_le_bytes).collect();
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(place) => Err(D::Error::custom(format!(
            "number {place} is infinite or none at all; the file is damaged, make it again"
        ))),
        None => Ok(numbers),
    }
}
